# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The QEMU Machine Protocol, as docs/interop/qmp-spec of QEMU has it."""

from jsonline import JsonLines


class QmpError(Exception):
    """QEMU refused a command; the text is its own."""


class Qmp:
    def __init__(self, path, timeout=20):
        self.lines = JsonLines(path, timeout)
        self.events = []
        greeting = self.lines.receive(timeout)
        if "QMP" not in greeting:
            raise QmpError(f"not a QMP socket: {path}")
        self.cmd("qmp_capabilities")

    def cmd(self, name, timeout=30, **arguments):
        """Run a command and return its result. Events met on the way are kept in `events`."""
        self.lines.send({"execute": name, "arguments": arguments})
        while True:
            answer = self.lines.receive(timeout)
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise QmpError(answer["error"]["desc"])
            else:
                return answer["return"]

    def hmp(self, line):
        return self.cmd("human-monitor-command", **{"command-line": line})

    def close(self):
        self.lines.close()
