# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""How each claim is measured. RUNS[n](quick, folder) returns {number: Outcome}: one run may answer
two claims. Unable: this machine cannot measure it at all."""

import sys

import analysis
import claim_tools
import experiment
import report
import scenario as scenarios
from claims import CLAIMS, Outcome, Part, Unable
from machine import describe

QUICK = {"rounds": 2, "duration": 2.0, "warmup": 0.5}


def here():
    """The machine, where nothing was measured on it."""
    return describe("none")


def scenario_of(number):
    """The one that measures a claim."""
    name, = CLAIMS[number - 1].scenarios
    return name


def ran(name, quick, folder, **changes):
    """Run a scenario; returns (summary, machine, notes)."""
    changes = {**(QUICK if quick else {}), **changes}
    scenario = scenarios.load(scenarios.find(name))
    options = experiment.Options(folder, **changes)
    summary = experiment.run(experiment.override(scenario, options), options)
    result = report.read_result(folder)
    print("\n".join(analysis.table_lines(summary)), file=sys.stderr)
    return summary, result["machine"], " ".join(result["notes"])


def found(summary, figure, arm, what="arms"):
    """{"value", "low", "high"} of the arm, or None if it was not measured."""
    entry = summary["figures"].get(figure, {what: {}})[what].get(arm)
    return entry if entry and entry["value"] is not None else None


def ratio(summary, figure, arm):
    """{"value", "low", "high"} of arm by reference, or None."""
    return found(summary, figure, arm, "ratios")


def needed(entry, figure, arm):
    """The entry of found() or ratio(). Unable: there is none."""
    if entry is None:
        raise Unable(f'the run gave no figure "{figure}" of the arm "{arm}"; ./sluice pvsched run '
                     "with the scenario of the same name shows what it does give")
    return entry


def estimate(summary, figure, arm):
    """As found(). Unable: it was not measured."""
    return needed(found(summary, figure, arm), figure, arm)


def value(summary, figure, arm):
    """Unable: it was not measured."""
    return estimate(summary, figure, arm)["value"]


def by_reference(summary, figure, arm):
    """As ratio(). Unable: it was not measured, or of the reference it is 0."""
    return needed(ratio(summary, figure, arm), figure, arm)


def times(x):
    return f"{x:.2f}×"


def percent(x):
    return f"{round(100 * x, 1) + 0.0:.1f} %"  # -0.04 is 0.0


def interval(entry, show=percent):
    if entry["low"] is None:
        return f"{show(entry['value'])} (one round: no interval)"
    return f"{show(entry['value'])}, 95 % interval {show(entry['low'])} to {show(entry['high'])}"


# ---- 3: loaded but idle ----

# Of each scenario what its workload is called, and the figure that counts what it did.
IDLE = (("hackbench", "hackbench_runs"), ("pvs-wake", "wake_rounds"))
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
    parts = [bounded(f"{name}, time", by_reference(summary, "s_each", "idle")),
             bounded(f"{name}, CPU time of QEMU", by_reference(summary, "qemu_cpu_s_each", "idle"))]
    if tcg:
        counted = by_reference(summary, "instructions_each", "idle")
        parts.append(Part(f"{name}, guest instructions", more(counted), "< 1 %",
                          counted["value"] < 1.01, counted))
    return parts


def idle_cost(quick, folder):
    parts, note = [], ""
    for scenario, (name, unit) in zip(CLAIMS[2].scenarios, IDLE, strict=True):
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

POLICIES = ("boost", "boost-fifo")


def wakeup(quick, folder):
    summary, machine, note = ran(scenario_of(4), quick, folder)
    note = f"{each_arm(summary)}. {note}".strip()
    return {4: Outcome(wakeup_parts(summary), machine, note),
            5: Outcome(share_parts(summary), machine, note)}


def each_arm(summary):
    return "; ".join(f"{arm}: p99.9 {value(summary, 'latency_us.p99.9', arm):,.0f} us, p99 "
                     f"{value(summary, 'latency_us.p99', arm):,.0f} us"
                     for arm in summary["arms"])


def wakeup_parts(summary):
    """Of the policy's arm that is best."""
    figure = "latency_us.p99.9"
    ours, best = min((value(summary, figure, arm), arm) for arm in POLICIES)
    default, static = (value(summary, figure, arm) for arm in ("default", "static-fifo"))
    gain, distance = default / ours, ours / static
    shown = f"default {default:,.0f} us, {best} {ours:,.0f} us, static FIFO {static:,.0f} us"
    return [Part(f"p99.9, default by {best}", f"{times(gain)} ({shown})", "≥ 5×", gain >= 5,
                 {"default_us": default, best: ours, "static_fifo_us": static}),
            Part(f"p99.9, {best} by static FIFO", times(distance), "≤ 2×", distance <= 2)]


def share_parts(summary):
    """Of each of the policy's arms, whichever claim 4 takes."""
    default, static = (percent(value(summary, "victim_share", arm))
                       for arm in ("default", "static-fifo"))
    parts = []
    for arm in POLICIES:
        share = estimate(summary, "victim_share", arm)
        kept = by_reference(summary, "victim_cpu", arm)
        parts.append(Part(f"background's CPU time of its fair share, {arm}",
                          f"{interval(share)} (default {default}, static FIFO {static}; of what it "
                          f"gets by default {interval(kept)})", "≥ 90 %", share["value"] >= 0.9,
                          {**share, "by_default": kept}))
    return parts


# ---- 6: always-boost ----

def greedy(quick, folder):
    summary, machine, note = ran(scenario_of(6), quick, folder,
                                 **({"warmup": 3.0} if quick else {}))
    return {6: Outcome(greedy_parts(summary), machine, note)}


def greedy_parts(summary):
    share = by_reference(summary, "victim_cpu", "boost")
    boosted = value(summary, "boost_residency", "boost")
    spent = value(summary, "throttled", "boost")
    return [Part("victims' share of the CPU, by the same without policy", interval(share),
                 "95 % to 105 %", abs(1 - share["value"]) <= 0.05, share),
            Part("the guest did ask, and was refused", f"boosted {percent(boosted)} of the time, "
                 f"budget spent {percent(spent)} of it", "boosted some of the time, and throttled",
                 boosted > 0 and spent > 0)]


# ---- 7: lock holders ----

def lock_holder(quick, folder):
    summary, machine, note = ran(scenario_of(7), quick, folder)
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
    speed = by_reference(summary, "lock_ops_per_s", "lock-holder")
    parts.append(Part("lock throughput, by default's", more(speed), "+10 %", speed["value"] >= 1.1,
                      speed))
    return parts


# ---- 8: the host's state for a guest scheduler ----

def host_state(quick, folder):
    summary, machine, note = ran(scenario_of(8), quick, folder)
    if machine["accelerator"] == "tcg":
        note += (" Under TCG there is no steal time of KVM's: the arm without the host's state is "
                 "given the steal time that the device tells.")
    return {8: Outcome(host_state_parts(summary), machine, note.strip())}


def host_state_parts(summary):
    p99 = by_reference(summary, "latency_us.p99", "host-state")
    return [Part("p99, by that with steal time alone", more(p99), "−30 %", p99["value"] <= 0.7,
                 p99)]


# ---- 10: without privilege ----

def unprivileged(quick, folder):
    summary, machine, note = ran(scenario_of(10), quick, folder)
    parts = slice_parts(summary) + claim_tools.restore_parts()
    return {10: Outcome(parts, machine, note)}


def slice_parts(summary):
    default, ours = (value(summary, "latency_us.p99", arm) for arm in ("default", "slice"))
    gain = default / ours
    return [Part("p99, default by slice", f"{times(gain)} (default {default:,.0f} us, slice "
                 f"{ours:,.0f} us)", "≥ 1.5×", gain >= 1.5,
                 {"default_us": default, "slice_us": ours})]


RUNS = {1: claim_tools.hint_cost, 2: claim_tools.torn, 3: idle_cost, 4: wakeup, 5: wakeup, 6: greedy,
        7: lock_holder, 8: host_state, 9: claim_tools.compare, 10: unprivileged}
