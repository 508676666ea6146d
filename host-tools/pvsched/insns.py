# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Reads what the TCG plugin (insn-plugin/insn_count.c) counts: instructions each vCPU executed."""

import mmap
import struct
import time
from dataclasses import dataclass

HEAD = struct.Struct("<IIQQ")
COUNTS = struct.Struct("<QQ")
MAGIC = 0x31434E49
REQUEST_AT, MAX_VCPUS = 8, 16  # up to 16 QEMU never moves the counts while they are read


class NotCounting(Exception):
    """The plugin does not answer."""


@dataclass
class Instructions:
    """Of one vCPU, since it was created."""
    user: int
    kernel: int

    @property
    def total(self):
        return self.user + self.kernel


class InstructionCounter:
    def __init__(self, path):
        self.file = open(path, "r+b")
        try:
            self.map = mmap.mmap(self.file.fileno(), HEAD.size + MAX_VCPUS * COUNTS.size)
            if HEAD.unpack_from(self.map, 0)[0] != MAGIC:
                raise NotCounting(f"{path} is not written by the counting plugin")
        except BaseException:
            self.file.close()
            raise

    def read(self, timeout=5):
        """The counts of every vCPU, not older than the call."""
        _, _, request, _ = HEAD.unpack_from(self.map, 0)
        struct.pack_into("<Q", self.map, REQUEST_AT, request + 1)
        deadline = time.monotonic() + timeout
        while True:
            _, n_vcpus, _, answer = HEAD.unpack_from(self.map, 0)
            if answer == request + 1:
                break
            if time.monotonic() > deadline:
                raise NotCounting(f"the counting plugin did not answer within {timeout} s")
            time.sleep(0.0005)
        return [Instructions(*COUNTS.unpack_from(self.map, HEAD.size + v * COUNTS.size))
                for v in range(n_vcpus)]

    def total(self):
        return sum(counts.total for counts in self.read())

    def close(self):
        self.map.close()
        self.file.close()
