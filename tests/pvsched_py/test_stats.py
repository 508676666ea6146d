# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Histograms, quantiles and intervals."""

import unittest

import stats
from stats import Histogram


class Quantiles(unittest.TestCase):
    def test_of_one_to_a_thousand(self):
        h = Histogram({v: 1 for v in range(1, 1001)})
        self.assertEqual((h.quantile(0.5), h.quantile(0.99), h.quantile(0.999), h.max()),
                         (500, 990, 999, 1000))

    def test_counts_weigh(self):
        h = Histogram({"10": 999, "5000": 1})
        self.assertEqual((h.quantile(0.999), h.quantile(0.9991), h.max()), (10, 5000, 5000))

    def test_empty(self):
        h = Histogram()
        self.assertEqual((h.quantile(0.5), h.max(), h.mean(), h.total()), (None, None, None, 0))

    def test_merge_adds(self):
        h = stats.merged([Histogram({1: 2, 3: 1}), Histogram({3: 4})])
        self.assertEqual(h.counts, {1.0: 2, 3.0: 5})

    def test_tail_is_the_share_above(self):
        self.assertEqual(Histogram({1: 3, 2: 1}).tail(), [(1.0, 0.25), (2.0, 0.0)])

    def test_summary(self):
        self.assertEqual(Histogram({2: 1, 4: 1}).summary(),
                         {"p50": 2, "p90": 4, "p99": 4, "p99.9": 4, "max": 4, "mean": 3,
                          "samples": 2})


class Bootstrap(unittest.TestCase):
    def test_one_round_has_no_interval(self):
        self.assertEqual(stats.bootstrap([1.0], stats.mean), (None, None))

    def test_equal_rounds_have_none_either(self):
        self.assertEqual(stats.bootstrap([2.0] * 5, stats.mean), (2.0, 2.0))

    def test_holds_the_mean_and_stays_inside(self):
        low, high = stats.bootstrap([1.0, 2.0, 3.0, 4.0, 5.0], stats.mean)
        self.assertLess(1.0, low)
        self.assertLess(low, 3.0)
        self.assertLess(3.0, high)
        self.assertLess(high, 5.0)

    def test_same_seed_same_interval(self):
        rounds = [1.0, 5.0, 2.0, 9.0]
        self.assertEqual(stats.bootstrap(rounds, stats.mean, seed=7),
                         stats.bootstrap(rounds, stats.mean, seed=7))

    def test_wider_where_rounds_differ_more(self):
        narrow = stats.bootstrap([9.0, 10.0, 11.0, 10.0], stats.mean)
        wide = stats.bootstrap([1.0, 10.0, 19.0, 10.0], stats.mean)
        self.assertGreater(wide[1] - wide[0], narrow[1] - narrow[0])

    def test_quantile_of_rounds_pools_samples(self):
        rounds = [Histogram({1: 99}), Histogram({100: 1})]
        self.assertEqual(stats.quantile_of_rounds(0.99)(rounds), 1)
        self.assertEqual(stats.quantile_of_rounds(1)(rounds), 100)

    def test_ratio_of_nothing(self):
        self.assertIsNone(stats.ratio_of(1, 0))
        self.assertIsNone(stats.ratio_of(None, 2))
        self.assertEqual(stats.ratio_of(1, 2), 0.5)


class Median(unittest.TestCase):
    def test_even_odd_none(self):
        self.assertEqual((stats.median([3, 1, 2]), stats.median([4, 1, 2, 3]), stats.median([])),
                         (2, 2.5, None))
