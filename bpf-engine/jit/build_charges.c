/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Fewer charges for the same sum. Where ways part and meet again at once, or one block just follows
 * another, whoever passes the first block passes the last: that is charged for in the first.
 *
 *	P: charge 5			P: charge 8
 *	   branch -> J			   branch -> J
 *	B: charge 1		is	B: charge 1
 *	J: charge 3			J:
 *
 * may_goto asks for what was executed before it. Of a function that is called between the two it
 * would be told too much, so what calls stays as it is.
 */
#include "jit/build.h"
#include "jit/flow.h"

static bool calls(const struct lir_block *block, uint32_t from)
{
	for (uint32_t o = from; o < block->n_ops; o++) {
		if (lir_is_call(&block->ops[o]))
			return true;
	}
	return false;
}

/* Does it end with may_goto, which must not be told of what is charged for behind it? */
static bool asks_for_charges(const struct lir_block *block)
{
	for (uint32_t o = block->n_ops; o-- > 0;) {
		if (block->ops[o].code != LIR_NOP)
			return block->ops[o].code == LIR_MAY_GOTO;
	}
	return false;
}

/* The last charge of a block that is one for all that follows in it; NULL: there is none. */
static struct lir_op *last_charge(const struct lir_block *block)
{
	for (uint32_t o = block->n_ops; o-- > 0;) {
		if (block->ops[o].code == LIR_CHARGE)
			return calls(block, o) ? NULL : &block->ops[o];
	}
	return NULL;
}

/* Is all that @b does to lie between @before and @behind? */
static bool is_between(const struct lir *lir, uint32_t b, uint32_t before, uint32_t behind)
{
	const struct lir_block *block = &lir->blocks[b];
	uint32_t to[2];

	return block->n_preds == 1 && lir->flow->preds[lir->flow->first_pred[b]] == before &&
	       lir_successors(block, to) == 1 && to[0] == behind && !calls(block, 0);
}

/* The block that is passed whenever @b is, and before it with nothing else but what may lie between
 * the two; LIR_NO_BLOCK. */
static uint32_t passed_before(const struct lir *lir, uint32_t b)
{
	const uint32_t *preds = &lir->flow->preds[lir->flow->first_pred[b]];
	uint32_t to[2], first = preds[0];
	unsigned n;

	if (lir->blocks[b].n_preds == 0 || lir->blocks[b].n_preds > 2)
		return LIR_NO_BLOCK;
	/* Of two, one is the other's predecessor, or both have the same. */
	if (lir->blocks[b].n_preds == 2 && is_between(lir, first, preds[1], b)) {
		first = preds[1];
	} else if (lir->blocks[b].n_preds == 2 && !is_between(lir, preds[1], first, b)) {
		if (lir->blocks[first].n_preds != 1)
			return LIR_NO_BLOCK;
		first = lir->flow->preds[lir->flow->first_pred[first]];
		if (!is_between(lir, preds[0], first, b) || !is_between(lir, preds[1], first, b))
			return LIR_NO_BLOCK;
	}
	if (asks_for_charges(&lir->blocks[first]))
		return LIR_NO_BLOCK;
	n = lir_successors(&lir->blocks[first], to);
	for (unsigned i = 0; i < n; i++) {
		if (to[i] != b && !is_between(lir, to[i], first, b))
			return LIR_NO_BLOCK;
	}
	return n && first != b ? first : LIR_NO_BLOCK;
}

void jit_merge_charges(struct lir *lir)
{
	jit_flow(lir);
	for (uint32_t b = lir->n_blocks; b-- > 0 && !lir->failed;) {
		struct lir_block *block = &lir->blocks[b];
		struct lir_op *charge = block->n_ops ? block->ops : NULL, *to;
		uint32_t before;

		if (!charge || charge->code != LIR_CHARGE || (charge->flags & LIR_F_CHECK) ||
		    lir->functions[block->function].entry == b)
			continue;
		before = passed_before(lir, b);
		if (before == LIR_NO_BLOCK || before >= b)
			continue;
		to = last_charge(&lir->blocks[before]);
		if (to && to->imm + charge->imm <= INT32_MAX) {
			to->imm += charge->imm;
			charge->code = LIR_NOP;
		}
	}
}
