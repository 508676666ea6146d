# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The order of arms, and what is tried of them beforehand."""

import unittest
from types import SimpleNamespace as Thing

import arms
from device import DeviceError


class Order(unittest.TestCase):
    def test_abba(self):
        plan = arms.order(["a", "b", "c"], 4, seed=3)
        rounds = [[name for number, name in plan if number == n] for n in range(4)]
        self.assertEqual(rounds[1], rounds[0][::-1])
        self.assertEqual(rounds[3], rounds[2][::-1])
        for names in rounds:
            self.assertEqual(sorted(names), ["a", "b", "c"])

    def test_same_seed_same_order(self):
        self.assertEqual(arms.order("abcdef", 6, 1), arms.order("abcdef", 6, 1))

    def test_seeds_differ(self):
        self.assertGreater(len({tuple(arms.order("abcdef", 2, s)) for s in range(8)}), 1)

    def test_random_draws_each_round(self):
        plan = arms.order("abcdef", 2, 5, "random")
        first, second = ([n for r, n in plan if r == k] for k in (0, 1))
        self.assertEqual(sorted(first), sorted(second))
        self.assertNotEqual(second, first[::-1])


class Trying(unittest.TestCase):
    def setUp(self):
        self.put = []
        self.machine = Thing(device=Thing(set_policy=self.set_policy))

    def set_policy(self, name, tunables, ceiling=()):
        self.put.append((name, tunables, ceiling))
        if name == "bad":
            raise DeviceError("policy = 'bad': there is none")

    @staticmethod
    def arm(name, policy, tunables=(), ceiling=()):
        return Thing(name=name, policy=policy, tunables=dict(tunables), ceiling=list(ceiling))

    def test_each_policy_and_none_after_it(self):
        arms.try_policies([self.arm("default", "none"),
                           self.arm("x", "boost", {"fifo": 0}, ["slice"])], [self.machine])
        self.assertEqual(self.put, [("boost", {"fifo": 0}, ["slice"]), ("none", {}, ())])

    def test_one_that_is_refused(self):
        with self.assertRaises(arms.ArmError) as caught:
            arms.try_policies([self.arm("x", "bad")], [self.machine])
        self.assertEqual(str(caught.exception), "arm \"x\": policy = 'bad': there is none")
