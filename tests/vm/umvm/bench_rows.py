# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rows of the lab's results, out of what umem-bench reports."""

P99_9_TOUCHES = 100000


def enough(percentile, touches):
    """Whether so many touches tell of it: a hundred should be above."""
    return percentile < 99.9 or percentile == 100 or touches >= P99_9_TOUCHES


def rows_of(run, report):
    for row in report["rows"]:
        touches, times = row["touches"], row["latency_ns"]
        if not enough(99.9, touches):
            times = {**times, "p99_9": None}
        yield {"row": row["kind"], "fabric_ns": run["fabric_ns"],
               "access": run["access"], "wait": run["wait"],
               **{key: run[key] for key in ("net", "bandwidth", "hold") if key in run},
               "touches": touches, "faults": row["faults"],
               "instructions": times,
               "distribution": [pair for pair in row["distribution_ns"]
                                if enough(pair[0], touches)],
               **({"stride": run["stride"], "readahead": run["readahead"],
                   "per_page": round(row["total_ns"] / touches, 1)}
                  if "stride" in run else {}),
               **({"umem": row["umem"]} if "umem" in row else {})}
