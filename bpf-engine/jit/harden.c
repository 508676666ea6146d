// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Hardening of compiled code: the pass itself, and what the builder asks for. */
#include "jit/harden.h"

/* ---- The pass -------------------------------------------------------------------------------- */

static void rewrite_operation(struct harden *h, struct harden_state *state)
{
	uint8_t code = h->lir->blocks[h->block].ops[h->at].code;
	struct lir_op op;

	/* Those are of the pass's own making, and have no number. */
	if (code == LIR_GUARD || code == LIR_FENCE)
		return;
	if (code == LIR_MASK)
		harden_mask(h, state);
	else
		harden_access(h, state);
	op = h->lir->blocks[h->block].ops[h->at];
	harden_step(h, state, &op);
	/* An address that another pass has added to is the engine's own still. */
	if (op.code == LIR_MOV && op.b == LIR_IMM && state->regs[op.dst].kind == HELD_OBJECT)
		h->lir->blocks[h->block].ops[h->at].flags |= LIR_F_SECRET;
	h->clamped &= ~lir_defs(&op);
	h->number++;
}

static void rewrite_block(struct harden *h, uint32_t block)
{
	struct harden_state state = h->in[block];
	uint32_t to[2];
	unsigned n;

	h->block = block;
	h->number = 0;
	h->clamped = 0;
	for (h->at = 0; h->at < h->lir->blocks[block].n_ops && !h->lir->failed; h->at++)
		rewrite_operation(h, &state);
	n = lir_successors(&h->lir->blocks[block], to);
	for (unsigned k = 0; k < n && !h->lir->failed; k++) {
		struct harden_state after = state;

		harden_edge(h, block, to[k], &after);
	}
}

static void harden_speculation(struct lir *lir, const struct jit_options *options)
{
	struct harden h = {.lir = lir,
			   .options = options,
			   .masks = !(options->relax & BPFE_RELAX_MASKS),
			   .packet = !(options->relax & BPFE_RELAX_PACKET),
			   .fences = !(options->relax & BPFE_RELAX_FENCES),
			   .scratch = LIR_NONE};

	if (!h.masks && !h.packet && !h.fences)
		return;
	if (lir->spare & LIR_BIT(LIR_R10))
		h.scratch = LIR_R10;
	else if (lir->spare & LIR_BIT(LIR_R12))
		h.scratch = LIR_R12;
	jit_flow(lir);
	if (!lir->failed && harden_analyse(&h)) {
		h.rewriting = true;
		for (uint32_t i = 0; i < lir->flow->n_rpo && !lir->failed; i++)
			rewrite_block(&h, lir->flow->rpo[i]);
	}
	harden_free(&h);
}

void jit_harden(struct lir *lir, const struct jit_options *options)
{
	harden_speculation(lir, options);
	if (!(options->relax & BPFE_RELAX_BLINDING) && !lir->failed)
		harden_blind(lir, options->seed);
}

/* ---- For inlined look-ups -------------------------------------------------------------------- */

void jit_harden_index(struct lir *lir, uint32_t block, uint32_t slot, uint8_t reg, uint32_t entries,
		      const struct jit_options *options)
{
	const struct lir_op op = {.code = LIR_MASK,
				  .size = 8,
				  .dst = reg,
				  .a = reg,
				  .b = LIR_NONE,
				  .base = LIR_NONE,
				  .index = LIR_NONE,
				  .slot = slot,
				  .imm = (int64_t)entries - 1};

	if (!(options->relax & BPFE_RELAX_MASKS))
		lir_append(lir, block, &op);
}

void jit_harden_object(struct lir *lir, uint32_t block, uint32_t slot, uint8_t reg, uint32_t size,
		       const struct jit_options *options)
{
	const struct lir_op op = {.code = LIR_OBJECT,
				  .size = 8,
				  .dst = reg,
				  .a = LIR_NONE,
				  .b = LIR_NONE,
				  .base = LIR_NONE,
				  .index = LIR_NONE,
				  .slot = slot,
				  .imm = size};

	if (~options->relax & (BPFE_RELAX_MASKS | BPFE_RELAX_FENCES))
		lir_append(lir, block, &op);
}
