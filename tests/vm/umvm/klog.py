# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which lines of a kernel log say that something is wrong.

Shared by the host (whole log of a boot) and by the guest's test runner (what
came since a test began).
"""

import re

# Not a bare "WARNING:": the kernel also warns of the machine's own features
# ("Spectre V2 : WARNING: ...").
STALL = re.compile(r"detected stalls? on CPU|self-detected stall|soft lockup|hard LOCKUP")
BAD = re.compile("|".join((
    STALL.pattern,
    r"WARNING: (CPU|possible|suspicious|inconsistent|bad unlock|held lock"
    r"|lock held|nested|at |.* at )",
    r"\bBUG\b",
    r"\bOops\b",
    r": [0-9a-f]{4} \[#\d+\]",       # 6.1 says Oops only of some of them
    r"general protection fault",
    r"KASAN|KFENCE|KCSAN|UBSAN",
    r"inconsistent lock state|DEBUG_LOCKS_WARN_ON|turning off the locking",
    r"suspicious RCU usage",
    r"blocked for more than \d+ seconds",
    r"Call Trace:",
    r"Kernel panic",
    r"refcount_t:",
    r"list_(add|del) corruption|Bad page state|Bad rss-counter",
    r"scheduling while atomic|sleeping function called",
    r"unreferenced object|new suspected memory leaks",
    r"page allocation failure",
    r"ODEBUG:",
    r"Attempted to kill init",
)))

# A report goes on for a while after its first line.
CONTEXT_BEFORE = 2
CONTEXT_AFTER = 40


def find(lines, allow=None):
    """Index of the first bad line, or None.  A line matching `allow` is not bad."""
    for number, line in enumerate(lines):
        if not BAD.search(line):
            continue
        if allow and allow.search(line):
            continue
        return number
    return None


def excerpt(lines, allow=None):
    """The lines around the first bad one, or an empty list."""
    bad = find(lines, allow)
    if bad is None:
        return []
    return lines[max(0, bad - CONTEXT_BEFORE):bad + CONTEXT_AFTER]


def stalled(lines):
    """True when the kernel missed one of its CPUs."""
    return any(map(STALL.search, lines))


INT3 = re.compile(r"\bint3: 0000 \[#1\]")
CODE = re.compile(r"Code: .*\b([0-9a-f]{2}) <[0-9a-f]{2}>")


def left_in_breakpoint(lines):
    """True when the kernel died of a breakpoint that is not in memory.  Kernels patch
    running code by way of a breakpoint, which a CPU forgets with the interrupt that
    ends it; an emulated one can have it in a translation made meanwhile."""
    for number, line in enumerate(lines):
        if INT3.search(line):
            code = next((line for line in lines[number:] if " Code: " in line), "")
            before = CODE.search(code)
            return before is not None and before[1] != "cc"
    return False


def read(path):
    """Lines of a serial console's log."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return [line.rstrip("\r\n") for line in log]
    except FileNotFoundError:
        return []
