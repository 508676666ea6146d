# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The list of claims, and what is remembered of each."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from unittest import mock

import claims
from claims import Outcome, Part

MACHINE = {"accelerator": "tcg", "host_kernel": "6.18", "host_cpus": 2, "date": "today",
           "commit": "abc"}


def part(met, figure="1 ns"):
    return Part("cost", figure, "≤ 30 ns", met)


class State(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patch = mock.patch.dict(os.environ, {"XDG_STATE_HOME": folder.name})
        patch.start()
        self.addCleanup(patch.stop)

    def shown(self, *args):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(claims.show(*args), 0)
        return out.getvalue()

    def test_nothing_measured(self):
        text = self.shown(False)
        self.assertEqual(text.count("not measured on this machine yet"), 10)
        for number in range(1, 11):
            self.assertIn(f"./sluice pvsched claim {number}\n", text)

    def test_remembered(self):
        claims.remember(claims.CLAIMS[0], Outcome([part(True)], MACHINE), False)
        claims.remember(claims.CLAIMS[1], Outcome([part(False, "3 torn")], MACHINE), True)
        text = self.shown(False)
        self.assertIn("    met: cost: 1 ns\n    on: TCG, host Linux 6.18, 2 cores, today, abc\n", text)
        self.assertIn("    NOT met: cost: 3 torn\n", text)
        self.assertIn("abc, --quick\n", text)
        rows = json.loads(self.shown(True))
        self.assertEqual([r["claim"] for r in rows], list(range(1, 11)))
        self.assertEqual([r["last"] and r["last"]["met"] for r in rows[:3]], [True, False, None])

    def test_a_quick_look_takes_no_measurements_place(self):
        def figure():
            return claims.recall()["1"]["parts"][0]["figure"]
        for text, quick, wanted in (("a", True, "a"), ("b", True, "b"), ("c", False, "c"),
                                    ("d", True, "c"), ("e", False, "e")):
            claims.remember(claims.CLAIMS[0], Outcome([part(True, text)], MACHINE), quick)
            self.assertEqual(figure(), wanted)

    def test_a_file_that_is_none_of_ours(self):
        claims.state_file().parent.mkdir(parents=True)
        claims.state_file().write_text("[1")
        self.assertEqual(claims.recall(), {})


class Verdict(unittest.TestCase):
    def test_all_met(self):
        self.assertIs(Outcome([part(True), part(True)], {}).met, True)

    def test_one_is_not(self):
        self.assertIs(Outcome([part(None), part(False)], {}).met, False)

    def test_one_cannot_be_shown(self):
        self.assertIsNone(Outcome([part(True), part(None)], {}).met)
