# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Memory that our modules allocated and nothing points to any more.

On a kernel with kmemleak, in the guest.  When the leak is looked for the module
is gone, and its symbols with it: they are noted while it is there.
"""

import re
import time

FILE = "/sys/kernel/debug/kmemleak"
MIN_AGE = 6         # seconds; younger objects are not reported
OBJECT = re.compile(r"^unreferenced object 0x")
# A symbol, and its module; of a module that is gone the bare address.
FRAME = re.compile(r"^ +\[<\S+>\] (?:0x(?P<address>[0-9a-f]+)|\S+(?P<module> \[\w+\])?)$")
# All but our modules is built into a debug kernel, so what lies here is ours
# (arch/x86: MODULES_VADDR to MODULES_END).
MODULES = range(0xffffffffa0000000, 0xffffffffff000000)


class Kmemleak:
    """Does nothing on a kernel without it."""

    def __init__(self):
        self.symbols = {}
        self.there = self.write("clear")

    @staticmethod
    def write(word):
        try:
            with open(FILE, "w", encoding="ascii") as file:
                file.write(word)
        except OSError:
            return False
        return True

    def note_symbols(self):
        """To be called before our modules go."""
        if not self.there:
            return
        with open("/proc/kallsyms", encoding="ascii") as kallsyms:
            for line in kallsyms:
                address, kind, name, *module = line.split()
                if module and kind in "tT":
                    self.symbols[int(address, 16)] = name, module[0]

    def scan(self):
        """Two scans: one may take a pointer on the move for lost.
        (objects of ours, other objects), each a list of lines."""
        time.sleep(MIN_AGE)
        self.write("scan")
        self.write("scan")
        with open(FILE, encoding="utf-8", errors="replace") as file:
            report = file.read().splitlines()
        ours, others = [], []
        for block in blocks(report):
            (ours if is_ours(block) else others).append(self.explain(block))
        return ours, others

    def explain(self, block):
        """The block with names for addresses in modules that are gone."""
        return [self.explain_line(line) for line in block]

    def explain_line(self, line):
        match = FRAME.match(line)
        if not match or not match["address"]:
            return line
        address = int(match["address"], 16)
        start = max((a for a in self.symbols if a <= address), default=None)
        if start is None:
            return line
        name, module = self.symbols[start]
        return f"{line} {name}+{address - start:#x} {module}"


def blocks(lines):
    """One list of lines for each object."""
    found = []
    for line in lines:
        if OBJECT.match(line):
            found.append([])
        if found:
            found[-1].append(line)
    return found


def is_ours(block):
    for line in block:
        match = FRAME.match(line)
        if match and (match["module"] or
                      match["address"] and int(match["address"], 16) in MODULES):
            return True
    return False
