/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * How control flows in a program: the order in which facts travel, who leads where, loops. Made by
 * jit_flow() (jit.h), valid until a pass changes a branch or jit_flow() is called again.
 */
#ifndef BPFE_JIT_FLOW_H
#define BPFE_JIT_FLOW_H

#include "jit/lir.h"

#pragma GCC visibility push(hidden) /* see lir.h */

/* Tables over the program's blocks, in one piece of memory that lir->flow owns. */
struct lir_flow {
	/* Blocks that control reaches, n_rpo of them, function by function, each behind all that
	 * lead to it but for those that lead back (reverse post-order). */
	uint32_t *rpo;
	uint32_t n_rpo;
	/* Where a block is in rpo; UINT32_MAX: control does not reach it. An edge to a place that
	 * is not greater than its origin's leads back: where facts merge for good, widen there. */
	uint32_t *place;
	/* The blocks that lead to block b: preds[first_pred[b]] and on, blocks[b].n_preds of them,
	 * each once. */
	uint32_t *preds, *first_pred;
	/* The head of the innermost loop around a block, of a head the one around its loop;
	 * LIR_NO_BLOCK: none. */
	uint32_t *loop;
	bool has_loops; /* an edge leads back */
	uint32_t room;  /* blocks there is memory for */
	uint32_t memory[];
};

/*
 * For passes between which not all changes: what jit_flow() finds, made anew only as far as
 * lir->flow_known says that it has to be. jit_flow_order() leaves out what is live.
 */
void jit_flow_order(struct lir *lir);
void jit_flow_live(struct lir *lir);

/* A pass has changed @lir so that only @known is still right of what jit_flow() found. Registers
 * that are no longer read may count as live on. */
static inline void jit_flow_changed(struct lir *lir, enum jit_flow_known known)
{
	if (lir->flow_known > known)
		lir->flow_known = known;
}

/* Where control may go from @block: 0 to 2 different blocks, the fall-through last. */
static inline unsigned lir_successors(const struct lir_block *block, uint32_t successors[2])
{
	const struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;
	unsigned n = 0;

	if (end && (end->code == LIR_EXIT || end->code == LIR_TRAP))
		return 0;
	if (end &&
	    (end->code == LIR_JUMP || end->code == LIR_BRANCH || end->code == LIR_MAY_GOTO)) {
		successors[n++] = end->target;
		if (end->code == LIR_JUMP)
			return n;
	}
	if (block->next != LIR_NO_BLOCK && (!n || successors[0] != block->next))
		successors[n++] = block->next;
	return n;
}

#pragma GCC visibility pop

#endif
