# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How far two runs of the lab agree.

Compared are p50 and mean of every row (those of demand among them), what a page costs
in scans and when it is filled, how demand and filling get on, and the starts from a hot
set: whatever instructions were counted for. Not what is timed by the wall clock.
"""

LIMIT = 0.005


def name_of(row):
    fabric = "" if row["fabric_ns"] is None else f", fabric {row['fabric_ns']} ns"
    stride = f", stride {row['stride']}" if "stride" in row else ""
    return f"{row['row']}, {row['access']}{fabric}{stride}"


def row_values(row):
    for key in ("p50", "mean"):
        yield f"{key} of {name_of(row)}", row["instructions"][key]
    if "per_page" in row:
        yield f"per_page of {name_of(row)}", row["per_page"]


def values(results):
    """(what it is, number) of all that is compared, in an order that does not change."""
    for row in results["rows"]:
        yield from row_values(row)
    for way in (results["fill"] or {"ways": []})["ways"]:
        yield f"per_page_ns of {way['name']}", way["per_page_ns"]
    for report in results["demand"]:
        for key in ("fill_rate_ratio", "p50_ratio", "mean_ratio"):
            yield f"{key} of demand, {report['access']}", report[key]
    for start in results["starts"]:
        yield f"instructions of bash's {start['start']} start", start["instructions"]
        yield f"faults and reads of bash's {start['start']} start", \
            start["faults"] + start["reads"]
    if results["create"]:
        yield "instructions of create", results["create"]["instructions"]


def agreement(first, second):
    """The worst relative difference, and of what it is; both runs had the same plan."""
    pairs = [(abs(a - b) / max(abs(a), abs(b), 1), what)
             for (what, a), (_, b) in zip(values(first), values(second), strict=True)]
    worst, what = max(pairs, default=(0, "nothing"))
    return {"worst": worst, "of": what, "values": len(pairs), "limit": LIMIT}
