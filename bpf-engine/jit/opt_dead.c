/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What nobody reads: operations, and bits. Each block is gone through backward with the bits of
 * each register that are still wanted, all of them of those that are live behind it. An operation
 * of whose result nothing is wanted goes; masks, extensions and the like that only change bits that
 * are not wanted become moves, or go.
 */
#include "jit/flow.h"
#include "jit/jit.h"

#define REGS (LIR_FP + 1)
#define ALL  UINT64_MAX

struct wanted {
	uint64_t of[REGS];
};

static uint64_t low_bits(uint64_t bytes)
{
	static const uint64_t low[8] = {0,          0xff,         0xffff,         0xffffff,
					UINT32_MAX, 0xffffffffff, 0xffffffffffff, ALL >> 8};

	return bytes >= 8 ? ALL : low[bytes];
}

/* All bits up to the highest in @bits: what carries may come from. */
static uint64_t filled(uint64_t bits)
{
	return bits ? ALL >> __builtin_clzll(bits) : 0;
}

static void want(struct wanted *w, uint8_t reg, uint64_t bits)
{
	if (reg < REGS)
		w->of[reg] |= bits;
}

/* ---- Operands: what of them @bits of the result take ----------------------------------------- */

typedef void want_fn(struct wanted *w, const struct lir_op *op, uint64_t bits);

static void want_mov(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	want(w, op->b, bits & low_bits(op->size));
}

static void want_carried(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	bits = filled(bits & low_bits(op->size));
	want(w, op->a, bits);
	want(w, op->b, bits);
}

static void want_bits(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	bits &= low_bits(op->size);
	want(w, op->b, bits);
	if (op->b == LIR_IMM && op->code == LIR_AND)
		bits &= (uint64_t)op->imm;
	else if (op->b == LIR_IMM && op->code == LIR_OR)
		bits &= ~(uint64_t)op->imm;
	want(w, op->a, bits);
}

static void want_shifted(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	unsigned size = 8u * op->size, n = (unsigned)op->imm & (size - 1);
	uint64_t low = low_bits(op->size);

	if (op->b != LIR_IMM) {
		want(w, op->a, low);
		want(w, op->b, 0xff);
		return;
	}
	bits &= low;
	if (op->code == LIR_SHL)
		want(w, op->a, bits >> n);
	else if (op->code == LIR_ROL)
		want(w, op->a, n ? (bits >> n | bits << (size - n)) & low : bits);
	else
		want(w, op->a, bits << n & low);
	if (op->code == LIR_SAR && (bits & ~(low >> n)))
		want(w, op->a, low ^ low >> 1);
}

static void want_swapped(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	want(w, op->a, __builtin_bswap64(bits) >> (64 - 8 * op->imm));
}

static void want_extended(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	uint64_t from = low_bits((uint64_t)op->imm);

	want(w, op->a, bits & from);
	if (op->code == LIR_SEXT && (bits & ~from))
		want(w, op->a, from ^ from >> 1);
}

static void want_address(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	bits = filled(bits & low_bits(op->size));
	want(w, op->base, bits);
	if (op->scale)
		want(w, op->index, bits);
}

static void want_either(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	want(w, op->dst, bits & low_bits(op->size));
	want(w, op->index, bits & low_bits(op->size));
	want(w, op->a, low_bits(op->size));
	want(w, op->b, low_bits(op->size));
}

/* Comparisons and stores take no more than their size. */
static void want_size(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	want(w, op->a, low_bits(op->size));
	want(w, op->b, low_bits(op->size));
}

static want_fn *const wants[LIR_CODES] = {
	[LIR_MOV] = want_mov,       [LIR_ADD] = want_carried,   [LIR_SUB] = want_carried,
	[LIR_MUL] = want_carried,   [LIR_AND] = want_bits,      [LIR_OR] = want_bits,
	[LIR_XOR] = want_bits,      [LIR_SHL] = want_shifted,   [LIR_SHR] = want_shifted,
	[LIR_SAR] = want_shifted,   [LIR_ROL] = want_shifted,   [LIR_BSWAP] = want_swapped,
	[LIR_ZEXT] = want_extended, [LIR_SEXT] = want_extended, [LIR_LEA] = want_address,
	[LIR_SELECT] = want_either, [LIR_SETCC] = want_size,    [LIR_BRANCH] = want_size,
	[LIR_STORE] = want_size,    [LIR_UDIV] = want_size,     [LIR_UMOD] = want_size,
	[LIR_SDIV] = want_size,     [LIR_SMOD] = want_size,     [LIR_NEG] = want_carried,
};

static void want_operands(struct wanted *w, const struct lir_op *op, uint64_t bits)
{
	lir_set whole = wants[op->code] ? 0 : lir_uses(op);

	if (wants[op->code]) {
		wants[op->code](w, op, bits);
		if (op->code != LIR_LEA && lir_has_memory(op)) {
			want(w, op->base, ALL);
			if (op->scale)
				want(w, op->index, ALL);
		}
	}
	for (; whole; whole &= whole - 1)
		want(w, (uint8_t)__builtin_ctz(whole), ALL);
}

/* ---- Operations ------------------------------------------------------------------------------ */

/* Of @op's result only @bits are wanted: do its operand a's do, as they are? */
static bool changes_nothing(const struct lir_op *op, uint64_t bits)
{
	uint64_t imm = (uint64_t)op->imm;

	switch (op->code) {
	case LIR_AND:
		return op->b == LIR_IMM && !(bits & low_bits(op->size) & ~imm);
	case LIR_OR:
	case LIR_XOR:
		return op->b == LIR_IMM && !(bits & low_bits(op->size) & imm);
	case LIR_ZEXT:
	case LIR_SEXT:
		return op->b != LIR_MEM && !(bits & ~low_bits(imm));
	default:
		return false;
	}
}

static void remove_op(struct lir_op *op)
{
	op->code = LIR_NOP;
}

static void become_mov(struct lir_op *op, uint8_t size)
{
	op->code = LIR_MOV;
	op->size = size;
	op->b = op->a;
	op->a = LIR_NONE;
	op->flags = 0;
	op->imm = 0;
}

/* The low half of the result depends on those of the operands only. */
static bool is_modular(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_MOV:
	case LIR_ADD:
	case LIR_SUB:
	case LIR_MUL:
	case LIR_AND:
	case LIR_OR:
	case LIR_XOR:
		return op->b != LIR_MEM;
	case LIR_SHL:
		return op->b == LIR_IMM && (op->imm & 63) < 32;
	case LIR_NEG:
	case LIR_LEA:
		return true;
	default:
		return false;
	}
}

/* Nobody wants the upper half. */
static void shorten(struct lir_op *op)
{
	if (op->size != 8 || !is_modular(op))
		return;
	op->size = 4;
	if (op->b == LIR_IMM && op->code != LIR_LEA)
		op->imm = op->code == LIR_MOV ? (int64_t)(uint32_t)op->imm : (int32_t)op->imm;
}

static void simplify(struct lir_op *op, uint64_t bits)
{
	if (bits <= UINT32_MAX)
		shorten(op);
	if (changes_nothing(op, bits))
		become_mov(op, bits > UINT32_MAX && op->code != LIR_ZEXT ? op->size : 4);
	if (op->code == LIR_MOV && op->b == op->dst && (op->size == 8 || bits <= UINT32_MAX))
		remove_op(op);
}

/* lower.c's registers are set for the operation behind, which does not always say so. */
static bool is_removable(const struct lir_op *op)
{
	return lir_is_pure(op) && op->dst < REGS && !(LIR_SCRATCH & LIR_BIT(op->dst));
}

/* In front of it, nobody wants what @op writes over. */
static void forget(struct wanted *w, const struct lir_op *op)
{
	lir_set defs = lir_defs(op);

	if (!(defs & (defs - 1))) {
		if (defs)
			w->of[__builtin_ctz(defs)] = 0;
		return;
	}
	for (; defs; defs &= defs - 1)
		w->of[__builtin_ctz(defs)] = 0;
}

static void visit(struct wanted *w, struct lir_op *op)
{
	uint64_t bits = ALL;

	if (is_removable(op)) {
		bits = w->of[op->dst];
		if (!bits) {
			remove_op(op);
			return;
		}
		simplify(op, bits);
		if (op->code == LIR_NOP)
			return;
	}
	forget(w, op);
	want_operands(w, op, bits);
}

static void visit_block(struct lir_block *block)
{
	struct wanted w;
	bool gone = false;

	for (uint8_t reg = 0; reg < REGS; reg++)
		w.of[reg] = block->live_out & LIR_BIT(reg) ? ALL : 0;
	for (uint32_t i = block->n_ops; i-- > 0;) {
		if (block->ops[i].code != LIR_NOP)
			visit(&w, &block->ops[i]);
		gone |= block->ops[i].code == LIR_NOP;
	}
	if (gone)
		lir_compact_block(block);
}

void jit_opt_dead(struct lir *lir)
{
	jit_flow_live(lir);
	if (lir->failed)
		return;
	for (uint32_t i = 0; i < lir->flow->n_rpo; i++)
		visit_block(&lir->blocks[lir->flow->rpo[i]]);
}
