# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Programs in the guest: their command lines, and figures out of what they print. Each kind is a
class with `command(spec, cpus, seconds)` and `figures(text)`; a figure is a number or, for
distributions, a Histogram of microseconds."""

import json
import re
import shlex

from stats import Histogram

CYCLIC_LIMIT_US = 2_000_000  # histogram's end; what is later counts there and as an overflow


class WorkloadError(Exception):
    """A workload printed what it should not, or is not in the guest."""


class Cyclictest:
    """Wake-up latency of periodic real-time tasks (rt-tests)."""
    program = "cyclictest"

    @staticmethod
    def command(spec, cpus, seconds):
        count = spec.threads or cpus
        # Rows of zeros are most of a histogram of two million: they stay in the guest.
        return (f"cyclictest -q -m -t {count} -a -i {spec.interval_us} -d 0 -p {spec.priority} "
                f"-D {max(1, round(seconds))} -h {CYCLIC_LIMIT_US} {spec.args} | "
                "awk '/^#/ || !/^[0-9]/ {print; next} "
                "{s = 0; for (i = 2; i <= NF; i++) s += $i; if (s) print $1, s}'")

    @staticmethod
    def figures(text):
        counts = {}
        for value, count in re.findall(r"^(\d+) (\d+)$", text, re.M):
            counts[int(value)] = int(count)
        if not counts:
            raise WorkloadError(f"cyclictest printed no histogram: {text[-300:]!r}")
        late = 0
        if over := re.search(r"^# Histogram Overflows:((?: \d+)+)", text, re.M):
            late = sum(map(int, over[1].split()))
        if late:
            counts[CYCLIC_LIMIT_US] = counts.get(CYCLIC_LIMIT_US, 0) + late
        return {"latency_us": Histogram(counts), "late": late}


class Hackbench:
    """Groups of senders and receivers (rt-tests): seconds for one run, again and again."""
    program = "hackbench"

    @staticmethod
    def command(spec, cpus, seconds):
        args = spec.args or f"-p -g {max(1, cpus // 2)} -l 200"
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
        """Numbers by name; objects of numbers by number are histograms."""
        result = {}
        for key, value in values.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                result[f"{cls.prefix}_{key}"] = value
            elif isinstance(value, dict) and all(re.fullmatch(r"[0-9.]+", k) for k in value):
                result[key] = Histogram(value)
        return result


class PvsLock(Own):
    """Threads that take and give back one lock."""
    program, prefix = "pvs-lock", "lock"


class PvsAudio(Own):
    """A periodic task with a buffer to fill, as a sound server has."""
    program, prefix = "pvs-audio", "audio"

    @staticmethod
    def fit(spec, cpus):
        return f"--period-us {spec.interval_us} --priority {spec.priority}"


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
         "stress-ng": StressNg, "pvs-lock": PvsLock, "pvs-audio": PvsAudio, "shell": Shell}
