# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Reads a record: what the host's side of paravirtual scheduling saw and decided, as pvs.h lays it
out (struct pvs_record_entry, little-endian) and paravirt-sched/record.c writes it."""

import struct
from collections import namedtuple
from dataclasses import dataclass

HEADER = struct.Struct("<8sIIII")
MAGIC, VERSION = b"PVSREC\r\n", 2
HEAD = struct.Struct("<IHHQ")
DECISION, RING, SWITCH, CLOCK, POLICY, END = range(1, 7)

EVENTS = ("init", "vcpu_run", "vcpu_stop", "halt", "kick", "hint", "tick", "exit")
RUN, STOP, HALT = 1, 2, 3
BOOSTS = ("none", "cs", "irq", "lock", "rt", "deadline", "fair")
CLASSES = ("unknown", "idle", "batch", "normal", "rt", "deadline")
VERDICTS = ("keep", "apply", "baseline")
REJECTS = ("none", "malformed", "torn", "budget", "concurrent", "ceiling", "actuator", "feature",
           "policy", "rate")
RING_TYPES = ("none", "switch", "wakeup", "irq-entry", "irq-exit", "lock-wait", "lock-held",
              "lock-done", "mark")
PENDING = ("nmi", "hardirq", "softirq", "preempt-off", "irq-off", "lock", "rcu", "rt-waiter")

CTX = struct.Struct("<" "IIQ" "IIIIII" "II" "Q" "IiIIII" "Q" "QQQQ" "II" "Q" "II" "QQQQQQ" "IIIIII"
                    "Q" "8Q")
Ctx = namedtuple("Ctx", """abi event now_ns vm vcpu n_vcpus n_online sources actuators hint_status
features hint_age_ns class_ nice rt_prio pending cs cs_count cs_age_ns dl_runtime dl_deadline
dl_period next_event wait_vcpu wait_reason ticket run_state boost run_ns wait_ns boost_ns state_ns
budget_cs budget_boost vm_boosted vm_cap ceiling prio_max held reserved tick_ns
opaque0 opaque1 opaque2 opaque3 opaque4 opaque5 opaque6 opaque7""")
OUT = struct.Struct("<" "IIIi" "Q" "II" "QQQQ" "II" "Q" "8Q")
Out = namedtuple("Out", """set boost target nice slice_ns prio weight dl_runtime dl_deadline
dl_period affinity capacity avoid hold_ns
opaque0 opaque1 opaque2 opaque3 opaque4 opaque5 opaque6 opaque7""")
TAIL = struct.Struct("<iIII")
Decision = namedtuple("Decision", "ctx out verdict reject applied effect_ns")
RING_ENTRY = struct.Struct("<IIQII")
Ring = namedtuple("Ring", "vcpu reserved ts type arg")
SWITCHED = struct.Struct("<IIII")
Switch = namedtuple("Switch", "vcpu cpu event reserved")
NAMED = struct.Struct("<16sII")


class RecordError(Exception):
    """Not a record, or one that is cut; the text says where."""


@dataclass
class Entry:
    kind: int
    vm: int
    ns: int      # host's CLOCK_MONOTONIC
    what: object  # Decision, Ring, Switch; the clock's offset; the policy's name; entries lost


def _decision(data):
    ctx = Ctx(*CTX.unpack_from(data, 0))
    out = Out(*OUT.unpack_from(data, CTX.size))
    return Decision(ctx, out, *TAIL.unpack_from(data, CTX.size + OUT.size))


def _policy(data):
    return NAMED.unpack_from(data)[0].split(b"\0", 1)[0].decode(errors="replace")


TAKE = {DECISION: (_decision, CTX.size + OUT.size + TAIL.size),
        RING: (lambda d: Ring(*RING_ENTRY.unpack_from(d)), RING_ENTRY.size),
        SWITCH: (lambda d: Switch(*SWITCHED.unpack_from(d)), SWITCHED.size),
        CLOCK: (lambda d: struct.unpack_from("<q", d)[0], 8),
        POLICY: (_policy, NAMED.size),
        END: (lambda d: struct.unpack_from("<Q", d)[0], 8)}


def parse(data, name="record"):
    """The entries of a file's bytes, in order; unknown kinds are passed over."""
    at = header_size(data, name)
    while at < len(data):
        if at + HEAD.size > len(data):
            raise RecordError(f"{name}: cut at byte {at}: {len(data) - at} bytes of an entry's head")
        kind, size, vm, ns = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size:at + HEAD.size + size]
        if len(body) < size:
            raise RecordError(f"{name}: cut at byte {at}: an entry of {size} bytes has {len(body)}")
        if kind in TAKE:
            take, least = TAKE[kind]
            if size < least:
                raise RecordError(f"{name}: byte {at}: an entry of kind {kind} has {size} bytes, "
                                  f"it takes {least}; is it of another version?")
            yield Entry(kind, vm, ns, take(body))
        at += HEAD.size + size


def header_size(data, name):
    """Judge the file's header and return its size."""
    if len(data) < HEADER.size or not data.startswith(MAGIC):
        raise RecordError(f"{name} is not a record of paravirtual scheduling")
    _, version, _, ctx_size, decision_size = HEADER.unpack_from(data)
    ours = CTX.size + OUT.size
    if version != VERSION or (ctx_size, decision_size) != (ours, ours + TAIL.size):
        raise RecordError(f"{name} is of version {version} with a context of {ctx_size} bytes and "
                          f"decisions of {decision_size}; this reads version {VERSION} with {ours} "
                          f"and {ours + TAIL.size}; ./sluice pvsched record dump reads its own")
    return HEADER.size


def read(path):
    """All entries of a file. RecordError, OSError."""
    with open(path, "rb") as file:
        return list(parse(file.read(), str(path)))
