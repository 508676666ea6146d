// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* For tests: collect what the states that are followed claim; see claims.h. */
#include "claims.h"
#include "verifier/verifier.h"

static void note_number(struct bpfe_claim *claim, const struct bpfe_scalar *value)
{
	claim->value = claim->number ? bpfe_scalar_union(&claim->value, value) : *value;
	claim->number = true;
}

static void note_pointer(struct bpfe_claim *claim, const struct bpfe_reg *reg)
{
	int64_t lo = reg->off + reg->val.x.smin, hi = reg->off + reg->val.x.smax;
	/* range counts from the pointer without its constant offset; 0 proves nothing. */
	int64_t proven = reg->range ? (int64_t)reg->range - reg->off : INT64_MIN;

	claim->nullable |= reg->nullable;
	if (!claim->pointer) {
		claim->pointer = reg->type;
		claim->frame = reg->frame;
		claim->map = reg->map;
		claim->lo = lo;
		claim->hi = hi;
		claim->proven = proven;
		return;
	}
	if (claim->pointer != reg->type || claim->frame != reg->frame || claim->map != reg->map)
		claim->mixed = true;
	claim->lo = lo < claim->lo ? lo : claim->lo;
	claim->hi = hi > claim->hi ? hi : claim->hi;
	claim->proven = proven < claim->proven ? proven : claim->proven;
}

void bpfe_claims_note(struct bpfe_vf *vf)
{
	struct bpfe_claims *claims = vf->image->claims;
	const struct bpfe_frame *frame = bpfe_top(vf->cur);
	struct bpfe_live live = bpfe_flow_live(vf, vf->cur, vf->cur->depth - 1, vf->pc);

	if (vf->joining && !claims->widened) {
		memset(claims->regs, 0, vf->image->n_insns * sizeof(*claims->regs));
		memset(claims->seen, 0, vf->image->n_insns * sizeof(*claims->seen));
		claims->widened = true;
	}
	claims->seen[vf->pc] = true;
	claims->live[vf->pc] = live.regs;
	claims->precise[vf->pc] = live.precise_regs;
	for (unsigned r = 0; r < BPF_REG_10; r++) {
		struct bpfe_claim *claim = &claims->regs[vf->pc][r];
		const struct bpfe_reg *reg = &frame->regs[r];

		if (reg->type == BPFE_REG_UNINIT)
			claim->nothing = true;
		else if (reg->type == BPFE_REG_SCALAR)
			note_number(claim, &reg->val);
		else
			note_pointer(claim, reg);
	}
}
