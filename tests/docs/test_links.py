# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What documents link to or name is there: files of the repository, and headings of documents."""

import re
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DOCS = sorted([TOP / "README.md", *TOP.glob("docs/**/*.md"), *TOP.glob("*-tools/**/*.md")])
# Folders whose files are written with their path from the top.
FOLDERS = ("tests", "docs", "include", "host-tools", "guest-tools", "paravirt-sched", "qemu-device",
           "bpf-engine", "nic-model", "firmware", "scenarios", "examples")


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)


def anchors(text):
    """As forges make them of headings: lower case, blanks as hyphens, other signs left out."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", without_code(text), flags=re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def broken_links(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        other = path.parent / name if name else path
        if not other.exists():
            yield target
        elif anchor and anchor not in anchors(other.read_text(encoding="utf-8")):
            yield target


def missing_files(path):
    """Of a program, its source is enough."""
    text = without_code(path.read_text(encoding="utf-8"))
    for name in re.findall(r"`([\w.-]+/[\w./*-]+)`", text):
        found = any(True for ending in ("", ".c") for _ in TOP.glob(name.rstrip("/") + ending))
        if name.split("/")[0] in FOLDERS and not found:
            yield name


class TestLinks(unittest.TestCase):
    maxDiff = None

    def test_links(self):
        for path in DOCS:
            with self.subTest(str(path.relative_to(TOP))):
                self.assertEqual(list(broken_links(path)), [])

    def test_files(self):
        for path in DOCS:
            with self.subTest(str(path.relative_to(TOP))):
                self.assertEqual(list(missing_files(path)), [])

    def test_there_is_something_to_look_at(self):
        """A pattern that finds nothing would make the others true."""
        text = (TOP / "docs/testing.md").read_text(encoding="utf-8")
        self.assertIn("tests/docs", re.findall(r"`([\w.-]+/[\w./*-]+)`", text))
        self.assertIn("negotiation", anchors((TOP / "docs/pvsched/device.md").read_text("utf-8")))
