// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The stack, byte by byte: unwritten, data, data of known value, or part of a spilled register.
 *
 * A register stored whole (8 aligned bytes) comes back whole; a narrower scalar comes back as its
 * zero extension. A spilled pointer can only be loaded whole or overwritten whole: its bytes are an
 * address, and half an address is a leak. Unwritten bytes are not readable by anybody, helpers
 * included, although the interpreter zeroes them.
 *
 * Imprecision: one spill is followed per 8-byte slot, a second narrow one turns the first into
 * plain data; a store at a variable offset leaves plain data wherever it may have gone.
 */
#include "verifier/verifier.h"

#define BYTES_PER_WORK 8 /* looked at in a sixteenth of an instruction's time */

static uint32_t slot_index(int off)
{
	return (uint32_t)(-off - 1) / 8;
}

static unsigned byte_index(int off)
{
	return (unsigned)(off + 512) % 8;
}

static const struct bpfe_slot *slot_at(const struct bpfe_frame *frame, int off)
{
	uint32_t i = slot_index(off);

	return frame->stack && i < frame->stack->n ? &frame->stack->slots[i] : NULL;
}

static bool holds_pointer(const struct bpfe_slot *slot)
{
	return slot->spill_size && bpfe_reg_is_pointer(&slot->spill);
}

int bpfe_stack_bounds(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi)
{
	struct bpfe_subprog *subprog;
	uint32_t depth;

	if (lo < -(int64_t)BPFE_STACK_SIZE || hi > 0)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
				      "the 512 bytes below r10, r10 - 512 to r10 - 1",
				      "stack access from r10%+lld to r10%+lld is outside the frame",
				      (long long)lo, (long long)hi - 1);
	subprog = &vf->image->subprogs[vf->cur->frames[frame]->subprog];
	depth = (uint32_t)(-lo + 7) / 8 * 8;
	if (depth > subprog->stack_bytes)
		subprog->stack_bytes = depth;
	return 0;
}

/* Why byte @off cannot be read as data, refused; 0 if it can. */
static int check_byte(struct bpfe_vf *vf, int regno, const struct bpfe_frame *frame, int off)
{
	const struct bpfe_slot *slot = slot_at(frame, off);
	uint8_t kind = slot ? slot->kind[byte_index(off)] : (uint8_t)BPFE_BYTE_UNINIT;

	if (kind == BPFE_BYTE_UNINIT)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno, "bytes that were written before",
				      "stack byte at r10%d is read but was never written", off);
	if (kind == BPFE_BYTE_SPILL && bpfe_reg_is_object(&slot->spill))
		return bpfe_vf_refuse(
			vf, BPFE_POINTER_LEAK, regno, "the helpers and kfuncs that take it",
			"stack byte at r10%d is part of %s", off, bpfe_object_name(&slot->spill));
	if (kind == BPFE_BYTE_SPILL && bpfe_reg_is_pointer(&slot->spill))
		return bpfe_vf_refuse(vf, BPFE_POINTER_LEAK, regno,
				      "an aligned 8-byte load, which gives the pointer back",
				      "stack byte at r10%d is part of a spilled pointer (%s)", off,
				      bpfe_reg_type_name(&slot->spill));
	return 0;
}

int bpfe_stack_readable(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi)
{
	int err = bpfe_stack_bounds(vf, regno, frame, lo, hi);

	vf->work += err ? 0 : (uint64_t)(hi - lo) / BYTES_PER_WORK;
	for (int64_t off = lo; !err && off < hi; off++)
		err = check_byte(vf, regno, vf->cur->frames[frame], (int)off);
	return err;
}

/* The spill of @slot is no longer whole: what remains of it is plain data. */
static void break_spill(struct bpfe_slot *slot)
{
	for (unsigned b = 0; b < 8; b++) {
		if (slot->kind[b] == BPFE_BYTE_SPILL)
			slot->kind[b] = BPFE_BYTE_MISC;
	}
	slot->spill_size = 0;
	slot->spill = (struct bpfe_reg){0};
}

static int refuse_corruption(struct bpfe_vf *vf, int regno, const struct bpfe_slot *slot, int off)
{
	return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno, "a store over all 8 bytes of it",
			      "store to r10%d overwrites part of a spilled pointer (%s)", off,
			      bpfe_reg_type_name(&slot->spill));
}

/* Make [off, off + size), within one slot, ready to be overwritten. */
static int open_slot(struct bpfe_vf *vf, int regno, struct bpfe_slot *slot, int off, unsigned size)
{
	unsigned first = byte_index(off);

	if (size < 8 && holds_pointer(slot))
		return refuse_corruption(vf, regno, slot, off);
	if (slot->spill_size && first < slot->spill_first + slot->spill_size &&
	    slot->spill_first < first + size)
		break_spill(slot);
	return 0;
}

static void store_known(struct bpfe_slot *slot, unsigned first, unsigned size, uint64_t value)
{
	for (unsigned b = 0; b < size; b++) {
		slot->kind[first + b] = BPFE_BYTE_KNOWN;
		slot->known[first + b] = (uint8_t)(value >> (8 * b));
	}
}

static void store_spill(struct bpfe_slot *slot, unsigned first, unsigned size,
			const struct bpfe_reg *value)
{
	if (slot->spill_size)
		break_spill(slot);
	memset(slot->kind + first, BPFE_BYTE_SPILL, size);
	slot->spill_first = (uint8_t)first;
	slot->spill_size = (uint8_t)size;
	slot->spill = *value;
	if (size == 8)
		return;
	if (value->val.x.umax > bpfe_width_mask(8 * size))
		slot->spill.id = 0;
	slot->spill.val = bpfe_scalar_zext(&value->val, 8 * size);
}

static int check_spilled_pointer(struct bpfe_vf *vf, const struct bpfe_reg *base, unsigned size,
				 const struct bpfe_reg *value)
{
	if (size != 8)
		return bpfe_vf_refuse(vf, BPFE_POINTER_LEAK, vf->image->insns[vf->pc].src_reg,
				      "an aligned 8-byte store, or a scalar",
				      "store of %u bytes of a pointer (%s) to the stack", size,
				      bpfe_reg_type_name(value));
	if (value->type == BPFE_REG_STACK && base->frame != vf->cur->depth - 1)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, vf->image->insns[vf->pc].src_reg,
				      "storing it in the function's own frame",
				      "stack pointer stored in a caller's frame would outlive its "
				      "function");
	/* The key of an array's element is the helper's own variable. */
	if (value->type == BPFE_REG_MAP_KEY && base->frame != vf->cur->depth - 1)
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, vf->image->insns[vf->pc].src_reg,
				      "storing it in the function's own frame, or the key itself",
				      "pointer to a key stored in a caller's frame would outlive "
				      "its callback");
	return 0;
}

static int store_at(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
		    unsigned size, const struct bpfe_reg *value)
{
	struct bpfe_stack *stack;
	struct bpfe_slot *slot;
	unsigned first = byte_index(off);
	int err;

	stack = bpfe_stack_own(vf, vf->cur->frames[base->frame], slot_index(off) + 1);
	if (!stack)
		return bpfe_vf_no_memory(vf);
	slot = &stack->slots[slot_index(off)];
	err = open_slot(vf, regno, slot, off, size);
	if (err)
		return err;
	if (value->type == BPFE_REG_SCALAR && bpfe_scalar_is_const(&value->val))
		store_known(slot, first, size, value->val.x.umin);
	else
		store_spill(slot, first, size, value);
	return 0;
}

static int check_aligned(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int64_t off,
			 unsigned size)
{
	uint64_t low = (uint64_t)off | base->val.x.bits.value | base->val.x.bits.mask;

	if (low & (size - 1))
		return bpfe_vf_refuse(
			vf, BPFE_BAD_STACK, regno, "stack accesses at multiples of their size",
			"misaligned stack access of %u bytes at r10%+lld", size, (long long)off);
	return 0;
}

/* Bounds of an access through @base; *lo..*hi is what it may touch. */
static int locate(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
		  unsigned size, int64_t *lo, int64_t *hi)
{
	int64_t constant = (int64_t)base->off + off;
	int err;

	*lo = constant + base->val.x.smin;
	*hi = constant + base->val.x.smax + size;
	err = bpfe_stack_bounds(vf, regno, base->frame, *lo, *hi);
	if (err)
		return err;
	return check_aligned(vf, regno, base, constant, size);
}

int bpfe_stack_store(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
		     unsigned size, const struct bpfe_reg *value)
{
	int64_t lo, hi;
	int err = locate(vf, regno, base, off, size, &lo, &hi);

	if (!err && bpfe_reg_is_pointer(value))
		err = check_spilled_pointer(vf, base, size, value);
	if (!err && lo + size == hi)
		err = bpfe_stack_end_objects(vf, regno, base->frame, lo, hi);
	else if (!err)
		err = bpfe_stack_no_objects(vf, regno, base->frame, lo, hi);
	if (err)
		return err;
	if (lo + size == hi)
		return store_at(vf, regno, base, (int)lo, size, value);
	if (bpfe_reg_is_pointer(value))
		return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno, "a store at a constant offset",
				      "pointer (%s) stored at a variable stack offset",
				      bpfe_reg_type_name(value));
	return bpfe_stack_clobber(vf, regno, base->frame, lo, lo, hi);
}

static void load_spill(const struct bpfe_slot *slot, unsigned size, struct bpfe_reg *result)
{
	*result = slot->spill;
	if (size == slot->spill_size)
		return;
	if (slot->spill.val.x.umax > bpfe_width_mask(8 * size))
		result->id = 0;
	result->val = bpfe_scalar_zext(&slot->spill.val, 8 * size);
}

static int load_at(struct bpfe_vf *vf, int regno, const struct bpfe_frame *frame, int off,
		   unsigned size, struct bpfe_reg *result)
{
	const struct bpfe_slot *slot = slot_at(frame, off);
	uint64_t value;

	if (slot && slot->spill_size && slot->spill_first == byte_index(off) &&
	    !bpfe_reg_is_object(&slot->spill) &&
	    (slot->spill_size == size ||
	     (slot->spill_size > size && slot->spill.type == BPFE_REG_SCALAR))) {
		load_spill(slot, size, result);
		return 0;
	}
	for (unsigned b = 0; b < size; b++) {
		int err = check_byte(vf, regno, frame, off + (int)b);

		if (err)
			return err;
	}
	if (bpfe_stack_known(frame, off, size, &value))
		*result = bpfe_reg_scalar(bpfe_scalar_const(value));
	else
		*result = bpfe_reg_scalar(bpfe_scalar_loaded(size, false));
	return 0;
}

int bpfe_stack_load(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
		    unsigned size, struct bpfe_reg *result)
{
	int64_t lo, hi;
	int err = locate(vf, regno, base, off, size, &lo, &hi);

	if (err)
		return err;
	if (lo + size == hi)
		return load_at(vf, regno, vf->cur->frames[base->frame], (int)lo, size, result);
	*result = bpfe_reg_scalar(bpfe_scalar_loaded(size, false));
	return bpfe_stack_readable(vf, regno, base->frame, lo, hi);
}

int bpfe_stack_clobber(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t sure,
		       int64_t hi)
{
	struct bpfe_stack *stack;

	if (lo >= hi)
		return 0;
	stack = bpfe_stack_own(vf, vf->cur->frames[frame], slot_index((int)lo) + 1);
	if (!stack)
		return bpfe_vf_no_memory(vf);
	vf->work += (uint64_t)(hi - lo) / BYTES_PER_WORK;
	for (int off = (int)lo; off < hi; off++) {
		struct bpfe_slot *slot = &stack->slots[slot_index(off)];
		int begin = -8 * (int)(slot_index(off) + 1);

		if (holds_pointer(slot) && (begin < lo || begin + 8 > sure))
			return refuse_corruption(vf, regno, slot, off);
		if (slot->spill_size)
			break_spill(slot);
		if (off < sure || slot->kind[byte_index(off)] != BPFE_BYTE_UNINIT)
			slot->kind[byte_index(off)] = BPFE_BYTE_MISC;
	}
	return 0;
}

bool bpfe_stack_known(const struct bpfe_frame *frame, int off, unsigned size, uint64_t *value)
{
	*value = 0;
	for (unsigned b = 0; b < size; b++) {
		const struct bpfe_slot *slot = slot_at(frame, off + (int)b);
		unsigned byte = byte_index(off + (int)b);

		if (!slot || slot->kind[byte] != BPFE_BYTE_KNOWN)
			return false;
		*value |= (uint64_t)slot->known[byte] << (8 * b);
	}
	return true;
}
