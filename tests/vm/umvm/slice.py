# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of the tests that takes no longer than it may.

KEY/SECONDS names it: KEY is any word, in continuous integration the commit, so
that each commit has another part, and the same one whenever it is asked for.
Tests that walk (a comment "walk: N") are in each slice with one N-th of their
walk; the others follow in an order that the key decides, as long as there is time
by tests/vm/debug.times, which says how long they took.
"""

import hashlib
import os
import re

from .vm import TOP

TIMES = os.path.join(TOP, "tests/vm/debug.times")
UNKNOWN = 120           # seconds, of a test that is not in the list
BOOT = 60               # seconds, of each machine, its look for leaks included
# The debug kernel has no VFIO: such a machine would be booted to be told so.
LEFT_OUT = "iommu"
FORM = re.compile(r"([\w.-]+)/(\d+)")


def number(key, name):
    """A number that depends on nothing but its arguments."""
    return int.from_bytes(hashlib.sha256(f"{key} {name}".encode()).digest()[:8], "big")


def read_times(path=TIMES):
    """{name: seconds} out of lines "SECONDS NAME"."""
    try:
        with open(path, encoding="ascii") as file:
            pairs = [line.split() for line in file if line[0].isdigit()]
    except FileNotFoundError:
        return {}
    return {name: float(seconds) for seconds, name in pairs}


def walk_part(key, test):
    """I/N of the walk of a test that has one, else None."""
    return f"{number(key, test.name) % test.walk + 1}/{test.walk}" if test.walk else None


class Slice:
    """Parsed from KEY/SECONDS; a ValueError when it is not."""

    def __init__(self, text):
        match = FORM.fullmatch(text)
        if not match:
            raise ValueError(f"{text} is no slice; say KEY/SECONDS, as in 1a2b3c4d/300")
        self.key, self.seconds = match[1], int(match[2])

    def choose(self, tests, times=None):
        """Those of `tests` that are in the slice, in their order."""
        times = read_times() if times is None else times
        chosen, boots, left = set(), set(), self.seconds
        for test in sorted(tests, key=lambda t: (not t.walk, number(self.key, t.name))):
            if LEFT_OUT in test.machine:
                continue
            cost = times.get(test.name, UNKNOWN) / (test.walk or 1)
            if test.boot_key() not in boots:
                cost += BOOT * int(test.machine.get("hosts", 1))
            if cost > left:
                continue
            left -= cost
            chosen.add(test.name)
            boots.add(test.boot_key())
        return [test for test in tests if test.name in chosen]
