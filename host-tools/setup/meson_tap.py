#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""meson_tap.py TESTLOG.JSON FOLDER: meson's log of tests as one TAP file for each test.

A test that printed TAP keeps its own lines, so that each case counts; another test is one case.
A test that ended badly without saying which case failed gets a failing case that says so."""

import json
import re
import sys
from pathlib import Path

CASE = re.compile(r"^(not )?ok\b", re.MULTILINE)
FAILED = re.compile(r"^not ok\b(?!.*# (?:TODO|SKIP))", re.MULTILINE)


def tap_of(test):
    name, out = test["name"], test.get("stdout", "")
    bad = test["result"] in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS")
    if not CASE.search(out):
        if test["result"] == "SKIP":
            out = f"ok - {name} # SKIP {out.strip() or 'the test gave no reason'}\n"
        elif not bad:
            out = f"ok - {name}\n"
    if bad and not FAILED.search(out):
        out += f"\nnot ok - {name}: {test['result'].lower()}, status {test['returncode']}\n"
    return out


def main():
    log, folder = Path(sys.argv[1]), Path(sys.argv[2])
    if not log.exists():
        (folder / "meson.tap").write_text("not ok - meson test ran\n")
        return
    for line in log.read_text().splitlines():
        test = json.loads(line)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", test["name"].removeprefix("sluice:"))
        (folder / f"{name}.tap").write_text(tap_of(test))
        (folder / f"{name}.log").write_text(test.get("stderr", ""))


if __name__ == "__main__":
    main()
