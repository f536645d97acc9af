# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which tests may be skipped on which kernel: tests/vm/skips.

A line is

    KERNEL[,KERNEL...] TEST RESULT # why

TEST and RESULT are patterns; RESULT is what follows "skip - TEST: ". The line
"kernels: NAME..." names the kernels to which the list applies. On another one,
a developer's own, all may be skipped.
"""

import fnmatch
import os
import re

from .vm import TOP

LIST = os.path.join(TOP, "tests/vm/skips")
RULE = re.compile(r"(\S+)\s+(\S+)\s+(.+?)\s+# (.+)")
SKIPPED = re.compile(r"skip - ([^\s:]+)(?:: (.*))?$")


class Rule:
    """One line of the list."""

    def __init__(self, kernels, test, result, why):
        self.kernels = kernels.split(",")
        self.test = test
        self.result = result
        self.why = why
        self.used = False

    def allows(self, name, result):
        return fnmatch.fnmatchcase(name, self.test) and \
            fnmatch.fnmatchcase(result, self.result)

    def __str__(self):
        return f"{self.test} {self.result}"


class Skips:
    """Those of one run on `kernel`; `names` are all tests that there are."""

    def __init__(self, kernel, names, path=LIST):
        self.found = []         # (name, result), as they came
        self.rules = []
        self.kernels = []
        self.judged = False
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(map(str.strip, file), 1):
                try:
                    self.parse(line, kernel, names)
                except ValueError as error:
                    raise ValueError(f"{path}:{number}: {error}") from None

    def parse(self, line, kernel, names):
        if not line or line.startswith("#"):
            return
        if line.startswith("kernels:"):
            self.kernels = line.split()[1:]
            self.judged = kernel in self.kernels
            return
        match = RULE.fullmatch(line)
        if not match:
            raise ValueError("not of the form KERNEL,... TEST RESULT # why")
        rule = Rule(*match.groups())
        if unknown := set(rule.kernels) - set(self.kernels):
            raise ValueError(f"no kernel of the list: {' '.join(unknown)}")
        if not fnmatch.filter(names, rule.test):
            raise ValueError(f"no test matches {rule.test}")
        if kernel in rule.kernels:
            self.rules.append(rule)

    def note(self, line):
        """A line of the guest's, which may tell of a skip."""
        if match := SKIPPED.match(line):
            self.found.append((match[1], match[2] or ""))

    def judge(self):
        """[(name, result, why)]; why is None for what is not allowed."""
        judged = []
        for name, result in self.found:
            rule = next((r for r in self.rules if r.allows(name, result)), None)
            if rule:
                rule.used = True
            own = None if self.judged else "a kernel of your own"
            judged.append((name, result, rule.why if rule else own))
        return judged

    def needless(self, ran):
        """Rules for tests that were `ran`, of which none had to be skipped."""
        return [rule for rule in self.rules if not rule.used and rule.test != "*"
                and fnmatch.filter(ran, rule.test)]
