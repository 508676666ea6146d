# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The device sluice-pvsched by its properties and QMP commands (docs/pvsched/device.md)."""

import subprocess
from contextlib import contextmanager

from load import die_with_parent
from qmp import QmpError

PATH = "/machine/peripheral/pvs0"


class DeviceError(Exception):
    """The device, or the manager, refused; the text is its own."""


class Device:
    def __init__(self, qmp):
        self.qmp = qmp

    @staticmethod
    def option(properties, manager, policy):
        """The argument of -device."""
        values = {"policy": policy, **properties}
        if manager:
            values = {"manager": manager.path, **properties}
        words = [f"{key}={_word(value)}" for key, value in values.items()]
        return ",".join(["sluice-pvsched", "id=pvs0", *words])

    def _get(self, name):
        return self.qmp.cmd("qom-get", path=PATH, property=name)

    def stats(self):
        """A dictionary of counters for each vCPU."""
        return self._get("stats")
