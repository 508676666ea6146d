// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Loads, stores and atomics: which memory a pointer gives, and what may be moved there.
 *
 * The stack remembers what was stored. Packets, map values (map_value.c) and other memory hold
 * numbers only: a pointer stored there would be an address the program's author can read. The
 * context has a file of its own.
 *
 * Imprecision: what a program stores in such memory is forgotten.
 */
#include "verifier/verifier.h"

int bpfe_check_reg(struct bpfe_vf *vf, unsigned regno)
{
	if (bpfe_top(vf->cur)->regs[regno].type != BPFE_REG_UNINIT)
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_REGISTER, -1,
			      "a register that was written on every path here, and not lost to a "
			      "call (r1-r5; packet pointers, if the call moves the packet)",
			      "R%u is read but holds nothing", regno);
}

int bpfe_check_scalar(struct bpfe_vf *vf, unsigned regno, const char *use)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int err = bpfe_check_reg(vf, regno);

	if (err || !bpfe_reg_is_pointer(reg))
		return err;
	return bpfe_vf_refuse(vf, BPFE_POINTER_LEAK, (int)regno, "a scalar",
			      "R%u is a pointer (%s), %s would reveal it", regno,
			      bpfe_reg_type_name(reg), use);
}

/* ---- Memory that holds numbers ------------------------------------------------------------- */

static int check_packet(struct bpfe_vf *vf, int regno, const struct bpfe_reg *reg, int64_t off,
			uint64_t size)
{
	const char *limit = reg->type == BPFE_REG_PACKET ? "data_end" : "data";
	int64_t constant = reg->off + off;
	int64_t end = constant + reg->val.x.smax + (int64_t)size;
	char accepted[96];

	if (constant + reg->val.x.smin < 0)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "an offset that cannot be negative",
				      "packet access at offset %lld may lie before %s",
				      (long long)(constant + reg->val.x.smin),
				      reg->type == BPFE_REG_PACKET ? "data" : "data_meta");
	/* Below data + val only a comparison tells that the bytes are in the frame. */
	if (!reg->bounded || constant + (int64_t)size > (int64_t)reg->range) {
		snprintf(accepted, sizeof(accepted), "comparing R%d%+lld with %s first", regno,
			 (long long)(off + (int64_t)size), limit);
		return bpfe_vf_refuse(
			vf, BPFE_BAD_MEMORY, regno, accepted,
			"packet access of %llu bytes at offset %lld, but only %u bytes "
			"from there are known to lie before %s",
			(unsigned long long)size, (long long)constant, reg->range, limit);
	}
	if (reg->type == BPFE_REG_PACKET && end > vf->image->max_packet_offset)
		vf->image->max_packet_offset = (uint32_t)end;
	return 0;
}

/* The object begins at its pointer's base: a map's key or memory of fixed size. */
static int check_memory(struct bpfe_vf *vf, int regno, const struct bpfe_reg *reg, int64_t off,
			uint64_t size, bool write)
{
	int64_t lo = reg->off + off + reg->val.x.smin;
	int64_t hi = reg->off + off + reg->val.x.smax + (int64_t)size;
	bool key = reg->type == BPFE_REG_MAP_KEY;
	uint32_t length = key ? bpfe_reg_map(vf, reg)->key_size : reg->size;

	if (write && (key || reg->rdonly))
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "loads only",
				      "this memory (%s) is read-only", bpfe_reg_type_name(reg));
	if (lo < 0 || hi > (int64_t)length)
		return bpfe_vf_refuse(
			vf, BPFE_BAD_MEMORY, regno, "an offset bounded to lie within it",
			"memory access of %llu bytes at offset %lld to %lld is "
			"outside the %u bytes there (%s)",
			(unsigned long long)size, (long long)lo, (long long)(hi - (int64_t)size),
			length, bpfe_reg_type_name(reg));
	return 0;
}

int bpfe_check_region(struct bpfe_vf *vf, int regno, int64_t off, uint64_t size, bool write)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	switch (reg->type) {
	case BPFE_REG_MAP_VALUE:
		return bpfe_check_map_value(vf, regno, off, size, write);
	case BPFE_REG_MAP_KEY:
	case BPFE_REG_MEM:
		return check_memory(vf, regno, reg, off, size, write);
	default:
		return check_packet(vf, regno, reg, off, size);
	}
}

/* ---- Kinds of memory ----------------------------------------------------------------------- */

static int refuse_base(struct bpfe_vf *vf, int regno, const struct bpfe_reg *reg)
{
	if (reg->nullable)
		return bpfe_vf_refuse(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first",
				      "R%d may be NULL", regno);
	if (reg->type == BPFE_REG_SCALAR)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "a pointer to stack, packet, map value or context",
				      "R%d is a scalar and addresses no memory", regno);
	return bpfe_vf_refuse(
		vf, BPFE_BAD_MEMORY, regno, "a pointer to stack, packet, map value or context",
		"R%d is a %s and cannot be dereferenced", regno, bpfe_reg_type_name(reg));
}

/* Note what kind of memory the instruction uses; the context is treated apart from all others. */
static int note_kind(struct bpfe_vf *vf, int regno, uint8_t kind)
{
	struct bpfe_insn_aux *aux = &vf->image->aux[vf->pc];

	if (aux->mem_kind == BPFE_MEM_NONE)
		aux->mem_kind = kind;
	if ((aux->mem_kind == BPFE_MEM_CTX) != (kind == BPFE_MEM_CTX))
		return bpfe_vf_refuse(vf, BPFE_BAD_CONTEXT, regno,
				      "separate instructions for the context and other memory",
				      "the same instruction accesses the context on one path and "
				      "other memory on another");
	/* Any memory, on one path this and on another that. */
	if (aux->mem_kind != kind)
		aux->mem_kind = BPFE_MEM_MIXED;
	return 0;
}

/* Records are their own; what a function is given and slices lie in memory of other kinds. */
static uint8_t kind_of_memory(const struct bpfe_reg *reg)
{
	return reg->kind == BPFE_OF_RECORD || reg->kind == BPFE_OF_PROGRAM ? BPFE_MEM_OTHER
									   : BPFE_MEM_MIXED;
}

static int check_kind(struct bpfe_vf *vf, int regno, const struct bpfe_reg *reg)
{
	int err = bpfe_check_reg(vf, (unsigned)regno);

	if (err)
		return err;
	if (reg->nullable)
		return refuse_base(vf, regno, reg);
	switch (reg->type) {
	case BPFE_REG_STACK:
		return note_kind(vf, regno, BPFE_MEM_STACK);
	case BPFE_REG_PACKET:
	case BPFE_REG_PACKET_META:
		return note_kind(vf, regno, BPFE_MEM_PACKET);
	case BPFE_REG_MAP_VALUE:
		return note_kind(vf, regno, BPFE_MEM_MAP_VALUE);
	case BPFE_REG_MAP_KEY:
		return note_kind(vf, regno, BPFE_MEM_OTHER);
	case BPFE_REG_MEM:
		return note_kind(vf, regno, kind_of_memory(reg));
	case BPFE_REG_CTX:
		return note_kind(vf, regno, BPFE_MEM_CTX);
	default:
		return refuse_base(vf, regno, reg);
	}
}

/* ---- Instructions -------------------------------------------------------------------------- */

static int load_region(struct bpfe_vf *vf, int regno, int off, unsigned size,
		       struct bpfe_reg *result)
{
	uint64_t value;
	int err = bpfe_check_region(vf, regno, off, size, false);

	if (err)
		return err;
	if (bpfe_map_value_known(vf, &bpfe_top(vf->cur)->regs[regno], off, size, &value))
		*result = bpfe_reg_scalar(bpfe_scalar_const(value));
	else
		*result = bpfe_reg_scalar(bpfe_scalar_loaded(size, false));
	return 0;
}

int bpfe_vf_load(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	const struct bpfe_reg *base = &regs[insn->src_reg];
	unsigned size = bpfe_insn_size(insn);
	bool sign = BPF_MODE(insn->code) == BPFE_MEMSX;
	struct bpfe_reg result;
	int err = check_kind(vf, insn->src_reg, base);

	if (err)
		return err;
	if (base->type == BPFE_REG_CTX) {
		err = bpfe_vf_load_ctx(vf, insn->src_reg, insn, base, &result);
	} else if (base->type == BPFE_REG_STACK) {
		err = bpfe_stack_load(vf, insn->src_reg, base, insn->off, size, &result);
	} else {
		err = load_region(vf, insn->src_reg, insn->off, size, &result);
	}
	if (err)
		return err;
	if (sign) {
		result.val = bpfe_scalar_sext(&result.val, 8 * size, true);
		result.id = 0;
	}
	regs[insn->dst_reg] = result;
	return 0;
}

int bpfe_vf_store(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	const struct bpfe_reg *base = &regs[insn->dst_reg];
	struct bpfe_reg *src = BPF_CLASS(insn->code) == BPF_STX ? &regs[insn->src_reg] : NULL;
	struct bpfe_reg value = bpfe_reg_scalar(bpfe_scalar_const((uint64_t)(int64_t)insn->imm));
	int err = check_kind(vf, insn->dst_reg, base);

	if (!err && src)
		err = bpfe_check_reg(vf, insn->src_reg);
	if (err)
		return err;
	if (base->type == BPFE_REG_CTX)
		return bpfe_vf_store_ctx(vf, insn->dst_reg, insn, base);
	if (base->type == BPFE_REG_STACK) {
		/* So that a bound found on the register later holds for the stored value too. */
		if (src && src->type == BPFE_REG_SCALAR && !src->id &&
		    !bpfe_scalar_is_const(&src->val))
			bpfe_reg_link(vf, src);
		return bpfe_stack_store(vf, insn->dst_reg, base, insn->off, bpfe_insn_size(insn),
					src ? src : &value);
	}
	if (src && bpfe_reg_is_pointer(src))
		return bpfe_check_scalar(vf, insn->src_reg, "storing it here");
	return bpfe_check_region(vf, insn->dst_reg, insn->off, bpfe_insn_size(insn), true);
}

/* ---- Atomics ------------------------------------------------------------------------------- */

/* Memory for atomics: the stack, which checks alignment itself, and what begins at 8 bytes. */
static int check_atomic_place(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
			      unsigned size)
{
	uint64_t low = (uint64_t)(base->off + off) | base->val.x.bits.value | base->val.x.bits.mask;

	if (base->type == BPFE_REG_STACK)
		return 0;
	if (base->type != BPFE_REG_MAP_VALUE &&
	    (base->type != BPFE_REG_MEM ||
	     (base->kind != BPFE_OF_RECORD && base->kind != BPFE_OF_PROGRAM)))
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "atomic operations on stack, map value or ring buffer record",
				      "atomic operation on %s", bpfe_reg_type_name(base));
	if (low & (size - 1))
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "an offset that is a multiple of the size",
				      "misaligned atomic operation of %u bytes at offset %d", size,
				      base->off + off);
	return 0;
}

/* *@old: what was there. What is there now is forgotten. */
static int atomic_stack(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
			unsigned size, struct bpfe_reg *old)
{
	struct bpfe_reg value = bpfe_reg_scalar(bpfe_scalar_loaded(size, false));
	int err = bpfe_stack_load(vf, regno, base, off, size, old);

	if (err)
		return err;
	if (bpfe_reg_is_pointer(old))
		return bpfe_vf_refuse(vf, BPFE_POINTER_LEAK, regno, "a scalar there",
				      "atomic operation on a spilled pointer (%s)",
				      bpfe_reg_type_name(old));
	return bpfe_stack_store(vf, regno, base, off, size, &value);
}

static int atomic_memory(struct bpfe_vf *vf, const struct bpf_insn *insn,
			 const struct bpfe_reg *base, unsigned size, struct bpfe_reg *old)
{
	int err = check_atomic_place(vf, insn->dst_reg, base, insn->off, size);

	if (!err && base->type == BPFE_REG_STACK)
		return atomic_stack(vf, insn->dst_reg, base, insn->off, size, old);
	*old = bpfe_reg_scalar(bpfe_scalar_loaded(size, false));
	if (!err)
		err = bpfe_check_region(vf, insn->dst_reg, insn->off, size, false);
	return err ? err : bpfe_check_region(vf, insn->dst_reg, insn->off, size, true);
}

/* A plain load or store but for where it may go. */
int bpfe_vf_ordered(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	bool load = insn->imm == BPFE_LOAD_ACQ;
	int regno = load ? insn->src_reg : insn->dst_reg;
	const struct bpfe_reg *base = &bpfe_top(vf->cur)->regs[regno];
	int err = check_kind(vf, regno, base);

	if (!err)
		err = check_atomic_place(vf, regno, base, insn->off, bpfe_insn_size(insn));
	if (err)
		return err;
	return load ? bpfe_vf_load(vf, insn) : bpfe_vf_store(vf, insn);
}

int bpfe_vf_atomic(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	struct bpfe_reg old;
	int err = check_kind(vf, insn->dst_reg, &regs[insn->dst_reg]);

	if (!err)
		err = bpfe_check_scalar(vf, insn->src_reg, "an atomic operation on it");
	if (!err && insn->imm == BPF_CMPXCHG)
		err = bpfe_check_scalar(vf, BPF_REG_0, "comparing it with memory");
	if (!err)
		err = atomic_memory(vf, insn, &regs[insn->dst_reg], bpfe_insn_size(insn), &old);
	if (err)
		return err;
	if (insn->imm == BPF_CMPXCHG)
		regs[BPF_REG_0] = old;
	else if (insn->imm & BPF_FETCH)
		regs[insn->src_reg] = old;
	return 0;
}
