/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A helper that may return NULL is mostly followed by `if r0 == 0`. A body that knows by a branch
 * of its own goes straight where that test would go.
 */
#include "jit/inline.h"

/* Is the instruction behind the call a test of r0 for 0 that only the call leads to? */
static bool is_tested(const struct jit_builder *b)
{
	const uint32_t slot = b->slot + 1;
	const struct bpf_insn *insn = &b->image->insns[slot];

	return !b->leads[slot] && b->image->aux[slot].seen &&
	       (insn->code == (BPF_JMP | BPF_JEQ | BPF_K) ||
		insn->code == (BPF_JMP | BPF_JNE | BPF_K)) &&
	       insn->dst_reg == BPF_REG_0 && insn->imm == 0 &&
	       jit_edges(b->image, slot) == (BPFE_EDGE_FALL | BPFE_EDGE_JUMP);
}

static uint32_t test_target(struct jit_builder *b)
{
	const uint32_t slot = b->slot + 1;

	return jit_block_at(b, (uint32_t)bpfe_jump_target(&b->image->insns[slot],
							  b->image->aux[slot].form, slot));
}

struct jit_null jit_null_open(struct jit_builder *b)
{
	struct jit_null null = {.fused = is_tested(b)};

	null.on_value = null.fused && BPF_OP(b->image->insns[b->slot + 1].code) == BPF_JNE;
	null.miss = null.fused && !null.on_value ? test_target(b) : jit_new_block(b);
	return null;
}

/* The test is built. */
static void skip_test(struct jit_builder *b)
{
	b->slot++;
	jit_charge(b, 1);
}

void jit_null_close(struct jit_builder *b, const struct jit_null *null)
{
	if (b->lir->failed)
		return;
	if (null->on_value)
		jit_emit_jump(b, test_target(b));
	else if (!null->fused)
		b->lir->blocks[b->block].next = null->miss;
	if (null->on_value || !null->fused)
		jit_enter_block(b, null->miss);
	if (null->fused)
		skip_test(b);
}

void jit_null_never(struct jit_builder *b)
{
	if (b->lir->failed || !is_tested(b))
		return;
	if (BPF_OP(b->image->insns[b->slot + 1].code) == BPF_JNE) {
		jit_emit_jump(b, test_target(b));
		skip_test(b);
		b->block = LIR_NO_BLOCK;
	} else {
		skip_test(b);
	}
}
