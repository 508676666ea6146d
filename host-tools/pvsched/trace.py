# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A record as a trace in the JSON trace-event format, which ui.perfetto.dev opens: for each vCPU a
track of when it ran, one of its boosts, one of the guest's hints, with decisions and ring entries as
instants; for each host CPU what ran on it, where ftrace saw it. One clock: the host's
CLOCK_MONOTONIC, from the trace's first entry on."""

import json
import re

import record

# Tracks (thread ids of the format) of a vCPU: its number times TRACKS, plus
TRACKS = 8
RUNS, BOOST, HINTS, CRITICAL, DECISIONS, GUEST = range(6)
TRACK_NAMES = {RUNS: "runs", BOOST: "boost", HINTS: "guest runs", CRITICAL: "critical section",
               DECISIONS: "decisions", GUEST: "guest's ring"}
HOST_PID = 1
VM_PID = 100  # + index of the VM
STATE_NAMES = {1: "running", 2: "preempted", 3: "halted"}
STATE_OF_EVENT = {record.RUN: 1, record.STOP: 2, record.HALT: 3}
SCHED_SWITCH = re.compile(
    r"\[(?P<cpu>\d+)\].*?(?P<s>\d+)\.(?P<us>\d{6}): sched_switch: prev_comm=.*? prev_pid=\d+ .*?==> "
    r"next_comm=(?P<comm>.*?) next_pid=(?P<pid>\d+) ")


class TraceError(Exception):
    """There is nothing to show, or a trace breaks the format's rules."""


class Spans:
    """Intervals on one track: at most one open at a time, so that every B has its E."""

    def __init__(self, out, pid, tid):
        self.out, self.pid, self.tid = out, pid, tid
        self.open = None

    def set(self, ns, name, args=None):
        """From now on `name`; None: nothing."""
        if self.open == name:
            return
        if self.open is not None:
            self.out.add("E", ns, self.pid, self.tid)
        self.open = name
        if name is not None:
            self.out.add("B", ns, self.pid, self.tid, name=name, args=args or {})


class Builder:
    """Gathers events; times become microseconds from the first on."""

    def __init__(self):
        self.events, self.names, self.spans = [], {}, {}

    def add(self, phase, ns, pid, tid, **more):
        self.events.append((ns, len(self.events), {"ph": phase, "pid": pid, "tid": tid, **more}))

    def instant(self, ns, pid, tid, name, args):
        self.add("i", ns, pid, tid, name=name, s="t", args=args)

    def counter(self, ns, pid, name, values):
        self.add("C", ns, pid, 0, name=name, args=values)

    def name(self, pid, process, tid=None, thread=None):
        self.names[(pid, None)] = process
        if tid is not None:
            self.names[(pid, tid)] = thread

    def track(self, pid, tid):
        return self.spans.setdefault((pid, tid), Spans(self, pid, tid))

    def finish(self):
        """The document. Intervals still open end with the last event."""
        if not self.events:
            raise TraceError("there is nothing in it: no decision, ring entry or switch was recorded")
        last = max(ns for ns, _, _ in self.events)
        for spans in self.spans.values():
            spans.set(last, None)
        first = min(ns for ns, _, _ in self.events)
        head = []
        for (pid, tid), name in sorted(self.names.items(), key=lambda i: (i[0][0], i[0][1] or -1)):
            kind = "process_name" if tid is None else "thread_name"
            head.append({"ph": "M", "pid": pid, "tid": tid or 0, "ts": 0, "name": kind,
                         "args": {"name": name}})
        body = [{**event, "ts": (ns - first) / 1000}
                for ns, _, event in sorted(self.events, key=lambda e: e[:2])]
        return {"traceEvents": head + body, "displayTimeUnit": "ns",
                "otherData": {"clock": "CLOCK_MONOTONIC", "first_ns": first}}


# ---- a record's entries ----

def _bits(value, names):
    return [name for bit, name in enumerate(names) if value & 1 << bit]


def _at(names, index):
    return names[index] if 0 <= index < len(names) else str(index)


class FromRecord:
    """Turns entries into events."""

    def __init__(self, out, exact, names):
        self.out, self.exact, self.names = out, exact, names
        self.offset = {}  # of each VM's clock, ns: guest's minus host's

    def vm_name(self, entry):
        return self.names.get(entry.vm, f"VM {entry.vm}")

    def tid(self, entry, vcpu, track):
        pid, tid = VM_PID + entry.vm, vcpu * TRACKS + track + 1
        self.out.name(pid, self.vm_name(entry), tid, f"vCPU {vcpu} {TRACK_NAMES[track]}")
        return pid, tid

    def spans(self, entry, vcpu, track):
        return self.out.track(*self.tid(entry, vcpu, track))

    def add(self, entry):
        if entry.kind == record.DECISION:
            self._decision(entry, entry.what)
        elif entry.kind == record.SWITCH:
            state = STATE_NAMES.get(STATE_OF_EVENT.get(entry.what.event))
            self.spans(entry, entry.what.vcpu, RUNS).set(entry.ns, state, {"cpu": entry.what.cpu})
        elif entry.kind == record.RING:
            self._ring(entry, entry.what)
        elif entry.kind == record.CLOCK:
            self.offset[entry.vm] = entry.what
        elif entry.kind == record.POLICY:
            pid = VM_PID + entry.vm
            self.out.name(pid, self.vm_name(entry))
            self.out.add("i", entry.ns, pid, 0, name=f"policy {entry.what}", s="p", args={})

    def _decision(self, entry, decision):
        ctx = decision.ctx
        if not self.exact and ctx.run_state in STATE_NAMES:
            self.spans(entry, ctx.vcpu, RUNS).set(entry.ns, STATE_NAMES[ctx.run_state])
        hint = _at(record.CLASSES, ctx.class_) if ctx.hint_status == 1 else None
        self.spans(entry, ctx.vcpu, HINTS).set(
            entry.ns, hint, {"prio": ctx.rt_prio, "pending": _bits(ctx.pending, record.PENDING)})
        critical = "critical section" if ctx.cs else None
        self.spans(entry, ctx.vcpu, CRITICAL).set(entry.ns, critical, {"why": ctx.cs})
        self._effect(entry, decision)

    def _effect(self, entry, decision):
        ctx, out = decision.ctx, decision.out
        verdict = _at(record.VERDICTS, decision.verdict)
        target = out.target if verdict != "keep" and out.target < ctx.n_vcpus else ctx.vcpu
        boost = _at(record.BOOSTS, out.boost) if verdict == "apply" else _at(record.BOOSTS, ctx.boost)
        if verdict == "baseline" or not decision.applied:
            boost = "none"
        self.spans(entry, target, BOOST).set(entry.ns, None if boost == "none" else boost)
        if verdict == "keep" and not decision.reject:
            return
        self.out.instant(entry.ns, *self.tid(entry, ctx.vcpu, DECISIONS),
                         f"{_at(record.EVENTS, ctx.event)}: {verdict}",
                         {"target": target, "nice": out.nice, "slice_ns": out.slice_ns,
                          "prio": out.prio, "hold_ns": out.hold_ns, "set": out.set,
                          "applied": decision.applied,
                          "reject": _at(record.REJECTS, decision.reject),
                          "actuator_ns": decision.effect_ns})
        self.out.counter(entry.ns, VM_PID + entry.vm, f"vCPU {ctx.vcpu} budget (us)",
                         {"boost": ctx.budget_boost / 1000, "cs": ctx.budget_cs / 1000})

    def _ring(self, entry, ring):
        """At the guest's time where the clocks' offset is known, else when the host took it."""
        ns = ring.ts - self.offset[entry.vm] if entry.vm in self.offset and ring.ts else entry.ns
        if abs(ns - entry.ns) > 10**9:  # a guest's word: a time nowhere near is not believed
            ns = entry.ns
        self.out.instant(ns, *self.tid(entry, ring.vcpu, GUEST), _at(record.RING_TYPES, ring.type),
                         {"arg": ring.arg, "host_ns": entry.ns})


# ---- ftrace of the host's scheduler ----

def add_host(out, text):
    """Lines of the host's sched_switch, as tracefs prints them with trace_clock mono."""
    for line in text.splitlines():
        found = SCHED_SWITCH.search(line)
        if not found:
            continue
        ns = int(found["s"]) * 10**9 + int(found["us"]) * 1000
        tid = int(found["cpu"]) + 1
        out.name(HOST_PID, "host", tid, f"CPU {found['cpu']}")
        name = None if found["pid"] == "0" else f"{found['comm']} {found['pid']}"
        out.track(HOST_PID, tid).set(ns, name)


def build(entries, host_text="", names=None):
    """The trace of a record's entries, and of ftrace's text if there is some. `names` has the VMs'
    by their number."""
    out = Builder()
    entries = sorted(entries, key=lambda e: e.ns)
    states = FromRecord(out, any(e.kind == record.SWITCH for e in entries), names or {})
    for entry in entries:
        states.add(entry)
    add_host(out, host_text)
    return out.finish()


def validate(document):
    """TraceError unless times never step back, every B has its E and no E is without B."""
    events = document.get("traceEvents")
    if not events:
        raise TraceError("no traceEvents")
    last, depth = {}, {}
    for number, event in enumerate(events):
        for key in ("ph", "pid", "tid", "ts"):
            if key not in event:
                raise TraceError(f"event {number} has no {key}")
        if event["ph"] == "M":
            continue
        track = event["pid"], event["tid"]
        if event["ts"] < last.get(track, 0):
            raise TraceError(f"event {number}: time steps back from {last[track]} to {event['ts']}")
        last[track] = event["ts"]
        if event["ph"] in "BE":
            depth[track] = depth.get(track, 0) + (1 if event["ph"] == "B" else -1)
            if depth[track] < 0:
                raise TraceError(f"event {number}: an E without its B on track {track}")
    if open_ := [track for track, n in depth.items() if n]:
        raise TraceError(f"a B without its E on track {open_[0]}")


def write(path, document):
    validate(document)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.write("\n")
