# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Programs in the guest: their command lines, and figures out of what they print. Each kind is a
class with `command(spec, cpus, seconds)` and `figures(text)`; a figure is a number or, for
distributions, a Histogram of microseconds."""

import json
import re
import shlex

from stats import Histogram

CYCLIC_LIMIT_US = 100_000  # histogram's end; each microsecond takes memory of the guest


class WorkloadError(Exception):
    """A workload printed what it should not, or is not in the guest."""


class Cyclictest:
    """Wake-up latency of periodic real-time tasks (rt-tests)."""
    program = "cyclictest"

    @staticmethod
    def command(spec, cpus, seconds):
        count = spec.threads or cpus
        # Memory is not locked: to fill it takes seconds of a vCPU that has half a CPU, and the few
        # pages of the histogram that are used are there after their first use.
        return (f"cyclictest -q -t {count} -a -i {spec.interval_us} -d 0 -p {spec.priority} "
                f"-D {max(1, round(seconds))} -h {CYCLIC_LIMIT_US} --json=/run/cyclictest.json "
                f"{spec.args} >/dev/null && cat /run/cyclictest.json")

    @staticmethod
    def figures(text):
        try:
            found = json.loads(text)["thread"].values()
        except (json.JSONDecodeError, KeyError):
            raise WorkloadError(f"cyclictest left no histogram: {text[-300:]!r}") from None
        counts, late = {}, 0
        for thread in found:
            for value, count in thread["histogram"].items():
                counts[int(value)] = counts.get(int(value), 0) + count
            # What is beyond the histogram's end is known by the greatest alone.
            beyond = thread["cycles"] - sum(thread["histogram"].values())
            if beyond > 0 and thread["max"] >= CYCLIC_LIMIT_US:
                counts[thread["max"]] = counts.get(thread["max"], 0) + beyond
                late += beyond
        return {"latency_us": Histogram(counts), "late": late}


class Hackbench:
    """Groups of senders and receivers (rt-tests): seconds for one run, again and again."""
    program = "hackbench"

    @staticmethod
    def command(spec, cpus, seconds):
        args = spec.args or f"-p -g {max(1, cpus // 2)} -l 2000"
        return (f"end=$(($(date +%s) + {max(1, round(seconds))})); "
                f"while hackbench {args} || exit 1; [ $(date +%s) -lt $end ]; do :; done")

    @staticmethod
    def figures(text):
        times = [float(t) for t in re.findall(r"^Time: ([0-9.]+)", text, re.M)]
        if not times:
            raise WorkloadError(f"hackbench printed no time: {text[-300:]!r}")
        return {"hackbench_s": sum(times) / len(times), "hackbench_runs": len(times)}


class Schbench:
    """Wake-up latency of messengers and workers, where the distribution packages it."""
    program = "schbench"

    @staticmethod
    def command(spec, cpus, seconds):
        return f"schbench -m 1 -t {spec.threads or cpus} -r {max(1, round(seconds))} {spec.args} 2>&1"

    @staticmethod
    def figures(text):
        found = dict(re.findall(r"^\s*\*?\s*([0-9.]+)th: (\d+)", text, re.M))
        if not found:
            raise WorkloadError(f"schbench printed no percentiles: {text[-300:]!r}")
        return {f"schbench_p{float(q):g}_us": int(v) for q, v in found.items()}


class StressNg:
    """Stressors; as load, or by their rate of operations."""
    program = "stress-ng"

    @staticmethod
    def command(spec, cpus, seconds):
        args = spec.args or f"--cpu {spec.threads or cpus}"
        return f"stress-ng --timeout {max(1, round(seconds))}s --metrics-brief {args} 2>&1"

    @staticmethod
    def figures(text):
        rates = re.findall(r"(?:metrc|info).*\] (\S+)\s+(\d+)\s+([0-9.]+)\s", text)
        if not rates:
            raise WorkloadError(f"stress-ng printed no metrics: {text[-300:]!r}")
        return {f"stress_{name}_ops_s": int(ops) / float(real)
                for name, ops, real in rates if float(real)}


class Own:
    """Our own workloads: the last line they print is a JSON object."""
    options = ""

    @classmethod
    def command(cls, spec, cpus, seconds):
        return f"{cls.program} --json --seconds {max(1, round(seconds))} {cls.fit(spec, cpus)} {spec.args}"

    @staticmethod
    def fit(spec, cpus):
        return f"--threads {spec.threads or cpus}"

    @classmethod
    def figures(cls, text):
        lines = [line for line in text.splitlines() if line.startswith("{")]
        try:
            values = json.loads(lines[-1])
        except (IndexError, json.JSONDecodeError):
            raise WorkloadError(f"{cls.program} printed no JSON: {text[-300:]!r}") from None
        return cls.flat(values)

    @classmethod
    def flat(cls, values):
        """Numbers by name, those that are results; objects of numbers by number are histograms."""
        result = {}
        for key, value in values.items():
            if key in cls.results:
                result[f"{cls.prefix}_{key}"] = value
            elif isinstance(value, dict) and all(re.fullmatch(r"[0-9.]+", k) for k in value):
                result[key] = Histogram(value)
        return result


class PvsLock(Own):
    """Threads that take and give back one lock."""
    program, prefix = "pvs-lock", "lock"
    results = ("ops_per_s", "ops", "hinted_threads", "holder_stops", "holder_stops_by_host",
               "holder_stops_by_guest", "holder_stopped_ns", "elapsed_ns")

    @classmethod
    def flat(cls, values):
        result = super().flat(values)
        seconds, ops = values.get("elapsed_ns", 0) / 1e9, values.get("ops", 0)
        for who in ("host", "guest"):
            stops = values.get(f"holder_stops_by_{who}", 0)
            if seconds:
                result[f"lock_stops_by_{who}_s"] = stops / seconds
            if ops:
                result[f"lock_stops_by_{who}_per_1000"] = 1000 * stops / ops
        return result


class PvsAudio(Own):
    """A periodic task with a buffer to fill, as a sound server has."""
    program, prefix = "pvs-audio", "audio"
    results = ("periods", "missed", "skipped", "missed_ratio")

    @staticmethod
    def fit(spec, cpus):
        return f"--period-us {spec.interval_us} --priority {spec.priority}"


class PvsWake(Own):
    """A messenger that wakes workers, as schbench's do."""
    program, prefix = "pvs-wake", "wake"
    results = ("rounds", "rounds_per_s")


class Shell:
    """Whatever the scenario says, with {cpus} and {seconds}; `name value` lines are figures."""
    program = "sh"

    @staticmethod
    def command(spec, cpus, seconds):
        line = spec.command.replace("{cpus}", str(cpus)).replace("{seconds}", str(round(seconds)))
        return f"sh -c {shlex.quote(line)}"

    @staticmethod
    def figures(text):
        return {name: float(value)
                for name, value in re.findall(r"^([a-z_]+) (-?[0-9.]+)$", text, re.M)}


KINDS = {"cyclictest": Cyclictest, "hackbench": Hackbench, "schbench": Schbench,
         "stress-ng": StressNg, "pvs-lock": PvsLock, "pvs-audio": PvsAudio,
         "pvs-wake": PvsWake, "shell": Shell}
