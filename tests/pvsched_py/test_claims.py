# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The list of claims, and what is remembered of each."""

import contextlib
import io
import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import claim_runs  # noqa: E402
import claims  # noqa: E402
import scenario  # noqa: E402
from claims import Outcome, Part  # noqa: E402
from state_folder import InStateFolder  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
MACHINE = {"accelerator": "tcg", "host_kernel": "6.18", "host_cpus": 2, "date": "today",
           "commit": "abc"}


def part(met, figure="1 ns"):
    return Part("cost", figure, "≤ 30 ns", met)


class State(InStateFolder):
    def shown(self, *args):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(claims.show(*args), 0)
        return out.getvalue()

    def test_nothing_measured(self):
        text = self.shown(False)
        self.assertEqual(text.count("not measured on this machine yet"), 10)
        for claim in claims.CLAIMS:
            self.assertIn(f"    ./sluice pvsched claim {claim.number}\n", text)
            self.assertIn(f"    target: {claim.target}\n", text)
            self.assertIn(f"    measured by: {claim.how()}\n", text)
            if claim.needs:
                self.assertIn(f"    needs: {claim.needs}\n", text)
        self.assertIn("docs/pvsched/claims.md has the figures", text)

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

    def test_the_hosts_load_is_of_the_place(self):
        self.assertEqual(claims.place(MACHINE), "TCG, host Linux 6.18, 2 cores, today, abc")
        self.assertEqual(claims.place(MACHINE | {"load_before": "2.56"}),
                         "TCG, host Linux 6.18, 2 cores, today, abc, load 2.56 before")

    def test_note(self):
        claims.remember(claims.CLAIMS[2], Outcome([part(True)], MACHINE, "not idle"), False)
        self.assertIn("today, abc\n    note: not idle\n    ./sluice", self.shown(False))

    def test_unable_with_its_reason(self):
        claims.remember_unable(claims.CLAIMS[8], "no bpf()", True, MACHINE)
        text = self.shown(False)
        self.assertIn("    this machine cannot show it: no bpf()\n    on: TCG, host Linux 6.18, 2 "
                      "cores, today, abc\n    ./sluice pvsched claim 9\n", text)
        self.assertEqual(text.count("not measured on this machine yet"), 9)
        last = json.loads(self.shown(True))[8]["last"]
        self.assertEqual((last["met"], last["parts"], last["unable"]["why"]),
                         (None, [], "no bpf()"))

    def test_unable_leaves_the_figures_that_there_are(self):
        claim = claims.CLAIMS[8]
        claims.remember(claim, Outcome([part(True)], MACHINE), False)
        claims.remember_unable(claim, "no bpf()", False, MACHINE)
        text = self.shown(False)
        self.assertIn("    met: cost: 1 ns\n", text)
        self.assertIn("    this machine cannot show it: no bpf()\n", text)
        for quick in (True, False):  # the next one that can takes the reason away
            claims.remember(claim, Outcome([part(True)], MACHINE), quick)
            self.assertNotIn("no bpf()", self.shown(False))
            claims.remember_unable(claim, "no bpf()", False, MACHINE)
        claims.remember(claims.CLAIMS[1], Outcome([part(True)], MACHINE), True)
        claims.remember_unable(claims.CLAIMS[1], "why", True, MACHINE)
        claims.remember(claims.CLAIMS[1], Outcome([part(False)], MACHINE), True)
        self.assertIs(claims.recall()["2"]["met"], False)

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


class Table(unittest.TestCase):
    """The one list of claims, and those that have to agree with it."""

    def test_all_ten_are_run_by_what_it_says(self):
        self.assertEqual([c.number for c in claims.CLAIMS], list(range(1, 11)))
        self.assertEqual(sorted(claim_runs.RUNS), list(range(1, 11)))
        for claim in claims.CLAIMS:
            self.assertTrue(claim.scenarios or claim.programs, claim.number)
            # Who measures by programs alone does so in claim_tools.
            run = claim_runs.RUNS[claim.number]
            self.assertEqual(not claim.scenarios, run.__module__ == "claim_tools", claim.number)

    def test_scenarios_say_the_same(self):
        said = {(number, path.stem) for path, what in scenario.all_scenarios()
                for number in what.claim}
        self.assertEqual(said, {(c.number, name) for c in claims.CLAIMS for name in c.scenarios})

    def test_how(self):
        one, both, programs = (claims.CLAIMS[n - 1].how() for n in (3, 10, 9))
        self.assertEqual(one, "scenarios claim-3-idle-cost, claim-3-idle-wake")
        self.assertTrue(both.startswith("scenario claim-10-unprivileged; a guest that "), both)
        self.assertEqual(programs, "sluice-pvsched compare on the host")

    def test_list_names_scenarios_and_programs(self):
        def listed(*args):
            main = TOP / "host-tools/pvsched/main.py"
            return subprocess.run([sys.executable, main, "list", *args], check=True,
                                  capture_output=True, text=True).stdout
        found = json.loads(listed("--json"))
        self.assertEqual({n for row in found["scenarios"] for n in row["claims"]}
                         | {row["claim"] for row in found["claims_by_programs"]}, set(range(1, 11)))
        text = listed()
        self.assertRegex(text, r"3 rounds of 8 s each; overcommit .*; claims 4, 5\n")
        self.assertIn("\n./sluice pvsched claim 2  no torn snapshot: pvs_torn on the host\n", text)

    def test_the_docs_say_the_same(self):
        """Every word of the page but its figures is of the list."""
        text = (TOP / claims.PAGE).read_text()
        sections = text.split("\n## ")
        self.assertEqual(sections[0] + "\n", claims.HEAD + "\n")
        self.assertEqual(len(sections), 11)
        for claim, section in zip(claims.CLAIMS, sections[1:]):
            self.assertEqual("## " + section[:len("\n".join(claims.head_of(claim))) - 3],
                             "\n".join(claims.head_of(claim)))
            self.assertRegex(section, r"\| (met|NOT met|cannot be shown here) \|\n\nMeasured: ")


class Page(unittest.TestCase):
    def test_figures_and_why_there_are_none(self):
        good = claims.as_json(claims.CLAIMS[0], Outcome([part(True)], MACHINE), True)
        unable = claims.as_json(claims.CLAIMS[1], Outcome([], MACHINE), False)
        text = claims.page({"1": good, "2": unable | {"unable": {"why": "too slow",
                                                                 "machine": MACHINE}}})
        place = "TCG, host Linux 6.18, 2 cores, today, abc"
        self.assertIn(f"| cost | 1 ns | ≤ 30 ns | met |\n\nMeasured: {place}, --quick.\n\n## 2. ",
                      text)
        self.assertIn(f"\n\nIt could not be shown: too slow. Tried: {place}.\n\n## 3. ", text)
        self.assertEqual(text.count("\nNot measured yet.\n"), 8)


class Verdict(unittest.TestCase):
    def test_all_met(self):
        self.assertIs(Outcome([part(True), part(True)], {}).met, True)

    def test_one_is_not(self):
        self.assertIs(Outcome([part(None), part(False)], {}).met, False)

    def test_one_cannot_be_shown(self):
        self.assertIsNone(Outcome([part(True), part(None)], {}).met)
