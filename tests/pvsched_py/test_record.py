# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Records: what is read, what is refused; and that the layout is that of the C headers."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import made_up  # noqa: E402
import record  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
LAYOUT = r"""
#include <stdio.h>
#include "pvs.h"
#include "record_file.h"
#define SHOW(type, field) printf(#field " %zu\n", offsetof(type, field))
int main(void)
{
	printf("head %zu entry %zu ctx %zu decision %zu all %zu\n", sizeof(struct pvs_record_head),
	       PVS_ENTRY_HEAD, sizeof(struct pvs_ctx), sizeof(struct pvs_decision),
	       sizeof(struct pvs_record_decision));
	SHOW(struct pvs_ctx, hint_status);
	SHOW(struct pvs_ctx, next_event);
	SHOW(struct pvs_ctx, run_state);
	SHOW(struct pvs_ctx, prio_max);
	SHOW(struct pvs_ctx, tick_ns);
	printf("opaque0 %zu\n", offsetof(struct pvs_ctx, opaque));
	SHOW(struct pvs_ctx, out);
	return 0;
}
"""


class Reading(unittest.TestCase):
    def entries(self, data):
        return list(record.parse(data, "r"))

    def test_each_kind(self):
        data = (made_up.header() + made_up.policy(1, "boost") + made_up.clock(2, -5)
                + made_up.decision(3, "hint", 1, 2, vcpu=1, run_state=1, class_=4,
                                   out={"boost": 4, "nice": -20, "set": 1})
                + made_up.ring(4, 1, 99, "mark", 7) + made_up.switch(5, 1, record.STOP, 1)
                + made_up.end(6, 3))
        policy, clock, decision, ring, switch, end = self.entries(data)
        self.assertEqual((policy.what, clock.what, end.what), ("boost", -5, 3))
        self.assertEqual((decision.ns, decision.what.ctx.vcpu, decision.what.ctx.class_,
                          decision.what.out.nice, decision.what.verdict, decision.what.applied,
                          decision.what.effect_ns), (3, 1, 4, -20, 1, 2, 700))
        self.assertEqual((ring.what.ts, ring.what.type, ring.what.arg), (99, 8, 7))
        self.assertEqual((switch.what.vcpu, switch.what.cpu, switch.what.event), (1, 1, record.STOP))

    def test_unknown_kinds_are_passed_over(self):
        data = made_up.header() + made_up.entry(77, 1, b"12345678") + made_up.end(2, 0)
        self.assertEqual([e.kind for e in self.entries(data)], [record.END])

    def refused(self, data, words):
        with self.assertRaises(record.RecordError) as caught:
            self.entries(data)
        self.assertEqual(str(caught.exception), words)

    def test_no_record(self):
        self.refused(b"\x7fELF" + bytes(100), "r is not a record of paravirtual scheduling")
        self.refused(b"", "r is not a record of paravirtual scheduling")

    def test_another_version(self):
        ours = record.CTX.size + record.OUT.size
        self.refused(made_up.header(version=9),
                     f"r is of version 9 with a context of {ours} bytes and decisions of {ours + 16}; "
                     f"this reads version 2 with {ours} and {ours + 16}; "
                     "./sluice pvsched record dump reads its own")

    def test_cut_in_a_head(self):
        self.refused(made_up.header() + bytes(5), "r: cut at byte 24: 5 bytes of an entry's head")

    def test_cut_in_a_body(self):
        data = made_up.header() + made_up.end(1, 0)
        self.refused(data[:-2], "r: cut at byte 24: an entry of 8 bytes has 6")

    def test_too_short_for_its_kind(self):
        self.refused(made_up.header() + made_up.entry(record.RING, 1, bytes(8)),
                     "r: byte 24: an entry of kind 2 has 8 bytes, it takes 24; is it of another "
                     "version?")


class Layout(unittest.TestCase):
    def test_as_the_headers_have_it(self):
        compiler = shutil.which("cc")
        if not compiler:
            self.skipTest("no C compiler")
        with tempfile.TemporaryDirectory() as folder:
            source, program = Path(folder) / "layout.c", Path(folder) / "layout"
            source.write_text(LAYOUT)
            subprocess.run([compiler, "-D_GNU_SOURCE", "-I", str(TOP / "include"),
                            "-I", str(TOP / "paravirt-sched/include"), "-I",
                            str(TOP / "paravirt-sched"), str(source), "-o", str(program)], check=True)
            lines = subprocess.run([program], stdout=subprocess.PIPE, text=True,
                                   check=True).stdout.splitlines()
        ctx, out = record.CTX.size, record.OUT.size
        self.assertEqual(lines[0], f"head {record.HEADER.size} entry {record.HEAD.size} "
                                   f"ctx {ctx + out} decision {out} all {ctx + out + 16}")
        sample = dict.fromkeys(record.Ctx._fields, 0)
        for line in lines[1:-1]:
            field, offset = line.split()
            packed = record.CTX.pack(*(sample | {field: 1}).values())
            self.assertEqual(packed.index(b"\1"), int(offset), field)
        self.assertEqual(lines[-1], f"out {ctx}")
