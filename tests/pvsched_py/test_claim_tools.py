# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Claims that programs measure: what is made of what these print."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import claim_tools

# As valgrind tells: 1000 instructions, and 7 for each read.
VALGRIND = """#!/bin/sh
for last; do :; done
echo "==1== Collected : $((1000 + 7 * last))" >&2
"""


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
