# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Bytes of records, put together for tests."""

import struct

import record


def header(version=record.VERSION, ctx=None):
    ours = record.CTX.size + record.OUT.size
    ctx = ours if ctx is None else ctx
    return record.HEADER.pack(record.MAGIC, version, 1, ctx, ctx + record.TAIL.size)


def entry(kind, ns, body, vm=0):
    return record.HEAD.pack(kind, len(body), vm, ns) + body


def decision(ns, event="tick", verdict=0, applied=0, vm=0, out=None, **ctx):
    values = dict.fromkeys(record.Ctx._fields, 0) | {
        "abi": 1, "event": record.EVENTS.index(event), "now_ns": ns, "n_vcpus": 2} | ctx
    outs = dict.fromkeys(record.Out._fields, 0) | {"target": values["vcpu"]} | (out or {})
    body = (record.CTX.pack(*values.values()) + record.OUT.pack(*outs.values())
            + record.TAIL.pack(verdict, 0, applied, 700 if applied else 0))
    return entry(record.DECISION, ns, body, vm)


def switch(ns, vcpu, event, cpu=0):
    return entry(record.SWITCH, ns, record.SWITCHED.pack(vcpu, cpu, event, 0))


def ring(ns, vcpu, ts, kind="wakeup", arg=0):
    return entry(record.RING, ns,
                 record.RING_ENTRY.pack(vcpu, 0, ts, record.RING_TYPES.index(kind), arg))


def clock(ns, offset):
    return entry(record.CLOCK, ns, struct.pack("<q", offset))


def policy(ns, name, vm=0):
    return entry(record.POLICY, ns, record.NAMED.pack(name.encode(), 1, 0), vm)


def end(ns, lost):
    return entry(record.END, ns, struct.pack("<Q", lost))
