# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""From result.json to report.html and report.json."""

import json
import re
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

import analysis
import plot
import report


class Checker(HTMLParser):
    """Every element that opens closes, in order."""
    VOID = {"meta"}

    def __init__(self):
        super().__init__()
        self.open, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()


def measurement(arm, number, value, counts):
    return {"arm": arm, "round": number, "figures": {"victim_share": value},
            "histograms": {"latency_us": counts}}


def result(measurements):
    arms = [{"name": "default", "reference": True, "policy": "none"},
            {"name": "boost", "reference": False, "policy": "boost"}]
    return {"scenario": {"name": "s", "description": "a & b", "arm": arms, "seed": 1,
                         "rounds": 2, "duration": 1.5, "warmup": 0},
            "scenario_text": "x = 1 < 2", "overcommit": "2:1", "notes": ["a note"],
            "measurements": measurements,
            "machine": {"accelerator": "tcg", "host_kernel": "6.18", "host_cpus": 2}}


class Refusing(unittest.TestCase):
    def test_what_no_experiment_wrote(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.json"
            for text in ("{}", "[]", "1", '{"scenario": {}, "measurements": []}'):
                path.write_text(text)
                with self.assertRaises(report.NoResult) as caught:
                    report.read_result(folder)
                self.assertEqual(str(caught.exception),
                                 f"{path} is not what an experiment wrote: it lacks its scenario, "
                                 "machine or measurements; ./sluice pvsched run SCENARIO --out DIR "
                                 "makes one")


class Writing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def put(self, measurements):
        (self.folder / "result.json").write_text(json.dumps(result(measurements)))

    def test_figures_and_ratios(self):
        self.put([measurement("default", 0, 1.0, {"1000": 100}),
                  measurement("boost", 0, 0.9, {"100": 100}),
                  measurement("default", 1, 1.0, {"1000": 100}),
                  measurement("boost", 1, 0.9, {"100": 100})])
        summary = report.write(self.folder)
        row = summary["figures"]["latency_us.p99.9"]
        self.assertEqual(row["arms"]["default"], {"value": 1000, "low": 1000, "high": 1000})
        self.assertEqual(row["ratios"]["boost"], {"value": 0.1, "low": 0.1, "high": 0.1})
        self.assertAlmostEqual(summary["figures"]["victim_share"]["ratios"]["boost"]["value"], 0.9)
        saved = json.loads((self.folder / "report.json").read_text())
        self.assertEqual(saved["figures"]["latency_us.max"]["arms"]["boost"]["value"], 100)
        self.assertEqual(saved["machine"]["accelerator"], "tcg")

    def test_page_is_whole_and_needs_nothing_else(self):
        self.put([measurement("default", 0, 1.0, {"1000": 3}), measurement("boost", 0, 1, {"9": 3})])
        report.write(self.folder)
        text = (self.folder / "report.html").read_text()
        checker = Checker()
        checker.feed(text)
        self.assertEqual((checker.open, checker.links), ([], []))
        self.assertIn("a &amp; b", text)
        self.assertIn("x = 1 &lt; 2", text)
        self.assertIn("2 rounds of 1.5 s after 0 s of warm-up, seed 1", text)
        self.assertIn("not about KVM", text)
        self.assertIn("<svg", text)
        self.assertIn("<p>Overcommit, vCPUs and background tasks for each host CPU: 2:1.</p>", text)
        self.assertEqual(json.loads((self.folder / "report.json").read_text())["overcommit"], "2:1")

    def test_footnote(self):
        rounds = [measurement("default", n, 1.0, {"9": 3}) for n in range(2)]
        for measured, wanted in ((rounds[:1], "of one round, which gives no interval"),
                                 (rounds, "mean or quantile of 2 rounds [95 % interval]")):
            self.put(measured)
            self.assertEqual(analysis.footnote(report.write(self.folder)), wanted)

    def test_other_load_is_told(self):
        busy, quiet = (measurement(arm, 0, 1.0, {"9": 3}) for arm in ("default", "boost"))
        busy["figures"]["outside"], quiet["figures"]["outside"] = 0.25, 0.1
        self.put([busy, quiet])
        told = report.doubts(report.write(self.folder))
        self.assertEqual(told, ["25 % of the host's CPU time went to other processes while default "
                                "was measured: latencies are not to be trusted"])
        self.assertIn("while default was measured", (self.folder / "report.html").read_text())
        self.assertEqual(json.loads((self.folder / "report.json").read_text())["notes"],
                         ["a note", *told])

    def test_order_of_figures(self):
        one = measurement("default", 0, 1.0, {"1000": 3})
        one["figures"] = {"vm0/vcpu_run": 1, "seconds": 1, "outside": 1, "my own": 1, "late": 1}
        self.put([one])
        self.assertEqual(list(report.write(self.folder)["figures"])[4:],
                         ["my own", "late", "outside", "seconds", "vm0/vcpu_run"])

    def test_colours_of_a_dark_page(self):
        self.put([measurement("default", 0, 1.0, {"1000": 3})])
        report.write(self.folder)
        light, dark = (self.folder / "report.html").read_text().split(
            "@media (prefers-color-scheme: dark)")
        named = set(re.findall(r"(--[a-z]+):", light))
        self.assertEqual(named, set(re.findall(r"(--[a-z]+):", dark)))
        self.assertEqual(named, set(re.findall(r"var\((--[a-z]+)\)", dark)))
        # No other colour of text, lines or ground, but those of the arms.
        rest = dark[dark.index("body {"):]
        self.assertEqual(set(re.findall("#[0-9a-f]{3,6}", rest)) - set(plot.COLOURS), set())

    def test_reference_that_was_not_measured(self):
        self.put([measurement("boost", 0, 0.9, {"100": 1})])
        self.assertEqual(report.write(self.folder)["reference"], "boost")

    def test_no_folder_of_an_experiment(self):
        with self.assertRaisesRegex(report.NoResult, "holds no result.json"):
            report.write(self.folder)

    def test_nothing_measured(self):
        self.put([])
        with self.assertRaisesRegex(report.NoResult, "has no measurement"):
            report.write(self.folder)
