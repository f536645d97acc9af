# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab's results for people, line by line."""

from .bench_ratios import LEAST_FILL
from .bench_targets import CREATE_LIMITS, target_lines


def number(value):
    """As a percentile that was not measured with enough touches."""
    return "-" if value is None else f"{value:.0f}"


def fabric(row):
    """Of what a row was fetched: the latency, and the bandwidth if there is a limit."""
    if row["fabric_ns"] is None:
        return row.get("net", "-")
    limit = f", {row['bandwidth'] * 8 // 10**9} Gb/s" if row.get("bandwidth") else ""
    return f"{row['fabric_ns'] / 1000:g} us{limit}"


def touch_table(rows):
    yield f"{'instructions a touch':20} {'fabric':>14} {'wait':5} {'access':6} " \
          f"{'p50':>8} {'mean':>8} {'p90':>8} {'p99':>8} {'p99.9':>8} {'touches':>7} " \
          f"{'faults':>7}"
    for row in rows:
        n = row["instructions"]
        name = row["row"] + ("" if row.get("hold", 1) else ", -")
        yield f"{name:20} {fabric(row):>14} {row['wait'] or '-':5} {row['access']:6} " + \
              " ".join(f"{number(n[key]):>8}" for key in
                       ("p50", "mean", "p90", "p99", "p99_9")) + \
              f" {row['touches']:7} {row['faults']:7}"
    if any(row.get("hold") == 0 for row in rows):
        yield 'With ", -" behind its name: without memory that is held meanwhile.'


def scan_table(rows):
    yield f"{'instructions a page':20} {'order':>9} {'ahead':>6} {'access':6} " \
          f"{'per page':>9} {'p50':>8} {'mean':>8} {'faults':>7}  read-ahead"
    for row in rows:
        umem = row.get("umem", {})
        counts = " ".join(f"{key[10:]} {value}" for key, value in umem.items()
                          if key.startswith("readahead_"))
        order = f"stride {row['stride']}" if row["stride"] else "random"
        ahead = f"{row['readahead'] >> 10}K" if umem else "-"
        n = row["instructions"]
        yield f"{row['row']:20} {order:>9} {ahead:>6} {row['access']:6} " \
              f"{row['per_page']:9.0f} {n['p50']:8.0f} {n['mean']:8.0f} " \
              f"{row['faults']:7}  {counts}"


def demand_line(report):
    limit = fabric({**report, "fabric_ns": report["fabric_ns"]})
    held = "" if report["hold"] else ", no memory held"
    ratios = ", ".join(f"{name} {report[f'{name}_ratio']:.3f}"
                       for name in ("p50", "mean", "p90", "p99"))
    return f"{report['access']}s while filling, {limit}{held}: {ratios} of idle, " \
           f"filling at {report['fill_rate_ratio']:.3f} of its idle rate" + \
           ("" if report["holds"] else f": FAILED, less than {LEAST_FILL}")


def start_line(start):
    return "bash, {start} start: {instructions} instructions until its mark; {faults} " \
           "faults and {reads} reads found something missing, and waited; {prefetches} " \
           "prefetched".format(**start)


def more_lines(results):
    """What is no row."""
    for start in results["starts"]:
        yield start_line(start)
    if results["fill"]:
        for way in results["fill"]["ways"]:
            yield f"{way['name']:20} {way['per_page_ns']:8.0f} instructions a page"
    for report in results["demand"]:
        yield demand_line(report)
    for report in results["scaling"]:
        yield f"{report['access']}s on two CPUs (wall clock): " + ", ".join(
            f"{memory['name']} {memory['scaling']:.3f} times those on one"
            for memory in report["memories"]) + f", quotient {report['vs_tmpfs']:.3f}"
    if results["create"]:
        yield "a region of {size} bytes: created in {instructions} instructions, costs " \
              "{memory} bytes, of free memory {free_memory_taken}" \
              .format(**results["create"]) + \
              f"; limits {CREATE_LIMITS['instructions']} and {CREATE_LIMITS['memory']}"


def agreement_line(agreement):
    return f"two boots: {agreement['values']} values agree within " \
           f"{agreement['worst'] * 100:.3f} % (worst: {agreement['of']}); the limit is " \
           f"{agreement['limit'] * 100:g} %"


def all_lines(results):
    touches = [row for row in results["rows"] if "stride" not in row]
    scans = [row for row in results["rows"] if "stride" in row]
    if touches:
        yield from touch_table(touches)
    if scans:
        yield from scan_table(scans)
    yield from more_lines(results)
    yield from target_lines(results["targets"])
    if results["agreement"]:
        yield agreement_line(results["agreement"])
