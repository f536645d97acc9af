# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the lab's figures are meant to be.

A target that is missed is reported and fails nothing.  What a region may cost when it
is made is a limit of another kind: a run that exceeds it has failed.
"""

AT_MOST, AT_LEAST, BELOW = "at most", "at least", "below"
MEETS = {AT_MOST: lambda value, limit: value <= limit,
         AT_LEAST: lambda value, limit: value >= limit,
         BELOW: lambda value, limit: value < limit}

TARGETS = {
    "sim0_rd_added": (AT_MOST, 0),
    "sim0_wr_added": (AT_MOST, 450),
    "sim0_p99_added": (AT_MOST, 1500),
    "sim0_rd_added_mean": (AT_MOST, 0),
    "sim0_wr_added_mean": (AT_MOST, 450),
    "sim3_rd_added": (AT_MOST, 100),
    "sim3_wr_added": (AT_MOST, 600),
    "sim10_rd_added": (AT_MOST, 100),
    "sim10_wr_added": (AT_MOST, 600),
    "sim3_added_vs_uffd": (AT_MOST, 0.08),
    "sim10_added_vs_uffd": (AT_MOST, 0.08),
    "sim10_sleep_wr_added": (AT_MOST, 4500),
    "rxe_added_vs_uffd": (AT_MOST, 0.25),
    "rxe_vs_nvmeof": (BELOW, 1),
    "provided_wr_vs_tmpfs": (AT_MOST, 1.02),
    "provided_scan_vs_tmpfs": (AT_MOST, 1.02),
    "finalized_vs_tmpfs": (AT_MOST, 1.005),
    "seq_scan_vs_tmpfs": (AT_MOST, 1.1),
    "stride3_scan_vs_tmpfs": (AT_MOST, 1.2),
    "random_readahead_cost": (AT_MOST, 1.03),
    "fill_vs_raw": (AT_LEAST, 0.9),
    "demand_p99_during_fill": (AT_MOST, 1.5),
    "smp2_vs_tmpfs_scaling": (AT_LEAST, 0.9),
    "hotset_fault_reduction": (AT_LEAST, 0.9),
}

# Of a region of 1 TiB: instructions, and bytes of memory.
CREATE_LIMITS = {"instructions": 50_000_000, "memory": 33 << 20,
                 "free_memory_taken": 33 << 20}


def targets(values):
    """Of each target its value, its limit, and whether that is met: None when what it
    takes was not measured."""
    return {key: {"value": values.get(key), "is": sense, "limit": limit,
                  "met": None if values.get(key) is None else
                  MEETS[sense](values[key], limit)}
            for key, (sense, limit) in TARGETS.items()}


def target_lines(found):
    verdicts = {True: "met", False: "missed", None: "not measured"}
    for key, target in found.items():
        value = "-" if target["value"] is None else f"{target['value']:g}"
        yield f"{key:24} {value:>10}  {target['is']:8} {target['limit']:<6g} " \
              f"{verdicts[target['met']]}"
    known = [target["met"] for target in found.values() if target["met"] is not None]
    yield f"targets: {known.count(True)} met, {known.count(False)} missed, " \
          f"{len(found) - len(known)} not measured"


def create_excess(create):
    """What a region costs more than it may; a sentence each."""
    for key, limit in CREATE_LIMITS.items():
        if create and create[key] > limit:
            yield f"a region of {create['size']} bytes: {key.replace('_', ' ')} " \
                  f"{create[key]}, above the limit of {limit}"
