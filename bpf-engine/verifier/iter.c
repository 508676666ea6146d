// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Open-coded iterators: bpf_iter_num_new(), _next() and _destroy(), which bpf_for and bpf_repeat
 * are made of.
 *
 * An iterator is one slot of the stack. _next() leads two ways: a number is handed out, which
 * starts another round (held.rounds), or there is none left and the iterator is drained; a
 * drained one stays so. A loop is done with when a round comes back to a state covered by one
 * before it: the iterator bounds the rounds, so this is no endless loop (prune.c).
 *
 * The slot belongs to the iterator until it is destroyed: the program may neither read nor write
 * it, and what _next() gave (a pointer into it) goes with it.
 *
 * Imprecision: the number is any 32-bit number.
 */
#include "verifier/verifier.h"

enum {
	ITER_ACTIVE = 0, /* or new */
	ITER_DRAINED,
};

bool bpfe_is_iterator_call(const struct bpfe_helper *helper)
{
	return helper->args[0] == BPFE_ARG_ITER_OUT || helper->args[0] == BPFE_ARG_ITER ||
	       helper->args[0] == BPFE_ARG_ITER_END;
}

static uint32_t slot_of(const struct bpfe_reg *reg)
{
	return (uint32_t)(-(reg->off + reg->val.x.smin) - 1) / 8;
}

static const struct bpfe_reg *iterator_at(const struct bpfe_state *state,
					  const struct bpfe_reg *reg)
{
	const struct bpfe_stack *stack = state->frames[reg->frame]->stack;
	uint32_t i = slot_of(reg);

	if (!stack || i >= stack->n || !stack->slots[i].spill_size ||
	    stack->slots[i].spill.type != BPFE_REG_ITER)
		return NULL;
	return &stack->slots[i].spill;
}

int bpfe_iterator_arg(struct bpfe_vf *vf, int regno, uint8_t arg, const char *helper)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int64_t off = reg->off + reg->val.x.smin;
	bool there;
	int err;

	if (reg->type != BPFE_REG_STACK || !bpfe_scalar_is_const(&reg->val))
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
				      "a pointer to 8 bytes of stack at a constant offset",
				      "argument %d of %s is a %s", regno, helper,
				      bpfe_reg_type_name(reg));
	err = bpfe_stack_bounds(vf, regno, reg->frame, off, off + 8);
	if (err)
		return err;
	if (off % 8)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
				      "an offset that is a multiple of 8",
				      "iterator at r10%+lld is not aligned", (long long)off);
	there = iterator_at(vf->cur, reg);
	if (arg == BPFE_ARG_ITER_OUT && there)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno, "destroying it first",
				      "%s would overwrite the iterator at r10%+lld", helper,
				      (long long)off);
	if (arg != BPFE_ARG_ITER_OUT && !there)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
				      "an iterator made by bpf_iter_num_new and not destroyed",
				      "there is no iterator at r10%+lld", (long long)off);
	/* A dynptr that lies there ends. */
	return arg == BPFE_ARG_ITER_OUT ? bpfe_check_object_place(vf, regno, 1) : 0;
}

static void lose_arguments(struct bpfe_state *state)
{
	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		bpfe_top(state)->regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
}

static struct bpfe_slot *own_slot(struct bpfe_vf *vf, struct bpfe_state *state,
				  const struct bpfe_reg *at)
{
	uint32_t i = slot_of(at);
	struct bpfe_stack *stack = bpfe_stack_own(vf, state->frames[at->frame], i + 1);

	return stack ? &stack->slots[i] : NULL;
}

static int make(struct bpfe_vf *vf, const struct bpfe_reg *at)
{
	struct bpfe_state *state = vf->cur;
	struct bpfe_slot *slot;
	uint32_t id = ++vf->ids;
	int err;

	err = bpfe_held_add(vf, BPFE_HELD_ITER, id, 0);
	if (err)
		return err;
	slot = own_slot(vf, state, at);
	if (!slot)
		return bpfe_vf_no_memory(vf);
	memset(slot->kind, BPFE_BYTE_SPILL, sizeof(slot->kind));
	slot->spill_first = 0;
	slot->spill_size = 8;
	slot->spill = bpfe_reg_pointer(BPFE_REG_ITER);
	slot->spill.kind = ITER_ACTIVE;
	slot->spill.id = slot->spill.ref = id;
	lose_arguments(state);
	bpfe_top(state)->regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_unknown());
	return 0;
}

/* The way on which a number is handed out, put aside. */
static int hand_out(struct bpfe_vf *vf, const struct bpfe_reg *it)
{
	struct bpfe_state *state = bpfe_state_copy(vf, vf->cur);
	struct bpfe_reg *r0;

	if (!state)
		return bpfe_vf_no_memory(vf);
	vf->endless = true;
	for (uint32_t i = 0; i < state->n_held; i++)
		state->held[i].rounds +=
			state->held[i].kind == BPFE_HELD_ITER && state->held[i].id == it->ref;
	lose_arguments(state);
	r0 = &bpfe_top(state)->regs[BPF_REG_0];
	*r0 = bpfe_reg_pointer(BPFE_REG_MEM);
	r0->rdonly = true;
	r0->size = 4;
	r0->ref = it->ref;
	return bpfe_explore_later(vf, state, vf->pc + 1);
}

static int next(struct bpfe_vf *vf, const struct bpfe_reg *at)
{
	const struct bpfe_reg *it = iterator_at(vf->cur, at);

	if (it->kind == ITER_ACTIVE) {
		struct bpfe_slot *slot;
		int err = hand_out(vf, it);

		if (err)
			return err;
		slot = own_slot(vf, vf->cur, at);
		if (!slot)
			return bpfe_vf_no_memory(vf);
		slot->spill.kind = ITER_DRAINED;
	}
	lose_arguments(vf->cur);
	bpfe_top(vf->cur)->regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_const(0));
	return 0;
}

static int destroy(struct bpfe_vf *vf, const struct bpfe_reg *at)
{
	uint32_t id = iterator_at(vf->cur, at)->ref;

	lose_arguments(vf->cur);
	/* The slot is one of those that refer to it, and becomes unwritten. */
	return bpfe_held_release(vf, BPFE_HELD_ITER, id);
}

int bpfe_vf_iterator(struct bpfe_vf *vf, const struct bpfe_helper *helper)
{
	const struct bpfe_reg at = bpfe_top(vf->cur)->regs[BPF_REG_1];

	switch (helper->args[0]) {
	case BPFE_ARG_ITER_OUT:
		return make(vf, &at);
	case BPFE_ARG_ITER:
		return next(vf, &at);
	default:
		return destroy(vf, &at);
	}
}
