# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Claim 10: what is written into a vCPU's page, and what counts as having survived it."""

import random
import struct
import unittest
from types import SimpleNamespace as Thing

import restore


class Garbage(unittest.TestCase):
    def test_is_malformed_whatever_is_drawn(self):
        """By the words of include/sluice/pvsched.h."""
        for seed in range(200):
            draw = random.Random(seed)
            pages = {}
            for line in restore.LINES:
                offset, data = restore.garbage(draw, line)
                page = bytearray(restore.PAGE)
                page[offset:offset + len(data)] = data
                self.assertEqual(len(page), restore.PAGE, line)
                pages[line] = {"intent": struct.unpack_from("<Q", page, 0)[0],
                               "cs": struct.unpack_from("<Q", page, 64)[0],
                               "seq": struct.unpack_from("<I", page, 128)[0],
                               "flags": struct.unpack_from("<I", page, 132)[0],
                               "wait": struct.unpack_from("<Q", page, 192)[0]}
            self.assertGreaterEqual(pages["intent"]["intent"] & 0xf, 6)
            self.assertTrue(pages["critical section"]["cs"] & 0xe0)
            self.assertTrue(pages["deadline"]["seq"] % 2 == 0 and pages["deadline"]["flags"])
            self.assertTrue(pages["wait"]["wait"] >> 40)
            self.assertTrue(pages["page"]["intent"] & 0xf == 0xf and pages["page"]["seq"] % 2 == 0)

    def test_same_seed_same_bytes(self):
        one, two = (restore.garbage(random.Random(7), "page") for _ in range(2))
        self.assertEqual(one, two)
        self.assertNotEqual(one, restore.garbage(random.Random(8), "page"))


class Survives(unittest.TestCase):
    """A made-up device: what of its answers makes a try good."""

    def survives(self, boosts=True, malformed=1, torn=0, budget=0, plain=True, status="malformed",
                 kinds=restore.BAD):

        class Made(restore.Vcpu):
            def __init__(self):
                self.ticks = 0
                self.scribbled = []

            def ask(self):
                return boosts

            def scribble(self, *words):
                self.scribbled.append(words)

            def becomes(self, plain, timeout=0):
                return self.is_plain() == plain

            def is_plain(self):
                return plain

            def state(self):
                self.ticks += 1
                after = bool(self.scribbled)
                return {"vcpu": restore.CPU, "hint": {"status": status},
                        "rejects": {"malformed": malformed * after, "torn": torn * after,
                                    "budget": budget * after}, "events": {"tick": self.ticks}}
        return Made().survives("0:ff", kinds=kinds)

    def test_good(self):
        self.assertTrue(self.survives())
        self.assertTrue(self.survives(malformed=0, torn=1, status="torn"))

    def test_not(self):
        for bad in ({"boosts": False}, {"malformed": 0}, {"budget": 1}, {"plain": False},
                    {"status": "ok"},
                    {"malformed": 0, "torn": 1, "kinds": ("malformed",)}):
            self.assertFalse(self.survives(**bad), bad)


class Killed(unittest.TestCase):
    def test_each_time_mid_boost(self):
        """The manager is started again before each try but the first."""
        done = []
        manager = Thing(start=lambda: done.append("start"), kill=lambda: done.append("kill"),
                        set_policy=lambda *_: None, vcpus=lambda pid: [pid])
        vcpu = Thing(machine=Thing(proc=Thing(pid=1)), ask=lambda: True,
                     becomes=lambda plain: len(done) < 8)
        self.assertEqual(restore.after_kill(vcpu, manager),
                         ("kill -9 of the manager", "4 of 5 times", False))
        self.assertEqual(done, ["kill"] + ["start", "kill"] * 4)
