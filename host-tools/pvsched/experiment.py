# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""An experiment: machines boot once, arms take turns on them, each round is written down as soon as
it is measured. However it ends, threads have their scheduling back and nothing of it still runs."""

import json
import os
import shutil
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import arms
import hosttrace
import report
import scenario as scenarios
import trace
from device import Manager
from load import Background
from machine import Machine, describe
from measure import measure
from record import RecordError
from record import read as read_record
from workloads import KINDS


OF_ALL = "manager"  # in place of a machine's name: the record of all
UNSEEN = ("preemptions in a critical section or with a lock held are not counted: the device does "
          'not hear of run and stop of vCPU threads (source "switch")')
ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Interrupted(BaseException):
    """A signal asked for the end; nothing that expects failures of its own takes it for one."""
    folder = None  # of an experiment that had measured something

    def __str__(self):
        text = super().__str__()
        if self.folder and self.folder.exists():  # a claim's is gone by now, but with --out
            text += (f"; ./sluice pvsched report {self.folder} makes a report of what was measured "
                     "until then")
        return text


class UsedFolder(Exception):
    """The folder for the results is not one; the text says why and the cure."""


@dataclass
class Options:
    out: Path
    rounds: int = None
    duration: float = None
    warmup: float = None
    seed: int = None
    arms: list = None
    quiet: bool = False


def override(scenario, options):
    """The scenario with what the command line says instead, if this host can run it. ScenarioError."""
    given = {key: getattr(options, key) for key in ("rounds", "duration", "warmup", "seed")}
    scenarios.override(scenario, **{k: v for k, v in given.items() if v is not None})
    scenarios.fits(scenario, os.sched_getaffinity(0))
    if options.arms:
        known = [arm.name for arm in scenario.arm]
        for name in options.arms:
            if name not in known:
                raise scenarios.ScenarioError(f'{scenario.name} has no arm "{name}"; it has: '
                                              + ", ".join(known))
        scenario.arm = [arm for arm in scenario.arm if arm.name in options.arms]
        if not any(arm.reference for arm in scenario.arm):
            scenario.arm[0].reference = True
    return scenario


def refuse_used(folder):
    """UsedFolder unless `folder` is absent or empty: records of another run would be taken for this
    one's."""
    cure = "name another with --out, or remove it"
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsedFolder(f"{folder} is not a folder; {cure}")
    if held := sorted(path.name for path in folder.iterdir()):
        what = "holds an experiment" if "result.json" in held else "is not empty"
        raise UsedFolder(f"{folder} {what} ({', '.join(held[:4])}{', ...' if held[4:] else ''}); "
                         f"{cure}")


@contextmanager
def folder_for(out):
    """The experiment's folder. One in which a failure leaves nothing that was measured goes again,
    so that the same command can be given again; of another one an Interrupted says what it has."""
    new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    (out / "records").mkdir()
    try:
        yield
    except BaseException as why:
        if (out / "result.json").exists():
            if isinstance(why, Interrupted):
                why.folder = out
            raise
        shutil.rmtree(out / "records")
        if new:
            out.rmdir()
        raise


def record_file(folder, arm, number, vm):
    """Where the record of a machine is; `_` is in no name, so that no two are the same."""
    return Path(folder) / "records" / f"{arm}_{number}_{vm}.pvsr"


def ftrace_file(folder, arm, number):
    return Path(folder) / "records" / f"{arm}_{number}.ftrace"


def progress(options, text):
    if not options.quiet:
        print(text, file=sys.stderr, flush=True)


class Experiment:
    def __init__(self, scenario, options):
        self.scenario, self.options = scenario, options
        self.measurements, self.notes = [], []
        self.machines, self.background, self.manager = [], None, None
        self.result = {}

    def run(self):
        """Everything. Returns the summary (report.summarize)."""
        refuse_used(self.options.out)
        with ExitStack() as stack:
            stack.enter_context(folder_for(self.options.out))
            self._boot(stack)
            self._save()
            self._rounds()
        self._trace()  # what there is to say of it stands in the report
        return report.write(self.options.out)

    def _boot(self, stack):
        scenario = self.scenario
        if scenario.manager is not None:
            self.manager = stack.enter_context(Manager(scenario.manager))
        for spec in scenario.vm:
            progress(self.options, f"booting {spec.name}: {spec.cpus} vCPUs, {spec.memory} MB, "
                                   f"Linux {spec.kernel}")
            self.machines.append(stack.enter_context(Machine(spec, self.manager)))
        for machine in self.machines:
            for work in machine.spec.workload:
                machine.need(KINDS[work.kind].program)
        arms.try_policies(scenario.arm, self.machines)
        self.background = Background(scenario.background)
        stack.callback(self.background.close)
        self._notes()

    def _notes(self):
        first = self.machines[0]
        self.result = {"scenario": scenarios.as_dict(self.scenario),
                       "scenario_text": self.scenario.path.read_text(),
                       "machine": {**describe(first.accelerator()), "guest_kernel": first.facts()},
                       "overcommit": scenarios.overcommit(self.scenario, os.sched_getaffinity(0)),
                       "notes": self.notes, "measurements": []}
        busy = Path("/proc/loadavg").read_text().split()[0]
        self.result["machine"]["load_before"] = busy
        if float(busy) > 1:
            self.notes.append(f"The host was not idle when this began (load {busy}): figures of "
                              "latency have that in them.")
        for machine in self.machines:
            self.notes += [f"{machine.spec.name}: {note}" for note in machine.device.notes()]
            if "switch" not in machine.device.sources():
                self.notes.append(f"{machine.spec.name}: {UNSEEN}")

    def _rounds(self):
        scenario = self.scenario
        by_name = {arm.name: arm for arm in scenario.arm}
        plan = arms.order(list(by_name), scenario.rounds, scenario.seed, scenario.order)
        began = time.monotonic()
        for done, (number, name) in enumerate(plan):
            left = (time.monotonic() - began) / done * (len(plan) - done) if done else 0
            progress(self.options, f"[{done + 1}/{len(plan)}] round {number + 1} of "
                                   f"{scenario.rounds}, {name}"
                                   + (f", about {left:.0f} s left" if done else ""))
            self._one(number, by_name[name])
            self._save()

    def _one(self, number, arm):
        scenario, out = self.scenario, self.options.out
        with ExitStack() as stack:
            stack.enter_context(arms.ArmInForce(arm, self.machines))
            if scenario.record and self._is_recorded(number, arm):
                self._record(stack, arm, number)
            if scenario.host_trace and self._is_recorded(number, arm):
                stack.enter_context(hosttrace.HostTrace(ftrace_file(out, arm.name, number),
                                                        self.notes))
            self.measurements.append(measure(arm.name, number, self.machines, self.background,
                                             scenario.duration, scenario.warmup))

    def _record(self, stack, arm, number):
        out = self.options.out
        if self.manager:
            path = record_file(out, arm.name, number, OF_ALL)
            stack.enter_context(self.manager.recording(path))
            return
        for machine in self.machines:
            path = record_file(out, arm.name, number, machine.spec.name)
            stack.enter_context(machine.device.recording(path))

    def _is_recorded(self, number, arm):
        """Records are megabytes a second: one of each policy, in the last round, will do."""
        return arm.policy != "none" and number == self.scenario.rounds - 1

    def _save(self):
        """result.json, whole at any time; none before anything is measured."""
        if not self.measurements:
            return
        self.result["measurements"] = [
            {"arm": m.arm, "round": m.round, "figures": m.figures,
             "histograms": {n: h.counts for n, h in m.histograms.items()}}
            for m in self.measurements]
        new = self.options.out / "result.json.new"
        new.write_text(json.dumps(self.result, indent=1) + "\n")
        new.replace(self.options.out / "result.json")

    def _trace(self):
        """A trace of the last round of the last arm that is not the reference."""
        last = next((a for a in reversed(self.scenario.arm) if a.policy != "none"), None)
        if not self.scenario.record or not last:
            return
        try:
            path = trace_folder(self.options.out, last.name, self.scenario.rounds - 1,
                                self.options.out / "trace.json")
            progress(self.options, f"trace for ui.perfetto.dev: {path}")
        except (trace.TraceError, RecordError) as why:
            self.notes.append(f"no trace: {why}")
            self._save()


def trace_folder(folder, arm, number, out):
    """Write the trace of an arm's round from the records in an experiment's folder."""
    scenario = report.read_result(folder)["scenario"]
    names = dict(enumerate(vm["name"] for vm in scenario["vm"]))
    entries = []
    if scenario["manager"] is not None:  # machines connect in order, and get numbers in order
        entries = _entries(record_file(folder, arm, number, OF_ALL), 0)
    else:
        for index, name in names.items():
            entries += _entries(record_file(folder, arm, number, name), index)
    if not entries:
        held = sorted(path.name for path in (Path(folder) / "records").glob("*.pvsr"))
        raise trace.TraceError(
            f"{folder}/records has no record of arm {arm}, round {number}; "
            + (f"it has {', '.join(held)} (ARM_ROUND_VM, rounds from 0)" if held
               else "record = true in the scenario makes them, for arms with a policy"))
    text = ftrace_file(folder, arm, number)
    trace.write(out, trace.build(entries, text.read_text() if text.exists() else "", names))
    return out


def _entries(path, first):
    """Of a record, where there is one; its VMs are numbered from `first` on."""
    entries = read_record(path) if path.exists() else []
    for entry in entries:
        entry.vm += first
    return entries


def stop(number, _frame):
    """A signal's handler. Interrupted: once, what follows it must not be cut short."""
    for each in ENDS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)


def run(scenario, options):
    """Run with SIGTERM, SIGHUP and SIGINT as orderly ends. Interrupted."""
    old = {n: signal.signal(n, stop) for n in ENDS}
    summary = Experiment(scenario, options).run()
    # After an interruption the process ends, which another signal does not cut short either.
    for number, handler in old.items():
        signal.signal(number, handler)
    return summary
