#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab's figures, out of rows that are made up: each key's formula, what becomes of
it without a row it needs, its limit; the tables; the pictures."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../vm"))
from umvm import bench_agree, bench_plots, bench_ratios, bench_table  # noqa: E402
from umvm import bench_rows, bench_targets  # noqa: E402

KEYS = """sim0_rd_added sim0_wr_added sim0_p99_added sim3_rd_added sim3_wr_added
    sim10_rd_added sim10_wr_added sim3_added_vs_uffd sim10_added_vs_uffd
    sim10_sleep_wr_added rxe_added_vs_uffd rxe_vs_nvmeof provided_wr_vs_tmpfs
    provided_scan_vs_tmpfs finalized_vs_tmpfs seq_scan_vs_tmpfs stride3_scan_vs_tmpfs
    random_readahead_cost fill_vs_raw demand_p99_during_fill smp2_vs_tmpfs_scaling
    hotset_fault_reduction""".split()

# In this order, then of both means.
LIMITS = [0, 450, 1500, 100, 600, 100, 600, 0.08, 0.08, 4500, 0.25, 1, 1.02, 1.02, 1.005,
          1.1, 1.2, 1.03, 0.9, 1.5, 0.9, 0.9, 0, 450]

number = 0      # of results so far
failed = 0


def check(name, right, why=""):
    global number, failed
    number += 1
    failed += not right
    print(f"{'ok' if right else 'not ok'} {number} - {name}")
    if not right and why:
        print(f"# {why}")


def equal(name, got, want):
    check(name, got == want, f"got {got}, want {want}")


# ---- Made-up results ------------------------------------------------------

def row(name, access, p50, fabric=None, wait=None, touches=2048, **more):
    """The mean is 100 and the p99 1000 above the p50, where nothing else is said."""
    times = {"p50": p50, "mean": p50 + 100, "p90": p50 + 500, "p99": p50 + 1000,
             "p99_9": None, "max": p50 + 9000, "min": p50 - 10}
    return {"row": name, "access": access, "fabric_ns": fabric, "wait": wait,
            "touches": touches, "faults": touches,
            "instructions": {**times, **more.pop("times", {})},
            "distribution": [[0, p50 - 10], [50, p50], [99, p50 + 1000], [100, p50 + 9000]],
            **more}


def scan(name, access, stride, readahead, per_page, p50=5000, **more):
    return row(name, access, p50, stride=stride, readahead=readahead, per_page=per_page,
               **more)


def served():
    """The farther the fabric, the more is added to tmpfs's and to its latency."""
    yield row("tmpfs-first", "read", 6000)
    yield row("tmpfs-first", "write", 5000)
    yield row("umem-sim", "read", 5900, 0)
    yield row("umem-sim", "write", 5400, 0)
    for fabric in (3000, 10000):
        yield row("umem-sim", "read", 6000 + fabric + fabric // 100, fabric, "spin")
        yield row("umem-sim", "write", 5000 + fabric + fabric // 20, fabric, "spin")
        for kind, extra in (("block", 9000), ("poll", 1), ("yield", 10000)):
            yield row(f"uffd-sim-{kind}", "read", 6000 + fabric + extra, fabric, "spin")
            yield row(f"uffd-sim-{kind}", "write", 5000 + fabric + extra, fabric, "spin")
    yield row("umem-sim", "write", 20000, 10000, "sleep")
    yield row("uffd-sim-block", "write", 1, 10000, "sleep")
    # Once more with enough touches for p99 and mean; its p50 is nobody's.
    for access, extra in (("read", 300), ("write", 700)):
        yield row("tmpfs-first", access, 1, touches=16384, times={"p99": 9000, "mean": 5100})
        yield row("umem-sim", access, 1, 0, touches=16384,
                  times={"p99": 9000 + extra, "mean": 5100.04 + extra})


def over_rdma():
    for access, base in (("read", 6000), ("write", 5000)):
        for name, p50 in (("raw-verbs", 40000), ("umem-rdma", 41000 + base),
                          ("uffd-verbs-block", 60000 + base),
                          ("uffd-verbs-yield", 50000 + base), ("uffd-verbs-poll", 40001),
                          ("nvmeof", 100000 if access == "read" else 92000)):
            yield row(name, access, p50, net="rxe")


def there():
    for access in ("read", "write"):
        for name, p50, page in (("present", 1900, 900), ("umem-provided", 1940, 909),
                                ("umem-finalized", 1902, 909)):
            yield row(name, access, p50)
            # The mean is 100 more than the p50, and less good for writes.
            page += 91 * (access == "write" and name != "present")
            yield scan(name, access, 1, 0, page * page, page - 100)
    yield scan("umem-holed", "read", 1, 0, 3000, fabric=0)


def ahead():
    for access, factor in (("read", 1), ("write", 2)):
        for stride, page in ((1, 5000), (3, 6000), (0, 7000)):
            more = {"fabric": 10000, "wait": "spin", "bandwidth": 12500000000}
            yield scan("tmpfs-first", access, stride, 262144, page, **more)
            yield scan("umem-sim", access, stride, 262144, page + 100 * factor * (stride + 1),
                       p50=5000, umem={"readahead_asked": 5, "readahead_hits": 4}, **more)
        yield scan("umem-sim", access, 0, 0, 7000, p50=4900, **more)


def demand_rows():
    for bandwidth, hold in ((0, 1 << 24), (12500000000, 1 << 24), (0, 0)):
        for name in ("demand-idle", "demand-filling"):
            yield row(name, "read", 9000, 3000, "spin", bandwidth=bandwidth, hold=hold)


def report(access, p99, rate=0.7, bandwidth=0, hold=1 << 24):
    return {"access": access, "p50_ratio": 1.2, "mean_ratio": 1.19, "p90_ratio": 1.21,
            "p99_ratio": p99, "fill_rate_ratio": rate, "bandwidth": bandwidth,
            "hold": hold, "fabric_ns": 3000, "holds": rate >= 0.5}


def start(name, faults, reads):
    return {"start": name, "faults": faults, "reads": reads, "prefetches": 0,
            "instructions": 5000000}


STARTS = [start("first", 170, 10), start("second", 8, 1), start("beside", 90, 3)]
FILL = {"fill_vs_raw": 1.25, "ways": [{"name": "raw-verbs", "per_page_ns": 40000.0},
                                      {"name": "umem-fill", "per_page_ns": 50000.0}]}
DEMAND = [report("read", 1.1), report("write", 1.3), report("write", 3, bandwidth=1),
          report("write", 4, hold=0), report("write", 5, rate=0.2, bandwidth=1)]
MEMORIES = [{"name": name, "scaling": 1.8} for name in ("tmpfs-first", "umem-sim")]
SCALING = [{"access": access, "vs_tmpfs": vs, "memories": MEMORIES}
           for access, vs in (("read", 0.97), ("write", 0.95))]
EXTRA = {"starts": STARTS, "fill": FILL, "demand": DEMAND, "scaling": SCALING}
ROWS = [*served(), *over_rdma(), *there(), *ahead(), *demand_rows()]

# By hand, of the rows above.
WANT = {
    "sim0_rd_added": 5900 - 6000,
    "sim0_wr_added": 5400 - 5000,
    "sim0_p99_added": 700,                      # the worse, of the longer rows
    "sim3_rd_added": 30, "sim3_wr_added": 150,
    "sim10_rd_added": 100, "sim10_wr_added": 500,
    "sim3_added_vs_uffd": round(150 / 9000, 4),     # not of poll, the cheapest
    "sim10_added_vs_uffd": round(500 / 9000, 4),
    "sim10_sleep_wr_added": 20000 - 5000 - 10000,
    "rxe_added_vs_uffd": 0.1,                   # (41000 - 40000) / (50000 - 40000)
    "rxe_vs_nvmeof": 0.5,                       # 46000 / 92000; 47000 / 100000 is less
    "provided_wr_vs_tmpfs": 1.02,               # 2040 / 2000
    "provided_scan_vs_tmpfs": 1.01,             # 909 / 900, not of per_page
    "finalized_vs_tmpfs": 1.01,                 # the scan is worse than 2002 / 2000
    "seq_scan_vs_tmpfs": 1.08,                  # (5000 + 400) / 5000, of writes
    "stride3_scan_vs_tmpfs": round(6800 / 6000, 4),
    "random_readahead_cost": round(7200 / 7000, 4),
    "fill_vs_raw": 1.25,
    "demand_p99_during_fill": 1.3,
    "smp2_vs_tmpfs_scaling": 0.95,
    "hotset_fault_reduction": 0.95,             # 1 - 9 / 180
}


def results(rows=None, create=None):
    rows = ROWS if rows is None else rows
    ratios = bench_ratios.ratios(rows, **EXTRA)
    return {"rows": rows, "touches": 2048, "ratios": ratios, **EXTRA,
            "targets": bench_targets.targets({**ratios, **bench_ratios.means(rows)}),
            "create": create or {"size": 1 << 40, "instructions": 7000000,
                                 "memory": 33556608, "free_memory_taken": 33000000},
            "agreement": None}


# ---- Tests ----------------------------------------------------------------

def test_ratios():
    got = bench_ratios.ratios(ROWS, **EXTRA)
    equal("the keys", sorted(got), sorted(KEYS))
    for key in KEYS:
        equal(key, got[key], WANT[key])
    equal("means, of the longer rows", bench_ratios.means(ROWS),
          {"sim0_rd_added_mean": 300.0, "sim0_wr_added_mean": 700.0})


def test_random_p50():
    """The p50 of random touches counts as well as what all of it takes."""
    rows = [r if r["row"] != "umem-sim" or r.get("stride") != 0 or not r["readahead"] else
            {**r, "instructions": {**r["instructions"], "p50": 5390}} for r in ROWS]
    equal("random_readahead_cost by p50", bench_ratios.ratios(rows)["random_readahead_cost"],
          round(5390 / 4900, 4))


def needs(key, *lost, **extra):
    """Without rows that `lost` says, the key is None, and no key fails."""
    rows = [r for r in ROWS if not any(word(r) for word in lost)]
    equal(f"{key} without what it needs",
          {**bench_ratios.ratios(rows, **{**EXTRA, **extra}), **bench_ratios.means(rows)}[key],
          None)


def test_missing():
    equal("nothing was measured", bench_ratios.ratios([]), dict.fromkeys(KEYS))

    def named(*names):
        return lambda r: r["row"] in names
    for key in ("sim0_rd_added", "sim3_wr_added", "sim0_p99_added", "sim0_wr_added_mean",
                "rxe_added_vs_uffd"):
        needs(key, lambda r: r["row"] == "tmpfs-first" and "stride" not in r)
    needs("rxe_added_vs_uffd", named("raw-verbs"))
    needs("sim3_added_vs_uffd", named("uffd-sim-block", "uffd-sim-yield"))
    needs("rxe_vs_nvmeof", named("nvmeof"))
    needs("provided_wr_vs_tmpfs", named("present"))
    needs("seq_scan_vs_tmpfs", lambda r: r.get("stride") == 1)
    needs("stride3_scan_vs_tmpfs", lambda r: r.get("stride") == 3)
    needs("random_readahead_cost", lambda r: r.get("stride") == 0)
    needs("demand_p99_during_fill", demand=[report("read", 1.1), report("write", 1, 0.49)])
    needs("demand_p99_during_fill", demand=[report("read", 1.1, hold=0)])
    needs("hotset_fault_reduction", starts=[])
    needs("smp2_vs_tmpfs_scaling", scaling=[])
    needs("fill_vs_raw", fill=None)


def test_targets():
    found = bench_targets.targets({**bench_ratios.ratios(ROWS, **EXTRA),
                                   **bench_ratios.means(ROWS)})
    equal("a target for each key and both means", sorted(found),
          sorted(KEYS + ["sim0_rd_added_mean", "sim0_wr_added_mean"]))
    missed = sorted(key for key, target in found.items() if not target["met"])
    equal("what is missed", missed,
          sorted(["finalized_vs_tmpfs", "sim0_rd_added_mean", "sim0_wr_added_mean",
                  "sim10_sleep_wr_added"]))
    equal("the limits", {key: limit for key, (_, limit) in bench_targets.TARGETS.items()},
          dict(zip(KEYS + ["sim0_rd_added_mean", "sim0_wr_added_mean"], LIMITS)))
    for key, (sense, limit) in bench_targets.TARGETS.items():
        step = {"at most": 1e-6, "at least": -1e-6, "below": 0}[sense]
        met = bench_targets.targets({key: limit - (1e-6 if sense == "below" else 0)})[key]
        beyond = bench_targets.targets({key: limit + step})[key]
        equal(f"{key} at its limit, and beyond", (met["met"], beyond["met"]), (True, False))
    equal("not measured is neither", {target["met"] for target in
                                      bench_targets.targets({}).values()}, {None})


def test_create():
    right = {"size": 1 << 40, "instructions": 50000000, "memory": 33 << 20,
             "free_memory_taken": 33 << 20}
    equal("a region at its limits", list(bench_targets.create_excess(right)), [])
    for key in ("instructions", "memory", "free_memory_taken"):
        said = list(bench_targets.create_excess({**right, key: right[key] + 1}))
        check(f"one more of {key}", len(said) == 1 and str(right[key] + 1) in said[0], said)
    equal("none was made", list(bench_targets.create_excess(None)), [])


def test_agreement():
    found = bench_agree.agreement(results(), results())
    equal("a run agrees with itself", (found["worst"], found["limit"]), (0, 0.005))
    other = results([{**r, "instructions": {**r["instructions"], "mean": 8800}}
                     if r["row"] == "demand-filling" else r for r in ROWS])
    found = bench_agree.agreement(results(), other)
    check("a row of demand differs", found["of"].startswith("mean of demand-filling") and
          abs(found["worst"] - 300 / 9100) < 1e-9, found)
    other = {**results(), "fill": {"ways": [{**FILL["ways"][0], "per_page_ns": 44000.0},
                                            FILL["ways"][1]]}}
    equal("a way to fill differs", bench_agree.agreement(results(), other)["of"],
          "per_page_ns of raw-verbs")
    other = {**results(), "starts": [STARTS[0], start("second", 18, 1), STARTS[2]]}
    equal("a start differs", bench_agree.agreement(results(), other)["of"],
          "faults and reads of bash's second start")


def reported(touches):
    """A row as umem-bench tells of it, and what becomes of it."""
    run = {"fabric_ns": 0, "access": "read", "wait": None, "stride": 1, "readahead": 0}
    told = {"kind": "umem-sim", "touches": touches, "faults": 7, "total_ns": touches * 6000,
            "latency_ns": {"p50": 1, "p99": 2, "p99_9": 3}, "umem": {"faults": 7},
            "distribution_ns": [[50, 1], [99.8, 2], [99.9, 3], [99.99, 4], [100, 5]]}
    made, = bench_rows.rows_of(run, {"rows": [told]})
    return made


def test_rows():
    few, many = reported(99999), reported(100000)
    equal("p99.9 of 99,999 touches is none", few["instructions"]["p99_9"], None)
    equal("and nothing above is drawn but the end", [pair[0] for pair in few["distribution"]],
          [50, 99.8, 100])
    equal("p99.9 of 100,000 touches", many["instructions"]["p99_9"], 3)
    equal("and what is above", [pair[0] for pair in many["distribution"]],
          [50, 99.8, 99.9, 99.99, 100])
    equal("what a page took", many["per_page"], 6000)


def test_table():
    lines = list(bench_table.all_lines(results()))
    for r in ROWS:
        check(f"the table has {r['row']}", any(line.startswith(r["row"]) and
                                              f"{r['instructions']['mean']:.0f}" in line
                                              for line in lines))
    words = next(line for line in lines if line.startswith("tmpfs-first")).split()
    equal("p50, mean, p90 and p99; p99.9 of too few touches is none", words[4:9],
          ["6000", "6100", "6500", "7000", "-"])
    long = list(bench_table.all_lines(results([row("tmpfs-first", "read", 6000,
                                                   times={"p99_9": 23000})])))
    equal("p99.9 where it is known", long[1].split()[8], "23000")
    for key in KEYS:
        line, = [line for line in lines if line.split()[0] == key]
        check(f"{key} has its limit and a verdict", line.split()[-1] in ("met", "missed")
              and any(sense in line for sense in ("at most", "at least", "below")), line)
    check("the three starts", sum(line.startswith("bash, ") for line in lines) == 3)
    check("demand with each fabric", sum("while filling" in line for line in lines) ==
          len(DEMAND))


def test_plots():
    drawn = dict(bench_plots.scripts(results()))
    fabrics = [f"latency-{what}" for what in ("plain", "0us", "3us-spin", "10us-spin", "rxe")]
    want = [f"{name}-{access}.svg" for access in ("read", "write")
            for name in fabrics + ["scan-present", "scan-10us"]]
    want += ["latency-10us-sleep-write.svg", "demand-read.svg", "fill.svg"]
    equal("the pictures", sorted(drawn), sorted(want))
    for name, script in drawn.items():
        check(f"{name} says where it goes", f'set output "{name}"' in script)
    check("the fill has all its ways", all(f'"{way["name"]}" {1e6 / way["per_page_ns"]:.0f}'
                                           in drawn["fill.svg"] for way in FILL["ways"]))
    check("longer rows are not drawn", drawn["latency-plain-read.svg"].count("<< END") == 4,
          drawn["latency-plain-read.svg"])
    check("demand has each of its rows", drawn["demand-read.svg"].count("<< END") == 6)
    check("a point is at 100 / (100 - p)", "\n2 6000\n" in drawn["latency-plain-read.svg"])
    check("what is holed is a scan of what is there",
          "umem-holed" in drawn["scan-present-read.svg"])
    equal("without rows", dict(bench_plots.scripts({"rows": [], "touches": 1, "fill": None})),
          {})


for test in (test_ratios, test_random_p50, test_missing, test_targets, test_create,
             test_agreement, test_rows, test_table, test_plots):
    test()
print(f"1..{number}")
sys.exit(failed > 0)
