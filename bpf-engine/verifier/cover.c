// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Is one state covered by another: may everything that can happen from the one happen from the
 * other? If the other was followed to its end without refusal, the one need not be.
 *
 * Only what is live counts, and of a live number that is not precise only that it is a number.
 * Unwritten covers anything, since reading it was refused, except what a call may find unset, which
 * it then clears. Numbers are covered by wider ones,
 * packet pointers by those with less proven of them. Links between registers (equal ids) that the
 * old state had must be there in the new one: every old id stands for one new id. Where an id tells
 * which object something is, or what is held, one new id also stands for one old: what is given
 * back in the one must be given back in the other, and two objects must not turn into one.
 */
#include "verifier/verifier.h"

/* Each register and slot may add two, an id and a reference. */
#define MAX_IDS (2 * (MAX_BPF_REG + BPFE_STACK_SLOTS) * BPFE_MAX_FRAMES + BPFE_MAX_HELD)

#define IDS_PER_WORK 64u /* pairs of ids looked at in a sixteenth of an instruction's time */

struct id_pair {
	uint32_t old, cur;
	int64_t shift; /* what the one's off is more than the other's, in all that share
			  the ids */
	bool unlike;   /* numbers: their sums are of different widths, so that no other may share */
};

struct cover {
	const struct bpfe_vf *vf;
	struct id_pair ids[MAX_IDS];
	uint32_t n_ids;
	uint32_t place; /* looked at last, see bpfe_state_differs() */
};

/* Registers of the running frame, then slots of its stack; 0: elsewhere. */
#define PLACE_REG(r)  (1u + (r))
#define PLACE_SLOT(i) (1u + MAX_BPF_REG + (i))

/* Does @old stand for @cur? Two numbers without id are not linked, so @old then stands alone. */
static bool same_id(struct cover *c, uint32_t old, uint32_t cur, bool number)
{
	for (uint32_t i = 0; i < c->n_ids; i++) {
		if (c->ids[i].old == old)
			return c->ids[i].cur == cur && (cur || !number);
	}
	if (c->n_ids == MAX_IDS)
		return false;
	c->ids[c->n_ids++] = (struct id_pair){.old = old, .cur = cur};
	return true;
}

/* The same for pointers, of which all that are linked must lie as far apart in both states. */
static bool same_moved(struct cover *c, uint32_t old, uint32_t cur, int64_t by)
{
	for (uint32_t i = 0; i < c->n_ids; i++) {
		if (c->ids[i].old == old)
			return c->ids[i].cur == cur && c->ids[i].shift == by;
	}
	if (c->n_ids == MAX_IDS)
		return false;
	c->ids[c->n_ids++] = (struct id_pair){.old = old, .cur = cur, .shift = by};
	return true;
}

/* Is @old in the one state what @cur is in the other? */
static bool same_object(struct cover *c, uint32_t old, uint32_t cur)
{
	bool known = false;

	if (!old || !cur)
		return old == cur;
	for (uint32_t i = 0; i < c->n_ids; i++) {
		if ((c->ids[i].old == old) != (c->ids[i].cur == cur))
			return false;
		known = known || c->ids[i].old == old;
	}
	if (known)
		return true;
	if (c->n_ids == MAX_IDS)
		return false;
	c->ids[c->n_ids++] = (struct id_pair){.old = old, .cur = cur};
	return true;
}

/* Two numbers linked in the one state must be linked, by as much, in the other. */
static bool same_link(struct cover *c, const struct bpfe_reg *old, const struct bpfe_reg *cur)
{
	int64_t shift = (int64_t)old->off - cur->off;
	/* A sum cut to 32 bits is that of the number before it was moved by more. */
	bool unlike = old->low_sum != cur->low_sum || (old->low_sum && shift);
	uint32_t n = c->n_ids;

	for (uint32_t i = 0; i < n; i++) {
		const struct id_pair *pair = &c->ids[i];

		if (pair->old == old->id)
			return pair->cur == cur->id && cur->id && pair->shift == shift &&
			       !pair->unlike && !unlike;
	}
	if (n == MAX_IDS)
		return false;
	c->ids[c->n_ids++] = (struct id_pair){old->id, cur->id, shift, unlike};
	return true;
}

static bool scalar_covered(struct cover *c, const struct bpfe_reg *old, const struct bpfe_reg *cur)
{
	if (!bpfe_scalar_in(&old->val, &cur->val))
		return false;
	return !old->id || same_link(c, old, cur);
}

/*
 * A pointer is base + off + val; seen from the old one's off, the new one's val is greater by the
 * difference, and what is proven behind it that much less.
 */
static bool offset_covered(struct cover *c, const struct bpfe_reg *old, const struct bpfe_reg *cur)
{
	const int64_t by = (int64_t)cur->off - old->off;
	const struct bpfe_scalar *val = &cur->val;
	struct bpfe_scalar moved;
	bool bounded;

	if (by) {
		const struct bpfe_scalar shift = bpfe_scalar_const((uint64_t)by);

		moved = bpfe_scalar_alu(BPFE_W_ADD, &cur->val, &shift, true);
		val = &moved;
	}
	if (!bpfe_scalar_in(&old->val, val))
		return false;
	if (old->type == BPFE_REG_PACKET || old->type == BPFE_REG_PACKET_META) {
		if (bpfe_moved_range(cur, by, &bounded) < old->range || bounded < old->bounded)
			return false;
		return !old->id || same_moved(c, old->id, cur->id, by);
	}
	if (bpfe_reg_has_identity(c->vf, old))
		return same_object(c, old->id, cur->id);
	return !old->id || same_id(c, old->id, cur->id, false);
}

static bool pointer_covered(struct cover *c, const struct bpfe_reg *old, const struct bpfe_reg *cur)
{
	if (old->type != cur->type || (cur->nullable && !old->nullable) ||
	    old->rdonly != cur->rdonly || old->part != cur->part || old->kind != cur->kind ||
	    old->inner != cur->inner || old->size != cur->size ||
	    !same_object(c, old->ref, cur->ref))
		return false;
	if (old->frame != cur->frame || old->map != cur->map)
		return false;
	if (bpfe_reg_is_movable(cur) && !old->nullable)
		return offset_covered(c, old, cur);
	if (old->off != cur->off || !bpfe_scalar_in(&old->val, &cur->val))
		return false;
	if (bpfe_reg_has_identity(c->vf, old))
		return same_object(c, old->id, cur->id);
	return !old->id || same_id(c, old->id, cur->id, false);
}

static inline bool reg_covered(struct cover *c, const struct bpfe_reg *old,
			       const struct bpfe_reg *cur, bool precise)
{
	if (old->type == BPFE_REG_UNINIT)
		return true;
	if (old->type != BPFE_REG_SCALAR)
		return bpfe_reg_is_pointer(cur) && pointer_covered(c, old, cur);
	if (cur->type != BPFE_REG_SCALAR)
		return false;
	return !precise || scalar_covered(c, old, cur);
}

/* ---- Stack --------------------------------------------------------------------------------- */

static bool is_data(const struct bpfe_slot *slot, unsigned b)
{
	if (slot->kind[b] == BPFE_BYTE_SPILL)
		return slot->spill.type == BPFE_REG_SCALAR;
	return slot->kind[b] != BPFE_BYTE_UNINIT;
}

static bool byte_covered(const struct bpfe_slot *old, const struct bpfe_slot *cur, unsigned b,
			 bool precise)
{
	if (old->kind[b] == BPFE_BYTE_UNINIT)
		return true;
	if (!is_data(cur, b))
		return false;
	if (old->kind[b] == BPFE_BYTE_KNOWN && precise)
		return cur->kind[b] == BPFE_BYTE_KNOWN && cur->known[b] == old->known[b];
	return true;
}

/* Of slots whose bytes are of the same kinds and known values this holds at once. */
static bool bytes_alike(const struct bpfe_slot *old, const struct bpfe_slot *cur)
{
	/* BPFE_BYTE_SPILL alone has both of its low bits set. */
	const uint64_t low_bits = UINT64_C(0x0101010101010101);
	uint64_t kinds;

	if (memcmp(old->kind, cur->kind, sizeof(old->kind)) != 0 ||
	    memcmp(old->known, cur->known, sizeof(old->known)) != 0)
		return false;
	memcpy(&kinds, cur->kind, sizeof(kinds));
	return cur->spill.type == BPFE_REG_SCALAR || !(kinds & kinds >> 1 & low_bits);
}

static bool bytes_covered(const struct bpfe_slot *old, const struct bpfe_slot *cur, bool precise)
{
	if (bytes_alike(old, cur))
		return true;
	for (unsigned b = 0; b < 8; b++) {
		if (!byte_covered(old, cur, b, precise))
			return false;
	}
	return true;
}

/* The number in @cur where @old has a spilled one, if it is known. */
static bool known_number(const struct bpfe_slot *old, const struct bpfe_slot *cur, uint64_t *value)
{
	*value = 0;
	for (unsigned b = 0; b < old->spill_size; b++) {
		if (cur->kind[old->spill_first + b] != BPFE_BYTE_KNOWN)
			return false;
		*value |= (uint64_t)cur->known[old->spill_first + b] << (8 * b);
	}
	return true;
}

static bool spill_covered(struct cover *c, const struct bpfe_slot *old, const struct bpfe_slot *cur,
			  bool precise)
{
	uint64_t value;

	if (!old->spill_size || (old->spill.type == BPFE_REG_SCALAR && !precise))
		return true;
	if (cur->spill_size == old->spill_size && cur->spill_first == old->spill_first)
		return reg_covered(c, &old->spill, &cur->spill, true);
	return old->spill.type == BPFE_REG_SCALAR && known_number(old, cur, &value) &&
	       bpfe_scalar_contains(&old->spill.val, value) &&
	       (!old->spill.id || same_id(c, old->spill.id, 0, true));
}

static bool slot_covered(struct cover *c, const struct bpfe_slot *old, const struct bpfe_slot *cur,
			 bool precise)
{
	bool pointer = old->spill_size && bpfe_reg_is_pointer(&old->spill);

	if (!pointer && !bytes_covered(old, cur, precise))
		return false;
	return spill_covered(c, old, cur, precise);
}

static const struct bpfe_slot *slot_or_unwritten(const struct bpfe_stack *stack, uint32_t i)
{
	static const struct bpfe_slot unwritten;

	return stack && i < stack->n ? &stack->slots[i] : &unwritten;
}

/* An object that nothing may be stored over before it is given back. */
static bool holds_owned(const struct bpfe_slot *slot)
{
	return slot->spill_size && slot->spill.ref && bpfe_reg_is_object(&slot->spill);
}

static bool stack_covered(struct cover *c, const struct bpfe_stack *old,
			  const struct bpfe_stack *cur, const struct bpfe_live *live)
{
	uint32_t n_old = old ? old->n : 0, n_cur = cur ? cur->n : 0;

	for (uint32_t i = 0; i < n_old || i < n_cur; i++) {
		const struct bpfe_slot *was = slot_or_unwritten(old, i);
		const struct bpfe_slot *is = slot_or_unwritten(cur, i);

		c->place = PLACE_SLOT(i);
		/* Where it lies matters to stores too, which do not make a slot live. */
		if (holds_owned(was) != holds_owned(is))
			return false;
		if (!(live->slots >> i & 1) && !holds_owned(was))
			continue;
		/* The very same, and linked to nothing. */
		if (was == is && !was->spill.id && !was->spill.ref)
			continue;
		if (!slot_covered(c, was, is, live->precise_slots >> i & 1))
			return false;
	}
	return true;
}

/* ---- States -------------------------------------------------------------------------------- */

static bool frame_covered(struct cover *c, const struct bpfe_frame *old,
			  const struct bpfe_frame *cur, const struct bpfe_live *live)
{
	if (old->subprog != cur->subprog || old->return_to != cur->return_to ||
	    old->callback != cur->callback || old->called_back > cur->called_back ||
	    old->n_held != cur->n_held || !same_object(c, old->last_held, cur->last_held))
		return false;
	for (unsigned r = 0; r < BPF_REG_10; r++) {
		c->place = PLACE_REG(r);
		if ((live->optional_regs >> r & 1) && old->regs[r].type == BPFE_REG_UNINIT &&
		    cur->regs[r].type != BPFE_REG_UNINIT)
			return false;
		if ((live->regs >> r & 1) &&
		    !reg_covered(c, &old->regs[r], &cur->regs[r], live->precise_regs >> r & 1))
			return false;
	}
	return stack_covered(c, old->stack, cur->stack, live);
}

static bool held_covered(struct cover *c, const struct bpfe_state *old,
			 const struct bpfe_state *cur)
{
	if (old->n_held != cur->n_held)
		return false;
	for (uint32_t i = 0; i < old->n_held; i++) {
		if (old->held[i].kind != cur->held[i].kind ||
		    old->held[i].map != cur->held[i].map ||
		    !same_object(c, old->held[i].id, cur->held[i].id))
			return false;
	}
	return true;
}

static bool states_covered(struct bpfe_vf *vf, struct cover *c, const struct bpfe_state *old,
			   const struct bpfe_state *cur, uint32_t pc)
{
	if (old->depth != cur->depth || !held_covered(c, old, cur))
		return false;
	/* The running frame first: it is the one that differs. */
	for (uint32_t f = 0; f < old->depth; f++) {
		if (old->frames[f]->return_to != cur->frames[f]->return_to)
			return false;
	}
	for (uint32_t f = old->depth; f > 0; f--) {
		struct bpfe_live live = bpfe_flow_live(vf, cur, f - 1, pc);

		c->place = 0;
		if (old->frames[f - 1]->stack != cur->frames[f - 1]->stack)
			vf->work += bpfe_slots_used(old->frames[f - 1]) / 8;
		if (!frame_covered(c, old->frames[f - 1], cur->frames[f - 1], &live)) {
			c->place = f == old->depth ? c->place : 0;
			return false;
		}
	}
	return true;
}

static bool covered(struct bpfe_vf *vf, const struct bpfe_state *old, const struct bpfe_state *cur,
		    uint32_t pc)
{
	struct cover c;
	bool in;

	c.vf = vf;
	c.n_ids = 0;
	c.place = 0;
	in = states_covered(vf, &c, old, cur, pc);
	/* Each id was looked for among those before it. */
	vf->work += BPFE_VF_STEP / 4 + (uint64_t)c.n_ids * c.n_ids / IDS_PER_WORK;
	if (!in)
		vf->differs = c.place;
	return in;
}

bool bpfe_state_differs(struct bpfe_vf *vf, const struct bpfe_state *old,
			const struct bpfe_state *cur, uint32_t pc, uint32_t place)
{
	const struct bpfe_frame *was, *is;
	struct bpfe_live live;
	struct cover c;

	if (!place || old->depth != cur->depth)
		return false;
	vf->work += BPFE_VF_STEP / 4;
	/* With no other pair of ids as much is covered or more. */
	c.vf = vf;
	c.n_ids = 0;
	was = bpfe_top(old);
	is = bpfe_top(cur);
	live = bpfe_flow_live(vf, cur, cur->depth - 1, pc);
	if (place < PLACE_SLOT(0)) {
		const uint32_t r = place - PLACE_REG(0);

		return (live.regs >> r & 1) &&
		       !reg_covered(&c, &was->regs[r], &is->regs[r], live.precise_regs >> r & 1);
	}
	place -= PLACE_SLOT(0);
	return (live.slots >> place & 1) &&
	       !slot_covered(&c, slot_or_unwritten(was->stack, place),
			     slot_or_unwritten(is->stack, place), live.precise_slots >> place & 1);
}

bool bpfe_state_in(struct bpfe_vf *vf, const struct bpfe_state *old, const struct bpfe_state *cur,
		   uint32_t pc, bool exact)
{
	return covered(vf, old, cur, pc) && (!exact || covered(vf, cur, old, pc));
}
