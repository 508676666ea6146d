// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Arguments that are memory, and the sizes and constants that go with them.
 *
 * What a helper reads must be data that the program may see: every byte written, none of it part of
 * an address. What it fills need not have been written, and is data of unknown value afterwards; of
 * a size known by its bounds only, as many bytes as it is sure to fill count as written.
 */
#include "verifier/call.h"

#define MAX_HELPER_SIZE (1u << 29)
#define MAX_ALLOC_SIZE  (1u << 30)

static int check_stack(struct bpfe_vf *vf, int regno, uint64_t sure, uint64_t size,
		       enum bpfe_use use, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int64_t lo = reg->off + reg->val.x.smin;
	int64_t hi = reg->off + reg->val.x.smax + (int64_t)size;
	struct bpfe_fill *fill = &call->fill[regno - 1];
	int err = bpfe_stack_bounds(vf, regno, reg->frame, lo, hi);

	if (!err && (use == BPFE_USE_READ || use == BPFE_USE_BOTH))
		err = bpfe_stack_readable(vf, regno, reg->frame, lo, hi);
	if (err || use == BPFE_USE_READ || use == BPFE_USE_NONE)
		return err;
	fill->pending = true;
	fill->frame = reg->frame;
	fill->lo = lo;
	fill->sure = bpfe_scalar_is_const(&reg->val) ? lo + (int64_t)sure : lo;
	fill->hi = hi;
	return bpfe_stack_no_objects(vf, regno, reg->frame, lo, hi);
}

static int check_region(struct bpfe_vf *vf, int regno, uint64_t size, enum bpfe_use use)
{
	int err = 0;

	if (use != BPFE_USE_FILL)
		err = bpfe_check_region(vf, regno, 0, size, false);
	if (!err && (use == BPFE_USE_FILL || use == BPFE_USE_BOTH))
		err = bpfe_check_region(vf, regno, 0, size, true);
	return err;
}

int bpfe_check_memory(struct bpfe_vf *vf, int regno, uint64_t sure, uint64_t size,
		      enum bpfe_use use, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	if (reg->nullable)
		return bpfe_refuse_arg(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first", call);
	/* The helper keeps the memory's address: it must outlive the function, and be writable. */
	if (call->helper->dynptr_kind == BPFE_DYNPTR_LOCAL && reg->type != BPFE_REG_MAP_VALUE)
		return bpfe_refuse_arg(vf, BPFE_BAD_MEMORY, regno, "memory of a map value", call);
	switch (reg->type) {
	case BPFE_REG_STACK:
		return check_stack(vf, regno, sure, size, use, call);
	case BPFE_REG_PACKET:
	case BPFE_REG_PACKET_META:
	case BPFE_REG_MAP_VALUE:
	case BPFE_REG_MAP_KEY:
	case BPFE_REG_MEM:
		return check_region(vf, regno, size, use);
	default:
		return bpfe_refuse_arg(vf, BPFE_BAD_MEMORY, regno,
				       "a pointer to stack, packet, map value or other memory",
				       call);
	}
}

/* A number that the helper fills in the stack is one that a load could read. */
static int check_number_aligned(struct bpfe_vf *vf, int regno, uint16_t size)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	uint64_t low = (uint64_t)(int64_t)reg->off | reg->val.x.bits.value | reg->val.x.bits.mask;

	if (reg->type != BPFE_REG_STACK || (size != 4 && size != 8) || !(low & (size - 1u)))
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_STACK, regno,
			      "an offset that is a multiple of the number's size",
			      "misaligned stack access of %u bytes at r10%+lld", size,
			      (long long)(reg->off + reg->val.x.smin));
}

/* Memory whose size the table gives. */
int bpfe_check_memory_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	uint16_t size = call->helper->arg_size[regno - 1];
	int err = check_number_aligned(vf, regno, size);

	if (err)
		return err;
	switch (bpfe_arg_kind(call->helper->args[regno - 1])) {
	case BPFE_ARG_FIXED_RDONLY:
		return bpfe_check_memory(vf, regno, size, size, BPFE_USE_READ, call);
	case BPFE_ARG_FIXED_OUT:
		return bpfe_check_memory(vf, regno, size, size, BPFE_USE_FILL, call);
	default:
		return bpfe_check_memory(vf, regno, size, size, BPFE_USE_BOTH, call);
	}
}

static bool is_null(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_SCALAR && bpfe_scalar_is_const(&reg->val) && !reg->val.x.umin;
}

static enum bpfe_use use_of(uint8_t memory)
{
	switch (bpfe_arg_kind(memory)) {
	case BPFE_ARG_MEM_UNINIT:
		return BPFE_USE_FILL;
	case BPFE_ARG_MEM_INOUT:
		return BPFE_USE_BOTH;
	default:
		return BPFE_USE_READ;
	}
}

int bpfe_check_size_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	const struct bpfe_word *size = &bpfe_top(vf->cur)->regs[regno].val.x;
	bool null = is_null(&bpfe_top(vf->cur)->regs[regno - 1]);
	uint8_t memory = call->helper->args[regno - 2];
	int err = bpfe_check_scalar(vf, (unsigned)regno, "using it as a size");

	if (err)
		return err;
	if (size->umax > MAX_HELPER_SIZE)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "a size bounded before the call",
				      "size in argument %d of %s may be negative or large", regno,
				      call->helper->name);
	if (bpfe_arg_kind(call->helper->args[regno - 1]) == BPFE_ARG_SIZE && !size->umin)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "a size of at least 1",
				      "size in argument %d of %s may be zero", regno,
				      call->helper->name);
	if ((memory & BPFE_ARG_NULLABLE) && null) {
		if (!size->umax)
			return 0;
		return bpfe_vf_refuse(vf, BPFE_BAD_NULL, regno,
				      "size 0 with a pointer that is 0, or memory",
				      "size in argument %d of %s may not be zero, and argument %d "
				      "is 0",
				      regno, call->helper->name, regno - 1);
	}
	return bpfe_check_memory(vf, regno - 1, size->umin, size->umax, use_of(memory), call);
}

/* ---- Constants ----------------------------------------------------------------------------- */

/* Behind a memory argument the constant is also the size of that, which the helper leaves alone. */
static int note_alloc(struct bpfe_vf *vf, int regno, uint64_t size, struct bpfe_call *call)
{
	uint8_t before = regno > 1 ? call->helper->args[regno - 2] : (uint8_t)BPFE_ARG_NONE;
	uint8_t kind = bpfe_arg_kind(before);

	if (size > MAX_ALLOC_SIZE)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "at most 2^30 bytes",
				      "size %llu in argument %d of %s is too large",
				      (unsigned long long)size, regno, call->helper->name);
	call->sized = true;
	call->size = (uint32_t)size;
	if (kind != BPFE_ARG_MEM_RDONLY && kind != BPFE_ARG_MEM_UNINIT)
		return 0;
	if ((before & BPFE_ARG_NULLABLE) && is_null(&bpfe_top(vf->cur)->regs[regno - 1]))
		return 0;
	return bpfe_check_memory(vf, regno - 1, size, size, BPFE_USE_NONE, call);
}

int bpfe_check_constant_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int err = bpfe_check_scalar(vf, (unsigned)regno, "passing it to a helper");

	if (err)
		return err;
	if (!bpfe_scalar_is_const(&reg->val))
		return bpfe_vf_refuse(vf, BPFE_BAD_REGISTER, regno,
				      "a number that is known when the program is verified",
				      "argument %d of %s is not constant", regno,
				      call->helper->name);
	if (bpfe_arg_kind(call->helper->args[regno - 1]) == BPFE_ARG_CONST_ALLOC)
		return note_alloc(vf, regno, reg->val.x.umin, call);
	return 0;
}

int bpfe_check_string_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	const uint8_t *bytes = bpfe_map_constant(vf, reg);
	int64_t off = reg->off + reg->val.x.smin;

	if (reg->nullable)
		return bpfe_refuse_arg(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first", call);
	if (reg->type != BPFE_REG_MAP_VALUE)
		return bpfe_refuse_arg(vf, BPFE_BAD_MEMORY, regno,
				       "a string in the value of a frozen read-only array", call);
	if (!bytes || !bpfe_scalar_is_const(&reg->val))
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "a string at a constant offset in the value of a frozen "
				      "read-only array with one entry",
				      "argument %d of %s is not a constant string", regno,
				      call->helper->name);
	if (off >= 0 && off < (int64_t)bpfe_reg_map(vf, reg)->value_size &&
	    memchr(bytes + off, 0, bpfe_reg_map(vf, reg)->value_size - (size_t)off))
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "a string that ends within the value",
			      "string in argument %d of %s has no end", regno, call->helper->name);
}
