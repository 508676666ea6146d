/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "jit/flow.h"
#include "jit/loops.h"

/* Blocks that are looked at for what a register is when a loop is entered. */
#define MAX_ENTERED_BY 8u

uint32_t jit_follow_jumps(const struct lir *lir, uint32_t block)
{
	for (unsigned hops = 0; hops < 4; hops++) {
		const struct lir_block *b = &lir->blocks[block];
		uint32_t i = 0;

		while (i < b->n_ops && b->ops[i].code == LIR_NOP)
			i++;
		if (i < b->n_ops && b->ops[i].code == LIR_JUMP)
			block = b->ops[i].target;
		else if (i == b->n_ops && b->next != LIR_NO_BLOCK)
			block = b->next;
		else
			break;
	}
	return block;
}

/* Is @reg a constant at the end of @block, or of what alone leads to it? */
static bool known_at_end(const struct lir *lir, uint32_t block, uint8_t reg, uint64_t *value)
{
	for (unsigned n = 0; n < MAX_ENTERED_BY; n++) {
		const struct lir_block *b = &lir->blocks[block];

		for (uint32_t i = b->n_ops; i-- > 0;) {
			const struct lir_op *op = &b->ops[i];

			if (op->code == LIR_NOP || !(lir_defs(op) & LIR_BIT(reg)))
				continue;
			*value = op->size == 4 ? (uint32_t)op->imm : (uint64_t)op->imm;
			return op->code == LIR_MOV && op->b == LIR_IMM;
		}
		if (b->n_preds != 1)
			return false;
		block = lir->flow->preds[lir->flow->first_pred[block]];
	}
	return false;
}

static int64_t sign_extend(uint64_t v, unsigned size)
{
	return size == 8 ? (int64_t)v : (int32_t)v;
}

static bool holds(uint8_t cond, unsigned size, uint64_t a, uint64_t b)
{
	int64_t signed_a = sign_extend(a, size), signed_b = sign_extend(b, size);

	if (size == 4) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (cond) {
	case LIR_B:
		return a < b;
	case LIR_AE:
		return a >= b;
	case LIR_E:
		return a == b;
	case LIR_NE:
		return a != b;
	case LIR_BE:
		return a <= b;
	case LIR_A:
		return a > b;
	case LIR_L:
		return signed_a < signed_b;
	case LIR_GE:
		return signed_a >= signed_b;
	case LIR_LE:
		return signed_a <= signed_b;
	default:
		return signed_a > signed_b;
	}
}

static bool is_comparison(uint8_t cond)
{
	return cond != LIR_S && cond != LIR_NS && cond != LIR_TESTZ && cond != LIR_TESTNZ;
}

bool jit_count_rounds(const struct lir *lir, struct jit_counter *counter, uint32_t from,
		      const struct lir_op *end, bool inverted, uint32_t most)
{
	uint64_t value;

	if (end->code != LIR_BRANCH || end->b != LIR_IMM || end->a != counter->reg ||
	    end->size < 4 || !is_comparison(end->cond) ||
	    !known_at_end(lir, from, counter->reg, &value))
		return false;
	counter->first = value;
	for (counter->rounds = 1; counter->rounds <= most; counter->rounds++) {
		value += (uint64_t)counter->step;
		if (counter->size == 4)
			value = (uint32_t)value;
		if (holds(end->cond, end->size, value, (uint64_t)(int64_t)end->imm32) == inverted)
			return true;
	}
	return false;
}
