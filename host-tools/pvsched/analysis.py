# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""From measurements, one for each arm and round, to a summary: for each figure and arm an estimate
with its 95 % interval over rounds, and its ratio to the reference arm with an interval of its own."""

from dataclasses import dataclass, replace

import stats
from stats import Histogram

DISTRIBUTION = ("p50", "p99", "p99.9", "max")
Q_OF = {**stats.QUANTILES, "max": 1.0}


@dataclass(frozen=True)
class Figure:
    title: str
    unit: str = ""
    better: int = 0  # -1: less is better, 1: more is, 0: neither


FIGURES = {
    "latency_us": Figure("wake-up latency", "us", -1),
    "hackbench_s": Figure("hackbench, one run", "s", -1),
    "hackbench_runs": Figure("hackbench, runs", "", 1),
    "wake_rounds": Figure("rounds of waking all workers", "", 1),
    "wake_rounds_per_s": Figure("rounds of waking all workers, a second", "1/s", 1),
    "late": Figure("wake-ups beyond the histogram", "", -1),
    "lock_ops_per_s": Figure("lock throughput", "1/s", 1),
    "wait_us": Figure("time to get the lock", "us", -1),
    "lock_stops_by_host_s": Figure("lock holders stopped by the host, a second", "1/s", -1),
    "lock_stops_by_guest_s": Figure("lock holders stopped by the guest, a second", "1/s", -1),
    "lock_stops_by_host_per_1000": Figure("lock holders stopped by the host, of 1000 locks taken",
                                          "", -1),
    "lock_stops_by_guest_per_1000": Figure("lock holders stopped by the guest, of 1000 locks taken",
                                           "", -1),
    "audio_missed": Figure("audio periods missed", "", -1),
    "audio_missed_ratio": Figure("audio periods missed, of all", "", -1),
    "wakeup_us": Figure("wake-up latency", "us", -1),
    "response_us": Figure("response time", "us", -1),
    "victim_share": Figure("background's CPU time, of its fair share", "", 1),
    "victim_cpu": Figure("background's CPU time, of what there was", "", 1),
    "vcpu_run": Figure("vCPUs on a host CPU, of wall time", ""),
    "vcpu_wait": Figure("vCPUs runnable without a host CPU (steal), of wall time", "", -1),
    "guest_steal": Figure("steal time that the guest's kernel counts, of its time", "", -1),
    "page_steal": Figure("steal time that the device tells the guest, of wall time", "", -1),
    "qemu_cpu_s": Figure("CPU time of QEMU, all threads", "s"),
    "outside": Figure("host CPU time gone elsewhere, of wall time", "", -1),
    "preempted_in_cs": Figure("preemptions in a critical section or with a lock held, a second",
                              "1/s", -1),
    "boost_residency": Figure("boosted, of wall time", ""),
    "throttled": Figure("budget spent, of wall time", ""),
    "applied": Figure("decisions applied, a second", "1/s"),
    "restored": Figure("baselines restored, a second", "1/s"),
    "decisions": Figure("callbacks run, a second", "1/s"),
    "actuator_ns": Figure("actuator, one call", "ns", -1),
    "actuator_errors": Figure("actuator errors", "", -1),
    "seconds": Figure("measured, of each round", "s"),
    "instructions": Figure("guest instructions", ""),
    "instructions_user": Figure("guest instructions, user", ""),
    "instructions_kernel": Figure("guest instructions, kernel", ""),
}


def figure(name):
    """Of a figure by its name; "VM/NAME" is that of one virtual machine."""
    *of, name = name.split("/")
    found = FIGURES.get(name, Figure(name.replace("_", " ")))
    return replace(found, title=": ".join([*of, found.title]))


@dataclass
class Measurement:
    """One arm in one round."""
    arm: str
    round: int
    figures: dict    # name -> number
    histograms: dict  # name -> Histogram

    @classmethod
    def read(cls, values):
        return cls(values["arm"], values["round"], values["figures"],
                   {name: Histogram(counts) for name, counts in values["histograms"].items()})


def by_arm(measurements, arms):
    """A list of measurements for each arm, in order of rounds."""
    return {arm: sorted((m for m in measurements if m.arm == arm), key=lambda m: m.round)
            for arm in arms}


def _interval(rounds, statistic, seed):
    low, high = stats.bootstrap(rounds, statistic, seed)
    return {"value": statistic(rounds), "low": low, "high": high}


def _number(name):
    def statistic(rounds):
        return stats.mean(m.figures[name] for m in rounds if name in m.figures)
    return statistic


def _quantile(name, q):
    take = stats.quantile_of_rounds(q)

    def statistic(rounds):
        return take([m.histograms[name] for m in rounds if name in m.histograms])
    return statistic


def _ratio(ours, reference, statistic, seed):
    """Rounds are drawn in pairs: an arm's round beside the reference's of the same number."""
    pairs = [(a, b) for a in ours for b in reference if a.round == b.round]
    if not pairs:
        return None

    def ratio(chosen):
        return stats.ratio_of(statistic([a for a, _ in chosen]), statistic([b for _, b in chosen]))
    return _interval(pairs, ratio, seed)


def _place(name):
    """In FIGURES' order, what a workload of the user's printed before that; VMs' own figures last."""
    *of, plain = name.split("/")
    order = list(FIGURES)
    return of, order.index(plain) if plain in FIGURES else -1, plain


def statistics_of(measurements):
    """(key, title, unit, better, statistic) of all that was measured."""
    histograms = sorted({name for m in measurements for name in m.histograms})
    numbers = sorted({name for m in measurements for name in m.figures}, key=_place)
    for name in histograms:
        what = figure(name)
        for label in DISTRIBUTION:
            yield (f"{name}.{label}", f"{what.title} {label}", what.unit or "us", what.better or -1,
                   _quantile(name, Q_OF[label]))
    for name in numbers:
        what = figure(name)
        yield name, what.title, what.unit, what.better, _number(name)


def summarize(measurements, arms, reference, seed=1):
    """
    {"arms": [...], "reference": name, "figures": {key: {"title", "unit", "better",
    "arms": {arm: {"value", "low", "high"}}, "ratios": {arm: the same}}}, "distributions": ...}
    """
    rounds = by_arm(measurements, arms)
    table = {}
    for key, title, unit, better, statistic in statistics_of(measurements):
        row = {"title": title, "unit": unit, "better": better, "arms": {}, "ratios": {}}
        for arm in arms:
            if not rounds[arm] or statistic(rounds[arm]) is None:
                continue
            row["arms"][arm] = _interval(rounds[arm], statistic, seed)
            if arm != reference:
                row["ratios"][arm] = _ratio(rounds[arm], rounds[reference], statistic, seed)
        table[key] = row
    names = sorted({name for m in measurements for name in m.histograms})
    pooled = {name: {arm: stats.merged(m.histograms[name] for m in rounds[arm]
                                       if name in m.histograms) for arm in arms} for name in names}
    return {"arms": arms, "reference": reference, "figures": table,
            "rounds": {arm: len(rounds[arm]) for arm in arms},
            "distributions": {name: {arm: h.summary() for arm, h in arms_.items() if h.total()}
                              for name, arms_ in pooled.items()}}


def pool(measurements, name, arm):
    """The histogram of an arm's rounds together."""
    return stats.merged(m.histograms[name] for m in measurements
                        if m.arm == arm and name in m.histograms)


# ---- for people ----

def short(value):
    """Three significant digits, thousands as they are."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cell(entry):
    if not entry or entry["value"] is None:
        return "-"
    if entry["low"] is None:
        return short(entry["value"])
    return f"{short(entry['value'])} [{short(entry['low'])}, {short(entry['high'])}]"


def table_lines(summary):
    """The summary as text: a row for each figure, a column for each arm."""
    arms = summary["arms"]
    rows = [("", *arms)]
    for row in summary["figures"].values():
        unit = f" ({row['unit']})" if row["unit"] else ""
        rows.append((row["title"] + unit, *(cell(row["arms"].get(arm)) for arm in arms)))
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["  ".join([r[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(r[1:], widths[1:]))])
             for r in rows]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return lines


def footnote(summary):
    """What the table's figures are."""
    rounds = max(summary["rounds"].values())
    if rounds == 1:
        return "of one round, which gives no interval"
    return f"mean or quantile of {rounds} rounds [95 % interval]"
