# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The device sluice-pvsched by its properties (docs/pvsched/device.md), and the manager process that
several of them may share (docs/pvsched/manager.md)."""

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from load import apart
from qmp import QmpError
from vm import environment

PATH = "/machine/peripheral/pvs0"


class DeviceError(Exception):
    """The device, or the manager, refused; the text is its own."""


def _word(value):
    """As -device takes it; a comma in a value is doubled."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value).replace(",", ",,")


def tunables_text(tunables):
    return ",".join(f"{name}={value}" for name, value in tunables.items())


class Device:
    def __init__(self, qmp, pid, manager=None):
        self.qmp, self.pid, self.manager = qmp, pid, manager
        self.ceiling = self._get("ceiling")  # as the machine has it

    @staticmethod
    def option(properties, manager):
        """The argument of -device."""
        values = dict(properties)
        if manager:
            values["manager"] = manager.path
        words = [f"{key}={_word(value)}" for key, value in values.items()]
        return ",".join(["sluice-pvsched", "id=pvs0", *words])

    def _get(self, name):
        return self.qmp.cmd("qom-get", path=PATH, property=name)

    def _set(self, name, value):
        try:
            self.qmp.cmd("qom-set", path=PATH, property=name, value=value)
        except QmpError as why:
            raise DeviceError(f"{name} = {value!r}: {why}") from None

    def set_policy(self, name, tunables, ceiling=()):
        """Another policy in place, at once, which may use `ceiling`, or without one what the
        machine has; under a manager it always has that. DeviceError: as before."""
        if self.manager:
            self.manager.set_policy(name, tunables)
            return
        self._set("ceiling", ",".join(ceiling) or self.ceiling)
        # The tunables of the one in place may be none of the next one's, and the other way round.
        self._set("policy-set", "")
        self._set("policy", name)
        if tunables:
            self._set("policy-set", tunables_text(tunables))

    def status(self):
        return self._get("status")

    def sources(self):
        """The events that are heard of here, by name."""
        found = self.manager.vm(self.pid) if self.manager else self.status()
        return set(found.get("sources", ()))

    def vcpus(self):
        """What is known of each vCPU, with its counters."""
        return self._get("vcpus")

    def stats(self):
        """Counters of each vCPU: numbers by name, with _ for -."""
        vcpus = self.manager.vcpus(self.pid) if self.manager else self.vcpus()
        return [counters(vcpu) for vcpu in vcpus]

    def notes(self):
        """What is not permitted here, and what would permit it."""
        text = self.status().get("notes", "")
        return [line for line in text.splitlines() if line.strip()]

    @contextmanager
    def recording(self, path):
        """A record of what is seen and decided inside; with a manager it is the manager's."""
        self._set("record", str(Path(path).resolve()))
        try:
            yield
        finally:
            self._set("record", "")


def counters(vcpu):
    found = {key.replace("-", "_"): value for key, value in vcpu.items() if isinstance(value, int)}
    found["decisions"] = sum(vcpu.get("events", {}).values())
    for name, count in vcpu.get("rejects", {}).items():
        found[f"reject_{name}"] = count
    for name, count in vcpu.get("events", {}).items():
        found["event_" + name.replace("-", "_")] = count
    return found


class Manager:
    """sluice-pvsd: one policy and one budget for all machines of an experiment. A context. Options
    are the daemon's: {"fifo": True, "pool-boosted": 2}."""

    def __init__(self, options, kernel="7.2"):
        build = Path(environment(kernel)["SLUICE_BUILD"])
        self.program = build / "host-tools/sluice-pvsd/sluice-pvsd"
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-pvsd-"))
        self.path, self.proc = self.folder / "socket", None
        self.words = []
        for name, value in options.items():
            if value is True:
                self.words.append(f"--{name}")
            elif value is not False:
                self.words.append(f"--{name}={value}")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, timeout=20):
        """Start it, and wait until it answers. DeviceError: it ends, or says nothing."""
        log = self.folder / "log"
        with open(log, "wb") as out:
            self.proc = subprocess.Popen([self.program, "--quiet", "--socket", self.path, *self.words],
                                         stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                         preexec_fn=apart)
        deadline = time.monotonic() + timeout
        while self._run("status").returncode:
            if self.proc.poll() is not None or time.monotonic() > deadline:
                raise DeviceError(f"the manager did not start: {log.read_text().strip()}")
            time.sleep(0.02)

    def _run(self, verb, *words):
        return subprocess.run([self.program, verb, "--socket", self.path, *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def status(self):
        done = self._run("status", "--json")
        if done.returncode:
            raise DeviceError(done.stderr.strip())
        return json.loads(done.stdout)

    def vm(self, pid):
        """The QEMU with this process id; empty: it is not connected."""
        return next((vm for vm in self.status()["vms"] if vm["pid"] == pid), {})

    def vcpus(self, pid):
        """Of the QEMU with this process id."""
        return self.vm(pid).get("vcpus", [])

    def set_policy(self, name, tunables):
        sets = [f"--set={key}={value}" for key, value in tunables.items()]
        done = self._run("policy", "set", name, *sets)
        if done.returncode:
            raise DeviceError(done.stderr.strip())

    @contextmanager
    def recording(self, path):
        """One record of all machines inside; their numbers are those of `status`."""
        self._record(str(Path(path).resolve()))
        try:
            yield
        finally:
            self._record("off")

    def _record(self, what):
        done = self._run("record", what)
        if done.returncode:
            raise DeviceError(done.stderr.strip())

    def kill(self):
        """SIGKILL, as a crash."""
        self.proc.kill()
        self.proc.wait()

    def __exit__(self, *exc):
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
