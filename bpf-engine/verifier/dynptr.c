// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Dynptrs and iterators, as objects in the stack.
 *
 * Such an object fills one or two slots, each marked as if part of it were spilled there. Its bytes
 * are the device's (they hold addresses): no program reads them, and a helper neither. A store over
 * any of them ends a dynptr, with all slices got from it; one that must be released cannot be
 * written over, and neither can anything whose place is not exactly known.
 *
 * A slice is memory of constant size that may be NULL. It dies with its dynptr, and a slice of the
 * frame when the packet moves. It never lies in the buffer that the program offers beside it: the
 * frame is one piece, so that none is needed, and a slice of the stack would be read past all that
 * is known of the stack.
 */
#include "verifier/call.h"

#define DYNPTR_SLOTS 2u
_Static_assert(sizeof(struct bpf_dynptr) == 8 * DYNPTR_SLOTS, "a dynptr fills its slots");

static const struct bpfe_slot *slot_of(const struct bpfe_frame *frame, uint32_t i)
{
	return frame->stack && i < frame->stack->n ? &frame->stack->slots[i] : NULL;
}

/* The object in slot @i, or NULL. */
static const struct bpfe_reg *object_in(const struct bpfe_frame *frame, uint32_t i)
{
	const struct bpfe_slot *slot = slot_of(frame, i);

	return slot && slot->spill_size && bpfe_reg_is_object(&slot->spill) ? &slot->spill : NULL;
}

const char *bpfe_object_name(const struct bpfe_reg *object)
{
	return object->type == BPFE_REG_ITER ? "an iterator" : "a dynptr";
}

/* ---- Writes over objects ------------------------------------------------------------------- */

static const struct bpfe_reg *first_object(const struct bpfe_frame *frame, int64_t lo, int64_t hi,
					   int *at)
{
	for (int64_t off = lo; off < hi; off++) {
		const struct bpfe_reg *object = object_in(frame, (uint32_t)(-off - 1) / 8);

		*at = (int)off;
		if (object)
			return object;
	}
	return NULL;
}

int bpfe_stack_no_objects(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi)
{
	int at;
	const struct bpfe_reg *object = first_object(vf->cur->frames[frame], lo, hi, &at);

	if (!object)
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno, "other bytes of the stack",
			      "stack byte at r10%d is part of %s and may be overwritten", at,
			      bpfe_object_name(object));
}

int bpfe_stack_end_objects(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi)
{
	const struct bpfe_reg *object;
	int at, err = 0;

	while (!err && (object = first_object(vf->cur->frames[frame], lo, hi, &at))) {
		if (object->ref)
			return bpfe_vf_refuse(
				vf, BPFE_BAD_REFERENCE, regno, "a store after it was released",
				"store to r10%d overwrites part of %s that must be released first",
				at, bpfe_object_name(object));
		err = bpfe_state_forget(vf, vf->cur, object->id);
	}
	return err;
}

int bpfe_stack_put_object(struct bpfe_vf *vf, uint32_t frame, int64_t off,
			  const struct bpfe_reg *object, uint32_t slots)
{
	uint32_t last = (uint32_t)(-off - 1) / 8; /* lowest address */
	struct bpfe_stack *stack = bpfe_stack_own(vf, vf->cur->frames[frame], last + 1);

	if (!stack)
		return bpfe_vf_no_memory(vf);
	for (uint32_t i = 0; i < slots; i++) {
		struct bpfe_slot *slot = &stack->slots[last - i];

		memset(slot->kind, BPFE_BYTE_SPILL, sizeof(slot->kind));
		slot->spill_first = 0;
		slot->spill_size = 8;
		slot->spill = *object;
		slot->spill.part = (uint8_t)(BPFE_PART_FIRST + i);
	}
	return 0;
}

const struct bpfe_reg *bpfe_stack_object(const struct bpfe_vf *vf, const struct bpfe_reg *reg,
					 enum bpfe_reg_type type)
{
	int64_t off = reg->off + reg->val.x.smin;
	const struct bpfe_reg *object;

	if (reg->type != BPFE_REG_STACK || !bpfe_scalar_is_const(&reg->val) || off % 8 ||
	    off >= 0 || off < -(int64_t)BPFE_STACK_SIZE)
		return NULL;
	object = object_in(vf->cur->frames[reg->frame], (uint32_t)(-off - 1) / 8);
	return object && object->type == type && object->part == BPFE_PART_FIRST ? object : NULL;
}

/* ---- Arguments ----------------------------------------------------------------------------- */

int bpfe_check_object_place(struct bpfe_vf *vf, int regno, uint32_t slots)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int64_t off = reg->off + reg->val.x.smin;
	int err;

	if (reg->type != BPFE_REG_STACK)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno, "a pointer to the stack",
				      "R%d is a %s, and a dynptr or iterator lives on the stack",
				      regno, bpfe_reg_type_name(reg));
	if (!bpfe_scalar_is_const(&reg->val) || off % 8)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
				      "a constant offset that is a multiple of 8",
				      "R%d is no place for a dynptr or iterator", regno);
	err = bpfe_stack_bounds(vf, regno, reg->frame, off, off + 8 * (int64_t)slots);
	return err ? err
		   : bpfe_stack_end_objects(vf, regno, reg->frame, off, off + 8 * (int64_t)slots);
}

static int refuse_dynptr(struct bpfe_vf *vf, int regno, const struct bpfe_call *call)
{
	return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
			      "a pointer to the start of a dynptr that was made and not released",
			      "argument %d of %s is no initialised dynptr", regno,
			      call->helper->name);
}

int bpfe_check_dynptr_arg(struct bpfe_vf *vf, int regno, uint8_t arg, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	const struct bpfe_reg *dynptr;

	if (arg == BPFE_ARG_DYNPTR_OUT) {
		call->dynptr_out = regno;
		return bpfe_check_object_place(vf, regno, DYNPTR_SLOTS);
	}
	/* A global function's argument points to a dynptr of its caller's, of any kind. */
	dynptr = reg->type == BPFE_REG_DYNPTR_PTR && !reg->nullable
			 ? reg
			 : bpfe_stack_object(vf, reg, BPFE_REG_DYNPTR);
	if (!dynptr)
		return refuse_dynptr(vf, regno, call);
	call->dynptr = *dynptr;
	if (arg != BPFE_ARG_DYNPTR_RECORD)
		return 0;
	if (reg->type != BPFE_REG_STACK || dynptr->kind != BPFE_DYNPTR_RINGBUF || !dynptr->ref)
		return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, regno,
				      "what bpf_ringbuf_reserve_dynptr() made, on the stack",
				      "argument %d of %s is no ring buffer dynptr", regno,
				      call->helper->name);
	call->release = dynptr->ref;
	return 0;
}

/* ---- What a call makes --------------------------------------------------------------------- */

int bpfe_vf_make_dynptr(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	const struct bpfe_reg place = bpfe_top(vf->cur)->regs[call->dynptr_out];
	struct bpfe_reg dynptr = bpfe_reg_pointer(BPFE_REG_DYNPTR);
	int err = 0;

	dynptr.kind = call->helper->dynptr_kind;
	dynptr.id = ++vf->ids;
	if (dynptr.kind == BPFE_DYNPTR_NONE) { /* a copy of the argument */
		dynptr.kind = call->dynptr.kind;
		dynptr.ref = call->dynptr.ref;
	} else if (dynptr.kind == BPFE_DYNPTR_RINGBUF) {
		dynptr.ref = ++vf->ids;
		err = bpfe_held_add(vf, BPFE_HELD_REF, dynptr.ref, 0);
	}
	if (err)
		return err;
	return bpfe_stack_put_object(vf, place.frame, place.off + place.val.x.smin, &dynptr,
				     DYNPTR_SLOTS);
}

struct bpfe_reg bpfe_vf_slice(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	const struct bpfe_reg *dynptr = &call->dynptr;
	struct bpfe_reg slice = bpfe_reg_pointer(BPFE_REG_MEM);
	bool local = dynptr->kind == BPFE_DYNPTR_LOCAL || dynptr->kind == BPFE_DYNPTR_RINGBUF;

	slice.nullable = true;
	slice.id = ++vf->ids;
	slice.size = call->size;
	slice.rdonly = call->helper->ret_rdonly;
	slice.kind = local ? BPFE_OF_DYNPTR : BPFE_OF_FRAME;
	slice.ref = dynptr->ref ? dynptr->ref : dynptr->id;
	return slice;
}
