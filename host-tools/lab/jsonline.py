# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""JSON objects, one a line, over a unix socket: what QMP and the guest agent both speak."""

import json
import socket
import time


class Closed(Exception):
    """The other side went away."""


class JsonLines:
    """A connected unix socket that carries JSON lines. Not thread-safe."""

    def __init__(self, path, timeout):
        """Connect to `path`, waiting up to `timeout` seconds for it to appear."""
        deadline = time.monotonic() + timeout
        self.sock = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.sock.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"nothing listens on {path} after {timeout} s") from None
                time.sleep(0.02)
        self.pending = b""

    def send(self, obj, timeout=20):
        """TimeoutError if the other side does not read for `timeout` seconds."""
        self.sock.settimeout(timeout)
        self.sock.sendall(json.dumps(obj).encode() + b"\n")

    def receive(self, timeout):
        """The next object; TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer")
            self.sock.settimeout(left)
            try:
                chunk = self.sock.recv(1 << 20)
            except socket.timeout:
                raise TimeoutError("no answer") from None
            if not chunk:
                raise Closed("connection closed")
            self.pending += chunk
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line.lstrip(b"\xff") or b"{}")

    def close(self):
        self.sock.close()
