# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Threads of the host: how they are scheduled (sched_getattr(2), sched_setattr(2)) and what they
got (/proc/PID/schedstat)."""

import ctypes
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

SYS_SCHED_SETATTR, SYS_SCHED_GETATTR = 314, 315  # x86-64
ATTR = struct.Struct("<IIQiIQQQII")
CLASS_NAMES = {0: "other", 1: "fifo", 2: "rr", 3: "batch", 5: "idle", 6: "deadline"}
CLASS_NUMBERS = {name: number for number, name in CLASS_NAMES.items()}
# Weights of nice levels -20..19, as sched(7)'s factor of about 1.25 a level rounds them in Linux.
NICE_WEIGHTS = (88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620,
                6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272,
                215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15)
IDLE_WEIGHT = 3

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Attr:
    """How a thread is scheduled; the fields of struct sched_attr."""
    policy: int = 0
    flags: int = 0
    nice: int = 0
    priority: int = 0
    runtime: int = 0
    deadline: int = 0
    period: int = 0

    @property
    def class_name(self):
        return CLASS_NAMES.get(self.policy, str(self.policy))


def _call(number, *args):
    if _libc.syscall(number, *args) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def get_attr(tid):
    """OSError: ESRCH."""
    buffer = ctypes.create_string_buffer(ATTR.size)
    _call(SYS_SCHED_GETATTR, tid, buffer, ATTR.size, 0)
    _, policy, flags, nice, priority, runtime, deadline, period, _, _ = ATTR.unpack(buffer.raw)
    return Attr(policy, flags, nice, priority, runtime, deadline, period)


def set_attr(tid, attr):
    """OSError: EPERM, ESRCH, EINVAL."""
    raw = ATTR.pack(ATTR.size, attr.policy, attr.flags, attr.nice, attr.priority, attr.runtime,
                    attr.deadline, attr.period, 0, 0)
    _call(SYS_SCHED_SETATTR, tid, ctypes.create_string_buffer(raw, ATTR.size), 0)


def weight(attr):
    """What a thread's share of a CPU is counted in, for classes that share."""
    if attr.class_name == "idle":
        return IDLE_WEIGHT
    return NICE_WEIGHTS[attr.nice + 20]


def schedstat(tid):
    """(ns on a CPU, ns runnable without one) since the thread began; FileNotFoundError,
    ProcessLookupError if it is gone."""
    run, wait, _ = Path(f"/proc/{tid}/task/{tid}/schedstat").read_text().split()
    return int(run), int(wait)


def process_ns(pid):
    """ns on a CPU of all threads of a process, those that ended too; OSError if it is gone."""
    return time.clock_gettime_ns(~pid << 3 | 2)  # its CPUCLOCK_SCHED, clock_getcpuclockid(3)


def tasks(pid):
    """The thread ids of a process."""
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))


def comm(tid):
    try:
        return Path(f"/proc/{tid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "?"


class Saved:
    """Threads whose scheduling is to be put back."""

    def __init__(self):
        self.attrs = {}

    def take(self, tid):
        if tid not in self.attrs:
            self.attrs[tid] = (get_attr(tid), os.sched_getaffinity(tid))

    def restore(self):
        """Put all back; threads that are gone need nothing."""
        for tid, (attr, cpus) in self.attrs.items():
            try:
                set_attr(tid, attr)
                os.sched_setaffinity(tid, cpus)
            except ProcessLookupError:
                continue
        self.attrs.clear()
