// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Does a function look into its context, or only pass it on? */
#include "selftests.h"

#include <linux/bpf.h>
#include <stdlib.h>

/*
 * Which registers may hold the context, at each instruction of one function: forward to a fixed
 * point. What is stored anywhere may come back with any 8-byte load.
 */
struct flow {
	const struct bpf_insn *code;
	uint32_t n;
	uint16_t *held;
	uint16_t passed; /* to functions, in r1 to r5 */
	bool *visited;
	bool stored, accessed, changed;
	bool is_memory; /* helpers take the context for memory */
};

static void flow_to(struct flow *f, int64_t slot, uint16_t held)
{
	if (slot < 0 || slot >= f->n)
		return;
	if (f->visited[slot] && !(held & ~f->held[slot]))
		return;
	f->visited[slot] = f->changed = true;
	f->held[slot] |= held;
}

static uint16_t flow_memory(struct flow *f, const struct bpf_insn *insn, uint16_t held)
{
	uint16_t dst = (uint16_t)(1u << insn->dst_reg), src = (uint16_t)(1u << insn->src_reg);
	bool wide = BPF_SIZE(insn->code) == BPF_DW;

	if (BPF_CLASS(insn->code) == BPF_LDX) {
		f->accessed |= held & src;
		return wide && f->stored ? held | dst : held & (uint16_t)~dst;
	}
	f->accessed |= held & dst;
	if (BPF_CLASS(insn->code) == BPF_STX && (held & src) && !f->stored)
		f->stored = f->changed = true;
	return held;
}

static void flow_step(struct flow *f, uint32_t slot)
{
	const struct bpf_insn *insn = &f->code[slot];
	uint16_t held = f->held[slot], dst = (uint16_t)(1u << insn->dst_reg);
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);
	int64_t next = slot + 1;

	if (class == BPF_LDX || class == BPF_ST || class == BPF_STX) {
		held = flow_memory(f, insn, held);
	} else if (class == BPF_LD) {
		held &= (uint16_t)~dst;
		next++;
	} else if (class == BPF_ALU || class == BPF_ALU64) {
		bool from = BPF_SRC(insn->code) == BPF_X && held >> insn->src_reg & 1;

		if (op == BPF_MOV)
			held &= (uint16_t)~dst;
		if (from)
			held |= dst;
	} else if (op == BPF_CALL) {
		if (insn->src_reg == BPF_PSEUDO_CALL)
			f->passed |= held & 0x003e;
		else if (f->is_memory)
			f->accessed |= held & 0x003e;
		held &= 0x07c0; /* r6 to r10 */
	} else if (op == BPF_EXIT) {
		return;
	} else if (op == BPF_JA) {
		next = slot + 1 + (class == BPF_JMP32 ? insn->imm : insn->off);
	} else {
		flow_to(f, (int64_t)slot + 1 + insn->off, held);
	}
	flow_to(f, next, held);
}

bool selftest_looks_into_context(const struct bpf_insn *code, uint32_t n, uint16_t held,
				 bool is_memory, uint16_t *passed)
{
	struct flow f = {.code = code, .n = n, .is_memory = is_memory};

	f.held = calloc(n, sizeof(*f.held));
	f.visited = calloc(n, sizeof(*f.visited));
	flow_to(&f, 0, held);
	while (f.changed && !f.accessed) {
		f.changed = false;
		for (uint32_t slot = 0; slot < f.n; slot++) {
			if (f.visited[slot])
				flow_step(&f, slot);
		}
	}
	free(f.held);
	free(f.visited);
	*passed |= f.passed;
	return f.accessed;
}
