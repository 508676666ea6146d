# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Plots are well-formed and hold what they were given."""

import unittest
from xml.etree import ElementTree

import plot


class Axes(unittest.TestCase):
    def test_whole_decades(self):
        axis = plot.Axis(20, 5000, 0, 100)
        self.assertEqual(axis.decades(), [10.0, 100.0, 1000.0, 10000.0])
        self.assertAlmostEqual(axis.at(10), 0)
        self.assertAlmostEqual(axis.at(100), 100 / 3)
        self.assertAlmostEqual(axis.at(10000), 100)

    def test_one_value(self):
        self.assertEqual(plot.Axis(10, 10, 0, 1).decades(), [10.0, 100.0])

    def test_units(self):
        self.assertEqual([plot.decade_name(v, "us") for v in (1, 10, 1000, 1e6)],
                         ["1 us", "10 us", "1 ms", "1 s"])


class Svg(unittest.TestCase):
    def test_tails(self):
        text = plot.tails([("a<b", [(10, 0.5), (20, 0.0)]), ("c", [(30, 0.0)])], "latency")
        svg = ElementTree.fromstring(text.split("</svg>")[0] + "</svg>")
        self.assertEqual(len(svg.findall("path")), 2)
        self.assertIn("a&lt;b", text)

    def test_nothing_to_plot(self):
        self.assertEqual(plot.tails([("a", [])], "latency"), "")
        self.assertEqual(plot.bars([("a", None)], "x", ""), "")

    def test_bars(self):
        text = plot.bars([("a", {"value": 2, "low": 1, "high": 4}), ("b", None),
                          ("c", {"value": 1, "low": None, "high": None})], "share", "s")
        svg = ElementTree.fromstring(text)
        self.assertEqual(len(svg.findall("rect")), 2)
        self.assertEqual(len(svg.findall("line")), 1)
