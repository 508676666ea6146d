# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Background load on the host: the vCPUs' competitors, and victims of what the vCPUs are given.

They are children in our session, so that where the kernel groups by session (autogroup) they
compete with QEMU thread by thread, and they end with us however we end."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

import threads

PR_SET_PDEATHSIG = 1
SPIN = "while True: pass"
SCHED = {"other": os.SCHED_OTHER, "batch": os.SCHED_BATCH, "idle": os.SCHED_IDLE}


class LoadError(Exception):
    """Background load that cannot be made here; the text says why and the cure."""


def die_with_parent():
    """In a child, before exec: SIGKILL when its parent's thread ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def apart():
    """In a child, before exec: as die_with_parent(), and a terminal's Ctrl-C is for us alone, who end
    the child in order. Still our session."""
    die_with_parent()
    os.setpgid(0, 0)


class Spinner:
    """One process on one host CPU."""

    def __init__(self, spec, cpu):
        self.spec, self.cpu = spec, cpu
        self.proc = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     preexec_fn=self._prepare)
        self.pause()

    def _command(self):
        if self.spec.kind == "spin":
            return [sys.executable, "-E", "-S", "-c", SPIN]
        program = shutil.which("stress-ng")
        if not program:
            raise LoadError('background load of kind "stress-ng", but there is no stress-ng on '
                            'this host; apt-get install stress-ng, or use kind = "spin"')
        return [program, "--quiet", *(self.spec.args.split() or ["--cpu", "1"])]

    def _prepare(self):
        apart()  # and a group to be signalled whole
        os.sched_setaffinity(0, {self.cpu})
        if self.spec.sched != "other":
            os.sched_setscheduler(0, SCHED[self.spec.sched], os.sched_param(0))
        if self.spec.nice:
            os.setpriority(os.PRIO_PROCESS, 0, self.spec.nice)

    def _signal(self, number):
        try:
            os.killpg(self.proc.pid, number)
        except ProcessLookupError:
            pass

    def pause(self):
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def tids(self):
        """Threads of the process and of its children (stress-ng forks its workers)."""
        found, pending = [], [self.proc.pid]
        while pending:
            pid = pending.pop()
            try:
                found += threads.tasks(pid)
                for tid in threads.tasks(pid):
                    with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as children:
                        pending += [int(child) for child in children.read().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def run_ns(self):
        """CPU time it got so far."""
        total = 0
        for tid in self.tids():
            try:
                total += threads.schedstat(tid)[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
        return total

    def alive(self):
        return self.proc.poll() is None

    def close(self):
        self._signal(signal.SIGKILL)
        self.proc.wait()


class Background:
    """All the background load of an experiment: paused but while something is measured."""

    def __init__(self, specs):
        self.spinners = []
        try:
            for spec in specs:
                self._start(spec)
        except BaseException:
            self.close()
            raise

    def _start(self, spec):
        here = sorted(os.sched_getaffinity(0))
        if absent := set(spec.cpus) - set(here):
            raise LoadError(f"background load on host CPU {min(absent)}, but this process may use "
                            f"only {', '.join(map(str, here))}; change cpus = [...]")
        for cpu in spec.cpus or here:
            for _ in range(spec.per_cpu):
                try:
                    self.spinners.append(Spinner(spec, cpu))
                except subprocess.SubprocessError as why:
                    raise LoadError(f"background load with nice {spec.nice}, class {spec.sched} "
                                    f"does not start: {why}; a nice below 0 takes CAP_SYS_NICE"
                                    ) from None

    def resume(self):
        for spinner in self.spinners:
            if not spinner.alive():
                raise LoadError(f"background load on host CPU {spinner.cpu} ended by itself")
            spinner.resume()

    def pause(self):
        for spinner in self.spinners:
            spinner.pause()

    def victims(self):
        return [spinner for spinner in self.spinners if spinner.spec.victim]

    def close(self):
        for spinner in self.spinners:
            spinner.close()
        self.spinners = []
