# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""How each claim is measured. RUNS[n](quick, folder) returns {number: Outcome}: one run may answer
two claims. Unable: this machine cannot measure it at all."""

import sys

import analysis
import claim_tools
import experiment
import report
import scenario as scenarios
from claims import Outcome, Part

QUICK = {"rounds": 2, "duration": 2.0, "warmup": 0.5}


def ran(name, quick, folder, **changes):
    """Run a scenario; returns (summary, machine, notes)."""
    changes = {**(QUICK if quick else {}), **changes}
    scenario = scenarios.load(scenarios.find(name))
    options = experiment.Options(folder, **changes)
    summary = experiment.run(experiment.override(scenario, options), options)
    result = report.read_result(folder)
    print("\n".join(analysis.table_lines(summary)), file=sys.stderr)
    return summary, result["machine"], " ".join(result["notes"])


def value(summary, figure, arm):
    """The estimate, or None if it was not measured."""
    row = summary["figures"].get(figure, {"arms": {}})
    return (row["arms"].get(arm) or {"value": None})["value"]


def ratio(summary, figure, arm):
    """{"value", "low", "high"} of arm by reference, or None."""
    row = summary["figures"].get(figure)
    found = row and row["ratios"].get(arm)
    return found if found and found["value"] is not None else None


def times(x):
    return "?" if x is None else f"{x:.2f}×"


def percent(x):
    return "?" if x is None else f"{100 * x:.1f} %"


def interval(entry, show=percent):
    if entry["low"] is None:
        return f"{show(entry['value'])} (one round: no interval)"
    return f"{show(entry['value'])}, 95 % interval {show(entry['low'])} to {show(entry['high'])}"


# ---- 3: loaded but idle ----

# Scenario, what its workload is called, and the figure that counts what it did.
IDLE = (("claim-3-idle-cost", "hackbench", "hackbench_runs"),
        ("claim-3-idle-wake", "pvs-wake", "wake_rounds"))
BOUND = 1.02


def per_unit(measurements, unit):
    """Measurements of what one run, or round, of the workload took: seconds, CPU time of QEMU,
    instructions; of those in which it did any."""
    found = []
    for m in measurements:
        done = m.figures.get(unit)
        if not done:
            continue
        # hackbench's own time leaves out what the shell does between two runs.
        each = {"s_each": m.figures.get("hackbench_s") or 1 / m.figures["wake_rounds_per_s"]}
        for name in ("qemu_cpu_s", "instructions"):
            if name in m.figures:
                each[name + "_each"] = m.figures[name] / done
        found.append(analysis.Measurement(m.arm, m.round, each, {}))
    return found


def more(entry):
    """A ratio as what there is more."""
    return interval({key: value and value - 1 for key, value in entry.items()})


def bounded(name, entry):
    met = None if entry["high"] is None else entry["high"] <= BOUND
    return Part(name, more(entry), "upper bound ≤ 2 %", met, entry)


def idle_parts(name, summary, tcg):
    parts = [bounded(f"{name}, time", ratio(summary, "s_each", "idle")),
             bounded(f"{name}, CPU time of QEMU", ratio(summary, "qemu_cpu_s_each", "idle"))]
    if tcg:
        found = ratio(summary, "instructions_each", "idle")
        parts.append(Part(f"{name}, guest instructions", more(found), "< 1 %",
                          found["value"] < 1.01, found))
    return parts


def idle_cost(quick, folder):
    parts, note = [], ""
    for scenario, name, unit in IDLE:
        summary, machine, said = ran(scenario, quick, folder / name, arms=["absent", "idle"])
        measured = map(analysis.Measurement.read, report.read_result(folder / name)["measurements"])
        each = analysis.summarize(per_unit(measured, unit), summary["arms"], summary["reference"])
        tcg = machine["accelerator"] == "tcg"
        parts += idle_parts(name, each, tcg)
        note = note or said
    if not tcg:
        parts.append(Part("instructions", "KVM executes uncounted", "< 1 %", None))
    note += (" schbench is no package of the guest's distribution: pvs-wake has its pattern. CPU time "
             "is that of all QEMU's threads; other load on the host adds less to it than to time.")
    return {3: Outcome(parts, machine, note.strip())}


# ---- 4 and 5: wake-up latency, and what the others keep ----

def best_arm(summary, figure, arms):
    known = [(value(summary, figure, a), a) for a in arms if value(summary, figure, a) is not None]
    return min(known)[1]


def wakeup(quick, folder):
    summary, machine, note = ran("claim-4-wakeup", quick, folder)
    figure, policies = "latency_us.p99.9", ("boost", "boost-fifo")
    best = best_arm(summary, figure, policies)
    ours, default, static = (value(summary, figure, a) for a in (best, "default", "static-fifo"))
    gain, distance = default / ours, ours / static
    shown = f"default {default:,.0f} us, {best} {ours:,.0f} us, static FIFO {static:,.0f} us"
    parts = [Part(f"p99.9, default by {best}", f"{times(gain)} ({shown})", "≥ 5×", gain >= 5,
                  {"default_us": default, best: ours, "static_fifo_us": static}),
             Part(f"p99.9, {best} by static FIFO", times(distance), "≤ 2×", distance <= 2)]
    others = "; ".join(f"{a}: p99.9 {value(summary, figure, a):,.0f} us, p99 "
                       f"{value(summary, 'latency_us.p99', a):,.0f} us, victims' share "
                       f"{percent(value(summary, 'victim_share', a))}"
                       for a in summary["arms"])
    share = ratio(summary, "victim_cpu", best)
    kept = Part(f"victims' CPU time, {best}, by what the host gives them by default",
                f"{interval(share)} (default {percent(value(summary, 'victim_cpu', 'default'))} of what "
                f"there was, {best} {percent(value(summary, 'victim_cpu', best))}, static FIFO "
                f"{percent(value(summary, 'victim_cpu', 'static-fifo'))})", "≥ 90 %",
                share["value"] >= 0.9, share)
    note = f"{others}. {note}".strip()
    return {4: Outcome(parts, machine, note), 5: Outcome([kept], machine, note)}


# ---- 6: always-boost ----

def greedy(quick, folder):
    summary, machine, note = ran("claim-6-greedy", quick, folder,
                                 **({"warmup": 3.0} if quick else {}))
    share = ratio(summary, "victim_cpu", "boost")
    boosted = value(summary, "boost_residency", "boost")
    lost = abs(1 - share["value"])
    parts = [Part("victims' share of the CPU, by the same without policy", interval(share),
                  "95 % to 105 %", lost <= 0.05, share),
             Part("the guest did ask, and was refused", f"boosted {percent(boosted)} of the time, "
                  f"budget spent {percent(value(summary, 'throttled', 'boost'))} of it",
                  "boosted some of the time, and throttled", bool(boosted) and
                  bool(value(summary, "throttled", "boost")))]
    return {6: Outcome(parts, machine, note)}


# ---- 7: lock holders ----

def lock_holder(quick, folder):
    summary, machine, note = ran("claim-7-lock-holder", quick, folder)
    return {7: Outcome(lock_parts(summary), machine, note)}


def lock_parts(summary):
    """Holders stopped by time and by work done: a guest that is served better takes more locks, in
    each of which it may be stopped."""
    parts = []
    for per, figure in (("a second", "lock_stops_by_host_s"),
                        ("of as many locks taken", "lock_stops_by_host_per_1000")):
        name = f"lock holders stopped by the host, {per}, by default's"
        if held := ratio(summary, figure, "lock-holder"):
            parts.append(Part(name, more(held), "−80 %", held["value"] <= 0.2, held))
        else:
            parts.append(Part(name, "none was without the policy either: there is nothing to better",
                              "−80 %", None))
    speed = ratio(summary, "lock_ops_per_s", "lock-holder")
    parts.append(Part("lock throughput, by default's", more(speed), "+10 %", speed["value"] >= 1.1,
                      speed))
    return parts


# ---- 8: the host's state for a guest scheduler ----

def host_state(quick, folder):
    summary, machine, note = ran("claim-8-host-state", quick, folder)
    found = ratio(summary, "latency_us.p99", "host-state")
    parts = [Part("p99, by that with steal time alone",
                  more(found), "−30 %",
                  found["value"] <= 0.7, found)]
    if machine["accelerator"] == "tcg":
        note += (" Under TCG there is no steal time of KVM's: the arm without the host's state is "
                 "given the steal time that the device tells.")
    return {8: Outcome(parts, machine, note.strip())}


# ---- 10: without privilege ----

def unprivileged(quick, folder):
    summary, machine, note = ran("claim-10-unprivileged", quick, folder)
    default, ours = (value(summary, "latency_us.p99", a) for a in ("default", "slice"))
    gain = default / ours
    parts = [Part("p99, default by slice", f"{times(gain)} (default {default:,.0f} us, slice "
                  f"{ours:,.0f} us)", "≥ 1.5×", gain >= 1.5)]
    parts += claim_tools.restore_parts()
    return {10: Outcome(parts, machine, note)}


RUNS = {1: claim_tools.hint_cost, 2: claim_tools.torn, 3: idle_cost, 4: wakeup, 5: wakeup, 6: greedy,
        7: lock_holder, 8: host_state, 9: claim_tools.compare, 10: unprivileged}
