// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * States: what registers and stacks of all frames hold at one point of one path.
 *
 * A copy is made at each fork and each checkpoint. Registers are copied, stacks are shared until
 * one of the sharers writes. All memory is counted, so that a program cannot use up the host's.
 */
#include <stddef.h>
#include "verifier/verifier.h"

struct bpfe_reg bpfe_reg_pointer(enum bpfe_reg_type type)
{
	return (struct bpfe_reg){.type = (uint8_t)type, .val = bpfe_scalar_const(0)};
}

const struct bpfe_map_attr *bpfe_reg_map(const struct bpfe_vf *vf, const struct bpfe_reg *reg)
{
	const struct bpfe_map_attr *attr = bpfe_map_attr(vf->image->maps[reg->map]);

	return reg->inner ? attr->inner : attr;
}

bool bpfe_reg_is_object(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_DYNPTR || reg->type == BPFE_REG_ITER;
}

bool bpfe_reg_is_movable(const struct bpfe_reg *reg)
{
	switch (reg->type) {
	case BPFE_REG_PACKET:
	case BPFE_REG_PACKET_META:
	case BPFE_REG_STACK:
	case BPFE_REG_MAP_VALUE:
	case BPFE_REG_MAP_KEY:
	case BPFE_REG_MEM:
		return !reg->nullable;
	default:
		return false;
	}
}

uint32_t bpfe_moved_range(const struct bpfe_reg *reg, int64_t by, bool *bounded)
{
	int64_t range = (int64_t)reg->range - by;

	*bounded = reg->bounded;
	if (!by)
		return reg->range;
	*bounded = reg->bounded && reg->val.x.smin + by >= 0 && range >= 0;
	if (!*bounded)
		return 0;
	return range > BPFE_MAX_FRAME ? BPFE_MAX_FRAME : (uint32_t)range;
}

bool bpfe_reg_has_identity(const struct bpfe_vf *vf, const struct bpfe_reg *reg)
{
	switch (reg->type) {
	case BPFE_REG_MAP:
		return reg->inner;
	case BPFE_REG_MAP_VALUE:
		return reg->inner || bpfe_reg_map(vf, reg)->has_spin_lock;
	default:
		return bpfe_reg_is_object(reg);
	}
}

static size_t stack_size(uint32_t n)
{
	return sizeof(struct bpfe_stack) + n * sizeof(struct bpfe_slot);
}

static void stack_put(struct bpfe_vf *vf, struct bpfe_stack *stack)
{
	if (stack && !--stack->refs)
		bpfe_vf_retire(vf, &vf->spare_stacks[stack->n], stack, stack_size(stack->n));
}

struct bpfe_stack *bpfe_stack_own(struct bpfe_vf *vf, struct bpfe_frame *frame, uint32_t n)
{
	struct bpfe_stack *old = frame->stack, *stack;

	if (old && old->refs == 1 && old->n >= n)
		return old;
	if (old && old->n > n)
		n = old->n;
	stack = bpfe_vf_reuse(vf, &vf->spare_stacks[n], stack_size(n));
	if (!stack)
		return NULL;
	stack->refs = 1;
	stack->n = n;
	vf->work += n / 4;
	if (old)
		memcpy(stack->slots, old->slots, old->n * sizeof(old->slots[0]));
	memset(stack->slots + (old ? old->n : 0), 0,
	       (n - (old ? old->n : 0)) * sizeof(stack->slots[0]));
	stack_put(vf, old);
	frame->stack = stack;
	return stack;
}

uint32_t bpfe_slots_used(const struct bpfe_frame *frame)
{
	return frame->stack ? frame->stack->n : 0;
}

struct bpfe_state *bpfe_state_new(struct bpfe_vf *vf)
{
	struct bpfe_state *state = bpfe_vf_take(vf, &vf->spare_states, sizeof(*state));

	if (!state)
		return NULL;
	state->n_held = 0;
	state->rounds = 0;
	state->depth = 0;
	return state;
}

void bpfe_state_free(struct bpfe_vf *vf, struct bpfe_state *state)
{
	if (!state)
		return;
	while (state->depth)
		bpfe_state_pop(vf, state);
	bpfe_vf_give(vf, &vf->spare_states, state, sizeof(*state));
}

/* Register by register: many hold nothing, and a frame is so large that copying it at once begins
 * slowly. */
static void copy_frame(struct bpfe_frame *to, const struct bpfe_frame *from)
{
	for (unsigned r = 0; r < MAX_BPF_REG; r++) {
		if (from->regs[r].type == BPFE_REG_UNINIT)
			to->regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
		else
			to->regs[r] = from->regs[r];
	}
	memcpy(&to->callback, &from->callback, sizeof(*to) - offsetof(struct bpfe_frame, callback));
	if (to->stack)
		to->stack->refs++;
}

struct bpfe_state *bpfe_state_copy(struct bpfe_vf *vf, const struct bpfe_state *from)
{
	struct bpfe_state *to = bpfe_state_new(vf);

	if (!to)
		return NULL;
	to->n_held = from->n_held;
	memcpy(to->held, from->held, from->n_held * sizeof(to->held[0]));
	to->rounds = from->rounds;
	vf->work += from->depth * (BPFE_VF_STEP / 4);
	for (uint32_t i = 0; i < from->depth; i++) {
		struct bpfe_frame *frame = bpfe_vf_take(vf, &vf->spare_frames, sizeof(*frame));

		if (!frame) {
			bpfe_state_free(vf, to);
			return NULL;
		}
		copy_frame(frame, from->frames[i]);
		to->frames[to->depth++] = frame;
	}
	return to;
}

int bpfe_state_push(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t subprog,
		    uint32_t return_to)
{
	struct bpfe_frame *frame = bpfe_vf_take(vf, &vf->spare_frames, sizeof(*frame));

	if (!frame)
		return bpfe_vf_no_memory(vf);
	memset(frame, 0, sizeof(*frame));
	frame->subprog = subprog;
	frame->return_to = return_to;
	frame->regs[BPF_REG_10] = bpfe_reg_pointer(BPFE_REG_STACK);
	frame->regs[BPF_REG_10].frame = (uint8_t)state->depth;
	state->frames[state->depth++] = frame;
	return 0;
}

void bpfe_state_pop(struct bpfe_vf *vf, struct bpfe_state *state)
{
	struct bpfe_frame *frame = state->frames[--state->depth];

	stack_put(vf, frame->stack);
	bpfe_vf_give(vf, &vf->spare_frames, frame, sizeof(*frame));
	state->frames[state->depth] = NULL;
}

/* Apply @fn to the register spilled in slot @i. The stack is copied only if that changes it. */
static int visit_spill(struct bpfe_vf *vf, struct bpfe_frame *frame, uint32_t i, bpfe_reg_fn fn,
		       void *opaque)
{
	struct bpfe_reg reg = frame->stack->slots[i].spill;
	struct bpfe_stack *stack;
	struct bpfe_slot *slot;

	fn(&reg, opaque);
	if (!memcmp(&reg, &frame->stack->slots[i].spill, sizeof(reg)))
		return 0;
	stack = bpfe_stack_own(vf, frame, 0);
	if (!stack)
		return bpfe_vf_no_memory(vf);
	slot = &stack->slots[i];
	slot->spill = reg;
	if (reg.type != BPFE_REG_UNINIT)
		return 0;
	/* What is left in memory is an address: bytes nobody may read. */
	memset(slot->kind + slot->spill_first, BPFE_BYTE_UNINIT, slot->spill_size);
	slot->spill_size = 0;
	return 0;
}

int bpfe_state_each(struct bpfe_vf *vf, struct bpfe_state *state, bpfe_reg_fn fn, void *opaque)
{
	for (uint32_t f = 0; f < state->depth; f++) {
		struct bpfe_frame *frame = state->frames[f];

		vf->work += 1 + bpfe_slots_used(frame) / 2;
		for (unsigned r = 0; r < BPF_REG_10; r++)
			fn(&frame->regs[r], opaque);
		for (uint32_t i = 0; frame->stack && i < frame->stack->n; i++) {
			int err = 0;

			if (frame->stack->slots[i].spill_size)
				err = visit_spill(vf, frame, i, fn, opaque);
			if (err)
				return err;
		}
	}
	return 0;
}

static void drop_packet(struct bpfe_reg *reg, void *opaque)
{
	if (reg->type == BPFE_REG_PACKET || reg->type == BPFE_REG_PACKET_META ||
	    reg->type == BPFE_REG_PACKET_END ||
	    (reg->type == BPFE_REG_MEM && reg->kind == BPFE_OF_FRAME))
		*reg = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
}

int bpfe_state_drop_packet(struct bpfe_vf *vf, struct bpfe_state *state)
{
	return bpfe_state_each(vf, state, drop_packet, NULL);
}
