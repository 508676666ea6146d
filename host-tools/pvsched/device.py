# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The device sluice-pvsched by its properties (docs/pvsched/device.md), and the manager process that
several of them may share (docs/pvsched/manager.md)."""

import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from load import die_with_parent
from qmp import QmpError
from vm import environment

PATH = "/machine/peripheral/pvs0"
POLICY = "none"


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
    def __init__(self, qmp, manager=None):
        self.qmp, self.manager = qmp, manager

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

    def set_policy(self, name, tunables):
        """Another policy in place, at once. DeviceError: as before."""
        if self.manager:
            self.manager.set_policy(name, tunables)
            return
        # The tunables of the one in place may be none of the next one's, and the other way round.
        self._set("policy-set", "")
        self._set("policy", name)
        if tunables:
            self._set("policy-set", tunables_text(tunables))

    def status(self):
        return self._get("status")

    def vcpus(self):
        """What is known of each vCPU, with its counters."""
        return self._get("vcpus")

    def stats(self):
        """Counters of each vCPU: numbers by name, with _ for -."""
        return [counters(vcpu) for vcpu in self.vcpus()]

    def notes(self):
        """What is not permitted here, and what would permit it."""
        text = self.status().get("notes", "")
        return [line for line in text.splitlines() if line.strip()]

    @contextmanager
    def recording(self, path):
        """A record of what is seen and decided inside."""
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
