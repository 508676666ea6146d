/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Jumps and exits: what ends a block. */
#include "jit/build.h"

static const uint8_t conditions[16] = {
	[BPF_JEQ >> 4] = LIR_E,       [BPF_JGT >> 4] = LIR_A,   [BPF_JGE >> 4] = LIR_AE,
	[BPF_JSET >> 4] = LIR_TESTNZ, [BPF_JNE >> 4] = LIR_NE,  [BPF_JSGT >> 4] = LIR_G,
	[BPF_JSGE >> 4] = LIR_GE,     [BPF_JLT >> 4] = LIR_B,   [BPF_JLE >> 4] = LIR_BE,
	[BPF_JSLT >> 4] = LIR_L,      [BPF_JSLE >> 4] = LIR_LE,
};

/* Go to @slot, which follows if @falls. */
static void go(struct jit_builder *b, uint32_t slot, bool falls)
{
	if (jit_block_at(b, slot) == LIR_NO_BLOCK) {
		jit_emit_trap(b);
		return;
	}
	if (!falls)
		jit_emit_jump(b, jit_block_at(b, slot));
	else if (!b->lir->failed)
		b->lir->blocks[b->block].next = jit_block_at(b, slot);
	b->block = LIR_NO_BLOCK;
}

void jit_build_jump(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux)
{
	unsigned edges = jit_edges(b->image, b->slot);
	unsigned size = BPF_CLASS(insn->code) == BPF_JMP ? 8 : 4;
	uint32_t target = (uint32_t)bpfe_jump_target(insn, aux->form, b->slot);
	uint8_t cond = conditions[BPF_OP(insn->code) >> 4], a = lir_home[insn->dst_reg];

	if (b->not_null && b->slot == b->not_null)
		edges = BPF_OP(insn->code) == BPF_JEQ ? BPFE_EDGE_FALL : BPFE_EDGE_JUMP;
	if (edges != (BPFE_EDGE_FALL | BPFE_EDGE_JUMP)) {
		go(b, edges & BPFE_EDGE_JUMP ? target : b->slot + 1, !(edges & BPFE_EDGE_JUMP));
		return;
	}
	if (aux->form == BPFE_FORM_JUMP_K)
		jit_emit_branch_i(b, size, cond, a, insn->imm, jit_block_at(b, target),
				  jit_block_at(b, b->slot + 1));
	else
		jit_emit_branch(b, size, cond, a, lir_home[insn->src_reg], jit_block_at(b, target),
				jit_block_at(b, b->slot + 1));
	b->block = LIR_NO_BLOCK;
}

void jit_build_goto(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux)
{
	go(b, (uint32_t)bpfe_jump_target(insn, aux->form, b->slot), false);
}

/* The frame's count of rounds is in a cell that the prologue clears. */
void jit_build_may_goto(struct jit_builder *b, const struct bpf_insn *insn,
			const struct bpfe_insn_aux *aux)
{
	struct lir_function *function = &b->lir->functions[b->function];
	uint32_t target = (uint32_t)bpfe_jump_target(insn, aux->form, b->slot);
	struct lir_op op = jit_op(LIR_MAY_GOTO, 8);

	if (jit_block_at(b, b->slot + 1) == LIR_NO_BLOCK ||
	    jit_block_at(b, target) == LIR_NO_BLOCK) {
		/* The verifier follows both ways, so this is not reached. */
		jit_emit_trap(b);
		return;
	}
	if (!function->loops) {
		function->loops = true;
		function->loops_cell = jit_new_cell(b);
	}
	b->charges_itself = true; /* the count of what was executed says when it ends */
	op.imm32 = (int32_t)function->loops_cell;
	op.target = jit_block_at(b, target);
	jit_emit(b, op);
	if (!b->lir->failed)
		b->lir->blocks[b->block].next = jit_block_at(b, b->slot + 1);
	b->block = LIR_NO_BLOCK;
}

void jit_build_exit(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux)
{
	jit_check_budget(b);
	jit_emit(b, jit_op(LIR_EXIT, 8));
	b->block = LIR_NO_BLOCK;
}
