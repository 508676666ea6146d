/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A helper that may return NULL is mostly followed by a test for it, with an instruction or some
 * between. A body that knows by a branch of its own goes where that test would go, by way of a copy
 * of what is between, and the test is none.
 */
#include "jit/inline.h"

#define MAX_BETWEEN 8u /* slots between a call and the test that are built twice */

/* Does the instruction leave control and the budget alone? */
static bool is_simple(const struct bpfe_insn_aux *aux)
{
	switch (aux->form) {
	case BPFE_FORM_ALU_K:
	case BPFE_FORM_ALU_X:
	case BPFE_FORM_NEG:
	case BPFE_FORM_MOVSX:
	case BPFE_FORM_SWAP:
	case BPFE_FORM_LOAD:
	case BPFE_FORM_STORE_K:
	case BPFE_FORM_STORE_X:
	case BPFE_FORM_LD_IMM64:
	case BPFE_FORM_LD_MAP:
	case BPFE_FORM_LD_MAP_VALUE:
		return aux->seen && !aux->writes_r10 &&
		       (aux->mem_kind != BPFE_MEM_CTX || aux->ctx_field);
	default:
		return false;
	}
}

static bool is_store(const struct bpfe_insn_aux *aux)
{
	return aux->form == BPFE_FORM_STORE_K || aux->form == BPFE_FORM_STORE_X;
}

/* The registers of @results that have the result behind @insn, too, and any that it copies it to.
 */
static unsigned results_behind(const struct bpf_insn *insn, const struct bpfe_insn_aux *aux,
			       unsigned results)
{
	const bool copies = insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off;

	if (is_store(aux))
		return results;
	if (copies && (results >> insn->src_reg & 1))
		return results | 1u << insn->dst_reg;
	return results & ~(1u << insn->dst_reg);
}

static bool is_test(const struct jit_builder *b, uint32_t slot, unsigned results)
{
	const struct bpf_insn *insn = &b->image->insns[slot];

	return b->image->aux[slot].seen &&
	       (insn->code == (BPF_JMP | BPF_JEQ | BPF_K) ||
		insn->code == (BPF_JMP | BPF_JNE | BPF_K)) &&
	       (results >> insn->dst_reg & 1) && insn->imm == 0 &&
	       jit_edges(b->image, slot) == (BPFE_EDGE_FALL | BPFE_EDGE_JUMP);
}

/* The slot of a test of the result for 0 to which only the call leads; 0: there is none. */
static uint32_t find_test(const struct jit_builder *b)
{
	const uint32_t first = b->slot + 1, end = b->image->subprogs[b->function].end;
	unsigned results = 1u << BPF_REG_0;

	for (uint32_t slot = first; slot < end && slot <= first + MAX_BETWEEN; slot++) {
		const struct bpf_insn *insn = &b->image->insns[slot];
		const struct bpfe_insn_aux *aux = &b->image->aux[slot];

		if (b->leads[slot])
			return 0;
		if (is_test(b, slot, results))
			return slot;
		if (!is_simple(aux))
			return 0;
		results = results_behind(insn, aux, results);
		slot += bpfe_is_wide(insn);
	}
	return 0;
}

/* Where the test at @slot goes for 0. */
static uint32_t null_target(struct jit_builder *b, uint32_t slot)
{
	const struct bpf_insn *insn = &b->image->insns[slot];

	if (BPF_OP(insn->code) == BPF_JNE)
		return jit_block_at(b, slot + 1);
	return jit_block_at(b, (uint32_t)bpfe_jump_target(insn, b->image->aux[slot].form, slot));
}

struct jit_null jit_null_open(struct jit_builder *b)
{
	struct jit_null null = {.test = find_test(b)};

	null.miss = null.test == b->slot + 1 ? null_target(b, null.test) : jit_new_block(b);
	return null;
}

/* What is between call and test, once more, in the block where the result is NULL. The way of the
 * value has the charge. */
static void build_miss(struct jit_builder *b, const struct jit_null *null)
{
	const uint32_t call = b->slot, value = b->block;

	b->lir->blocks[null->miss].cold = true;
	jit_enter_block(b, null->miss);
	for (b->slot = call + 1; b->slot < null->test && !b->lir->failed; b->slot++) {
		const bool wide = bpfe_is_wide(&b->image->insns[b->slot]);

		jit_build_insn(b);
		b->slot += wide;
	}
	jit_emit_jump(b, null_target(b, null->test));
	b->slot = call;
	b->block = value;
}

void jit_null_close(struct jit_builder *b, const struct jit_null *null)
{
	if (b->lir->failed)
		return;
	if (!null->test) {
		b->lir->blocks[b->block].next = null->miss;
		jit_enter_block(b, null->miss);
		return;
	}
	b->not_null = null->test;
	if (null->test != b->slot + 1)
		build_miss(b, null);
}

void jit_null_never(struct jit_builder *b)
{
	b->not_null = find_test(b);
}
