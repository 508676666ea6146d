// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Joining: the way out when following each path apart would take too long.
 *
 * Of two states that meet, one is made that covers both: of a register that holds different kinds
 * of things nothing is left, numbers are joined (widen.c), pointers of one kind and base get the
 * numbers between their offsets, proven ranges the shorter one. Links between registers stay where
 * both states have them.
 *
 * What is made is held against both by cover.c before it is used, so that a mistake here costs
 * time and no more.
 *
 * A packet pointer is data + off + val, and range counts from data + val. Joined pointers keep the
 * old one's off, so the new one's val moves by the difference and its range with it; all pointers
 * that share an id move alike or part.
 */
#include "verifier/join.h"

#define MAX_PAIRS    64u
#define LONG_PROGRAM 16384u /* instructions */

/* Registers with id @old there and @cur here, moved by @by, get @id. */
struct pair {
	uint32_t old, cur, id;
	int64_t by;
};

struct join {
	struct bpfe_vf *vf;
	const struct bpfe_state *old;
	const struct bpfe_state *cur;
	enum bpfe_join_force force;
	uint32_t n_pairs;
	bool impossible;
	struct pair pairs[MAX_PAIRS];
};

static uint32_t joined_id(struct join *j, uint32_t old, uint32_t cur, int64_t by)
{
	if (old == cur && !by)
		return cur;
	for (uint32_t i = 0; i < j->n_pairs; i++) {
		if (j->pairs[i].old == old && j->pairs[i].cur == cur && j->pairs[i].by == by)
			return j->pairs[i].id;
	}
	if (j->n_pairs == MAX_PAIRS)
		return ++j->vf->ids;
	j->pairs[j->n_pairs] = (struct pair){old, cur, ++j->vf->ids, by};
	return j->pairs[j->n_pairs++].id;
}

/* ---- Registers ----------------------------------------------------------------------------- */

static bool same_ref(const struct join *j, uint32_t old, uint32_t cur)
{
	for (uint32_t i = 0; old && i < j->old->n_held; i++) {
		if (j->old->held[i].id == old)
			return j->cur->held[i].id == cur;
	}
	return old == cur;
}

static bool same_base(const struct join *j, const struct bpfe_reg *a, const struct bpfe_reg *b)
{
	return a->type == b->type && a->frame == b->frame && a->map == b->map &&
	       a->rdonly == b->rdonly && a->part == b->part && a->kind == b->kind &&
	       a->inner == b->inner && a->size == b->size && same_ref(j, a->ref, b->ref);
}

static struct bpfe_reg nothing(void)
{
	return (struct bpfe_reg){.type = BPFE_REG_UNINIT};
}

static struct bpfe_reg join_numbers(struct join *j, const struct bpfe_reg *old,
				    const struct bpfe_reg *cur)
{
	struct bpfe_reg reg = *cur;

	if (!bpfe_scalar_equal(&old->val, &cur->val))
		reg.val = bpfe_widen(j->vf, &old->val, &cur->val, j->force);
	if (old->id && cur->id && old->off == cur->off && old->low_sum == cur->low_sum) {
		reg.id = joined_id(j, old->id, cur->id, 0);
	} else {
		reg.id = 0;
		reg.off = 0;
		reg.low_sum = false;
	}
	return reg;
}

static bool within(const struct bpfe_scalar *val)
{
	return val->x.smin >= -BPFE_MAX_PTR_OFF && val->x.smax <= BPFE_MAX_VAR_OFF;
}

static struct bpfe_reg join_offsets(struct join *j, const struct bpfe_reg *old,
				    const struct bpfe_reg *cur)
{
	const int64_t by = (int64_t)cur->off - old->off;
	const struct bpfe_scalar shift = bpfe_scalar_const((uint64_t)by);
	const struct bpfe_scalar val = bpfe_scalar_alu(BPFE_W_ADD, &cur->val, &shift, true);
	struct bpfe_reg reg = *old;
	bool bounded;

	if (!bpfe_scalar_equal(&old->val, &val)) {
		reg.val = bpfe_scalar_union(&old->val, &val);
		if (!within(&reg.val))
			return nothing();
		reg.val = bpfe_widen(j->vf, &old->val, &val, j->force);
		/* Offsets were bounded when they were added, and the two are. */
		if (reg.val.x.smin < -BPFE_MAX_PTR_OFF)
			reg.val.x.smin = -BPFE_MAX_PTR_OFF;
		if (reg.val.x.smax > BPFE_MAX_VAR_OFF)
			reg.val.x.smax = BPFE_MAX_VAR_OFF;
		bpfe_scalar_deduce(&reg.val);
	}
	if (reg.type == BPFE_REG_PACKET || reg.type == BPFE_REG_PACKET_META) {
		uint32_t range = bpfe_moved_range(cur, by, &bounded);

		reg.range = range < old->range ? range : old->range;
		reg.bounded = bounded && old->bounded;
		reg.id = joined_id(j, old->id, cur->id, by);
	} else if (old->id || cur->id) {
		reg.id = old->id && cur->id ? joined_id(j, old->id, cur->id, 0) : 0;
	}
	reg.ref = cur->ref;
	return reg;
}

static struct bpfe_reg join_pointers(struct join *j, const struct bpfe_reg *old,
				     const struct bpfe_reg *cur)
{
	struct bpfe_reg reg = *cur;

	if (!same_base(j, old, cur))
		return nothing();
	if (bpfe_reg_is_movable(old) && bpfe_reg_is_movable(cur)) {
		/* Which object it is must stay known. */
		if (bpfe_reg_has_identity(j->vf, cur) && !(old->id && cur->id))
			return nothing();
		return join_offsets(j, old, cur);
	}
	if (old->off != cur->off || !bpfe_scalar_equal(&old->val, &cur->val))
		return nothing();
	reg.nullable = old->nullable || cur->nullable;
	if (old->id != cur->id || reg.nullable)
		reg.id = joined_id(j, old->id, cur->id, 0);
	return reg;
}

static struct bpfe_reg join_regs(struct join *j, const struct bpfe_reg *old,
				 const struct bpfe_reg *cur, bool precise)
{
	if (old->type == BPFE_REG_UNINIT || cur->type == BPFE_REG_UNINIT)
		return nothing();
	if (bpfe_reg_is_pointer(old) != bpfe_reg_is_pointer(cur))
		return nothing();
	if (bpfe_reg_is_pointer(old))
		return join_pointers(j, old, cur);
	return precise ? join_numbers(j, old, cur) : *cur;
}

/* ---- Stack --------------------------------------------------------------------------------- */

static bool known_bytes(const struct bpfe_slot *slot, unsigned first, unsigned size)
{
	for (unsigned b = first; b < first + size; b++) {
		if (slot->kind[b] != BPFE_BYTE_KNOWN)
			return false;
	}
	return true;
}

/* Bytes of known value, as if a number had been spilled there. */
static void as_spill(struct bpfe_slot *slot, unsigned first, unsigned size)
{
	uint64_t value = 0;

	for (unsigned b = 0; b < size; b++)
		value |= (uint64_t)slot->known[first + b] << (8 * b);
	memset(slot->kind + first, BPFE_BYTE_SPILL, size);
	slot->spill_first = (uint8_t)first;
	slot->spill_size = (uint8_t)size;
	slot->spill = bpfe_reg_scalar(bpfe_scalar_const(value));
}

/* Let both slots hold a spilled number in the same place, if they hold numbers that can be. */
static void align_spills(struct bpfe_slot *old, struct bpfe_slot *cur)
{
	static const uint8_t places[][2] = {{0, 8}, {0, 4}, {4, 4}};

	if (old->spill_size && !cur->spill_size) {
		if (known_bytes(cur, old->spill_first, old->spill_size))
			as_spill(cur, old->spill_first, old->spill_size);
		return;
	}
	if (cur->spill_size && !old->spill_size) {
		if (known_bytes(old, cur->spill_first, cur->spill_size))
			as_spill(old, cur->spill_first, cur->spill_size);
		return;
	}
	for (unsigned i = 0; !old->spill_size && i < sizeof(places) / sizeof(places[0]); i++) {
		unsigned first = places[i][0], size = places[i][1];

		if (known_bytes(old, first, size) && known_bytes(cur, first, size) &&
		    memcmp(old->known + first, cur->known + first, size)) {
			as_spill(old, first, size);
			as_spill(cur, first, size);
		}
	}
}

static bool holds_pointer(const struct bpfe_slot *slot)
{
	return slot->spill_size && bpfe_reg_is_pointer(&slot->spill);
}

static void drop_spill(struct bpfe_slot *slot, uint8_t left)
{
	for (unsigned b = 0; b < 8; b++) {
		if (slot->kind[b] == BPFE_BYTE_SPILL)
			slot->kind[b] = left;
	}
	slot->spill_size = 0;
	slot->spill = (struct bpfe_reg){0};
}

static void join_objects(struct join *j, const struct bpfe_slot *old, struct bpfe_slot *cur)
{
	if (!old->spill_size || !cur->spill_size || !same_base(j, &old->spill, &cur->spill)) {
		j->impossible = true;
		return;
	}
	cur->spill.id = joined_id(j, old->spill.id, cur->spill.id, 0);
}

static void join_bytes(const struct bpfe_slot *old, struct bpfe_slot *cur)
{
	for (unsigned b = 0; b < 8; b++) {
		if (cur->kind[b] == BPFE_BYTE_SPILL)
			continue;
		if (old->kind[b] == BPFE_BYTE_UNINIT)
			cur->kind[b] = BPFE_BYTE_UNINIT;
		else if (cur->kind[b] == BPFE_BYTE_KNOWN &&
			 (old->kind[b] != BPFE_BYTE_KNOWN || old->known[b] != cur->known[b]))
			cur->kind[b] = BPFE_BYTE_MISC;
	}
}

static void join_slots(struct join *j, const struct bpfe_slot *there, struct bpfe_slot *cur,
		       bool precise)
{
	struct bpfe_slot old = *there;

	if ((old.spill_size && bpfe_reg_is_object(&old.spill)) ||
	    (cur->spill_size && bpfe_reg_is_object(&cur->spill))) {
		join_objects(j, &old, cur);
		return;
	}
	if (holds_pointer(&old) != holds_pointer(cur)) {
		*cur = (struct bpfe_slot){0};
		return;
	}
	align_spills(&old, cur);
	if (old.spill_size && cur->spill_size && old.spill_size == cur->spill_size &&
	    old.spill_first == cur->spill_first) {
		struct bpfe_reg reg = join_regs(j, &old.spill, &cur->spill, precise);

		if (reg.type == BPFE_REG_UNINIT)
			drop_spill(cur, BPFE_BYTE_UNINIT);
		else
			cur->spill = reg;
	} else if (cur->spill_size) {
		drop_spill(cur, BPFE_BYTE_MISC);
	}
	join_bytes(&old, cur);
}

static int join_stacks(struct join *j, const struct bpfe_stack *old, struct bpfe_frame *frame,
		       const struct bpfe_live *live)
{
	static const struct bpfe_slot unwritten;
	struct bpfe_stack *stack;

	if (!frame->stack || frame->stack == old)
		return 0;
	stack = bpfe_stack_own(j->vf, frame, 0);
	if (!stack)
		return bpfe_vf_no_memory(j->vf);
	for (uint32_t i = 0; i < stack->n; i++) {
		if (live->slots >> i & 1)
			join_slots(j, old && i < old->n ? &old->slots[i] : &unwritten,
				   &stack->slots[i], live->precise_slots >> i & 1);
		else if (!stack->slots[i].spill_size || !bpfe_reg_is_object(&stack->slots[i].spill))
			stack->slots[i] = unwritten;
	}
	return 0;
}

/* ---- States -------------------------------------------------------------------------------- */

bool bpfe_same_calls(const struct bpfe_state *a, const struct bpfe_state *b)
{
	if (a->depth != b->depth || a->n_held != b->n_held)
		return false;
	for (uint32_t f = 0; f < a->depth; f++) {
		const struct bpfe_frame *x = a->frames[f], *y = b->frames[f];

		if (x->subprog != y->subprog || x->return_to != y->return_to ||
		    x->callback != y->callback || x->n_held != y->n_held)
			return false;
	}
	for (uint32_t i = 0; i < a->n_held; i++) {
		if (a->held[i].kind != b->held[i].kind || a->held[i].map != b->held[i].map)
			return false;
	}
	return true;
}

uint32_t bpfe_calls_hash(const struct bpfe_state *state)
{
	uint32_t hash = state->depth ^ state->n_held << 8;

	for (uint32_t f = 1; f < state->depth; f++)
		hash = (hash ^ state->frames[f]->return_to) * 0x9e3779b1u;
	return hash;
}

uint32_t bpfe_kept_apart(const struct bpfe_vf *vf)
{
	return vf->image->n_insns > LONG_PROGRAM ? 1 : 3;
}

static int join_frames(struct join *j, struct bpfe_state *joined, uint32_t pc)
{
	for (uint32_t f = 0; f < joined->depth; f++) {
		struct bpfe_live live = bpfe_flow_live(j->vf, joined, f, pc);
		struct bpfe_frame *frame = joined->frames[f];
		int err;

		if (j->old->frames[f]->called_back < frame->called_back)
			frame->called_back = j->old->frames[f]->called_back;
		for (unsigned r = 0; r < BPF_REG_10; r++)
			frame->regs[r] =
				live.regs >> r & 1
					? join_regs(j, &j->old->frames[f]->regs[r], &frame->regs[r],
						    live.precise_regs >> r & 1)
					: nothing();
		err = join_stacks(j, j->old->frames[f]->stack, frame, &live);
		if (err)
			return err;
	}
	return 0;
}

int bpfe_join(struct bpfe_vf *vf, const struct bpfe_state *old, const struct bpfe_state *cur,
	      uint32_t pc, enum bpfe_join_force force, struct bpfe_state **joined)
{
	struct join j = {.vf = vf, .old = old, .cur = cur, .force = force};
	struct bpfe_state *state = bpfe_state_copy(vf, cur);
	int err;

	*joined = NULL;
	if (!state)
		return bpfe_vf_no_memory(vf);
	err = join_frames(&j, state, pc);
	if (err || j.impossible || !bpfe_state_in(vf, state, old, pc, false) ||
	    !bpfe_state_in(vf, state, cur, pc, false)) {
		bpfe_state_free(vf, state);
		return err;
	}
	*joined = state;
	return 0;
}

/* ---- Shapes -------------------------------------------------------------------------------- */

static bool reg_same_shape(const struct bpfe_reg *a, const struct bpfe_reg *b)
{
	return a->type == b->type && a->frame == b->frame && a->map == b->map &&
	       a->nullable == b->nullable && a->rdonly == b->rdonly && a->part == b->part &&
	       a->kind == b->kind && a->inner == b->inner && a->size == b->size;
}

static bool slot_same_shape(const struct bpfe_slot *a, const struct bpfe_slot *b)
{
	if (holds_pointer(a) || holds_pointer(b))
		return holds_pointer(a) && holds_pointer(b) && reg_same_shape(&a->spill, &b->spill);
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

	for (unsigned r = 0; r < BPF_REG_10; r++) {
		if ((live->regs >> r & 1) && !reg_same_shape(&a->regs[r], &b->regs[r]))
			return false;
	}
	for (uint32_t i = 0; a->stack != b->stack && i < (n_a > n_b ? n_a : n_b); i++) {
		if ((live->slots >> i & 1) &&
		    !slot_same_shape(i < n_a ? &a->stack->slots[i] : &unwritten,
				     i < n_b ? &b->stack->slots[i] : &unwritten))
			return false;
	}
	return true;
}

bool bpfe_same_shape(const struct bpfe_vf *vf, const struct bpfe_state *a,
		     const struct bpfe_state *b, uint32_t pc)
{
	for (uint32_t f = a->depth; f > 0; f--) {
		struct bpfe_live live = bpfe_flow_live(vf, b, f - 1, pc);

		if (!frame_same_shape(a->frames[f - 1], b->frames[f - 1], &live))
			return false;
	}
	return true;
}
