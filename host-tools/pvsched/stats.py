# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Distributions kept as histograms, and confidence intervals by the bootstrap over rounds: rounds
are what was repeated independently, samples within one are not."""

import math
import random

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
RESAMPLES = 2000


class Histogram:
    """Counts by value, in whatever unit the values have."""

    def __init__(self, counts=None):
        self.counts = {}
        for value, count in (counts or {}).items():
            if count:
                self.counts[float(value)] = self.counts.get(float(value), 0) + int(count)

    def total(self):
        return sum(self.counts.values())

    def quantile(self, q):
        """The least value that at least a share `q` of the samples does not exceed; None: empty."""
        total = self.total()
        if not total:
            return None
        wanted, seen = math.ceil(q * total - 1e-9), 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= max(wanted, 1):
                return value
        raise AssertionError("a histogram's counts do not add up")

    def max(self):
        return max(self.counts, default=None)

    def mean(self):
        total = self.total()
        return sum(v * n for v, n in self.counts.items()) / total if total else None

    def merge(self, other):
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count
        return self

    def summary(self):
        """p50 and so on, max, mean and the number of samples."""
        figures = {name: self.quantile(q) for name, q in QUANTILES.items()}
        return {**figures, "max": self.max(), "mean": self.mean(), "samples": self.total()}

    def tail(self):
        """(value, share of samples above it) for each value: what is plotted."""
        total, seen, points = self.total(), 0, []
        for value in sorted(self.counts):
            seen += self.counts[value]
            points.append((value, (total - seen) / total))
        return points


def merged(histograms):
    result = Histogram()
    for histogram in histograms:
        result.merge(histogram)
    return result


def median(values):
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def bootstrap(rounds, statistic, seed=1, level=0.95, resamples=RESAMPLES):
    """
    Interval of `statistic`, a function of a list of rounds, by drawing rounds with replacement.
    Returns (low, high), (None, None) for fewer than two rounds: one says nothing on how rounds
    differ. A resample of which the statistic is None does not count.
    """
    if len(rounds) < 2:
        return None, None
    draw = random.Random(seed)
    values = []
    for _ in range(resamples):
        value = statistic([rounds[draw.randrange(len(rounds))] for _ in rounds])
        if value is not None and not math.isnan(value):
            values.append(value)
    if not values:
        return None, None
    values.sort()
    edge = (1 - level) / 2
    return _at(values, edge), _at(values, 1 - edge)


def _at(ordered, q):
    """Linear interpolation between order statistics."""
    place = q * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def ratio_of(a, b):
    """a / b, None where that is nothing."""
    return a / b if a is not None and b else None


def quantile_of_rounds(q):
    """A statistic for bootstrap(): a quantile of the rounds' histograms together. q = 1: max."""
    def statistic(histograms):
        together = merged(histograms)
        return together.max() if q >= 1 else together.quantile(q)
    return statistic
