# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What is made of a run of each claim: figures, and whether they meet the target."""

import contextlib
import io
import json
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import claim_runs  # noqa: E402
import claim_tools  # noqa: E402
import claims  # noqa: E402
from claims import Unable  # noqa: E402
from state_folder import InStateFolder  # noqa: E402

MACHINE = {"accelerator": "tcg", "host_kernel": "6.18", "host_cpus": 2, "date": "today",
           "commit": "abc"}


def summary(reference="default", **figures):
    """Of one round: {figure: {arm: value}}, where a figure's "." is written "__"."""
    table = {}
    for name, arms in figures.items():
        ratios = {arm: {"value": value / arms[reference], "low": None, "high": None}
                  for arm, value in arms.items() if arm != reference and arms.get(reference)}
        table[name.replace("__", ".")] = {
            "arms": {arm: {"value": value, "low": None, "high": None}
                     for arm, value in arms.items()}, "ratios": ratios}
    return {"arms": list(next(iter(figures.values()))), "reference": reference, "figures": table}


def wakeup(boost=4000, fifo=2000, static=1000, shares=(0.95, 0.92)):
    return summary(
        latency_us__p99={"default": 5000, "boost": 2000, "boost-fifo": 1000, "static-fifo": 900},
        latency_us__p99__9={"default": 10000, "boost": boost, "boost-fifo": fifo,
                           "static-fifo": static},
        victim_cpu={"default": 0.5, "boost": 0.46, "boost-fifo": 0.45, "static-fifo": 0.1},
        victim_share={"default": 1.0, "boost": shares[0], "boost-fifo": shares[1],
                      "static-fifo": 0.2})


def verdicts(parts):
    return [part.met for part in parts]


class Wakeup(unittest.TestCase):
    """Claims 4 and 5."""

    def test_the_best_arm_is_judged(self):
        gain, distance = claim_runs.wakeup_parts(wakeup())
        self.assertEqual((gain.name, gain.figure, gain.met),
                         ("p99.9, default by boost-fifo", "5.00× (default 10,000 us, boost-fifo "
                          "2,000 us, static FIFO 1,000 us)", True))
        self.assertEqual((distance.name, distance.figure, distance.met),
                         ("p99.9, boost-fifo by static FIFO", "2.00×", True))
        other, _ = claim_runs.wakeup_parts(wakeup(boost=1500))
        self.assertEqual((other.name, other.figure.split()[0]), ("p99.9, default by boost", "6.67×"))

    def test_not_met(self):
        self.assertEqual(verdicts(claim_runs.wakeup_parts(wakeup(fifo=2100, static=1050))),
                         [False, True])
        self.assertEqual(verdicts(claim_runs.wakeup_parts(wakeup(static=990))), [True, False])

    def test_fair_share_of_each_policys_arm(self):
        """Also of the arm that claim 4 does not take."""
        boost, fifo = claim_runs.share_parts(wakeup(shares=(0.89, 0.92)))
        self.assertEqual((boost.name, boost.met, boost.values["value"]),
                         ("background's CPU time of its fair share, boost", False, 0.89))
        self.assertEqual((fifo.name, fifo.met, fifo.figure),
                         ("background's CPU time of its fair share, boost-fifo", True,
                          "92.0 % (one round: no interval) (default 100.0 %, static FIFO 20.0 %; of "
                          "what it gets by default 90.0 % (one round: no interval))"))
        self.assertEqual(fifo.target, "≥ 90 %")


class Greedy(unittest.TestCase):
    """Claim 6."""

    @staticmethod
    def parts(victims=0.48, boosted=0.03, throttled=0.9):
        return claim_runs.greedy_parts(summary(
            victim_cpu={"default": 0.5, "boost": victims},
            boost_residency={"default": 0, "boost": boosted},
            throttled={"default": 0, "boost": throttled}))

    def test_within_five_percent_on_either_side(self):
        self.assertEqual([verdicts(self.parts(v))[0] for v in (0.474, 0.476, 0.524, 0.526)],
                         [False, True, True, False])

    def test_a_guest_that_never_got_one_shows_nothing(self):
        self.assertEqual(verdicts(self.parts()), [True, True])
        self.assertEqual(verdicts(self.parts(boosted=0)), [True, False])
        self.assertEqual(verdicts(self.parts(throttled=0)), [True, False])


class Locks(unittest.TestCase):
    """Claim 7."""

    @staticmethod
    def parts(stops=2, each=0.5, speed=110, default=10):
        return claim_runs.lock_parts(summary(
            lock_stops_by_host_s={"default": default, "lock-holder": stops},
            lock_stops_by_host_per_1000={"default": default / 4, "lock-holder": each},
            lock_ops_per_s={"default": 100, "lock-holder": speed}))

    def test_met(self):
        found = self.parts()
        self.assertEqual([(p.figure, p.met) for p in found],
                         [("-80.0 % (one round: no interval)", True)] * 2
                         + [("10.0 % (one round: no interval)", True)])

    def test_not_met(self):
        self.assertEqual(verdicts(self.parts(2.1, 0.53, 109)), [False, False, False])

    def test_nothing_to_better(self):
        self.assertEqual(verdicts(self.parts(default=0)), [None, None, True])


class HostState(unittest.TestCase):
    """Claim 8."""

    def test_thirty_percent(self):
        for p99, met in ((700, True), (710, False)):
            part, = claim_runs.host_state_parts(summary(
                "steal", latency_us__p99={"steal": 1000, "host-state": p99}))
            self.assertEqual((part.met, part.figure[:7]), (met, f"-{(1000 - p99) / 10:.1f} %"))


class Unprivileged(unittest.TestCase):
    """Claim 10, the slice alone."""

    def test_half_as_good_again(self):
        for p99, met in ((1000, True), (1010, False)):
            part, = claim_runs.slice_parts(summary(latency_us__p99={"default": 1500, "slice": p99}))
            self.assertEqual((part.met, part.figure[:5]), (met, f"{1500 / p99:.2f}×"))


class NotMeasured(unittest.TestCase):
    def test_a_figure_that_is_not_there(self):
        for parts, arms, figure, arm in (
                (claim_runs.wakeup_parts, ("default",), "latency_us.p99.9", "boost"),
                (claim_runs.share_parts, ("boost",), "victim_share", "default"),
                (claim_runs.greedy_parts, ("default",), "victim_cpu", "boost"),
                (claim_runs.slice_parts, ("slice",), "latency_us.p99", "default")):
            with self.assertRaises(Unable) as caught:
                parts(summary(arms[0], seconds=dict.fromkeys(arms, 1)))
            self.assertEqual(str(caught.exception),
                             f'the run gave no figure "{figure}" of the arm "{arm}"; ./sluice '
                             "pvsched run with the scenario of the same name shows what it does "
                             "give")


class Programs(unittest.TestCase):
    """Claims 2 and 9."""

    def outcome(self, way, number, found, quick=False):
        with mock.patch.object(claim_tools, "build_file", lambda *_: "it"), \
                mock.patch.object(claim_tools, "run_json", lambda *_, **__: found):
            return way(quick, None)[number]

    def torn(self, quick=False, **found):
        return self.outcome(claim_tools.torn, 2, {"torn": 0, "malformed": 0, "changed": 5, "writers": 2,
                                                  "snapshots": 10, "updates": 10**8} | found, quick)

    def test_torn(self):
        self.assertIs(self.torn().met, True)
        for found in ({"torn": 1}, {"malformed": 1}, {"changed": 0}):
            self.assertIs(self.torn(**found).met, False)
        self.assertIsNone(self.torn(updates=10**7).met)
        self.assertIs(self.torn(torn=1, updates=10**7).met, False)

    def compared(self, state="identical", **kernel):
        kernel = {"host": "kernel", "state": state, "equal": 10**6, "decisions": 10**6,
                  "ns_per_run": 400.0, "reason": "why"} | kernel
        return self.outcome(claim_tools.compare, 9, {"events": kernel["decisions"], "hosts": [
            {"host": "engine", "state": "identical"}, kernel]})

    def test_compared(self):
        found = self.compared()
        self.assertIs(found.met, True)
        self.assertEqual([p.name for p in found.parts], list(claim_tools.POLICIES))
        self.assertIs(self.compared("different", equal=10**6 - 1).met, False)
        self.assertIsNone(self.compared(equal=10**5, decisions=10**5).met)

    def test_a_kernel_that_runs_none(self):
        with self.assertRaises(Unable) as caught:
            self.compared("absent")
        self.assertEqual(str(caught.exception), "the host's kernel does not run policies: why")


class Measuring(InStateFolder):
    """`claim N`: what it prints, its exit status, and what is remembered."""

    def claim(self, number, ran, check=False, as_json=False):
        """(exit status, standard output, standard error), where a scenario's run gives `ran`."""
        def run(*_args, **_changes):
            if isinstance(ran, Exception):
                raise ran
            return ran, MACHINE, "a note"
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.object(claim_runs, "ran", run), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(err):
            status = claims.measure(number, False, check, as_json, Path("unused"))
        return status, out.getvalue(), err.getvalue()

    def test_exit_status(self):
        good, bad = wakeup(), wakeup(fifo=3000)
        self.assertEqual([self.claim(4, found, check)[0] for found in (good, bad)
                          for check in (False, True)], [0, 0, 0, 1])

    def test_a_part_that_cannot_be_shown_is_not_met(self):
        found = summary(lock_ops_per_s={"default": 100, "lock-holder": 120})
        self.assertEqual([self.claim(7, found, check)[0] for check in (False, True)], [0, 1])

    def test_one_run_for_two_claims(self):
        status, out, _ = self.claim(5, wakeup(shares=(0.95, 0.8)), as_json=True)
        shown = json.loads(out)
        self.assertEqual((status, shown["claim"], shown["met"]), (0, 5, False))
        self.assertEqual({n: last["met"] for n, last in claims.recall().items()},
                         {"4": True, "5": False})

    def test_unable(self):
        status, out, err = self.claim(8, Unable("no sched_ext here"), check=False)
        self.assertEqual((status, out, err), (1, "", "sluice pvsched claim 8: this machine cannot "
                                                     "show it: no sched_ext here\n"))
        self.assertEqual(claims.recall()["8"]["unable"]["why"], "no sched_ext here")

    def test_unable_of_one_run_for_two_claims(self):
        self.claim(5, Unable("why"))
        self.assertEqual({n: last["unable"]["why"] for n, last in claims.recall().items()},
                         {"4": "why", "5": "why"})
