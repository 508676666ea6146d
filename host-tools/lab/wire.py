# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The far end of the NIC's wire: sluice-wire, and a peer in a network namespace of its own."""

import json
import os
import queue
import subprocess
import threading
from pathlib import Path


class WireError(Exception):
    """The wire refused something; the text says why."""


class Namespace:
    """A private network namespace. Needs CAP_SYS_ADMIN; WireError says so where it is missing."""

    def __init__(self, name):
        self.name = name
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
        if made.returncode:
            raise WireError("cannot make a network namespace (root, or a container started with "
                            f"--cap-add SYS_ADMIN,NET_ADMIN, is needed): {made.stderr.strip()}")
        self.sh("ip link set lo up")

    def prefix(self):
        # Not `ip netns exec`: it remounts /sys, which fails where the root is no mount point (chroot).
        return ["nsenter", f"--net=/run/netns/{self.name}", "--"]

    def start(self, *argv, **kw):
        return subprocess.Popen(self.prefix() + list(argv), **kw)

    def sh(self, command, timeout=60):
        done = subprocess.run(self.prefix() + ["sh", "-c", command], capture_output=True,
                              text=True, timeout=timeout)
        if done.returncode:
            raise WireError(f"`{command}` in the peer ended with {done.returncode}: "
                            f"{(done.stderr or done.stdout).strip()}")
        return done.stdout

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Wire:
    """sluice-wire: QEMU's stream socket on one side, a TAP in `namespace` and captures on the
    other. It counts by itself what it carries, so that the NIC's counters can be checked."""

    def __init__(self, binary, directory, namespace=None, tap="peer0"):
        self.path = Path(directory) / "wire.sock"
        argv = [str(binary), "--listen", str(self.path)]
        if namespace:
            argv = namespace.prefix() + argv + ["--tap", tap]
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.proc.stdout:
            self.events.put(json.loads(line))
        self.events.put({"event": "ended"})

    def wait(self, event, timeout=30):
        """The next report named `event`; other reports before it are an error."""
        try:
            got = self.events.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"the wire did not report \"{event}\" within {timeout} s") from None
        if "error" in got:
            raise WireError(got["error"])
        if got["event"] != event:
            raise WireError(f"the wire reported \"{got['event']}\" instead of \"{event}\": "
                            f"{self.proc.stderr.read() if got['event'] == 'ended' else ''}")
        return got

    def send(self, **command):
        self.proc.stdin.write(json.dumps(command) + "\n")
        self.proc.stdin.flush()

    def stats(self):
        self.send(cmd="stats")
        return self.wait("stats")

    def replay_start(self, capture, count=0, rate=0):
        """Begin to send `count` frames of a capture (0: once through) at `rate` frames a second
        (0: as fast as the NIC takes them)."""
        self.send(cmd="replay", file=str(capture), count=count, rate=rate)
        return self.wait("replaying")

    def replay_wait(self, timeout=120):
        return self.wait("replayed", timeout)

    def replay(self, capture, count=0, rate=0, timeout=120):
        self.replay_start(capture, count, rate)
        return self.replay_wait(timeout)

    def close(self):
        """To be called after QEMU has ended (QEMU 10.0 does not survive a peer that leaves with
        frames queued)."""
        if self.proc.poll() is None:
            self.proc.stdin.close()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.path.unlink(missing_ok=True)


def private_name(stem):
    """A name no other run on this machine has."""
    return f"{stem}-{os.getpid()}"
