#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a kernel's log says: complaints, stalls, and the emulator's own mistake."""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../vm"))
from umvm import klog  # noqa: E402

number = 0      # of results so far
failed = 0

INT3 = "[   51.338432] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI"
INT3_6_1 = "[   51.338432] int3: 0000 [#1] PREEMPT SMP NOPTI"
SECOND = "[   51.338432] Oops: int3: 0000 [#2] PREEMPT SMP NOPTI"
FAULT = "[   51.338432] Oops: 0000 [#1] PREEMPT SMP NOPTI"
RIP = "[   51.338600] RIP: 0010:__schedule+0x423/0xc00"
PATCHED = "[   51.338646] Code: 0f 1f 44 00 00 e9 <d3> 01 00 00 49 8d 85"
STOPPED = "[   51.338646] Code: 0f 1f 44 00 00 cc <d3> 01 00 00 49 8d 85"
USER = "[   51.339425] Code: 08 89 e8 4c 24 08 0f 05 <48> 3d 01 f0 ff ff"
NO_CODE = "[   51.338646] Code: Unable to access opcode bytes at 0xffffffffc0000000."


def equal(name, got, want):
    global number, failed
    number += 1
    failed += got != want
    print(f"{'ok' if got == want else 'not ok'} {number} - {name}")
    if got != want:
        print(f"# got {got}, want {want}")


def test_breakpoint():
    for name, lines, want in (
            ("a breakpoint that is gone", [INT3, RIP, PATCHED, USER], True),
            ("as 6.1 has it", [INT3_6_1, RIP, PATCHED, USER], True),
            ("a breakpoint that is there", [INT3, RIP, STOPPED, USER], False),
            ("another oops", [FAULT, RIP, PATCHED], False),
            ("one that followed another oops", [FAULT, STOPPED, SECOND, PATCHED], False),
            ("code that cannot be read", [INT3, RIP, NO_CODE, USER], False),
            ("a log cut short", [INT3, RIP], False),
            ("an empty log", [], False)):
        equal(name, klog.left_in_breakpoint(lines), want)


def test_complaints():
    """Each is one, that one included, but what a test allows."""
    quiet = ["[    1.0] umem: loading out-of-tree module taints kernel.",
             "[    1.1] Spectre V2 : WARNING: Spectre v2 mitigation leaves CPU vulnerable"]
    equal("a quiet log", klog.excerpt(quiet), [])
    for line in (INT3, INT3_6_1, FAULT, "[    2.0] WARNING: CPU: 1 PID: 7 at mm/memory.c:1",
                 "[    2.0] BUG: KASAN: slab-use-after-free in umem_fault"):
        equal(f"a complaint: {line[10:40]}", klog.find(quiet + [line]), 2)
    line = "[    2.0] Call Trace:"
    equal("what is allowed", klog.find(quiet + [line], re.compile("Call Trace:")), None)
    equal("the lines around it", klog.excerpt(quiet * 2 + [FAULT] + quiet * 30)[:3],
          quiet + [FAULT])
    equal("a stall", klog.stalled(quiet + ["rcu: INFO: rcu_sched self-detected stall on CPU"]),
          True)
    equal("no stall", klog.stalled(quiet + [FAULT]), False)


for test in (test_breakpoint, test_complaints):
    test()
print(f"1..{number}")
sys.exit(failed > 0)
