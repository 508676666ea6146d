# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What programs print, as figures."""

import unittest

import workloads
from scenario import Workload

CYCLIC = """{"num_threads": 2, "thread": {
"0": {"histogram": {"71": 12, "102": 3}, "cycles": 15, "max": 102},
"1": {"histogram": {"71": 1}, "cycles": 3, "max": 900000}}}
"""
STRESS = """stress-ng: info:  [123] dispatching hogs: 2 cpu
stress-ng: metrc: [123] stressor       bogo ops real time  usr time  sys time   bogo ops/s
stress-ng: metrc: [123] cpu                1000      2.00      1.95      0.01       500.00
"""


class Figures(unittest.TestCase):
    def test_cyclictest(self):
        figures = workloads.KINDS["cyclictest"].figures(CYCLIC)
        self.assertEqual(figures["late"], 2)
        self.assertEqual(figures["latency_us"].counts, {71.0: 13, 102.0: 3, 900_000.0: 2})

    def test_cyclictest_without_a_histogram(self):
        with self.assertRaisesRegex(workloads.WorkloadError, "left no histogram"):
            workloads.KINDS["cyclictest"].figures("Unable to set scheduler\n")

    def test_hackbench(self):
        text = "Running in process mode\nTime: 0.500\nRunning\nTime: 1.500\n"
        self.assertEqual(workloads.KINDS["hackbench"].figures(text),
                         {"hackbench_s": 1.0, "hackbench_runs": 2})

    def test_stress_ng(self):
        self.assertEqual(workloads.KINDS["stress-ng"].figures(STRESS), {"stress_cpu_ops_s": 500.0})

    def test_own_takes_the_last_json_line(self):
        figures = workloads.KINDS["pvs-lock"].figures(
            'x\n{"ops_per_s": 5, "ops": 10, "seed": 3, "elapsed_ns": 2000000000, '
            '"holder_stops_by_host": 8, '
            '"wait_us": {"1.500": 7, "30": 1}, "lock": "spin"}\n')
        self.assertEqual((figures["lock_ops_per_s"], figures["lock_stops_by_host_s"]), (5, 4))
        self.assertEqual(figures["lock_stops_by_host_per_1000"], 800)
        self.assertEqual(figures["lock_stops_by_guest_per_1000"], 0)
        self.assertEqual(figures["wait_us"].counts, {1.5: 7, 30.0: 1})
        self.assertNotIn("lock_seed", figures)

    def test_own_without_json(self):
        with self.assertRaisesRegex(workloads.WorkloadError, "pvs-lock printed no JSON"):
            workloads.KINDS["pvs-lock"].figures("oops\n")

    def test_shell(self):
        self.assertEqual(workloads.KINDS["shell"].figures("count 12\nnot this\nshare 0.5\n"),
                         {"count": 12.0, "share": 0.5})


class Commands(unittest.TestCase):
    def test_cyclictest_has_period_priority_and_a_thread_for_each_vcpu(self):
        line = workloads.KINDS["cyclictest"].command(Workload("cyclictest", interval_us=500), 3, 7.6)
        self.assertIn("-t 3 -a -i 500 -d 0 -p 80 -D 8 ", line)

    def test_shell_fills_in(self):
        spec = Workload("shell", command="x {cpus} {seconds}")
        self.assertEqual(workloads.KINDS["shell"].command(spec, 2, 4), "sh -c 'x 2 4'")
