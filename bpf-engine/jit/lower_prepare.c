/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What operations in front of another let it leave out. A branch on zero behind the arithmetic that
 * made the value has it in the flags; what stands between the two must keep them. The bytes of a
 * short are swapped without clearing the rest where that is clear.
 *
 * Noted in the operation: LIR_F_SAFE.
 */
#include "jit/lower.h"

#define MOST_BLOCKS 8u /* looked back over */

static bool is_register(uint8_t reg)
{
	return reg < LIR_FP;
}

static bool mem_uses(const struct lir_op *op, uint8_t reg)
{
	return op->base == reg || (op->scale && op->index == reg);
}

/* Does the code of @op end with an instruction that tells by the flags whether dst is 0? Addresses'
 * arithmetic does not. */
static bool tells_zero(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_NEG:
		return true;
	case LIR_SHL:
	case LIR_SHR:
	case LIR_SAR:
		return op->b == LIR_IMM && (op->imm & (8 * op->size - 1));
	case LIR_ADD:
	case LIR_SUB:
		if (op->b == LIR_IMM)
			return op->dst == op->a;
		if (op->b != LIR_MEM && op->code == LIR_ADD)
			return is_register(op->b) && (op->dst == op->a || op->dst == op->b);
		break;
	case LIR_AND:
	case LIR_OR:
	case LIR_XOR:
		break;
	default:
		return false;
	}
	if (!is_register(op->a))
		return false;
	if (op->b == LIR_MEM)
		return op->dst == op->a || !mem_uses(op, op->dst);
	return op->b == LIR_IMM || is_register(op->b);
}

/* Is what the flags tell of all of dst, @op's result, what @size bytes of it compare like? */
static bool same_zero(const struct lir_op *op, unsigned size)
{
	return op->size <= size || (op->code == LIR_AND && op->b == LIR_IMM && op->imm >= 0);
}

/* Does the code of @op leave the flags alone, or can it? */
static bool keeps_flags(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_NOP:
	case LIR_OBJECT:
	case LIR_MOV:
	case LIR_LOAD:
	case LIR_STORE:
	case LIR_LEA:
	case LIR_ZEXT:
	case LIR_SEXT:
		return true;
	default:
		return false;
	}
}

static bool asks_for_zero(const struct lir_op *op)
{
	return op->code == LIR_BRANCH && (op->cond == LIR_E || op->cond == LIR_NE) &&
	       is_register(op->a) && op->b == LIR_IMM && op->imm32 == 0;
}

static void prepare_branch(struct lir_block *block)
{
	struct lir_op *branch = &block->ops[block->n_ops - 1];
	uint32_t at = block->n_ops - 1;

	if (!asks_for_zero(branch))
		return;
	while (at-- > 0) {
		const struct lir_op *op = &block->ops[at];

		if (lir_defs(op) & LIR_BIT(branch->a)) {
			if (!tells_zero(op) || !same_zero(op, branch->size))
				return;
			break;
		}
		if (!keeps_flags(op))
			return;
	}
	if (at == UINT32_MAX)
		return;
	while (++at < block->n_ops)
		block->ops[at].flags |= LIR_F_SAFE;
}

/* Has @op, which defines it, left a register with nothing above its low two bytes? */
static bool is_short(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_LOAD:
		return op->size <= 2 && !(op->flags & LIR_F_SIGNED);
	case LIR_ZEXT:
	case LIR_BSWAP:
		return op->imm <= 2;
	case LIR_AND:
		return op->b == LIR_IMM && op->imm >= 0 && op->imm <= UINT16_MAX;
	default:
		return false;
	}
}

/* The operation that @reg has its value from at operation @at of block @b, there or in the blocks
 * that are passed before it whatever way was taken; NULL: it is not found. */
static const struct lir_op *made_by(const struct lower *lo, uint32_t b, uint32_t at, uint8_t reg)
{
	const struct lir *lir = lo->lir;

	for (unsigned n = 0; n < MOST_BLOCKS; n++) {
		const struct lir_block *block = &lir->blocks[b];

		while (at-- > 0) {
			if (lir_defs(&block->ops[at]) & LIR_BIT(reg))
				return &block->ops[at];
		}
		if (lo->ways[b] != 1 || lir->functions[block->function].entry == b)
			return NULL;
		b = lo->way[b];
		at = lir->blocks[b].n_ops;
	}
	return NULL;
}

static void prepare_swap(const struct lower *lo, uint32_t b, uint32_t at)
{
	struct lir_op *swap = &lo->lir->blocks[b].ops[at];
	const struct lir_op *op;

	if (!is_register(swap->a))
		return;
	op = made_by(lo, b, at, swap->a);
	if (op && op->dst == swap->a && is_short(op))
		swap->flags |= LIR_F_SAFE;
}

void lower_prepare(struct lower *lo, uint32_t b)
{
	struct lir_block *block = &lo->lir->blocks[b];

	for (uint32_t o = 0; o < block->n_ops; o++) {
		if (block->ops[o].code == LIR_BSWAP && block->ops[o].imm == 2)
			prepare_swap(lo, b, o);
	}
	if (block->n_ops)
		prepare_branch(block);
}
