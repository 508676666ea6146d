/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Facts of all registers at one place of a program, and how they change past an operation, along an
 * edge, and where control comes together.
 *
 * Registers that are known to hold the same value form sets, each with one that stands for it.
 */
#include <string.h>
#include "jit/opt_values.h"

void jit_values_unknown(struct jit_values *v)
{
	for (uint8_t reg = 0; reg < JIT_VALUE_REGS; reg++) {
		v->of[reg] = jit_fact_unknown(8);
		v->same[reg] = reg;
	}
	v->copies = 0;
}

/* Take @reg out of its set; if it stood for it, another does from now on. */
static void forget_copies(struct jit_values *v, uint8_t reg)
{
	uint8_t heir = LIR_NONE;

	if (v->copies & LIR_BIT(reg)) {
		v->copies &= ~LIR_BIT(reg);
		v->same[reg] = reg;
		return;
	}
	for (lir_set rest = v->copies; rest; rest &= rest - 1) {
		uint8_t other = (uint8_t)__builtin_ctz(rest);

		if (v->same[other] != reg)
			continue;
		if (heir == LIR_NONE) {
			heir = other;
			v->copies &= ~LIR_BIT(heir);
		}
		v->same[other] = heir;
	}
}

void jit_values_set(struct jit_values *v, uint8_t reg, struct jit_fact fact)
{
	if (v->copies)
		forget_copies(v, reg);
	v->of[reg] = fact;
}

/* @reg is now the same as @source. */
static void set_copy(struct jit_values *v, uint8_t reg, uint8_t source)
{
	uint8_t same = v->same[source];

	if (v->same[reg] == same)
		return;
	jit_values_set(v, reg, v->of[source]);
	same = v->same[source]; /* @reg may have stood for it */
	v->same[reg] = same;
	v->copies |= LIR_BIT(reg);
}

/* ---- Operations ------------------------------------------------------------------------------ */

struct jit_fact jit_values_b(const struct jit_values *v, const struct lir_op *op)
{
	if (op->b == LIR_IMM)
		return jit_fact_const(op->code == LIR_BRANCH ? (uint64_t)(int64_t)op->imm32
							     : (uint64_t)op->imm);
	if (op->b < JIT_VALUE_REGS)
		return v->of[op->b];
	return jit_fact_unknown(op->b == LIR_MEM ? op->size : 8);
}

/* Operand a of a comparison may be memory. */
static struct jit_fact operand_a(const struct jit_values *v, const struct lir_op *op)
{
	if (op->a < JIT_VALUE_REGS)
		return v->of[op->a];
	return jit_fact_unknown(op->a == LIR_MEM ? op->size : 8);
}

static struct jit_fact binary(const struct jit_values *v, const struct lir_op *op)
{
	return jit_fact_binary(op->code, op->size, operand_a(v, op), jit_values_b(v, op));
}

static struct jit_fact mov(const struct jit_values *v, const struct lir_op *op)
{
	return jit_fact_low(jit_values_b(v, op), op->size);
}

static struct jit_fact sized(const struct jit_values *v, const struct lir_op *op)
{
	return jit_fact_unknown(op->size);
}

static struct jit_fact neg(const struct jit_values *v, const struct lir_op *op)
{
	return jit_fact_binary(LIR_SUB, op->size, jit_fact_const(0), operand_a(v, op));
}

static struct jit_fact bswap(const struct jit_values *v, const struct lir_op *op)
{
	struct jit_fact f = jit_fact_low(operand_a(v, op), (unsigned)op->imm);

	f.bits = bpfe_tnum_bswap(f.bits, 8 * (unsigned)op->imm);
	f.min = 0;
	f.max = UINT64_MAX;
	jit_fact_settle(&f);
	return f;
}

/* ZEXT and SEXT: of a, or of memory in b. */
static struct jit_fact extend(const struct jit_values *v, const struct lir_op *op)
{
	unsigned bytes = (unsigned)op->imm;
	struct jit_fact f = op->b == LIR_MEM ? jit_fact_unknown(bytes) : operand_a(v, op);

	if (op->code == LIR_ZEXT)
		return jit_fact_low(f, bytes);
	return jit_fact_sext(f, bytes, op->size);
}

static struct jit_fact lea(const struct jit_values *v, const struct lir_op *op)
{
	struct jit_fact f = jit_fact_const((uint64_t)(int64_t)op->disp);

	if (op->index < JIT_VALUE_REGS && op->scale) {
		struct jit_fact scale = jit_fact_const((uint64_t)__builtin_ctz(op->scale));

		f = jit_fact_binary(LIR_ADD, op->size, f,
				    jit_fact_binary(LIR_SHL, op->size, v->of[op->index], scale));
	}
	if (op->base < JIT_VALUE_REGS)
		f = jit_fact_binary(LIR_ADD, op->size, f, v->of[op->base]);
	return jit_fact_low(f, op->size);
}

static struct jit_fact load(const struct jit_values *v, const struct lir_op *op)
{
	return jit_fact_unknown(op->flags & LIR_F_SIGNED ? 8 : op->size);
}

static struct jit_fact ctx_load(const struct jit_values *v, const struct lir_op *op)
{
	uint32_t part = (uint32_t)op->disp;

	return jit_fact_unknown(part >> 24 ? 8 : part >> 16 & 0xff);
}

static struct jit_fact select(const struct jit_values *v, const struct lir_op *op)
{
	struct jit_fact f = jit_fact_join(&v->of[op->dst], &v->of[op->index]);

	return jit_fact_low(f, op->size);
}

static struct jit_fact setcc(const struct jit_values *v, const struct lir_op *op)
{
	struct jit_fact a = operand_a(v, op), b = jit_values_b(v, op);
	enum jit_known known = jit_decide(op->cond, op->size, &a, &b);

	if (known != JIT_MAYBE)
		return jit_fact_const(known == JIT_ALWAYS);
	return (struct jit_fact){{0, 1}, 0, 1};
}

struct jit_fact jit_values_result(const struct jit_values *v, const struct lir_op *op)
{
	typedef struct jit_fact result_fn(const struct jit_values *v, const struct lir_op *op);
	static result_fn *const results[LIR_CODES] = {
		[LIR_MOV] = mov,           [LIR_ADD] = binary,    [LIR_SUB] = binary,
		[LIR_MUL] = binary,        [LIR_AND] = binary,    [LIR_OR] = binary,
		[LIR_XOR] = binary,        [LIR_SHL] = binary,    [LIR_SHR] = binary,
		[LIR_SAR] = binary,        [LIR_ROL] = binary,    [LIR_UDIV] = binary,
		[LIR_UMOD] = binary,       [LIR_SDIV] = binary,   [LIR_SMOD] = binary,
		[LIR_SHLD] = sized,        [LIR_NEG] = neg,       [LIR_BSWAP] = bswap,
		[LIR_ZEXT] = extend,       [LIR_SEXT] = extend,   [LIR_LEA] = lea,
		[LIR_LOAD] = load,         [LIR_SELECT] = select, [LIR_SETCC] = setcc,
		[LIR_CTX_LOAD] = ctx_load, [LIR_FETCH] = sized,   [LIR_XCHG] = sized,
	};

	return results[op->code] ? results[op->code](v, op) : jit_fact_unknown(8);
}

/* A move that keeps all of what there is. */
static bool is_copy(const struct jit_values *v, const struct lir_op *op)
{
	return op->code == LIR_MOV && op->b < JIT_VALUE_REGS &&
	       v->of[op->b].max <= jit_low_bits(op->size);
}

void jit_values_step(struct jit_values *v, const struct lir_op *op, const struct jit_fact *fact)
{
	lir_set defs;

	if (is_copy(v, op)) {
		set_copy(v, op->dst, op->b);
		return;
	}
	defs = lir_defs(op);
	if (defs == LIR_BIT(op->dst)) {
		jit_values_set(v, op->dst, *fact);
		return;
	}
	for (; defs; defs &= defs - 1)
		jit_values_set(v, (uint8_t)__builtin_ctz(defs), jit_fact_unknown(8));
}

/* ---- Edges ----------------------------------------------------------------------------------- */

/* What was learnt of @reg holds for all that are the same. */
static void learn(struct jit_values *v, uint8_t reg, const struct jit_fact *fact)
{
	uint8_t same = v->same[reg];

	v->of[same] = *fact;
	for (lir_set rest = v->copies; rest; rest &= rest - 1) {
		uint8_t other = (uint8_t)__builtin_ctz(rest);

		if (v->same[other] == same)
			v->of[other] = *fact;
	}
}

bool jit_values_branch(struct jit_values *v, const struct lir_op *op, bool holds)
{
	uint8_t cond = holds ? op->cond : lir_cond_not(op->cond);
	struct jit_fact a = operand_a(v, op), b = jit_values_b(v, op);

	if (jit_decide(cond, op->size, &a, &b) == JIT_NEVER)
		return false;
	if (!jit_assume(cond, op->size, &a, &b))
		return false;
	if (op->a < JIT_VALUE_REGS)
		learn(v, op->a, &a);
	if (op->b < JIT_VALUE_REGS)
		learn(v, op->b, &b);
	return true;
}

/* A fact that says no more than how many bytes there are: what loops change ends as one of four. */
static struct jit_fact widened(const struct jit_fact *f)
{
	unsigned bytes = 1;

	while (f->max > jit_low_bits(bytes))
		bytes *= 2;
	return jit_fact_unknown(bytes);
}

static bool join_facts(struct jit_values *into, const struct jit_values *from, bool widen)
{
	bool changed = false;

	for (uint8_t reg = 0; reg < JIT_VALUE_REGS; reg++) {
		struct jit_fact joined;

		if (jit_fact_equal(&into->of[reg], &from->of[reg]))
			continue;
		joined = jit_fact_join(&into->of[reg], &from->of[reg]);
		if (jit_fact_equal(&into->of[reg], &joined))
			continue;
		into->of[reg] = widen ? widened(&joined) : joined;
		changed = true;
	}
	return changed;
}

/* Registers are the same if they are on both ways and the same register stands for them there. */
static bool join_copies(struct jit_values *into, const struct jit_values *from)
{
	bool changed = false;

	for (lir_set rest = into->copies; rest; rest &= rest - 1) {
		uint8_t reg = (uint8_t)__builtin_ctz(rest);

		if (into->same[reg] == from->same[reg])
			continue;
		into->same[reg] = reg;
		into->copies &= ~LIR_BIT(reg);
		changed = true;
	}
	return changed;
}

bool jit_values_join(struct jit_values *into, const struct jit_values *from, bool widen)
{
	bool facts = join_facts(into, from, widen);

	return join_copies(into, from) || facts;
}
