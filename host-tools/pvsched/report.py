# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The report of an experiment: report.html, one page that needs nothing else, and report.json."""

import json
from html import escape
from pathlib import Path

import analysis
import plot
from analysis import Measurement

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #6b6b6b; --rule: #ddd;
        --box: #f6f6f6; --note: #f4f1e6; --better: #17692f; --worse: #a02020; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --paper: #181a1b; --faint: #9a9a9a; --rule: #3d4043; --box: #232628;
          --note: #33301f; --better: #6fcf8b; --worse: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--rule); text-align: right; }
th:first-child, td:first-child { text-align: left; } td small { color: var(--faint); }
td .figure { white-space: nowrap; }
.note { background: var(--note); padding: 0.6rem 1rem; }
td small.better { color: var(--better); } td small.worse { color: var(--worse); }
svg { width: 100%; height: auto; font-size: 12px; } svg text { fill: currentColor; }
svg .grid { stroke: var(--rule); } svg .interval { stroke: var(--ink); stroke-width: 2; }
.legend span { margin-right: 1.2rem; } .legend i { display: inline-block; width: 1rem;
height: 0.7rem; margin-right: 0.3rem; } pre { overflow-x: auto; background: var(--box);
padding: 0.6rem; font-size: 0.8rem; }
"""
BARS = ("victim_share", "vcpu_wait", "boost_residency", "lock_stops_by_host_s",
        "lock_stops_by_host_per_1000", "preempted_in_cs",
        "lock_ops_per_s", "hackbench_s", "audio_missed_ratio", "instructions")


class NoResult(Exception):
    """A folder that is not an experiment's."""


def read_result(folder):
    """What the run left in result.json."""
    path = Path(folder) / "result.json"
    try:
        result = json.loads(path.read_text())
    except FileNotFoundError:
        raise NoResult(f"{folder} holds no result.json: it is not the folder of an experiment; "
                       "./sluice pvsched run SCENARIO --out DIR makes one") from None
    except json.JSONDecodeError as why:
        raise NoResult(f"{path} is not JSON: {why}") from None
    if not isinstance(result, dict) or not {"scenario", "machine", "measurements"} <= result.keys():
        raise NoResult(f"{path} is not what an experiment wrote: it lacks its scenario, machine or "
                       "measurements; ./sluice pvsched run SCENARIO --out DIR makes one")
    return result


def summarize(result):
    measurements = [Measurement.read(m) for m in result["measurements"]]
    arms = [arm["name"] for arm in result["scenario"]["arm"] if
            any(m.arm == arm["name"] for m in measurements)]
    reference = next((a["name"] for a in result["scenario"]["arm"] if a["reference"]), None)
    if reference not in arms and arms:
        reference = arms[0]
    return measurements, analysis.summarize(measurements, arms, reference,
                                            result["scenario"]["seed"])


OUTSIDE = 0.1  # of the host's CPU time: more than that gone elsewhere is other load


def doubts(summary):
    """Why latencies of these measurements are not to be trusted, for people."""
    arms = summary["figures"].get("outside", {"arms": {}})["arms"]
    return [f"{100 * gone['value']:.0f} % of the host's CPU time went to other processes while {arm} "
            "was measured: latencies are not to be trusted"
            for arm, gone in arms.items() if gone["value"] is not None and gone["value"] > OUTSIDE]


def evidence(machine):
    """What a figure of this machine is evidence about."""
    if machine["accelerator"] == "kvm":
        return "Measured under KVM: the figures are about the host's scheduler and KVM."
    return ("Measured under TCG, QEMU's emulation of the CPU: the latencies are evidence about the "
            "channel and the policy, not about KVM.")


def _ratio_cell(row, arm):
    ratio = row["ratios"].get(arm)
    if not ratio or ratio["value"] is None:
        return ""
    style = ""
    if row["better"] and ratio["low"] is not None:
        if ratio["high"] < 1:
            style = "better" if row["better"] < 0 else "worse"
        elif ratio["low"] > 1:
            style = "worse" if row["better"] < 0 else "better"
    return f' <small class="figure {style}">×{analysis.cell(ratio)}</small>'


def _table(summary):
    head = "".join(f"<th>{escape(arm)}</th>" for arm in summary["arms"])
    rows = []
    for row in summary["figures"].values():
        unit = f" ({row['unit']})" if row["unit"] else ""
        cells = "".join(f'<td><span class="figure">{analysis.cell(row["arms"].get(arm))}</span>'
                        f"{_ratio_cell(row, arm)}</td>" for arm in summary["arms"])
        rows.append(f"<tr><td>{escape(row['title'] + unit)}</td>{cells}</tr>")
    return f'<div class="wide"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _plots(measurements, summary):
    parts = []
    for name in summary["distributions"]:
        what = analysis.figure(name)
        series = [(arm, analysis.pool(measurements, name, arm).tail()) for arm in summary["arms"]]
        parts.append(f"<h2>{escape(what.title)}</h2>"
                     + plot.tails(series, what.title, what.unit or "us"))
    shown = [f for name in BARS for f in summary["figures"] if f.split("/")[-1] == name]
    if shown:
        parts.append("<h2>Figures</h2>")
    for name in shown:
        row = summary["figures"][name]
        parts.append(plot.bars([(arm, row["arms"].get(arm)) for arm in summary["arms"]],
                               row["title"], row["unit"]))
    return "\n".join(parts)


def _machine(machine):
    rows = "".join(f"<tr><td>{escape(str(k).replace('_', ' '))}</td><td>{escape(str(v))}</td></tr>"
                   for k, v in machine.items())
    return f"<table>{rows}</table>"


OVERCOMMIT = "Overcommit, vCPUs and background tasks for each host CPU: "


def extent(scenario):
    """How much was asked for: the command line may have said else than the file."""
    count = scenario["rounds"]
    return (f"Asked for: {count} {'rounds' if count > 1 else 'round'} of {scenario['duration']:g} s after "
            f"{scenario['warmup']:g} s of warm-up, seed {scenario['seed']}.")


def html(result, measurements, summary):
    scenario, machine = result["scenario"], result["machine"]
    title = f"{scenario['name']}: {scenario['description']}"
    notes = "".join(f"<li>{escape(n)}</li>" for n in result.get("notes", []) + doubts(summary))
    rounds = ", ".join(f"{arm}: {n}" for arm, n in summary["rounds"].items())
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>
<h1>{escape(scenario['name'])}</h1><p>{escape(scenario['description'])}</p>
<p class="note">{escape(evidence(machine))}</p>{f'<ul>{notes}</ul>' if notes else ''}
<h2>All figures</h2>
<p>Mean of the rounds, or quantile of all samples together, and the 95&nbsp;% interval (bootstrap
over rounds; {escape(rounds)}); × is the ratio to the arm “{escape(summary['reference'])}”, in
colour where its interval leaves out 1.</p>
{_table(summary)}
{_plots(measurements, summary)}
{f'<p>{escape(OVERCOMMIT + result["overcommit"])}.</p>' if "overcommit" in result else ""}
<h2>Machine</h2>{_machine(machine)}
<h2>Scenario</h2><p>{escape(extent(scenario))} The file says:</p>
<pre>{escape(result.get('scenario_text', ''))}</pre>
</body></html>
"""


def write(folder):
    """(Re)write report.html and report.json from result.json; returns the summary."""
    folder = Path(folder)
    result = read_result(folder)
    measurements, summary = summarize(result)
    if not measurements:
        raise NoResult(f"{folder}: result.json has no measurement; the run ended before the first")
    summary["overcommit"] = result.get("overcommit")
    (folder / "report.html").write_text(html(result, measurements, summary))
    document = {"scenario": result["scenario"]["name"], "machine": result["machine"],
                "notes": result.get("notes", []) + doubts(summary), **summary}
    (folder / "report.json").write_text(json.dumps(document, indent=1) + "\n")
    return summary
