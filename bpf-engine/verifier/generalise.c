// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Path by path, states that come to one place one after the other may differ in nothing but how a
 * few numbers are bounded: how long a header is at least, after so many options. Each is followed,
 * for none covers another.
 *
 * So in the first attempt a state that is not covered, where two were followed already, lets go of
 * the bounds in which it differs from the last of them, if it then covers that one. What comes next
 * is likely to be covered. A number that bounds an address keeps its upper bound as far as
 * widening (widen.c) has limits for it; one that is only compared need not. A program that needs
 * what was forgotten is followed again without.
 *
 * Not where the path has come before, and not with numbers that are constant in both: those count
 * rounds of a loop.
 */
#include "verifier/join.h"

static bool is_counter(const struct bpfe_reg *old, const struct bpfe_reg *cur)
{
	return bpfe_scalar_is_const(&old->val) && bpfe_scalar_is_const(&cur->val);
}

/* Let go of bounds of @reg in which @old differs: both are numbers it may be. */
static bool generalise_number(const struct bpfe_vf *vf, const struct bpfe_reg *old,
			      struct bpfe_reg *reg)
{
	struct bpfe_scalar wide;

	if (old->type != BPFE_REG_SCALAR || reg->type != BPFE_REG_SCALAR || is_counter(old, reg) ||
	    bpfe_scalar_equal(&old->val, &reg->val))
		return false;
	wide = bpfe_widen(vf, &old->val, &reg->val, BPFE_JOIN_WIDEN);
	if (bpfe_scalar_equal(&wide, &reg->val))
		return false;
	reg->val = wide;
	/* What is learnt of another that was the same would not be as wide. */
	reg->id = 0;
	reg->off = 0;
	reg->low_sum = false;
	return true;
}

/*
 * The same for a packet pointer: it points somewhere into a wider range, with as many bytes behind
 * it proven. It no longer is a constant away from any other.
 */
static bool generalise_packet(struct bpfe_vf *vf, const struct bpfe_reg *old, struct bpfe_reg *reg)
{
	const int64_t by = (int64_t)reg->off - old->off;
	struct bpfe_scalar val = reg->val;
	bool bounded;
	uint32_t range;

	if (by && old->type == BPFE_REG_PACKET && reg->type == BPFE_REG_PACKET) {
		const struct bpfe_scalar shift = bpfe_scalar_const((uint64_t)by);

		val = bpfe_scalar_alu(BPFE_W_ADD, &reg->val, &shift, true);
	}
	if (old->type != BPFE_REG_PACKET || reg->type != BPFE_REG_PACKET || old->nullable ||
	    reg->nullable || bpfe_scalar_equal(&old->val, &val) || old->val.x.smin < 0 ||
	    val.x.smin < 0)
		return false;
	range = bpfe_moved_range(reg, by, &bounded);
	reg->val = bpfe_widen(vf, &old->val, &val, BPFE_JOIN_WIDEN);
	reg->off = old->off;
	reg->range = range < old->range ? range : old->range;
	reg->bounded = bounded && old->bounded;
	reg->id = ++vf->ids;
	return true;
}

static bool generalise_reg(struct bpfe_vf *vf, const struct bpfe_reg *old, struct bpfe_reg *reg,
			   bool precise)
{
	return (precise && generalise_number(vf, old, reg)) || generalise_packet(vf, old, reg);
}

/* What @slot holds in its @size bytes from @first on: a spilled register, or a known number. */
static bool held_in(const struct bpfe_slot *slot, unsigned first, unsigned size,
		    struct bpfe_reg *reg)
{
	uint64_t value = 0;

	if (slot->spill_size) {
		*reg = slot->spill;
		return slot->spill_first == first && slot->spill_size == size;
	}
	for (unsigned b = 0; b < size; b++) {
		if (slot->kind[first + b] != BPFE_BYTE_KNOWN)
			return false;
		value |= (uint64_t)slot->known[first + b] << (8 * b);
	}
	*reg = bpfe_reg_scalar(bpfe_scalar_const(value));
	return true;
}

/* Make *slot hold something more general. False: it stays. */
static bool generalise_slot(struct bpfe_vf *vf, const struct bpfe_slot *old, struct bpfe_slot *slot,
			    bool precise)
{
	const struct bpfe_slot *spilled = old->spill_size ? old : slot;
	unsigned first = spilled->spill_first, size = spilled->spill_size;
	struct bpfe_reg was, is;

	if (!size || !held_in(old, first, size, &was) || !held_in(slot, first, size, &is) ||
	    !generalise_reg(vf, &was, &is, precise))
		return false;
	memset(slot->kind + first, BPFE_BYTE_SPILL, size);
	slot->spill_first = (uint8_t)first;
	slot->spill_size = (uint8_t)size;
	slot->spill = is;
	return true;
}

/* Nothing is spilled there, or the same number: most slots stay without a closer look. */
static bool stays(const struct bpfe_slot *old, const struct bpfe_slot *slot)
{
	if (!old->spill_size && !slot->spill_size)
		return true;
	return old->spill_size == slot->spill_size && old->spill_first == slot->spill_first &&
	       old->spill.type == BPFE_REG_SCALAR && slot->spill.type == BPFE_REG_SCALAR &&
	       bpfe_scalar_equal(&old->spill.val, &slot->spill.val);
}

static int generalise_stack(struct bpfe_vf *vf, const struct bpfe_stack *old,
			    struct bpfe_frame *frame, const struct bpfe_live *live, bool *changed)
{
	for (uint32_t i = 0; frame->stack && old && i < frame->stack->n && i < old->n; i++) {
		struct bpfe_stack *stack;
		struct bpfe_slot slot;

		if (!(live->slots >> i & 1) || stays(&old->slots[i], &frame->stack->slots[i]))
			continue;
		slot = frame->stack->slots[i];
		if (!generalise_slot(vf, &old->slots[i], &slot, live->precise_slots >> i & 1))
			continue;
		stack = bpfe_stack_own(vf, frame, 0);
		if (!stack)
			return bpfe_vf_no_memory(vf);
		stack->slots[i] = slot;
		*changed = true;
	}
	return 0;
}

static int generalise(struct bpfe_vf *vf, const struct bpfe_state *old, struct bpfe_state *state,
		      bool *changed)
{
	int err = 0;

	for (uint32_t f = 0; f < state->depth && !err; f++) {
		struct bpfe_live live = bpfe_flow_live(vf, state, f, vf->pc);
		struct bpfe_frame *frame = state->frames[f];

		for (unsigned r = 0; r < BPF_REG_10; r++) {
			if (live.regs >> r & 1)
				*changed |=
					generalise_reg(vf, &old->frames[f]->regs[r],
						       &frame->regs[r], live.precise_regs >> r & 1);
		}
		if (frame->stack != old->frames[f]->stack)
			err = generalise_stack(vf, old->frames[f]->stack, frame, &live, changed);
	}
	return err;
}

int bpfe_generalise(struct bpfe_vf *vf, const struct bpfe_state *old)
{
	struct bpfe_state *state;
	bool changed = false;
	int err;

	if (!bpfe_same_calls(old, vf->cur))
		return 0;
	state = bpfe_state_copy(vf, vf->cur);
	if (!state)
		return bpfe_vf_no_memory(vf);
	err = generalise(vf, old, state, &changed);
	if (err || !changed || !bpfe_state_in(vf, state, old, vf->pc, false)) {
		bpfe_state_free(vf, state);
		return err;
	}
	bpfe_state_free(vf, vf->cur);
	vf->cur = state;
	vf->forgot = true;
	return 0;
}
