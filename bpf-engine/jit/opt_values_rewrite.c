/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What follows for an operation from what is known of its operands: known results become
 * constants, copies read what they were copied from, masks and extensions that keep everything go,
 * 64-bit operations on small numbers become the shorter 32-bit ones, divisions become shifts and
 * lose their tests.
 */
#include "jit/opt_values.h"

#define POSITIVE32 UINT64_C(0x7fffffff)

typedef void rewrite_fn(const struct jit_values *v, struct lir_op *op);

static bool is_reg(uint8_t operand)
{
	return operand < JIT_VALUE_REGS;
}

/* ---- What an operation may become ------------------------------------------------------------ */

static void become_const(struct lir_op *op, uint64_t value)
{
	op->code = LIR_MOV;
	op->size = value <= UINT32_MAX ? 4 : 8;
	op->a = LIR_NONE;
	op->b = LIR_IMM;
	op->base = op->index = LIR_NONE;
	op->scale = 0;
	op->flags = 0;
	op->imm = (int64_t)value;
}

static void become_nothing(struct lir_op *op)
{
	*op = (struct lir_op){.code = LIR_NOP, .slot = op->slot};
}

/* dst = the low @bytes (4 or 8) of @reg. */
static void become_copy(const struct jit_values *v, struct lir_op *op, uint8_t reg, unsigned bytes)
{
	op->code = LIR_MOV;
	op->size = v->of[reg].max <= UINT32_MAX ? 4 : (uint8_t)bytes;
	op->a = LIR_NONE;
	op->b = reg;
	op->base = op->index = LIR_NONE;
	op->scale = 0;
	op->flags = 0;
	op->imm = 0;
	if (v->same[reg] == v->same[op->dst] && v->of[reg].max <= jit_low_bits(op->size))
		become_nothing(op);
}

/* dst = the low @bytes of a. */
static void become_zext(const struct jit_values *v, struct lir_op *op, unsigned bytes)
{
	if (bytes >= 4) {
		become_copy(v, op, op->a, bytes);
		return;
	}
	op->code = LIR_ZEXT;
	op->size = 8;
	op->b = LIR_NONE;
	op->imm = (int64_t)bytes;
}

static void become_shift(struct lir_op *op, uint8_t code, unsigned count)
{
	op->code = code;
	op->b = LIR_IMM;
	op->imm = (int64_t)count;
	op->flags = 0;
}

/* ---- Operands -------------------------------------------------------------------------------- */

enum {
	READS_A = 1,
	READS_B = 2,
	TAKES_IMM = 4, /* b may be one */
	SWAPS = 8,     /* a OP b is b OP a */
};

static const uint8_t operands[LIR_CODES] = {
	[LIR_MOV] = READS_B,
	[LIR_ADD] = READS_A | READS_B | TAKES_IMM | SWAPS,
	[LIR_SUB] = READS_A | READS_B | TAKES_IMM,
	[LIR_MUL] = READS_A | READS_B | TAKES_IMM | SWAPS,
	[LIR_AND] = READS_A | READS_B | TAKES_IMM | SWAPS,
	[LIR_OR] = READS_A | READS_B | TAKES_IMM | SWAPS,
	[LIR_XOR] = READS_A | READS_B | TAKES_IMM | SWAPS,
	[LIR_SHL] = READS_A | READS_B | TAKES_IMM,
	[LIR_SHR] = READS_A | READS_B | TAKES_IMM,
	[LIR_SAR] = READS_A | READS_B | TAKES_IMM,
	[LIR_ROL] = READS_A,
	[LIR_SHLD] = READS_A | READS_B,
	[LIR_UDIV] = READS_A | READS_B | TAKES_IMM,
	[LIR_UMOD] = READS_A | READS_B | TAKES_IMM,
	[LIR_SDIV] = READS_A | READS_B | TAKES_IMM,
	[LIR_SMOD] = READS_A | READS_B | TAKES_IMM,
	[LIR_NEG] = READS_A,
	[LIR_BSWAP] = READS_A,
	[LIR_ZEXT] = READS_A,
	[LIR_SEXT] = READS_A,
	[LIR_STORE] = READS_B | TAKES_IMM,
	[LIR_RMW] = READS_B,
	[LIR_ATOMIC] = READS_B,
	[LIR_SELECT] = READS_A | READS_B | TAKES_IMM,
	[LIR_SETCC] = READS_A | READS_B | TAKES_IMM,
	[LIR_CTX_LOAD] = READS_A,
	[LIR_CTX_STORE] = READS_A | READS_B,
	[LIR_BRANCH] = READS_A | READS_B | TAKES_IMM,
};

/* What stands for @reg; the frame's address only where memory is addressed. */
static uint8_t stand_in(const struct jit_values *v, uint8_t reg)
{
	return is_reg(reg) && v->same[reg] != LIR_FP ? v->same[reg] : reg;
}

static void read_originals(const struct jit_values *v, struct lir_op *op)
{
	uint8_t flags = operands[op->code];

	if (flags & READS_A)
		op->a = stand_in(v, op->a);
	if (flags & READS_B)
		op->b = stand_in(v, op->b);
	if (op->code == LIR_SELECT) {
		op->index = stand_in(v, op->index);
	} else if (lir_has_memory(op)) {
		if (is_reg(op->base))
			op->base = v->same[op->base];
		if (op->scale)
			op->index = stand_in(v, op->index);
	}
}

/* @value as an immediate of @op: what it sign-extends to is the same in the bytes that count. */
static bool as_immediate(const struct lir_op *op, uint64_t value, int32_t *imm)
{
	*imm = (int32_t)value;
	return op->size < 8 || (int64_t)value == *imm;
}

static bool read_immediate(const struct jit_values *v, struct lir_op *op)
{
	int32_t imm;

	if (!is_reg(op->b) || !jit_fact_is_const(&v->of[op->b]) ||
	    !as_immediate(op, v->of[op->b].min, &imm))
		return false;
	op->b = LIR_IMM;
	if (op->code == LIR_BRANCH)
		op->imm32 = imm;
	else
		op->imm = imm;
	return true;
}

static void read_constants(const struct jit_values *v, struct lir_op *op)
{
	uint8_t flags = operands[op->code];
	uint8_t b = op->b;

	if (!(flags & TAKES_IMM) || read_immediate(v, op))
		return;
	if ((flags & SWAPS) && is_reg(op->a) && is_reg(b) && jit_fact_is_const(&v->of[op->a])) {
		op->b = op->a;
		op->a = b;
		read_immediate(v, op);
	}
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* The low half of the result depends on those of the operands only. */
static bool is_modular(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_ADD:
	case LIR_SUB:
	case LIR_MUL:
	case LIR_AND:
	case LIR_OR:
	case LIR_XOR:
	case LIR_LEA:
		return op->b != LIR_MEM;
	case LIR_SHL:
		return op->b == LIR_IMM && (op->imm & 63) < 32;
	default:
		return false;
	}
}

static void shorten(struct lir_op *op, const struct jit_fact *result)
{
	if (op->size != 8 || result->max > UINT32_MAX || !is_modular(op))
		return;
	op->size = 4;
	if (op->b == LIR_IMM && op->code != LIR_LEA)
		op->imm = (int32_t)op->imm;
}

/* Operands without upper halves: the whole operation needs none. */
static bool fits_half(const struct jit_values *v, const struct lir_op *op)
{
	struct jit_fact b = jit_values_b(v, op);

	return op->size == 8 && is_reg(op->a) && op->b != LIR_MEM &&
	       v->of[op->a].max <= UINT32_MAX && b.max <= UINT32_MAX;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void mov(const struct jit_values *v, struct lir_op *op)
{
	const struct jit_fact *b = is_reg(op->b) ? &v->of[op->b] : NULL;

	if (!b)
		return;
	if (jit_fact_is_const(b) && (b->min <= UINT32_MAX || (int64_t)b->min == (int32_t)b->min))
		become_const(op, b->min & jit_low_bits(op->size));
	else
		become_copy(v, op, op->b, op->size);
}

/* Does b leave a as it is? */
static bool is_zero(const struct lir_op *op)
{
	return op->b == LIR_IMM && !op->imm;
}

static void add(const struct jit_values *v, struct lir_op *op)
{
	if (is_zero(op)) {
		become_copy(v, op, op->a, op->size);
	} else if (op->b == LIR_IMM && op->size == 8 && v->same[op->a] == LIR_FP) {
		op->code = LIR_LEA;
		op->base = LIR_FP;
		op->index = op->a = op->b = LIR_NONE;
		op->scale = 0;
		op->disp = (int32_t)op->imm;
	}
}

static void sub(const struct jit_values *v, struct lir_op *op)
{
	if (op->b == op->a) {
		become_const(op, 0);
	} else if (op->b == LIR_IMM && op->imm != INT32_MIN) {
		op->code = LIR_ADD;
		op->imm = -op->imm;
		add(v, op);
	}
}

static void mul(const struct jit_values *v, struct lir_op *op)
{
	uint64_t by = (uint64_t)op->imm & jit_low_bits(op->size);

	if (op->b != LIR_IMM)
		return;
	if (by == 1) {
		become_copy(v, op, op->a, op->size);
	} else if (op->imm == -1) {
		op->code = LIR_NEG;
		op->b = LIR_NONE;
	} else if (by && !(by & (by - 1))) {
		become_shift(op, LIR_SHL, (unsigned)__builtin_ctzll(by));
	}
}

static void bit_and(const struct jit_values *v, struct lir_op *op)
{
	struct jit_fact b = jit_fact_low(jit_values_b(v, op), op->size);
	uint64_t low = jit_low_bits(op->size);
	uint64_t ones = is_reg(op->a) ? jit_fact_ones(&v->of[op->a]) & low : low;

	if (op->b == op->a) {
		become_copy(v, op, op->a, op->size);
		return;
	}
	if (!jit_fact_is_const(&b))
		return;
	if (!(ones & ~b.min))
		become_copy(v, op, op->a, op->size);
	else if ((ones & b.min) == (ones & 0xff))
		become_zext(v, op, 1);
	else if ((ones & b.min) == (ones & 0xffff))
		become_zext(v, op, 2);
	else if ((ones & b.min) == (ones & UINT32_MAX))
		become_zext(v, op, 4);
	else if (op->b == LIR_IMM && op->imm >= 0)
		op->size = 4;
}

static void bit_or(const struct jit_values *v, struct lir_op *op)
{
	if (is_zero(op) || op->b == op->a)
		become_copy(v, op, op->a, op->size);
}

static void bit_xor(const struct jit_values *v, struct lir_op *op)
{
	if (is_zero(op))
		become_copy(v, op, op->a, op->size);
	else if (op->b == op->a)
		become_const(op, 0);
}

static void shift(const struct jit_values *v, struct lir_op *op)
{
	if (op->b != LIR_IMM)
		return;
	op->imm &= 8 * op->size - 1;
	if (!op->imm) {
		become_copy(v, op, op->a, op->size);
		return;
	}
	if (op->code == LIR_SAR &&
	    jit_fact_low(v->of[op->a], op->size).max <= jit_low_bits(op->size) >> 1)
		op->code = LIR_SHR;
	if (op->code == LIR_SHR && op->imm < 32 && v->of[op->a].max <= UINT32_MAX)
		op->size = 4;
}

/* What the divisor is known to be spares the tests, or the division. */
static void divide_unsigned(const struct jit_values *v, struct lir_op *op)
{
	struct jit_fact b = jit_fact_low(jit_values_b(v, op), op->size);
	bool modulo = op->code == LIR_UMOD;

	if (fits_half(v, op))
		op->size = 4;
	if (b.min)
		op->flags |= LIR_F_SAFE;
	if (modulo && b.min && jit_fact_low(v->of[op->a], op->size).max < b.min) {
		become_copy(v, op, op->a, op->size);
		return;
	}
	if (!jit_fact_is_const(&b) || !b.min || (b.min & (b.min - 1)))
		return;
	if (!modulo) {
		become_shift(op, LIR_SHR, (unsigned)__builtin_ctzll(b.min));
		shift(v, op);
	} else if (b.min - 1 <= POSITIVE32) {
		op->code = LIR_AND;
		op->b = LIR_IMM;
		op->imm = (int64_t)b.min - 1;
		op->flags = 0;
		bit_and(v, op);
	} else if (b.min - 1 == UINT32_MAX) {
		become_copy(v, op, op->a, 4);
	}
}

static void divide_signed(const struct jit_values *v, struct lir_op *op)
{
	struct jit_fact a = jit_fact_low(v->of[op->a], op->size);
	struct jit_fact b = jit_fact_low(jit_values_b(v, op), op->size);
	uint64_t low = jit_low_bits(op->size);

	if (b.min && b.max < low)
		op->flags |= LIR_F_SAFE;
	if (a.max > low >> 1 || b.max > low >> 1)
		return;
	op->code = op->code == LIR_SDIV ? LIR_UDIV : LIR_UMOD;
	divide_unsigned(v, op);
}

static void zext(const struct jit_values *v, struct lir_op *op)
{
	if (is_reg(op->a) && (v->of[op->a].max <= jit_low_bits((unsigned)op->imm) || op->imm == 4))
		become_copy(v, op, op->a, 4);
}

static void sext(const struct jit_values *v, struct lir_op *op)
{
	unsigned from = (unsigned)op->imm;

	if (!is_reg(op->a) || jit_fact_low(v->of[op->a], from).max > jit_low_bits(from) >> 1)
		return;
	op->code = LIR_ZEXT;
	op->size = 8;
	zext(v, op);
}

/* ---- Comparisons ----------------------------------------------------------------------------- */

/* The shorter comparison of numbers without upper halves. An immediate that is negative there would
 * have decided it. */
static void shorten_condition(const struct jit_values *v, struct lir_op *op)
{
	if (!fits_half(v, op))
		return;
	switch (op->cond) {
	case LIR_L:
		op->cond = LIR_B;
		break;
	case LIR_GE:
		op->cond = LIR_AE;
		break;
	case LIR_LE:
		op->cond = LIR_BE;
		break;
	case LIR_G:
		op->cond = LIR_A;
		break;
	case LIR_S:
	case LIR_NS:
		return;
	}
	op->size = 4;
}

/* A constant belongs on the right. */
static void swap_condition(const struct jit_values *v, struct lir_op *op)
{
	uint8_t a = op->a;

	if (!is_reg(a) || !is_reg(op->b) || op->cond == LIR_S || op->cond == LIR_NS ||
	    !jit_fact_is_const(&v->of[a]))
		return;
	op->a = op->b;
	op->b = a;
	op->cond = lir_cond_swap(op->cond);
	read_immediate(v, op);
}

static enum jit_known decide(const struct jit_values *v, const struct lir_op *op)
{
	struct jit_fact a = is_reg(op->a) ? v->of[op->a] : jit_fact_unknown(op->size);
	struct jit_fact b = jit_values_b(v, op);

	if (is_reg(op->a) && op->a == op->b) {
		if (op->cond == LIR_E || op->cond == LIR_AE || op->cond == LIR_BE ||
		    op->cond == LIR_GE || op->cond == LIR_LE)
			return JIT_ALWAYS;
		if (op->cond == LIR_NE || op->cond == LIR_A || op->cond == LIR_B ||
		    op->cond == LIR_G || op->cond == LIR_L)
			return JIT_NEVER;
	}
	return jit_decide(op->cond, op->size, &a, &b);
}

static void branch(const struct jit_values *v, struct lir_op *op)
{
	uint32_t target = op->target;

	switch (decide(v, op)) {
	case JIT_ALWAYS:
		*op = (struct lir_op){.code = LIR_JUMP, .slot = op->slot, .target = target};
		break;
	case JIT_NEVER:
		become_nothing(op);
		break;
	case JIT_MAYBE:
		swap_condition(v, op);
		shorten_condition(v, op);
		break;
	}
}

static void setcc(const struct jit_values *v, struct lir_op *op)
{
	enum jit_known known = decide(v, op);

	if (known != JIT_MAYBE) {
		become_const(op, known == JIT_ALWAYS);
		return;
	}
	swap_condition(v, op);
	shorten_condition(v, op);
}

/* Of what is selected only the low bytes are kept, which may be fewer than there are. */
static void select(const struct jit_values *v, struct lir_op *op)
{
	enum jit_known known = decide(v, op);

	if (known == JIT_ALWAYS)
		become_copy(v, op, op->dst, op->size);
	else if (known == JIT_NEVER || v->same[op->index] == v->same[op->dst])
		become_copy(v, op, op->index, op->size);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static rewrite_fn *const rewrites[LIR_CODES] = {
	[LIR_MOV] = mov,
	[LIR_ADD] = add,
	[LIR_SUB] = sub,
	[LIR_MUL] = mul,
	[LIR_AND] = bit_and,
	[LIR_OR] = bit_or,
	[LIR_XOR] = bit_xor,
	[LIR_SHL] = shift,
	[LIR_SHR] = shift,
	[LIR_SAR] = shift,
	[LIR_ROL] = shift,
	[LIR_UDIV] = divide_unsigned,
	[LIR_UMOD] = divide_unsigned,
	[LIR_SDIV] = divide_signed,
	[LIR_SMOD] = divide_signed,
	[LIR_ZEXT] = zext,
	[LIR_SEXT] = sext,
	[LIR_BRANCH] = branch,
	[LIR_SETCC] = setcc,
	[LIR_SELECT] = select,
};

void jit_values_rewrite(const struct jit_values *v, struct lir_op *op, const struct jit_fact *fact)
{
	if (jit_fact_is_const(fact) && lir_is_pure(op) && !lir_reads_memory(op) &&
	    op->code != LIR_NOP && op->code != LIR_MOV) {
		become_const(op, fact->min);
		return;
	}
	read_originals(v, op);
	read_constants(v, op);
	shorten(op, fact);
	if (rewrites[op->code])
		rewrites[op->code](v, op);
}
