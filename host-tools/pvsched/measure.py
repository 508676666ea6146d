# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""One measurement: workloads run in the guests for a while, and counters of host and device are read
before and after."""

import json
import time
from contextlib import suppress

import threads
from analysis import Measurement
from stats import Histogram
from workloads import KINDS, WorkloadError

SLACK = 90  # seconds a workload may take beyond its time: guests are starved here on purpose


LOADS = "/run/lab-load"  # in the guest: the process group of each load, a line each

# Dash's own kill refuses `-9 -- -PID`, not `-s KILL -- -PID`.
STOP_LOADS = """
rc=0
for p in $(cat "$0"); do
    kill -s KILL -- -$p 2>/dev/null || { echo "it ended by itself"; rc=1; }
    for try in $(seq 1000); do pgrep -g $p >/dev/null || continue 2; sleep 0.01; done
    echo "process group $p does not end"; rc=1
done
rm -f "$0"
exit $rc
"""

AT_NICE_0 = "exec nice -n 20 sh -c "  # the agent is at -20, see Machine.hurry_agent()


# What the guest knows of its steal time: its kernel's own, and what the device's pages say.
GUEST_TIMES = "head -n 1 /proc/stat; pvschedctl show --json 2>/dev/null || true"


def guest_times(machine):
    """{"kernel": (steal, all) in ticks, "pages": {vCPU: (steal ns, the host's time, ns)}}; no pages
    where the guest has no driver."""
    line, _, pages = machine.guest.sh(GUEST_TIMES, timeout=SLACK).partition("\n")
    ticks = [int(word) for word in line.split()[1:9]]  # guest time, behind them, is also in user
    shown = json.loads(pages) if pages.strip() else []
    return {"kernel": (ticks[7], sum(ticks)),
            "pages": {v["vcpu"]: (v["host"]["steal-ns"], v["host"]["host-ns"]) for v in shown}}


class Counters:
    """What is read before and after."""

    def __init__(self, machines, background, guests):
        """`guests`: guest_times() of each machine, which a command in it takes a while to tell."""
        self.guests = guests
        self.at = time.monotonic_ns()
        self.victims = {s.cpu: 0 for s in background.victims()}
        for spinner in background.victims():
            self.victims[spinner.cpu] += spinner.run_ns()
        self.vcpus, self.others = {}, {}
        for machine in machines:
            vcpus = machine.vcpu_tids()
            for tid in vcpus:
                self.vcpus[tid] = threads.schedstat(tid)
            self.others[machine.proc.pid] = sum(_run_ns(t) for t in threads.tasks(machine.proc.pid)
                                                if t not in vcpus)
        self.processes = sum(threads.process_ns(m.proc.pid) for m in machines)
        self.device = [machine.device.stats() for machine in machines]
        self.sources = [machine.device.sources() for machine in machines]
        self.insns = [machine.insns.read() if machine.insns else [] for machine in machines]


def _run_ns(tid):
    with suppress(FileNotFoundError, ProcessLookupError):
        return threads.schedstat(tid)[0]
    return 0


def victim_figures(before, after, background, machines):
    """
    Share of the background. What there was to share is what background and virtual machines used
    together: the background never idles, so the rest went elsewhere on the host. Fair is in
    proportion to the weights of spinners and vCPU threads as their baselines have them.
    """
    victims = background.victims()
    if not victims:
        return {}
    wall = after.at - before.at
    got = sum(after.victims[cpu] - before.victims[cpu] for cpu in after.victims)
    vms = sum(after.vcpus[t][0] - before.vcpus[t][0] for t in after.vcpus if t in before.vcpus)
    vms += sum(after.others[p] - before.others[p] for p in after.others if p in before.others)
    there = got + vms
    ours = sum(threads.weight(threads.Attr(policy=threads.CLASS_NUMBERS[s.spec.sched],
                                           nice=s.spec.nice)) for s in victims)
    theirs = sum(threads.NICE_WEIGHTS[20] for m in machines for _ in m.vcpu_tids())
    fair = there * ours / (ours + theirs)
    cpus = len({s.cpu for s in background.spinners})
    return {"victim_cpu": got / there if there else 0.0, "victim_share": got / fair if fair else 0.0,
            "outside": max(0.0, 1 - there / (wall * cpus))}


def vcpu_figures(before, after, tids=None):
    """Of all vCPUs, or of the threads `tids`."""
    wall = after.at - before.at
    pairs = [(before.vcpus[t], after.vcpus[t]) for t in (after.vcpus if tids is None else tids)
             if t in before.vcpus and t in after.vcpus]
    if not pairs:
        return {}
    return {"vcpu_run": sum(b[0] - a[0] for a, b in pairs) / (wall * len(pairs)),
            "vcpu_wait": sum(b[1] - a[1] for a, b in pairs) / (wall * len(pairs))}


def steal_figures(before, after, kernels):
    """The guest's side of waiting. `kernels`: whether the guests' kernels count steal time at all,
    as they do under KVM; elsewhere theirs is always 0. A page that was not written meanwhile says
    nothing."""
    figures = {}
    ticks = [(b["kernel"][0] - a["kernel"][0], b["kernel"][1] - a["kernel"][1])
             for a, b in zip(before.guests, after.guests)]
    if kernels and sum(all_ for _, all_ in ticks):
        figures["guest_steal"] = sum(steal for steal, _ in ticks) / sum(all_ for _, all_ in ticks)
    told = [(b["pages"][v][0] - a["pages"][v][0], b["pages"][v][1] - a["pages"][v][1])
            for a, b in zip(before.guests, after.guests) for v in a["pages"] if v in b["pages"]]
    told = [(steal, wall) for steal, wall in told if wall > 0 and steal >= 0]
    if told:
        figures["page_steal"] = sum(steal for steal, _ in told) / sum(wall for _, wall in told)
    return figures


def process_figures(before, after):
    """What all threads of all QEMUs used: steadier than time where the host has other work."""
    return {"qemu_cpu_s": (after.processes - before.processes) / 1e9}


def device_figures(before, after, machines=slice(None)):
    """Rates and shares out of the device's own counters, summed over vCPUs and machines; of
    preemptions only where the device hears of them."""
    seconds = (after.at - before.at) / 1e9
    total, count = {}, 0
    for old, new in zip(before.device[machines], after.device[machines]):
        for a, b in zip(old, new):
            count += 1
            for key, value in b.items():
                if isinstance(value, int):
                    total[key] = total.get(key, 0) + max(0, value - a.get(key, 0))
    if not count:
        return {}
    wall = seconds * 1e9 * count
    figures = {key: total.get(key, 0) / seconds for key in ("applied", "restored", "decisions")}
    if all("switch" in sources for sources in after.sources[machines]):
        figures["preempted_in_cs"] = total.get("preempted_in_cs", 0) / seconds
    figures["boost_residency"] = total.get("boost_ns", 0) / wall
    figures["throttled"] = total.get("throttled_ns", 0) / wall
    figures["actuator_errors"] = total.get("actuator_errors", 0)
    if calls := total.get("actuator_calls", 0):
        figures["actuator_ns"] = total.get("actuator_ns", 0) / calls
    return figures


def instruction_figures(before, after):
    user = kernel = 0
    for old, new in zip(before.insns, after.insns):
        user += sum(b.user - a.user for a, b in zip(old, new))
        kernel += sum(b.kernel - a.kernel for a, b in zip(old, new))
    if not user + kernel:
        return {}
    return {"instructions": user + kernel, "instructions_user": user, "instructions_kernel": kernel}


def each_machines_figures(before, after, machines):
    """Where there are several: who ran, who waited and who was boosted."""
    if len(machines) < 2:
        return {}
    figures = {}
    for index, machine in enumerate(machines):
        own = vcpu_figures(before, after, machine.vcpu_tids())
        device = device_figures(before, after, slice(index, index + 1))
        own |= {k: device[k] for k in ("applied", "boost_residency", "throttled") if k in device}
        figures |= {f"{machine.spec.name}/{name}": value for name, value in own.items()}
    return figures


def prefixes(works):
    """
    What stands before the figures of each of `works`, (machine, spec): nothing, where one program
    is measured; else the machine's name if there are several, and the program's if one runs it twice.
    """
    found = []
    for at, (machine, spec) in enumerate(works):
        twins = [i for i, (m, s) in enumerate(works) if m is machine and s.kind == spec.kind]
        parts = [machine.spec.name] if any(m is not machine for m, _ in works) else []
        if len(twins) > 1:
            parts.append(f"{spec.kind} {twins.index(at) + 1}")
        found.append("".join(part + "/" for part in parts))
    return found


class GuestWork:
    """The workloads of all machines: loads first, what is measured after the warm-up."""

    def __init__(self, machines, seconds, warmup):
        self.seconds, self.warmup = seconds, warmup
        self.loads, self.measured = [], []
        for machine in machines:
            for spec in machine.spec.workload:
                (self.measured if spec.measure else self.loads).append((machine, spec))

    def start_loads(self):
        """They run a while longer than what is measured and are killed by `timeout` then."""
        for machine, spec in self.loads:
            seconds = self.seconds + self.warmup + SLACK
            line = "nice -n 39 " + KINDS[spec.kind].command(spec, machine.spec.cpus, seconds)
            # A process group of its own, so that stop_loads() ends all of it.
            machine.guest.sh(f"setsid sh -c 'echo $$ >>{LOADS}; exec \"$@\"' _ "
                             f"sh -c {_quote(line)} >/dev/null 2>&1 </dev/null &", timeout=SLACK)

    def stop_loads(self):
        """End each load's process group and wait until it is gone: what went on would load the arms
        that come next. Returns what is wrong: a load that had ended by itself was not there while
        others were measured."""
        wrong = []
        for machine in {id(m): m for m, _ in self.loads}.values():
            left = machine.guest.run(f"exec sh -c {_quote(STOP_LOADS)} {LOADS}", timeout=SLACK)
            if left.rc:
                wrong.append(f"a load in {machine.spec.name}: {(left.out or left.err).strip()}")
        return wrong

    def warm_up(self):
        """The warm-up, with what is measured where that is asked for."""
        warmed = [(machine, spec) for machine, spec in self.measured if spec.warm]
        self._run(warmed, self.warmup)

    def run(self):
        """Run what is measured, on all machines at once; (machine, spec, what it printed)."""
        return self._run(self.measured, self.seconds)

    @staticmethod
    def _run(works, seconds):
        started = [(machine, spec, machine.guest.start(AT_NICE_0 + _quote(
            KINDS[spec.kind].command(spec, machine.spec.cpus, seconds))))
            for machine, spec in works]
        if not started:
            time.sleep(seconds)
        printed = []
        for machine, spec, pid in started:
            result = machine.guest.finish(pid, seconds + SLACK)
            if result.rc:
                raise WorkloadError(f"{spec.kind} in {machine.spec.name} ended with {result.rc}: "
                                    f"{(result.err or result.out).strip()[-300:]}")
            printed.append((machine, spec, result.out))
        return printed


def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def measure(arm, number, machines, background, seconds, warmup):
    """One arm, which is in force, in round `number`. Returns a Measurement."""
    work = GuestWork(machines, seconds, warmup)
    background.resume()
    try:
        work.start_loads()
        work.warm_up()
        # The guests tell before and after the rest, so that what that takes is not in the rest.
        before = Counters(machines, background, [guest_times(m) for m in machines])
        printed = work.run()
        after = Counters(machines, background, None)
        after.guests = [guest_times(m) for m in machines]
    finally:
        background.pause()
        wrong = work.stop_loads()
    if wrong:
        raise WorkloadError("; ".join(wrong))
    return collect(arm, number, printed, before, after, background, machines)


def collect(arm, number, printed, before, after, background, machines):
    figures, histograms = {"seconds": (after.at - before.at) / 1e9}, {}
    before_names = prefixes([(machine, spec) for machine, spec, _ in printed])
    for prefix, (_, spec, text) in zip(before_names, printed):
        for name, value in KINDS[spec.kind].figures(text).items():
            (histograms if isinstance(value, Histogram) else figures)[prefix + name] = value
    figures |= victim_figures(before, after, background, machines)
    figures |= vcpu_figures(before, after)
    figures |= steal_figures(before, after, all(m.accelerator() == "kvm" for m in machines))
    figures |= process_figures(before, after)
    figures |= device_figures(before, after)
    figures |= each_machines_figures(before, after, machines)
    figures |= instruction_figures(before, after)
    return Measurement(arm, number, figures, histograms)
