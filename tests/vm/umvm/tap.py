# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TAP and KTAP, line by line."""

import re

RESULT = re.compile(r"^(?P<indent> *)(?P<no>not )?ok\b *(?P<number>\d*)"
                    r"(?: *-)? *(?P<text>.*)$")
PLAN = re.compile(r"^ *1\.\.(\d+)(?: *# *SKIP *(?P<why>.*))?", re.IGNORECASE)
DIRECTIVE = re.compile(r"(?P<text>.*?) *# *(?P<word>SKIP|TODO)\b *(?P<why>.*)",
                       re.IGNORECASE)

PASSED, FAILED, SKIPPED = "ok", "not ok", "skip"


class Parser:
    """Feed it lines; results come out as (verdict, text), and are counted.

    KTAP nests: results indented deeper than a result that follows them are its
    parts, and it is not counted itself.
    """

    def __init__(self):
        self.count = {PASSED: 0, FAILED: 0, SKIPPED: 0}
        self.plan = None
        self.top_results = 0
        self.depths = []        # of results not yet claimed by a parent
        self.bail = None

    def results(self):
        return sum(self.count.values())

    def add(self, verdict, text):
        self.count[verdict] += 1
        return verdict, text

    def feed(self, line):
        """(verdict, text) of a result that counts, else None."""
        if line.startswith("Bail out!"):
            self.bail = line[9:].strip() or "bail out"
            return None
        plan = PLAN.match(line)
        if plan:
            if not line.startswith(" "):
                self.plan = int(plan.group(1))
                if self.plan == 0 and not self.results():
                    return self.add(SKIPPED, plan.group("why") or "no reason given")
            return None
        match = RESULT.match(line)
        # cmocka tells "ok - group" after its tests, without a number.
        if not match or (not match["number"] and self.plan is not None
                         and self.results() >= self.plan):
            return None
        return self.result(match)

    def result(self, match):
        depth = len(match["indent"])
        if depth == 0:
            self.top_results += 1
        parts = [d for d in self.depths if d > depth]
        self.depths = [d for d in self.depths if d <= depth] + [depth]
        if parts:
            return None
        text, verdict = match["text"], FAILED if match["no"] else PASSED
        directive = DIRECTIVE.match(text)
        if directive:
            # cmocka 1.1 writes the name behind the word, and "not ok".
            name = directive["text"].strip()
            if directive["word"].upper() == "SKIP":
                verdict = SKIPPED
                text = f"{name} # {directive['why']}" if name else directive["why"]
            else:
                verdict, text = SKIPPED, f"{name} # to do: {directive['why']}"
        return self.add(verdict, text)

    def verdict_on_end(self, status):
        """What is wrong with the whole, or None.  liburing's habit: a program
        without results may speak by its exit status alone, 77 being a skip."""
        if self.bail:
            return f"bailed out: {self.bail}"
        if not self.results():
            if status == 0:
                self.add(PASSED, "")
            elif status == 77:
                self.add(SKIPPED, "")
            else:
                return f"exit status {status}"
            return None
        if self.plan is not None and self.plan != self.top_results and self.plan:
            return f"planned {self.plan} results, got {self.top_results}"
        if status != 0 and not self.count[FAILED]:
            return f"exit status {status} with no failed result"
        return None
