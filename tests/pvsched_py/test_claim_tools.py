# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Claims that programs measure: what is made of what these print."""

import json
import os
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace as Thing
from unittest import mock

import claim_tools
from claims import Unable

# As valgrind tells: 1000 instructions, and 7 for each read.
VALGRIND = """#!/bin/sh
for last; do :; done
echo "==1== Collected : $((1000 + 7 * last))" >&2
"""


class Json(unittest.TestCase):
    """What a program prints, and that a machine is not able to where it prints nothing."""

    def unable(self, script, timeout=20):
        with self.assertRaises(Unable) as caught:
            claim_tools.run_json(["/bin/sh", "-c", script], timeout)
        return str(caught.exception)

    def test_what_it_prints(self):
        self.assertEqual(claim_tools.run_json(["/bin/echo", '{"torn": 0}']), {"torn": 0})

    def test_it_fails(self):
        self.assertEqual(self.unable("echo no bpf >&2; exit 3"), "sh ended with 3: no bpf")

    def test_it_does_not_end(self):
        self.assertEqual(self.unable("exec sleep 60", 0.1),
                         "sh did not end within 0.1 s; this machine is too busy or too slow")

    def test_it_is_not_built(self):
        nowhere = {"SLUICE_BUILD": "/nowhere"}
        with mock.patch.object(claim_tools, "environment", lambda _: nowhere), \
                self.assertRaises(Unable) as caught:
            claim_tools.build_file("tests", "bench")
        self.assertEqual(str(caught.exception), "bench is not built; ./sluice setup builds it")


class Guest:
    """A guest in which `pvschedctl bench` takes some ns for a hint, and these instructions: a round
    of the loop 500, of 100 hints 100 times 56 and twice the loop."""

    def __init__(self, hint=10, kick=100, where="ram", accelerator="tcg"):
        self.hint, self.kick, self.where = hint, kick, where
        self.total, self.guest, self.insns, self.qmp = 0, self, self, self
        self.accelerator = lambda: accelerator

    def sh(self, command):
        if "status" in command:
            return f"policy     none\npages      in {self.where}, write-back\n"
        if "--json" in command:
            times = {"intent": self.hint, "page": 1.5, "kick": self.kick}
            return json.dumps({"loops": 100, "hints": {name: {"median-ns": ns}
                                                       for name, ns in times.items()}})
        rounds = int(command.split()[-1])
        self.total += 7000 + rounds * (500 if "--only loop" in command else 5600 + 2 * 500)
        return ""

    def read(self):
        return [None, Thing(total=self.total)]

    def hmp(self, command):
        return "0000: ram): pvsched-guest" if command == "info mtree -f" else ""


class Hint(unittest.TestCase):
    """Claim 1: in the guest."""

    def test_instructions_under_tcg(self):
        part, = claim_tools.guest_parts(Guest(), True)
        self.assertEqual((part.values["instructions"], part.met), (56, True))
        self.assertTrue(part.figure.startswith("56 instructions (emulated: 10.0 ns, "), part.figure)

    def test_nanoseconds_under_kvm(self):
        for ns, met in ((30, True), (31, False)):
            part, = claim_tools.guest_parts(Guest(ns, accelerator="kvm"), True)
            self.assertEqual((part.figure[:7], part.met), (f"{ns:.1f} ns", met))

    def test_no_exit(self):
        for guest, met in ((Guest(), True), (Guest(hint=50), False), (Guest(where="bar"), True)):
            self.assertEqual(claim_tools.exits_part(guest).met, met)
        elsewhere = Guest(where="bar")
        elsewhere.hmp = lambda _: "0000: i/o): pvsched-guest"
        self.assertIs(claim_tools.exits_part(elsewhere).met, False)


class Callgrind(unittest.TestCase):
    """Claim 1: instructions of a read on the host."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        patch = mock.patch.dict(os.environ, {"PATH": folder.name})
        patch.start()
        self.addCleanup(patch.stop)

    def valgrind(self, text):
        program = self.path / "valgrind"
        program.write_text(text)
        program.chmod(0o700)

    def host_part(self):
        found = {"read_ns": 16.2, "read_intent_ns": 3.0}
        with mock.patch.object(claim_tools, "build_file", lambda *_: "bench"), \
                mock.patch.object(claim_tools, "run_json", lambda *_: found):
            part, = claim_tools.host_parts(True)
        return part

    def test_counted(self):
        self.valgrind(VALGRIND)
        part = self.host_part()
        self.assertEqual((part.figure, part.met), ("16.2 ns, of the intent alone 3.0 ns; 7 "
                                                   "instructions (callgrind)", True))
        self.assertEqual(part.values["read_instructions"], 7)

    def test_no_valgrind(self):
        part = self.host_part()
        self.assertEqual(part.figure, "16.2 ns, of the intent alone 3.0 ns; its instructions are not "
                                      "counted: no valgrind here (its package's name)")
        self.assertEqual((part.met, part.values["read_instructions"]), (True, None))

    def test_valgrind_that_fails(self):
        self.valgrind("#!/bin/sh\nexit 3\n")
        self.assertTrue(self.host_part().figure.endswith("; its instructions are not counted: "
                                                         "valgrind ended with 3"))
