// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Widening: the way out when following each path apart would take too long.
 *
 * The program is first followed path by path. If that uses up the budget, all is done again, and
 * now, where many states of one shape meet, they are joined: the state that arrives is replaced by
 * one that covers it and the newest kept there, in which every bound that moved is let go to the
 * next of a few thresholds. Each number can grow only so many times, so a loop ends after a few
 * rounds however often it runs. What is refused then may be refused for what joining forgot, and
 * the refusal says so. That loops end is not shown this way; every run has an instruction budget.
 *
 * Imprecision: links between registers are dropped, packet pointers with different constant offsets
 * are different shapes, and so a loop that moves one is still followed round by round.
 */
#include "verifier/verifier.h"

static bool reg_same_shape(const struct bpfe_reg *a, const struct bpfe_reg *b)
{
	return a->type == b->type && a->frame == b->frame && a->map == b->map &&
	       (a->off == b->off || a->type == BPFE_REG_SCALAR) && a->nullable == b->nullable &&
	       a->rdonly == b->rdonly && a->part == b->part && a->kind == b->kind &&
	       a->inner == b->inner && a->size == b->size && !a->ref == !b->ref;
}

static bool slot_same_shape(const struct bpfe_slot *a, const struct bpfe_slot *b)
{
	bool pointer_a = a->spill_size && bpfe_reg_is_pointer(&a->spill);
	bool pointer_b = b->spill_size && bpfe_reg_is_pointer(&b->spill);

	if (pointer_a || pointer_b)
		return pointer_a && pointer_b && reg_same_shape(&a->spill, &b->spill);
	for (unsigned i = 0; i < 8; i++) {
		if ((a->kind[i] == BPFE_BYTE_UNINIT) != (b->kind[i] == BPFE_BYTE_UNINIT))
			return false;
	}
	return true;
}

static bool frame_same_shape(const struct bpfe_frame *a, const struct bpfe_frame *b,
			     const struct bpfe_live *live)
{
	static const struct bpfe_slot unwritten;
	uint32_t n_a = a->stack ? a->stack->n : 0, n_b = b->stack ? b->stack->n : 0;

	if (a->subprog != b->subprog || a->return_to != b->return_to || a->callback != b->callback)
		return false;
	for (unsigned r = 0; r < BPF_REG_10; r++) {
		if ((live->regs >> r & 1) && !reg_same_shape(&a->regs[r], &b->regs[r]))
			return false;
	}
	for (uint32_t i = 0; i < BPFE_STACK_SLOTS; i++) {
		if ((live->slots >> i & 1) &&
		    !slot_same_shape(i < n_a ? &a->stack->slots[i] : &unwritten,
				     i < n_b ? &b->stack->slots[i] : &unwritten))
			return false;
	}
	return true;
}

bool bpfe_same_shape(const struct bpfe_vf *vf, const struct bpfe_state *a,
		     const struct bpfe_state *b)
{
	if (a->depth != b->depth || a->n_held != b->n_held)
		return false;
	for (uint32_t f = a->depth; f > 0; f--) {
		struct bpfe_live live;

		if (f < a->depth && a->frames[f]->return_to != b->frames[f]->return_to)
			return false;
		live = bpfe_flow_live(vf, b, f - 1, vf->pc);
		if (!frame_same_shape(a->frames[f - 1], b->frames[f - 1], &live))
			return false;
	}
	return true;
}

/* ---- Values -------------------------------------------------------------------------------- */

static uint64_t widened_max(uint64_t max, unsigned width)
{
	static const uint64_t thresholds[] = {0xff, 0xffff, INT32_MAX, UINT32_MAX, INT64_MAX};

	for (unsigned i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++) {
		if (max <= thresholds[i] && thresholds[i] <= bpfe_width_mask(width))
			return thresholds[i];
	}
	return bpfe_width_mask(width);
}

/* A word that covers both, with each bound of @old that @cur passed let go. */
static struct bpfe_word widen_word(const struct bpfe_word *old, const struct bpfe_word *cur,
				   unsigned width)
{
	struct bpfe_word w = bpfe_word_union(*old, *cur), any = bpfe_word_unknown(width);

	if (cur->umin < old->umin)
		w.umin = 0;
	if (cur->umax > old->umax)
		w.umax = widened_max(cur->umax, width);
	if (cur->smin < old->smin)
		w.smin = any.smin;
	if (cur->smax > old->smax)
		w.smax = cur->smax < 0 ? -1 : (int64_t)widened_max((uint64_t)cur->smax, width - 1);
	if (!bpfe_tnum_in(old->bits, cur->bits))
		w.bits = any.bits; /* the ranges give back the leading zeros */
	return w;
}

static struct bpfe_scalar widen_scalar(const struct bpfe_scalar *old, const struct bpfe_scalar *cur)
{
	struct bpfe_scalar s = {widen_word(&old->x, &cur->x, 64),
				widen_word(&old->lo, &cur->lo, 32)};

	bpfe_scalar_deduce(&s);
	return s;
}

/* Offsets were bounded when they were added, and stay so: sums with them must not overflow. */
static void bound_offset(struct bpfe_scalar *val)
{
	if (val->x.smin < -BPFE_MAX_PTR_OFF)
		val->x.smin = -BPFE_MAX_PTR_OFF;
	if (val->x.smax > BPFE_MAX_VAR_OFF)
		val->x.smax = BPFE_MAX_VAR_OFF;
	bpfe_scalar_deduce(val);
}

static void widen_reg(struct bpfe_vf *vf, const struct bpfe_reg *old, struct bpfe_reg *cur)
{
	if (cur->type == BPFE_REG_UNINIT)
		return;
	if (!bpfe_scalar_equal(&old->val, &cur->val)) {
		cur->val = widen_scalar(&old->val, &cur->val);
		if (bpfe_reg_is_pointer(cur))
			bound_offset(&cur->val);
		/* Whatever was linked to it no longer has to be equal. */
		cur->id = cur->type == BPFE_REG_SCALAR ? 0 : ++vf->ids;
	}
	if (old->range < cur->range)
		cur->range = old->range;
	cur->bounded = cur->bounded && old->bounded;
}

static void widen_slot(struct bpfe_vf *vf, const struct bpfe_slot *old, struct bpfe_slot *cur)
{
	bool same_place =
		old->spill_size == cur->spill_size && old->spill_first == cur->spill_first;

	if (cur->spill_size && same_place) {
		widen_reg(vf, &old->spill, &cur->spill);
	} else if (cur->spill_size) {
		memset(cur->kind + cur->spill_first, BPFE_BYTE_MISC, cur->spill_size);
		cur->spill_size = 0;
		cur->spill = (struct bpfe_reg){0};
	}
	for (unsigned b = 0; b < 8; b++) {
		if (cur->kind[b] == BPFE_BYTE_KNOWN &&
		    (old->kind[b] != BPFE_BYTE_KNOWN || old->known[b] != cur->known[b]))
			cur->kind[b] = BPFE_BYTE_MISC;
	}
}

static int widen_stack(struct bpfe_vf *vf, const struct bpfe_stack *old, struct bpfe_frame *cur,
		       uint64_t slots)
{
	struct bpfe_stack *stack;

	if (!old || !cur->stack || !slots)
		return 0;
	stack = bpfe_stack_own(vf, cur, 0);
	if (!stack)
		return bpfe_vf_no_memory(vf);
	for (uint32_t i = 0; i < stack->n && i < old->n; i++) {
		if (slots >> i & 1)
			widen_slot(vf, &old->slots[i], &stack->slots[i]);
	}
	return 0;
}

/* @old has the shape of vf->cur. */
int bpfe_widen(struct bpfe_vf *vf, const struct bpfe_state *old)
{
	for (uint32_t f = 0; f < vf->cur->depth; f++) {
		struct bpfe_live live = bpfe_flow_live(vf, vf->cur, f, vf->pc);
		struct bpfe_frame *frame = vf->cur->frames[f];
		int err;

		for (unsigned r = 0; r < BPF_REG_10; r++) {
			if (live.precise_regs >> r & 1)
				widen_reg(vf, &old->frames[f]->regs[r], &frame->regs[r]);
		}
		err = widen_stack(vf, old->frames[f]->stack, frame, live.precise_slots);
		if (err)
			return err;
	}
	return 0;
}
