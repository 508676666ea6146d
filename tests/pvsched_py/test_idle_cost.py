# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Claim 3: what a unit of work took, and what that is judged by."""

import os
import time
import unittest

import analysis
import claim_runs
import threads
from analysis import Measurement


def rounds(arm, of):
    """Measurements of an arm: for each round (runs, seconds of one, CPU seconds, instructions)."""
    return [Measurement(arm, number, {"hackbench_runs": runs, "hackbench_s": each, "qemu_cpu_s": cpu,
                                      "instructions": instructions}, {})
            for number, (runs, each, cpu, instructions) in enumerate(of)]


def parts(idle):
    measurements = rounds("absent", [(10, 0.2, 4.0, 1000), (20, 0.2, 8.0, 2000)]) + rounds("idle", idle)
    each = claim_runs.per_unit(measurements, "hackbench_runs")
    summary = analysis.summarize(each, ["absent", "idle"], "absent")
    return {p.name: (p.figure, p.met) for p in claim_runs.idle_parts("x", summary, True)}


class IdleCost(unittest.TestCase):
    def test_is_counted_by_unit(self):
        found = parts([(5, 0.2, 2.0, 500), (10, 0.2, 4.0, 1000)])
        nothing = "0.0 %, 95 % interval 0.0 % to 0.0 %"
        self.assertEqual(found, {"x, time": (nothing, True), "x, CPU time of QEMU": (nothing, True),
                                 "x, guest instructions": (nothing, True)})

    def test_the_upper_bound_decides(self):
        """A round 1 % and one 3 % over: the mean is at the bound, the interval reaches beyond."""
        found = parts([(10, 0.202, 4.12, 1005), (10, 0.206, 4.04, 1015)])
        self.assertEqual(found["x, time"], ("2.0 %, 95 % interval 1.0 % to 3.0 %", False))
        self.assertEqual(found["x, CPU time of QEMU"], ("2.0 %, 95 % interval 1.0 % to 3.0 %", False))
        self.assertEqual(found["x, guest instructions"][1], False)

    def test_rounds_of_waking(self):
        m = Measurement("idle", 3, {"wake_rounds": 500, "wake_rounds_per_s": 250.0, "qemu_cpu_s": 2.0}, {})
        each, = claim_runs.per_unit([m], "wake_rounds")
        self.assertEqual((each.arm, each.round), ("idle", 3))
        self.assertEqual(each.figures, {"s_each": 0.004, "qemu_cpu_s_each": 0.004})

    def test_a_workload_that_did_nothing(self):
        m = Measurement("idle", 0, {"qemu_cpu_s": 2.0}, {})
        self.assertEqual(claim_runs.per_unit([m], "wake_rounds"), [])

    def test_cpu_time_of_a_process(self):
        before = time.process_time_ns()
        found = threads.process_ns(os.getpid())
        self.assertTrue(before <= found <= time.process_time_ns())
