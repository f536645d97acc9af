# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The guest tests: where they are and what their comments ask for.

    # timeout: 300            seconds, default 120; ten times that on a debug kernel;
                              UMEM_TEST_TIMEOUT in the environment may be more
    # needs: rxe umem_rdma    what run-tests sets up in the guest (see there)
    # needs: mem=2G swap=256M cpus=4 hosts=2 append=slub_debug=FZ
                              properties of the virtual machine
    # needs: iommu            both: the machine has one, and run-tests sets it up
    # klog-allow: REGEX       kernel log lines this test provokes on purpose
    # walk: 8                 heeds UMEM_WALK; a slice (slice.py) has an 8th of it
"""

import fnmatch
import os
import re

from .vm import TOP, build_dir

COMMENT = re.compile(r"^\s*(?:#|/\*|\*|//)\s*(timeout|needs|klog-allow|walk):\s*(.*?)\s*(?:\*/)?$")
DEBUG_SLOWER = 10       # what a debug kernel's tests may take, in times the usual
# The same for a machine that is busy with other things.
PATIENCE = int(os.environ.get("UMEM_PATIENCE") or 1)
MACHINE = ("hosts", "mem", "swap", "cpus", "append")
MACHINE_TOO = ("iommu",)
HEAD_LINES = 60


def slower(debug):
    """What to multiply a time limit with."""
    return (DEBUG_SLOWER if debug else 1) * PATIENCE


class Test:
    """`name` is guest/NAME, net/NAME or stress/NAME; `program` is what to run."""

    def __init__(self, name, source, program):
        self.name = name
        self.source = source
        self.program = program
        self.timeout = 120
        self.needs = []
        self.machine = {"hosts": "2"} if name.startswith("net/") else {}
        self.allow = None
        self.walk = 0
        with open(source, encoding="utf-8") as f:
            for _, line in zip(range(HEAD_LINES), f):
                match = COMMENT.match(line)
                if match:
                    self.comment(*match.groups())

    def comment(self, word, value):
        if word == "timeout":
            self.timeout = max(int(value),
                               int(os.environ.get("UMEM_TEST_TIMEOUT") or 0))
        elif word == "walk":
            self.walk = int(value)
        elif word == "klog-allow":
            self.allow = re.compile(value)
        else:
            for need in value.split():
                key, equals, setting = need.partition("=")
                if not equals:
                    self.needs.append(need)
                    if need in MACHINE_TOO:
                        self.machine[need] = "on"
                elif key == "append" and key in self.machine:
                    self.machine[key] += " " + setting
                elif key in MACHINE:
                    self.machine[key] = setting
                else:
                    raise ValueError(f"{self.source}: unknown need {need}")

    def boot_key(self):
        return tuple(sorted(self.machine.items()))


def discover():
    """All tests, in the order of their names."""
    found = []
    for kind in ("guest", "net", "stress"):
        directory = os.path.join(TOP, "tests", kind)
        for entry in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            base, extension = os.path.splitext(entry)
            source = os.path.join(directory, entry)
            if extension == ".sh" and base != "lib":
                found.append(Test(f"{kind}/{base}", source, source))
            elif extension == ".c" and kind == "guest":
                found += compiled(base, source)
    return found


def compiled(base, source):
    """A C test, and its 32-bit twin when the Makefile made one."""
    for name in (base, f"{base}_32"):
        program = os.path.join(build_dir(), "tests/guest", name)
        if name == base or os.path.exists(program):
            yield Test(f"guest/{name}", source, program)


def select(tests, patterns):
    """Those that any pattern names: whole, without directory, or by wildcard."""
    if not patterns:
        return tests
    chosen = []
    for pattern in patterns:
        hits = [t for t in tests
                if fnmatch.fnmatch(t.name, pattern)
                or fnmatch.fnmatch(t.name.partition("/")[2], pattern)
                or os.path.abspath(pattern) == t.source]
        if not hits:
            raise ValueError(f"no test matches {pattern}; see: tests/vm/check-guest --list")
        chosen += [t for t in hits if t not in chosen]
    return chosen
