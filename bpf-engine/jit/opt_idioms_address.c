/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Arithmetic that the processor has for addresses: base + index * scale + displacement in one
 * operation. With three components it takes longer on many processors than the two operations it
 * replaces, so that only those with two are made.
 */
#include "jit/opt_idioms.h"

static void become_lea(struct lir_op *op, uint8_t base, uint8_t index, unsigned scale, int32_t disp)
{
	op->code = LIR_LEA;
	op->a = op->b = LIR_NONE;
	op->base = base;
	op->index = index;
	op->scale = (uint8_t)scale;
	op->disp = disp;
	op->mem_kind = BPFE_MEM_NONE;
	op->flags = 0;
	op->imm = 0;
}

/* What is left out to have @value's operand in front of @at: @value, if only that reads it. */
static jit_value left_out(const struct jit_idioms *id, jit_value value)
{
	return jit_idiom_only_use(id, value) ? value : -1;
}

/* x + i + j is x + (i + j). */
static void add_constants(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];
	jit_value value = id->local.operands[at].a, without;
	struct lir_op *first = jit_idiom_made_by(id, value, LIR_ADD);
	int64_t sum;

	if (!first || first->size != op->size || first->a == LIR_FP)
		return;
	sum = first->imm + op->imm;
	without = left_out(id, value);
	if (sum != (int32_t)sum ||
	    !jit_idiom_holds(id, first->a, id->local.operands[value].a, at, without))
		return;
	op->a = first->a;
	op->imm = sum;
	id->local.operands[at].a = id->local.operands[value].a;
	if (without >= 0)
		first->code = LIR_NOP;
}

/* x * 2, 4 or 8 + y. */
static bool add_scaled(struct jit_idioms *id, uint32_t at, jit_value value, uint8_t other)
{
	struct lir_op *op = &id->local.ops[at];
	struct lir_op *shift = jit_idiom_made_by(id, value, LIR_SHL);
	jit_value without;

	if (!shift || shift->size != op->size || shift->imm < 1 || shift->imm > 3 ||
	    other == LIR_FP || shift->a == LIR_FP)
		return false;
	without = left_out(id, value);
	if (!jit_idiom_holds(id, shift->a, id->local.operands[value].a, at, without))
		return false;
	if (without >= 0 && other == shift->dst)
		return false;
	become_lea(op, other, shift->a, 1u << shift->imm, 0);
	if (without >= 0)
		shift->code = LIR_NOP;
	return true;
}

void jit_idiom_sum(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];
	const struct jit_operands *operands = &id->local.operands[at];

	if (op->b == LIR_IMM)
		add_constants(id, at);
	else if (op->b < LIR_NONE && !add_scaled(id, at, operands->b, op->a))
		add_scaled(id, at, operands->a, op->b);
}

/* x * 3, 5 or 9 is x + x * 2, 4 or 8. */
void jit_idiom_product(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];

	if (op->b == LIR_IMM && op->a != LIR_FP && (op->imm == 3 || op->imm == 5 || op->imm == 9))
		become_lea(op, op->a, op->a, (unsigned)op->imm - 1, 0);
}

/* x << 1 is x + x, which more of the processor's units do; elsewhere than in place it is no more
 * than one operation that way. */
void jit_idiom_shift_left(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];

	if (op->b != LIR_IMM || op->a == LIR_FP)
		return;
	if (op->imm == 1) {
		op->code = LIR_ADD;
		op->b = op->a;
		op->imm = 0;
		id->local.operands[at].b = id->local.operands[at].a;
	} else if (op->dst != op->a && (op->imm == 2 || op->imm == 3)) {
		become_lea(op, LIR_NONE, op->a, 1u << op->imm, 0);
	}
}
