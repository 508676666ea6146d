# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The victims' share, from counters."""

import unittest
from types import SimpleNamespace as Thing

import measure
import scenario


class Share(unittest.TestCase):
    def figures(self, got, vcpus, others=0, nice=0, wall=1000):
        spec = scenario.Background(nice=nice)
        background = Thing(spinners=[Thing(cpu=0, spec=spec), Thing(cpu=1, spec=spec)])
        background.victims = lambda: background.spinners
        machine = Thing(vcpu_tids=lambda: [11, 12])
        before = Thing(at=0, victims={0: 0, 1: 0}, vcpus={11: (0, 0), 12: (0, 0)}, others={7: 0})
        after = Thing(at=wall, victims={0: got, 1: got}, vcpus={11: (vcpus, 0), 12: (vcpus, 0)},
                      others={7: others})
        return measure.victim_figures(before, after, background, [machine])

    def test_even(self):
        self.assertEqual(self.figures(500, 500),
                         {"victim_cpu": 0.5, "victim_share": 1.0, "outside": 0.0})

    def test_what_others_took_is_not_the_machines_doing(self):
        figures = self.figures(250, 250)
        self.assertEqual((figures["victim_share"], figures["outside"]), (1.0, 0.5))

    def test_qemus_other_threads_count_as_the_machines(self):
        self.assertAlmostEqual(self.figures(400, 500, others=200)["victim_share"], 0.8)

    def test_weights(self):
        """nice 5 weighs 335 against 1024."""
        figures = self.figures(335, 1024, nice=5, wall=1359)
        self.assertAlmostEqual(figures["victim_share"], 1.0)
