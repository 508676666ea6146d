# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The numbers of docs/pvsched/protocol.md, and of device.md's registers, are the header's.

What the tables say is read from their text; what is so, a compiler says of the header: a name in
backquotes beside a number is a constant, beside a range of bits a field of a word, and an offset
with a size and a name is a member of the page whose section it stands in."""

import os
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROTOCOL = (TOP / "docs/pvsched/protocol.md").read_text(encoding="utf-8")
DEVICE = (TOP / "docs/pvsched/device.md").read_text(encoding="utf-8")
HEADER = (TOP / "include/sluice/pvsched.h").read_text(encoding="utf-8")
INCLUDES = [f"-I{TOP / folder}" for folder in ("include", "paravirt-sched/include")]

PAGES = {"## The guest's page (BAR2)": "pvs_guest_page",
         "## The host's page (BAR4)": "pvs_host_page"}
# Families of constants of which the document has each.
FAMILIES = "F CLASS PENDING CS WAIT NOTIFY RING RUN BOOST STATE REJECT".split()
# Their members that are no value of their own.
BOUNDS = re.compile(r"_(SHIFT|MASK|ALL|MAX)$"
                    r"|^PVS_(F_NEED_INTENT|WAIT_NOBODY|RING_OFFSET|RING_ENTRIES)$")


def rows(text):
    """Tables' rows as lists of cells; with each, the heading it stands under."""
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line
        elif line.startswith("|"):
            yield heading, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def named(cell):
    found = re.fullmatch(r"`(\w+)`", cell)
    return found.group(1) if found else None


def number(cell):
    return int(cell, 0) if re.fullmatch(r"0x[0-9a-f]+|\d+", cell) else None


def offset_of(cell):
    found = re.fullmatch(r"`(0x[0-9a-f]+)`", cell)
    return int(found[1], 16) if found else None


def pairs(text):
    """Each constant's name with the cell beside it."""
    for _, cells in rows(text):
        for cell, beside in zip(cells, cells[1:]):
            if (named(cell) or "").startswith("PVS_"):
                yield named(cell), beside


def constants(text):
    return {name: number(beside) for name, beside in pairs(text) if number(beside) is not None}


def fields(text):
    """Bit ranges: {name: (first, last)}."""
    ranges = ((name, re.fullmatch(r"(\d+)–(\d+)", beside)) for name, beside in pairs(text))
    return {name: (int(found[1]), int(found[2])) for name, found in ranges if found}


def members(text):
    """{struct: {member: (offset, size)}}"""
    pages = {struct: {} for struct in PAGES.values()}
    for heading, cells in rows(text):
        offset = offset_of(cells[0])
        if heading in PAGES and offset is not None:
            pages[PAGES[heading]][named(cells[2])] = offset, int(cells[1])
    return pages


def registers(text):
    """{name: offset} of device.md's table."""
    found = {}
    for heading, cells in rows(text):
        offset = re.match(r"`(0x[0-9a-f]+)`", cells[0])
        if heading.startswith("## Registers") and offset:
            found["PVS_REG_" + cells[1]] = int(offset[1], 16)
    return found


def status_bits(text):
    found = {}
    for heading, cells in rows(text):
        bit = re.fullmatch(r"`(0x[0-9a-f]+)` (\w+)", cells[0])
        if heading == "## Negotiation" and bit:
            found["PVS_STATUS_" + bit[2]] = int(bit[1], 16)
    return found


def header_names():
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    names = set(re.findall(r"#define (PVS_\w+)", code))
    for body in re.findall(r"\benum \w+ \{(.*?)\}", code, flags=re.S):
        names |= set(re.findall(r"PVS_\w+", body))
    return names


def header_members(struct):
    body = re.search(rf"struct {struct} \{{(.*?)\n\}};", HEADER, flags=re.S)[1]
    code = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names = re.findall(r"(\w+)(?:\[\w+\])?;", code)
    return {name for name in names if not name.startswith("reserved")}


def probe(names, pages):
    """The compiler's word: {expression: value}."""
    what = {name: name for name in names}
    for struct, its in pages.items():
        for member in its:
            what[f"{struct}.{member}"] = f"__builtin_offsetof(struct {struct}, {member})"
            what[f"sizeof {struct}.{member}"] = f"sizeof(((struct {struct} *)0)->{member})"
    lines = ["#include <stdio.h>", '#include "pvs_hint.h"', "int main(void)", "{"]
    lines += [f'\tprintf("%llu {key}\\n", (unsigned long long)({c}));' for key, c in what.items()]
    source = "\n".join(lines + ["\treturn 0;", "}", ""])
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "probe"
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run([*compiler, *INCLUDES, "-x", "c", "-", "-o", program], input=source,
                       text=True, check=True)
        out = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {key: int(value) for value, key in (line.split(" ", 1) for line in out.splitlines())}


def mask_of(name):
    """A field's mask, moved to its place, as an expression of the header's names."""
    known = header_names()
    mask = f"{name}_MASK" if f"{name}_MASK" in known else "~0ull"
    return f"({mask} << {name}_SHIFT)" if f"{name}_SHIFT" in known else mask


class TestProtocol(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.constants, cls.fields = constants(PROTOCOL), fields(PROTOCOL)
        cls.pages, cls.registers = members(PROTOCOL), registers(DEVICE)
        cls.bits = status_bits(DEVICE)
        known = header_names()
        names = (set(cls.constants) | set(cls.registers) | set(cls.bits)) & known
        names |= {mask_of(name) for name in cls.fields}
        have = {struct: its.keys() & header_members(struct) for struct, its in cls.pages.items()}
        cls.real = probe(names | {"PVS_SEQ_TRIES", "PVS_F_NEED_INTENT"}, have)

    def test_features(self):
        said = {name: 1 << bit for name, bit in self.constants.items() if name.startswith("PVS_F_")}
        self.assertEqual(said, {name: self.real.get(name) for name in said})

    def test_what_features_need(self):
        table = [cells for heading, cells in rows(PROTOCOL) if heading == "## Features"][2:]
        needy = {named(cells[0]): cells[2] for cells in table if cells[2]}
        self.assertEqual(set(needy.values()), {"`PVS_F_INTENT`"})
        self.assertEqual(sum(1 << self.constants[name] for name in needy),
                         self.real["PVS_F_NEED_INTENT"])

    def test_constants(self):
        said = {name: its for name, its in self.constants.items() if not name.startswith("PVS_F_")}
        self.assertEqual(said, {name: self.real.get(name) for name in said})

    def test_each_constant_is_there(self):
        for family in FAMILIES:
            with self.subTest(family):
                real = {name for name in header_names()
                        if name.startswith(f"PVS_{family}_") and not BOUNDS.search(name)}
                said = {name for name in self.constants if name.startswith(f"PVS_{family}_")}
                self.assertTrue(said)
                self.assertEqual(said, real)

    def test_bits_of_words(self):
        stems = {re.sub(r"_(SHIFT|MASK)$", "", name) for name in header_names()
                 if re.match(r"PVS_(INTENT|STATE)_\w+_(SHIFT|MASK)$", name)}
        self.assertEqual(set(self.fields), stems)
        for name, (first, last) in self.fields.items():
            with self.subTest(name):
                mask = (1 << last + 1) - (1 << first)
                self.assertEqual(self.real[mask_of(name)], mask)

    def test_pages(self):
        for struct, said in self.pages.items():
            with self.subTest(struct):
                self.assertEqual(set(said), header_members(struct))
                real = {name: (self.real[f"{struct}.{name}"], self.real[f"sizeof {struct}.{name}"])
                        for name in said}
                self.assertEqual(said, real)

    def test_lines(self):
        """A row in bold begins a line, and what follows it lies in that line."""
        begin = 0
        for heading, cells in rows(PROTOCOL):
            bold = re.fullmatch(r"\*\*(0x[0-9a-f]+)\*\*", cells[0])
            if heading in PAGES and bold:
                begin = int(bold[1], 16)
                self.assertEqual(cells[2], f"**line {begin // 64}**")
            elif heading in PAGES and offset_of(cells[0]) is not None and cells[2] != "`ring`":
                self.assertEqual(offset_of(cells[0]) // 64, begin // 64, cells)

    def test_tries(self):
        self.assertEqual(re.findall(r"(\d+) tries \(`PVS_SEQ_TRIES`\)", PROTOCOL),
                         [str(self.real["PVS_SEQ_TRIES"])])

    def test_registers(self):
        self.assertEqual(set(self.registers),
                         {name for name in header_names() if name.startswith("PVS_REG_")})
        self.assertEqual(self.registers, {name: self.real[name] for name in self.registers})

    def test_status(self):
        self.assertEqual(set(self.bits),
                         {name for name in header_names() if name.startswith("PVS_STATUS_")})
        self.assertEqual(self.bits, {name: self.real[name] for name in self.bits})
