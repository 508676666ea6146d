# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The order of arms."""

import unittest

import arms


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
