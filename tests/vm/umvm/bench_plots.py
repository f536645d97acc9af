# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pictures of the lab's rows, by gnuplot, as SVG beside results.json."""

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

BARS = HEAD + """\
set output "{output}"
set title "{title}"
set ylabel "pages per million instructions"
set yrange [0:*]
set offsets 0, 0, graph 0.1, 0
set style fill solid 0.6
set boxwidth 0.8
set xtics rotate by -35
unset key
set bmargin 11
set rmargin 14
plot "-" using 0:2:xtic(1) with boxes, "" using 0:2:2 with labels offset 0,0.6
{data}e
{data}e
"""


def curve(row):
    return "\n".join(f"{100 / max(100 - percentile, 0.005):g} {max(value, 1)}"
                     for percentile, value in row["distribution"] if percentile < 100)


def touch_label(row):
    """What tells a row from the others of its picture."""
    limit = ", 100 Gb/s" if row.get("bandwidth") else ""
    held = ", no memory held" if row.get("hold") == 0 else ""
    return row["row"] + limit + held


def latency(rows, title, output):
    blocks = "".join(f"$row{i} << END\n{curve(row)}\nEND\n" for i, row in enumerate(rows))
    curves = ", ".join(f'$row{i} using 1:2 with lines lw 2 title "{touch_label(row)}"'
                       for i, row in enumerate(rows))
    return blocks + LATENCY.format(output=output, curves=curves, title=title)


def scan_label(row):
    order = f"stride {row['stride']}" if row["stride"] else "random"
    ahead = f", ahead {row['readahead'] >> 10}K" if "readahead_asked" in row.get("umem", {}) \
        else ""
    return f"{row['row']}, {order}{ahead}"


def bars(pairs, title, output):
    data = "".join(f'"{label}" {1e6 / max(per_page, 1):.0f}\n' for label, per_page in pairs)
    return BARS.format(output=output, data=data, title=title)


def scans(rows, title, output):
    return bars([(scan_label(row), row["per_page"]) for row in rows], title, output)


def fill(ways, title, output):
    return bars([(way["name"], way["per_page_ns"]) for way in ways], title, output)


def touch_pictures(rows, access):
    plain = [row for row in rows if row["fabric_ns"] is None and "net" not in row]
    base = [row for row in plain if row["row"] == "tmpfs-first"]
    what = f"first {access} of a page"
    yield latency, f"latency-plain-{access}", f"no fabric: {what}", plain
    demand = [row for row in rows if "hold" in row]
    yield latency, f"demand-{access}", \
        f"a {access} every 50 us at 3 us, while the region fills and while nobody fills", demand
    rows = [row for row in rows if row not in demand]
    for fabric, wait in sorted({(row["fabric_ns"], row["wait"] or "")
                                for row in rows if row["fabric_ns"] is not None}):
        words = [f"{fabric / 1000:g}us"] + ([wait] if wait else [])
        yield latency, f"latency-{'-'.join(words)}-{access}", \
            f"simulated fabric of {' '.join(words)}: {what}", \
            base + [row for row in rows if (row["fabric_ns"], row["wait"] or "") ==
                    (fabric, wait)]
    net = [row for row in rows if "net" in row]
    yield latency, f"latency-rxe-{access}", f"Soft-RoCE: {what}", net and base + net


def scan_pictures(rows, access):
    yield scans, f"scan-present-{access}", f"scans of what is there, {access}", \
        [row for row in rows if not row["fabric_ns"]]
    yield scans, f"scan-10us-{access}", f"scans, simulated fabric of 10 us, {access}", \
        [row for row in rows if row["fabric_ns"]]


def pictures(results):
    """(how it is drawn, name, title, rows) of each; touches of tmpfs are in all for
    comparison. Not those that were measured once more for their p99."""
    for access in ("read", "write"):
        rows = [row for row in results["rows"] if row["access"] == access]
        yield from touch_pictures([row for row in rows if "stride" not in row and
                                   row["touches"] <= results["touches"]], access)
        yield from scan_pictures([row for row in rows if "stride" in row], access)
    yield fill, "fill", "having all bytes of an export by Soft-RoCE, and of tmpfs", \
        (results["fill"] or {"ways": []})["ways"]


def scripts(results):
    """(name of the picture, how to draw it); those without rows are left out."""
    for draw, name, title, rows in pictures(results):
        if rows:
            yield f"{name}.svg", draw(rows, title, f"{name}.svg")


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
        names.append(name)
    return f"plots in {directory}: {' '.join(names)}"
