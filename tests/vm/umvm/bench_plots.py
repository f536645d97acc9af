# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pictures of the lab's rows, by gnuplot, as SVG beside results.json."""

import os
import shutil
import subprocess

HEAD = """\
set terminal svg size 1000,640 dynamic font "sans,13" background "white"
set grid
"""

# The end of the scale is never reached: a percentile p is drawn at 100 / (100 - p).
LATENCY = HEAD + """\
set output "{output}"
set title "{title}"
set xlabel "percentile of the touches"
set ylabel "instructions a touch"
set logscale xy
set xrange [1:20000]
set xtics ("0" 1, "50" 2, "90" 10, "99" 100, "99.9" 1000, "99.99" 10000)
set key outside right top vertical
plot {curves}
"""

SCAN = HEAD + """\
set output "{output}"
set title "{title}"
set ylabel "pages per million instructions"
set yrange [0:*]
set offsets 0, 0, graph 0.1, 0
set style fill solid 0.6
set boxwidth 0.8
set xtics rotate by -35
unset key
set bmargin 9
plot "-" using 0:2:xtic(1) with boxes, "" using 0:2:2 with labels offset 0,0.6
{data}e
{data}e
"""


def label(row):
    """Words of a row that distinguish it from others of its access."""
    words = [row["row"]]
    if row["fabric_ns"] is not None:
        words.append(f"{row['fabric_ns'] / 1000:g} us")
    if row["wait"]:
        words.append("asleep" if row["wait"] == "sleep" else "polled")
    return " ".join(words)


def curve(row):
    return "\n".join(f"{100 / max(100 - percentile, 0.005):g} {max(value, 1)}"
                     for percentile, value in row["distribution"] if percentile < 100)


def latency(rows, access, output):
    blocks = "".join(f"$row{i} << END\n{curve(row)}\nEND\n" for i, row in enumerate(rows))
    curves = ", ".join(f'$row{i} using 1:2 with lines lw 2 title "{label(row)}"'
                       for i, row in enumerate(rows))
    return blocks + LATENCY.format(output=output, curves=curves,
                                   title=f"First {access} of a page")


def scan_label(row):
    order = f"every {row['stride']}." if row["stride"] > 1 else \
        "in order" if row["stride"] else "random"
    ahead = f", ahead {row['readahead'] >> 10}K" if "readahead_asked" in row.get("umem", {}) \
        else ""
    return f"{label(row)}, {order}{ahead}".replace(" 10 us polled", "")


def scans(rows, access, output):
    data = "".join(f'"{scan_label(row)}" {1e6 / max(row["per_page"], 1):.1f}\n' for row in rows)
    return SCAN.format(output=output, data=data, title=f"Scans, {access}")


def scripts(results):
    """(name of the picture, how to draw it); those without rows are left out."""
    for access in ("read", "write"):
        rows = [row for row in results["rows"] if row["access"] == access]
        kinds = {
            "latency-sim": [row for row in rows
                            if "stride" not in row and "net" not in row],
            "latency-rdma": [row for row in rows if "net" in row],
            "scan": [row for row in rows if "stride" in row],
        }
        for kind, chosen in kinds.items():
            name = f"{kind}-{access}.svg"
            draw = scans if kind == "scan" else latency
            if chosen:
                yield name, draw(chosen, access, name)


def plot(results, directory):
    """Draws all; a sentence on what became of it."""
    if not shutil.which("gnuplot"):
        return "no plots: gnuplot is missing here; run: apt-get install gnuplot-nox"
    names = []
    for name, script in scripts(results):
        done = subprocess.run(["gnuplot"], input=script, text=True, cwd=directory,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode:
            return f"no plot {name}: gnuplot says: {done.stderr.strip()}"
        names.append(os.path.join(directory, name))
    return "plots: " + " ".join(names)
