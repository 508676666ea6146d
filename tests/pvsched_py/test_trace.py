# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Traces: what they hold, and that they keep the format's rules."""

import json
import random
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import made_up  # noqa: E402
import record  # noqa: E402
import trace  # noqa: E402

FTRACE = """# tracer: nop
          <idle>-0       [001] d..2.    10.000100: sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=CPU 1/TCG next_pid=42 next_prio=120
       CPU 1/TCG-42      [001] d..2.    10.000300: sched_switch: prev_comm=CPU 1/TCG prev_pid=42 prev_prio=120 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120
"""


def built(*parts, host=""):
    return trace.build(record.parse(made_up.header() + b"".join(parts)), host)


def events(document, phase):
    return [e for e in document["traceEvents"] if e["ph"] == phase]


class Building(unittest.TestCase):
    def test_runs_from_switches(self):
        document = built(made_up.switch(1000, 0, record.RUN), made_up.switch(4000, 0, record.STOP),
                         made_up.switch(9000, 0, record.HALT), made_up.switch(9500, 0, record.RUN))
        self.assertEqual([(e["name"], e["ts"]) for e in events(document, "B")],
                         [("running", 0), ("preempted", 3), ("halted", 8), ("running", 8.5)])
        self.assertEqual([e["ts"] for e in events(document, "E")], [3, 8, 8.5, 8.5])
        trace.validate(document)

    def test_boost_and_decision(self):
        document = built(
            made_up.decision(1000, "halt", 1, 1, out={"boost": 4, "nice": -20}),
            made_up.decision(2000, "tick", 0, 1, boost=4),
            made_up.decision(3000, "hint", 2, 0, boost=4))
        self.assertEqual([(e["name"], e["ts"]) for e in events(document, "B")], [("rt", 0)])
        self.assertEqual([e["ts"] for e in events(document, "E")], [2])
        self.assertEqual([e["name"] for e in events(document, "i")], ["halt: apply", "hint: baseline"])
        self.assertEqual(events(document, "i")[0]["args"]["actuator_ns"], 700)

    def test_a_decision_about_another_vcpu(self):
        document = built(made_up.decision(1000, "hint", 1, 1, vcpu=1,
                                          out={"boost": 3, "target": 0}))
        boost = events(document, "B")[0]
        self.assertEqual((boost["name"], boost["tid"]), ("lock", trace.BOOST + 1))

    def test_hints(self):
        document = built(
            made_up.decision(1000, "hint", hint_status=1, class_=4, pending=0x81, cs=1),
            made_up.decision(2000, "hint", hint_status=1, class_=3),
            made_up.decision(3000, "hint", hint_status=2))
        self.assertEqual([(e["name"], e["ts"]) for e in events(document, "B")],
                         [("rt", 0), ("critical section", 0), ("normal", 1)])
        self.assertEqual(events(document, "B")[0]["args"]["pending"], ["nmi", "rt-waiter"])

    def test_ring_is_put_on_the_hosts_clock(self):
        document = built(made_up.policy(1000, "boost"), made_up.clock(1500, 100_000),
                         made_up.ring(9000, 0, 105_000), made_up.ring(9100, 0, 2**60))
        self.assertEqual([(e["name"], e["ts"]) for e in events(document, "i")],
                         [("policy boost", 0), ("wakeup", 4), ("wakeup", 8.1)])

    def test_host(self):
        document = built(made_up.policy(10_000_000_000, "boost"), host=FTRACE)
        self.assertEqual([(e["name"], e["ts"]) for e in events(document, "B")],
                         [("CPU 1/TCG 42", 100)])
        self.assertEqual([e["ts"] for e in events(document, "E")], [300])

    def test_nothing(self):
        with self.assertRaises(trace.TraceError) as caught:
            built(made_up.end(1, 0))
        self.assertEqual(str(caught.exception), "there is nothing in it: no decision, ring entry or "
                                                "switch was recorded")

    def test_any_order_gives_a_valid_trace(self):
        draw = random.Random(4)
        parts = []
        for _ in range(2000):
            ns, vcpu = draw.randrange(10**6), draw.randrange(2)
            parts.append(draw.choice((
                lambda: made_up.switch(ns, vcpu, draw.randrange(4)),
                lambda: made_up.ring(ns, vcpu, draw.randrange(10**6)),
                lambda: made_up.decision(ns, "tick", draw.randrange(-5, 3), draw.randrange(2),
                                         vcpu=vcpu, hint_status=draw.randrange(4),
                                         class_=draw.randrange(6), cs=draw.randrange(2),
                                         run_state=draw.randrange(4),
                                         out={"boost": draw.randrange(9)})))())
        document = built(*parts)
        trace.validate(document)
        self.assertEqual(len(events(document, "B")), len(events(document, "E")))

    def test_written_file_is_json(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.json"
            trace.write(path, built(made_up.switch(1, 0, record.RUN)))
            trace.validate(json.loads(path.read_text()))


class Validating(unittest.TestCase):
    def refused(self, events_, words):
        with self.assertRaises(trace.TraceError) as caught:
            trace.validate({"traceEvents": [{"pid": 1, "tid": 1, **e} for e in events_]})
        self.assertEqual(str(caught.exception), words)

    def test_rules(self):
        self.refused([], "no traceEvents")
        self.refused([{"ph": "B"}], "event 0 has no ts")
        self.refused([{"ph": "B", "ts": 1}], "a B without its E on track (1, 1)")
        self.refused([{"ph": "E", "ts": 1}], "event 0: an E without its B on track (1, 1)")
        self.refused([{"ph": "i", "ts": 2}, {"ph": "i", "ts": 1}],
                     "event 1: time steps back from 2 to 1")
