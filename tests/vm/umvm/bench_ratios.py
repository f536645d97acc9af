# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The figures by which the lab is judged, out of the rows of one run.

`added` is what a touch costs more than the first touch of tmpfs by the same
access, the fabric's latency taken off as well.  A figure whose rows are not there
is None, as is demand_p99_during_fill when the fill was too slow for it to count.
"""

UFFD = ("uffd-sim-block", "uffd-sim-yield")     # its best fair case: the cheaper
UFFD_VERBS = ("uffd-verbs-block", "uffd-verbs-yield")
ACCESSES = ("read", "write")
LEAST_FILL = 0.5        # of its idle rate: less is no filling

KEYS = (
    "sim0_rd_added", "sim0_wr_added", "sim0_p99_added",
    "sim3_rd_added", "sim3_wr_added", "sim10_rd_added", "sim10_wr_added",
    "sim3_added_vs_uffd", "sim10_added_vs_uffd", "sim10_sleep_wr_added",
    "rxe_added_vs_uffd", "rxe_vs_nvmeof",
    "provided_wr_vs_tmpfs", "provided_scan_vs_tmpfs", "finalized_vs_tmpfs",
    "seq_scan_vs_tmpfs", "stride3_scan_vs_tmpfs", "random_readahead_cost",
    "fill_vs_raw", "demand_p99_during_fill", "smp2_vs_tmpfs_scaling",
    "hotset_fault_reduction",
)


class Rows:
    def __init__(self, rows):
        # A row that was measured with more touches as well is asked for its p99 and mean.
        touches = sorted((r for r in rows if "stride" not in r), key=lambda r: r["touches"])
        self.longest = {self.key(r): r["instructions"] for r in touches}
        self.by = {self.key(r): r["instructions"] for r in reversed(touches)}
        self.scans = {(r["row"], r["stride"], r["readahead"], r["access"]): r
                      for r in rows if "stride" in r}

    @staticmethod
    def key(r):
        return r["row"], r["fabric_ns"], r["access"], r["wait"]

    def p99_added(self, row, access, fabric):
        found = [self.longest.get(key) for key in
                 ((row, fabric, access, None), ("tmpfs-first", None, access, None))]
        return found[0]["p99"] - found[1]["p99"] - fabric if all(found) else None

    def get(self, row, access, fabric=None, wait=None, what="p50"):
        found = self.by.get((row, fabric, access, wait))
        return found[what] if found else None

    def added(self, row, access, fabric, wait=None):
        return self.above(self.get(row, access, fabric, wait), access, fabric)

    def mean_added(self, row, access, fabric):
        """Of the run with most touches: what a region costs once is shared by all."""
        found = [self.longest.get(key) for key in
                 ((row, fabric, access, None), ("tmpfs-first", None, access, None))]
        return round(found[0]["mean"] - found[1]["mean"] - fabric, 1) if all(found) else None

    def above(self, value, access, fabric):
        base = self.get("tmpfs-first", access)
        return None if value is None or base is None else value - base - fabric

    def uffd_added(self, access, fabric, wait):
        """Of the cheapest p50 of its fair cases."""
        values = [self.added(row, access, fabric, wait) for row in UFFD]
        values = [value for value in values if value is not None]
        return min(values) if values else None

    def rxe_added(self, row, access):
        """What is neither the READ by itself nor a first touch of tmpfs."""
        raw = self.get("raw-verbs", access)
        return None if raw is None else self.above(self.get(row, access), access, raw)

    def rxe_vs_uffd(self, access):
        values = [self.rxe_added(row, access) for row in UFFD_VERBS]
        values = [value for value in values if value is not None]
        return quotient(self.rxe_added("umem-rdma", access), min(values, default=None))

    def mean_vs_present(self, row, access):
        return quotient(self.get(row, access, what="mean"),
                        self.get("present", access, what="mean"))

    def scan_mean_vs_present(self, row, access):
        """The touches alone, without what a loop executes between them."""
        scans = [self.scans.get((name, 1, 0, access)) for name in (row, "present")]
        return quotient(*(scan["instructions"]["mean"] for scan in scans)) \
            if all(scans) else None

    def scan_vs_tmpfs(self, stride):
        """All that a page costs while it is scanned; the worse access."""
        return worst(*(quotient(row["per_page"],
                                self.scans[("tmpfs-first", *key[1:])]["per_page"])
                       for key, row in self.scans.items()
                       if key[0] == "umem-sim" and key[1] == stride and key[2]))

    def random_cost(self):
        """With read-ahead by without; the worse of p50, all that a page costs, and access."""
        def pairs():
            for key, row in self.scans.items():
                if key[0] == "umem-sim" and key[1] == 0 and key[2]:
                    base = self.scans[(*key[:2], 0, key[3])]
                    yield row["per_page"], base["per_page"]
                    yield row["instructions"]["p50"], base["instructions"]["p50"]
        return worst(*(quotient(*pair) for pair in pairs()))


def worst(*values):
    values = [value for value in values if value is not None]
    return max(values) if values else None


def quotient(a, b):
    return None if a is None or not b else round(a / b, 4)


def fewer(starts):
    """The share of demand that is spared the second start."""
    demand = {start["start"]: start["faults"] + start["reads"] for start in starts}
    return round(1 - demand["second"] / demand["first"], 4) if demand.get("first") else None


def demand_p99(reports):
    """The worse access; with too slow a fill it is nothing to be proud of. Of a fabric
    without a limit and with memory held: the others are there to compare."""
    reports = [report for report in reports if report["hold"] and not report["bandwidth"]]
    if any(report["fill_rate_ratio"] < LEAST_FILL for report in reports):
        return None
    return worst(*(round(report["p99_ratio"], 4) for report in reports))


def ratios(rows, starts=(), fill=None, demand=(), scaling=()):
    rows = Rows(rows)
    out = dict.fromkeys(KEYS)
    out["sim0_rd_added"] = rows.added("umem-sim", "read", 0)
    out["sim0_wr_added"] = rows.added("umem-sim", "write", 0)
    out["sim0_p99_added"] = worst(*(rows.p99_added("umem-sim", access, 0)
                                    for access in ACCESSES))
    for name, fabric in (("sim3", 3000), ("sim10", 10000)):
        read = rows.added("umem-sim", "read", fabric, "spin")
        write = rows.added("umem-sim", "write", fabric, "spin")
        out[f"{name}_rd_added"] = read
        out[f"{name}_wr_added"] = write
        out[f"{name}_added_vs_uffd"] = worst(
            quotient(read, rows.uffd_added("read", fabric, "spin")),
            quotient(write, rows.uffd_added("write", fabric, "spin")))
    out["sim10_sleep_wr_added"] = rows.added("umem-sim", "write", 10000, "sleep")
    out["rxe_added_vs_uffd"] = worst(*(rows.rxe_vs_uffd(access) for access in ACCESSES))
    out["rxe_vs_nvmeof"] = worst(*(quotient(rows.get("umem-rdma", access),
                                            rows.get("nvmeof", access))
                                   for access in ACCESSES))
    out["provided_wr_vs_tmpfs"] = rows.mean_vs_present("umem-provided", "write")
    out["provided_scan_vs_tmpfs"] = rows.scan_mean_vs_present("umem-provided", "read")
    out["finalized_vs_tmpfs"] = worst(rows.mean_vs_present("umem-finalized", "write"),
                                      rows.scan_mean_vs_present("umem-finalized", "read"))
    out["seq_scan_vs_tmpfs"] = rows.scan_vs_tmpfs(1)
    out["stride3_scan_vs_tmpfs"] = rows.scan_vs_tmpfs(3)
    out["random_readahead_cost"] = rows.random_cost()
    out["fill_vs_raw"] = fill and fill["fill_vs_raw"]
    out["demand_p99_during_fill"] = demand_p99(demand)
    out["smp2_vs_tmpfs_scaling"] = min((report["vs_tmpfs"] for report in scaling),
                                       default=None)
    out["hotset_fault_reduction"] = fewer(starts)
    return out


def means(rows):
    """What data at hand adds in the mean; beside the ratios, of the same rows."""
    rows = Rows(rows)
    return {f"sim0_{short}_added_mean": rows.mean_added("umem-sim", access, 0)
            for short, access in (("rd", "read"), ("wr", "write"))}
