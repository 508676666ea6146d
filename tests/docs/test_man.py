# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Man pages of the guest's workloads name the options that the programs have, and no others."""

import os
import re
import subprocess
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAMS = {"pvs-lock": "PVS_LOCK", "pvs-audio": "PVS_AUDIO", "pvs-wake": "PVS_WAKE"}
# Of every program whose options argp reads.
COMMON = {"-?", "--help", "--usage"}


def of_program(name):
    """What --help lists: {every spelling of each option}."""
    out = subprocess.run([os.environ[PROGRAMS[name]], "--help"], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    found = set()
    for line in out.splitlines():
        listed = re.match(r"\s{2,6}((?:-\S, )?--[^\s,]+(?:, --[^\s,]+)*)", line)
        if listed:
            words = (re.split(r"[=\[]", word)[0] for word in listed[1].split(", "))
            found |= {word for word in words if word.startswith("-")}
    return found - COMMON


def of_page(name):
    """What the page's list of options has."""
    found = set()
    page = (TOP / f"docs/man/{name}.1").read_text(encoding="utf-8")
    for line in page.splitlines():
        if line.startswith(".It Fl "):
            words = re.split(r"[ ,]+", line.replace(".It", "").replace(" Fl ", " "))
            found |= {f"-{word}" for word in words if re.fullmatch(r"-[a-z-]+|[a-zA-Z]", word)}
    return found


def of_synopsis(name):
    page = (TOP / f"docs/man/{name}.1").read_text(encoding="utf-8")
    synopsis = page.split(".Sh SYNOPSIS")[1].split(".Sh")[0]
    return {f"-{word}" for word in re.findall(r"^\.Op Fl (\S+)", synopsis, flags=re.M)}


class TestOptions(unittest.TestCase):
    def test_each_option_is_there(self):
        for name in PROGRAMS:
            with self.subTest(name):
                real = of_program(name)
                self.assertIn("--seed", real)
                self.assertEqual(of_page(name), real)

    def test_synopsis(self):
        """Each option once, by its letter if it has one."""
        for name in PROGRAMS:
            with self.subTest(name):
                real = of_program(name)
                self.assertTrue(of_synopsis(name) <= real)
                letters = {word for word in real if not word.startswith("--")}
                self.assertTrue(letters <= of_synopsis(name))
