# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The policy template builds as it says itself, and as the docs say."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import programs

TEMPLATE = "paravirt-sched/policies/template.bpf.c"
COPY = f"cp {TEMPLATE} my.bpf.c"


def said(path):
    """The build line in a file's text."""
    found = re.findall(r"clang .*? my\.bpf\.c\b[^*\n]*", (programs.TOP / path).read_text())
    assert len(found) == 1, f"{path} has {len(found)} lines that build it"
    return found[0].strip()


class Builds(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        for name in ("include", "paravirt-sched"):
            (self.path / name).symlink_to(programs.TOP / name)
        try:
            (self.path / "clang").symlink_to(shutil.which(programs.clang()))
        except RuntimeError as why:  # as meson does without
            self.skipTest(str(why))

    def test_as_it_says_itself(self):
        done = subprocess.run(["sh", "-ec", f"{COPY}; {said(TEMPLATE)}"], cwd=self.path, check=False,
                              env=os.environ | {"PATH": f"{self.path}:{os.environ['PATH']}"},
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertEqual((self.path / "my.bpf.o").read_bytes()[:4], b"\x7fELF")

    def test_the_docs_say_the_same(self):
        self.assertEqual(said("docs/pvsched/policies.md"), said(TEMPLATE))
        self.assertIn(f"$ {COPY}\n", (programs.TOP / "docs/pvsched/policies.md").read_text())
