# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Commands in the guest through qemu-guest-agent (guest-exec)."""

import base64
import random
import time
from dataclasses import dataclass

from jsonline import JsonLines


class GuestError(Exception):
    """A command in the guest failed; the text has what it printed."""


@dataclass
class Result:
    rc: int
    out: str
    err: str


class Guest:
    """The guest's agent. Every command runs under `sh -c` with a limit of its own."""

    def __init__(self, path, boot_timeout):
        """Wait until the agent answers, at most `boot_timeout` seconds."""
        self.lines = JsonLines(path, boot_timeout)
        self._synchronise(boot_timeout)

    def _synchronise(self, timeout):
        """Wait until the agent answers what was asked last, passing over what it owed before."""
        deadline = time.monotonic() + timeout
        self.behind = True
        while True:
            token = random.getrandbits(30)
            try:
                # Until the guest opens the port nobody reads; some dozens of these fit.
                self.lines.send({"execute": "guest-sync-delimited", "arguments": {"id": token}}, 1)
                if self._answer(1.0, token) == token:
                    self.behind = False
                    return
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise TimeoutError("the guest did not come up") from None

    def _answer(self, timeout, want=None):
        """The next result; answers to earlier synchronisations are passed over."""
        while True:
            answer = self.lines.receive(timeout)
            if "error" in answer:
                raise GuestError(answer["error"]["desc"])
            if "return" in answer and (want is None or answer["return"] == want):
                return answer["return"]

    def call(self, name, timeout=20, **arguments):
        if self.behind:
            self._synchronise(timeout)
        self.lines.send({"execute": name, "arguments": arguments})
        try:
            return self._answer(timeout)
        except TimeoutError:
            self.behind = True
            raise

    def start(self, command):
        """Start a shell command; returns a handle for `finish`."""
        return self.call("guest-exec", path="/bin/sh", arg=["-c", command],
                         **{"capture-output": True})["pid"]

    def finish(self, pid, timeout=60):
        """Wait for a command that was started."""
        deadline = time.monotonic() + timeout
        pause = 0.005
        while True:
            status = self.call("guest-exec-status", pid=pid)
            if status["exited"]:
                def text(key):
                    return base64.b64decode(status.get(key, "")).decode(errors="replace")
                return Result(status.get("exitcode", 128 + status.get("signal", 0)),
                              text("out-data"), text("err-data"))
            if time.monotonic() > deadline:
                raise TimeoutError(f"guest command still runs after {timeout} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    def run(self, command, timeout=60):
        """Run to its end; returns a Result whatever its exit code."""
        return self.finish(self.start(command), timeout)

    def sh(self, command, timeout=60):
        """Run to its end; returns what it printed, GuestError unless it exits with 0."""
        result = self.run(command, timeout)
        if result.rc:
            raise GuestError(f"`{command}` ended with {result.rc}: "
                             f"{(result.err or result.out).strip()}")
        return result.out

    def put(self, path, data):
        """Write `data` (bytes) to a file in the guest."""
        handle = self.call("guest-file-open", path=path, mode="wb")
        for start in range(0, len(data), 1 << 16):
            chunk = base64.b64encode(data[start:start + (1 << 16)]).decode()
            self.call("guest-file-write", handle=handle, **{"buf-b64": chunk})
        self.call("guest-file-close", handle=handle)

    def close(self):
        self.lines.close()
