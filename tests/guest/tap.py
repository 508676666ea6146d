# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Checks that share one guest, reported as TAP (testanything.org, version 13)."""

import sys
import time
import traceback


class Skip(Exception):
    """This check cannot be made here; the text says why."""


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, expected {want!r}")


def eventually(condition, what, timeout=20):
    """Wait until `condition()` is true, at most `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.02)


class Tap:
    """Numbers the checks, prints their results, remembers failures."""

    def __init__(self):
        self.number = self.failed = 0

    def _line(self, ok, name, directive=""):
        self.number += 1
        print(f"{'ok' if ok else 'not ok'} {self.number} - {name}{directive}", flush=True)

    def check(self, name, function, *args):
        """Run one check; True if it passed or was skipped."""
        try:
            function(*args)
        except Skip as why:
            self._line(True, name, f" # SKIP {why}")
        except Exception:
            self.failed += 1
            self._line(False, name)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
            return False
        else:
            self._line(True, name)
        return True

    def finish(self):
        print(f"1..{self.number}", flush=True)
        sys.exit(1 if self.failed else 0)
