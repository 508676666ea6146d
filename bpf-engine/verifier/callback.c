// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Callbacks: functions of the program that a helper runs, perhaps many times, perhaps never.
 *
 * The call of such a helper is a loop of its own. Two ways lead on from it: behind the call, and
 * into the callback; and from the end of the callback back to the call, where the caller's
 * registers are as they were but what its stack holds, and what is held, may have changed. The loop
 * is done with when a round ends in a state that covers no more than one before it (prune.c); the
 * helper bounds the rounds, so this is no endless loop.
 *
 * The callback is followed even if the helper would never call it. What it returns is 0 (go on) or
 * 1 (stop), and what it acquires it gives back before it ends.
 *
 * Imprecision: a callback that returns 1 may still be followed by another round.
 */
#include "verifier/verifier.h"

int bpfe_vf_enter(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t function,
		  uint32_t return_to)
{
	if (state->depth == BPFE_MAX_FRAMES)
		return bpfe_vf_refuse_err(vf, -E2BIG, BPFE_TOO_LARGE, "at most 8 frames",
					  "calls nest deeper than %u frames", BPFE_MAX_FRAMES);
	return bpfe_state_push(vf, state, function, return_to);
}

/* Callback of bpf_loop(): index of the round, context. */
static void loop_args(const struct bpfe_reg *call, struct bpfe_reg *callee)
{
	const struct bpfe_scalar zero = bpfe_scalar_const(0);
	struct bpfe_scalar index = bpfe_scalar_unknown(), rounds = call[BPF_REG_1].val;

	/* The helper takes the number's low half, and refuses more than its limit. */
	rounds = bpfe_scalar_zext(&rounds, 32);
	index.x.umax = rounds.x.umax < BPFE_MAX_LOOPS ? rounds.x.umax : BPFE_MAX_LOOPS;
	if (index.x.umax)
		index.x.umax--;
	index.x.umin = zero.x.umin;
	bpfe_scalar_deduce(&index);
	callee[BPF_REG_1] = bpfe_reg_scalar(index);
	callee[BPF_REG_2] = call[BPF_REG_3];
}

/* Callback of bpf_for_each_map_elem(): map, key, value, context. */
static void for_each_args(struct bpfe_vf *vf, const struct bpfe_reg *call, struct bpfe_reg *callee)
{
	const struct bpfe_reg *map = &call[BPF_REG_1];

	callee[BPF_REG_1] = *map;
	callee[BPF_REG_2] = bpfe_reg_pointer(BPFE_REG_MAP_KEY);
	callee[BPF_REG_3] = bpfe_reg_pointer(BPFE_REG_MAP_VALUE);
	for (unsigned r = BPF_REG_2; r <= BPF_REG_3; r++) {
		callee[r].map = map->map;
		callee[r].inner = map->inner;
	}
	callee[BPF_REG_3].id = ++vf->ids;
	callee[BPF_REG_4] = call[BPF_REG_3];
}

static unsigned callback_arg(const struct bpfe_helper *helper)
{
	for (unsigned i = 0; i < 5; i++) {
		if (helper->args[i] == BPFE_ARG_CALLBACK)
			return BPF_REG_1 + i;
	}
	return 0;
}

int bpfe_callback_arg(struct bpfe_vf *vf, int regno, const char *helper)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	if (reg->type == BPFE_REG_FUNC)
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_REGISTER, regno, "the address of a function",
			      "argument %d of %s is a %s", regno, helper, bpfe_reg_type_name(reg));
}

static void remember_held(const struct bpfe_state *state, struct bpfe_frame *frame)
{
	frame->n_held = state->n_held;
	frame->last_held = state->n_held ? state->held[state->n_held - 1].id : 0;
}

/* May there be another round, or has there been none to look at? */
static bool another_round(const struct bpfe_helper *helper, const struct bpfe_frame *caller)
{
	return helper->id != BPF_FUNC_loop || !caller->called_back ||
	       caller->called_back < caller->regs[BPF_REG_1].val.lo.umax;
}

int bpfe_vf_call_back(struct bpfe_vf *vf, const struct bpfe_helper *helper)
{
	struct bpfe_frame *caller = bpfe_top(vf->cur), *frame;
	const struct bpfe_reg *call = caller->regs;
	uint32_t function = call[callback_arg(helper)].map;
	bool another = another_round(helper, caller);
	struct bpfe_state *state = another ? bpfe_state_copy(vf, vf->cur) : NULL;
	int err;

	vf->endless = true;
	/* The way behind the call is through with it. */
	caller->called_back = 0;
	if (!another)
		return 0;
	if (!state)
		return bpfe_vf_no_memory(vf);
	err = bpfe_vf_enter(vf, state, function, vf->pc);
	if (!err)
		err = bpfe_flow_note_call(vf, function);
	if (err) {
		bpfe_state_free(vf, state);
		return err;
	}
	frame = bpfe_top(state);
	frame->callback = vf->pc + 1;
	remember_held(state, frame);
	if (helper->id == BPF_FUNC_for_each_map_elem)
		for_each_args(vf, call, frame->regs);
	else
		loop_args(call, frame->regs);
	return bpfe_explore_later(vf, state, vf->image->subprogs[function].start);
}

bool bpfe_in_callback(const struct bpfe_state *state)
{
	for (uint32_t f = 0; f < state->depth; f++) {
		if (state->frames[f]->callback)
			return true;
	}
	return false;
}

int bpfe_vf_callback_exit(struct bpfe_vf *vf)
{
	struct bpfe_frame *frame = bpfe_top(vf->cur);
	const struct bpfe_reg *r0 = &frame->regs[BPF_REG_0];
	uint32_t n = vf->cur->n_held;

	if (r0->type != BPFE_REG_SCALAR || r0->val.x.umax > 1)
		return bpfe_vf_refuse(vf, BPFE_BAD_RETURN, BPF_REG_0, "0 to go on, 1 to stop",
				      "what a callback returns in R0 may be neither 0 nor 1");
	if (n != frame->n_held || (n && vf->cur->held[n - 1].id != frame->last_held))
		return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, -1,
				      "releasing in the callback what was acquired in it, and "
				      "nothing else",
				      "callback ends and does not hold what it held when it began");
	vf->next = frame->return_to;
	bpfe_state_pop(vf, vf->cur);
	vf->cur->rounds++;
	bpfe_top(vf->cur)->called_back++;
	return 0;
}
