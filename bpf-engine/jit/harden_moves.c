// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Masks for numbers that move pointers to the stack and into map values.
 *
 * They are put in before any other pass, where an addition still is the one that the verifier's
 * limit is of: no run adds more, and what a mispredicted branch would add counts as 0. The passes
 * treat a masked number as any other. Afterwards those are taken away whose number is small enough
 * however it came about ("& 63").
 */
#include "jit/harden.h"

static bool is_move(const struct lir_op *op)
{
	return (op->code == LIR_ADD || op->code == LIR_SUB) && op->size == 8 && op->b < LIR_NONE &&
	       op->a < LIR_NONE;
}

/* A mask of what is in @from, into @to, as @aux has it. */
static struct lir_op mask_of(const struct lir_op *op, const struct bpfe_insn_aux *aux, uint8_t from,
			     uint8_t to)
{
	bool down = aux->sanitize & BPFE_SANITIZE_NEGATIVE;
	struct lir_op mask = {.code = LIR_MASK,
			      .size = 8,
			      .dst = to,
			      .a = from,
			      .b = LIR_NONE,
			      .base = LIR_NONE,
			      .index = LIR_NONE,
			      .slot = op->slot,
			      .imm = aux->limit};

	if (down != (op->code == LIR_SUB))
		mask.flags = LIR_F_SIGNED;
	return mask;
}

/* Returns how many operations were put in front of the one at @at. */
static uint32_t mask_move(struct lir *lir, uint32_t block, uint32_t at)
{
	struct lir_op *op = &lir->blocks[block].ops[at], mask;
	const struct bpfe_insn_aux *aux;
	uint8_t how;

	if (!is_move(op) || op->slot >= lir->image->n_insns)
		return 0;
	aux = &lir->image->aux[op->slot];
	how = aux->sanitize & (uint8_t)~BPFE_SANITIZE_NEGATIVE;
	if (how == BPFE_SANITIZE_DST) {
		/* dst is overwritten. */
		mask = mask_of(op, aux, op->a, op->dst);
		op->a = op->dst;
	} else if (how == BPFE_SANITIZE_SRC && (lir->spare & LIR_BIT(LIR_R10))) {
		mask = mask_of(op, aux, op->b, LIR_R10);
		op->b = LIR_R10;
	} else {
		return 0; /* accesses are fenced then */
	}
	lir_insert(lir, block, at, &mask);
	return 1;
}

void jit_harden_moves(struct lir *lir, const struct jit_options *options)
{
	bool any = false;

	if (options->relax & BPFE_RELAX_MASKS)
		return;
	for (uint32_t b = 0; b < lir->n_blocks && !lir->failed; b++) {
		for (uint32_t i = 0; i < lir->blocks[b].n_ops && !lir->failed; i++) {
			uint32_t put = mask_move(lir, b, i);

			any |= put;
			i += put;
		}
	}
	/* No pass may keep anything else there now. */
	if (any)
		lir->spare &= ~LIR_BIT(LIR_R10);
}

/* ---- Needless ones --------------------------------------------------------------------------- */

static bool is_within(const struct lir_op *op, const struct held *a)
{
	if (a->kind != HELD_NUMBER)
		return false;
	if (op->flags & LIR_F_SIGNED)
		return a->lo >= -op->imm && a->hi <= 0;
	return a->lo >= 0 && a->hi <= op->imm;
}

static bool replace(struct lir_op *op, uint8_t from, uint8_t to)
{
	bool as_index = lir_has_memory(op) && op->index == from;

	if (lir_is_call(op) || op->code == LIR_SELECT)
		return !(lir_uses(op) & LIR_BIT(from));
	if (op->b == from)
		op->b = to;
	if (op->a == from)
		op->a = to;
	if (lir_has_memory(op) && op->base == from)
		op->base = to;
	if (as_index)
		op->index = to;
	return !(lir_uses(op) & LIR_BIT(from));
}

/* Have those behind that read dst read a: true if none is left. */
static bool forward(struct lir_block *block, uint32_t at)
{
	const struct lir_op mask = block->ops[at];

	if (block->live_out & LIR_BIT(mask.dst))
		return false;
	for (uint32_t i = at + 1; i < block->n_ops; i++) {
		struct lir_op *op = &block->ops[i];

		if ((lir_uses(op) & LIR_BIT(mask.dst)) && !replace(op, mask.dst, mask.a))
			return false;
		if (lir_defs(op) & LIR_BIT(mask.dst))
			return true;
		if (lir_defs(op) & LIR_BIT(mask.a)) {
			for (i++; i < block->n_ops; i++) {
				if (lir_uses(&block->ops[i]) & LIR_BIT(mask.dst))
					return false;
				if (lir_defs(&block->ops[i]) & LIR_BIT(mask.dst))
					return true;
			}
		}
	}
	return true;
}

void harden_mask(struct harden *h, const struct harden_state *state)
{
	struct lir_block *block = &h->lir->blocks[h->block];
	struct lir_op *op = &block->ops[h->at];

	if (!is_within(op, &state->regs[op->a]))
		return;
	op->flags = 0;
	op->code = LIR_MOV;
	op->b = op->a;
	if (op->dst == op->a || forward(block, h->at))
		op->code = LIR_NOP;
	op->a = LIR_NONE;
}
