#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""tally.py FOLDER: sums the TAP files of a test run.

Prints each suite's count, every skip with its reason, every failure with its log, and last the one
line `N passed, N failed, N skipped`. Exits 1 if anything failed or nothing ran."""

import re
import sys
from pathlib import Path

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$",
                    re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)")


class Suite:
    """The results in one TAP file."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        self.passed, self.failed, self.skipped = 0, [], []
        planned = None
        comment = ""
        for line in path.read_text(errors="replace").splitlines():
            if plan := PLAN.match(line):
                planned = (planned or 0) + int(plan[1])
                if line.lower().partition("# skip")[1]:
                    self.skipped.append((self.name, line.split("#", 1)[1][5:].strip()))
            elif result := RESULT.match(line):
                self._add(result, comment)
            comment = line[1:].strip() if line.startswith("#") else ""
        ran = self.passed + len(self.failed) + len(self.skipped)
        if planned is not None and ran < planned:
            self.failed.append(f"{planned} cases planned, only {ran} ran")

    def _add(self, result, comment):
        bad, _, title, directive, reason = result.groups()
        if (directive or "").upper() == "SKIP":
            self.skipped.append((title, reason or comment or "no reason given"))
        elif bad:
            self.failed.append(title)
        else:
            self.passed += 1


def main():
    suites = [Suite(path) for path in sorted(Path(sys.argv[1]).glob("*.tap"))]
    print()
    for suite in suites:
        print(f"{suite.name}: {suite.passed} passed, {len(suite.failed)} failed, "
              f"{len(suite.skipped)} skipped")
    for suite in suites:
        for title, reason in suite.skipped:
            print(f"skipped: {suite.name}: {title}: {reason}")
    for suite in suites:
        for title in suite.failed:
            print(f"FAILED: {suite.name}: {title} (log: {suite.path})")
    passed = sum(suite.passed for suite in suites)
    failed = sum(len(suite.failed) for suite in suites)
    skipped = sum(len(suite.skipped) for suite in suites)
    if not passed and not failed:
        print("FAILED: no test ran")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
