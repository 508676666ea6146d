/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The order in which blocks lie in memory. The compiler that made the program has put the likely
 * way of a branch right behind it, so that is kept: a block comes when all that lead to it are
 * there, what falls through first, loops in one piece. What is not expected to run comes last.
 *
 * Before that jumps to jumps go where those go; a loop whose test is at its top gets another one at
 * its bottom, in place of the jump back; a jump to a few operations and an exit becomes these.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/jit.h"

/* Operations of a loop's test, and of an exit, that are copied at most. */
#define MAX_TEST 6u
#define MAX_EXIT 3u
/* Exits copied in a program: more would cost more to fetch than they save. */
#define MAX_EXITS 32u

struct layout {
	struct lir *lir;
	uint32_t *waits; /* blocks in front of each that are not laid out yet */
	uint32_t *stack; /* blocks that may be laid out, the last one first */
	uint32_t n_stack;
	uint8_t *laid_out;
};

static struct lir_op *end_of(const struct lir_block *block)
{
	struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;

	return end && lir_ends_block(end) ? end : NULL;
}

/* ---- Jumps to jumps ------------------------------------------------------------------------- */

/* Where control is going that comes to @b. */
static uint32_t destination(const struct lir *lir, uint32_t b)
{
	for (unsigned hops = 0; hops < 8 && b != LIR_NO_BLOCK; hops++) {
		const struct lir_block *block = &lir->blocks[b];

		if (!block->n_ops && block->next != LIR_NO_BLOCK)
			b = block->next;
		else if (block->n_ops == 1 && block->ops[0].code == LIR_JUMP)
			b = block->ops[0].target;
		else
			break;
	}
	return b;
}

static void thread_jumps(struct lir *lir)
{
	bool changed = false;

	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		struct lir_block *block = &lir->blocks[b];
		struct lir_op *end = end_of(block);
		uint32_t to = destination(lir, block->next);

		changed |= to != block->next;
		block->next = to;
		if (!end || end->code == LIR_EXIT || end->code == LIR_TRAP)
			continue;
		to = destination(lir, end->target);
		changed |= to != end->target;
		end->target = to;
		if (end->code == LIR_JUMP ||
		    (end->code == LIR_BRANCH && end->target == block->next)) {
			block->next = end->target;
			block->n_ops--;
		}
	}
	if (changed)
		jit_flow_changed(lir, JIT_FLOW_NOTHING);
}

/* ---- Tests of loops ------------------------------------------------------------------------- */

/* Put a copy of the operations of @from at the end of @to, which goes where that one goes. */
static void copy_behind(struct lir *lir, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < lir->blocks[from].n_ops; i++)
		lir_append(lir, to, &lir->blocks[from].ops[i]);
	lir->blocks[to].next = lir->blocks[from].next;
}

static bool is_test(const struct lir_block *block)
{
	const struct lir_op *end = end_of(block);

	return block->n_ops <= MAX_TEST && end && end->code == LIR_BRANCH;
}

/* Blocks that go back to the test of a loop test themselves. */
static void rotate_loops(struct lir *lir)
{
	const struct lir_flow *flow = lir->flow;
	bool changed = false;

	for (uint32_t i = 0; i < flow->n_rpo; i++) {
		uint32_t b = flow->rpo[i], head = lir->blocks[b].next;

		if (head == LIR_NO_BLOCK || head == b || end_of(&lir->blocks[b]) ||
		    !lir->blocks[head].loop_head || flow->place[head] >= i ||
		    !is_test(&lir->blocks[head]))
			continue;
		copy_behind(lir, head, b);
		changed = true;
	}
	if (changed)
		jit_flow_changed(lir, JIT_FLOW_NOTHING);
}

/* ---- Order ---------------------------------------------------------------------------------- */

/* What ends in a trap, and what leads nowhere else, is not expected to run. */
static void find_cold(struct lir *lir)
{
	const struct lir_flow *flow = lir->flow;

	for (uint32_t i = flow->n_rpo; i-- > 0;) {
		struct lir_block *block = &lir->blocks[flow->rpo[i]];
		const struct lir_op *end = end_of(block);
		uint32_t successors[2];
		unsigned n = lir_successors(block, successors), cold = 0;

		for (unsigned s = 0; s < n; s++)
			cold += lir->blocks[successors[s]].cold;
		if ((n && cold == n) || (end && end->code == LIR_TRAP))
			block->cold = true;
	}
}

static void count_waits(struct layout *l)
{
	const struct lir *lir = l->lir;
	const struct lir_flow *flow = lir->flow;

	for (uint32_t i = 0; i < flow->n_rpo; i++) {
		uint32_t b = flow->rpo[i];

		l->waits[b] = 0;
		l->laid_out[b] = false;
		for (uint32_t p = 0; p < lir->blocks[b].n_preds; p++) {
			uint32_t pred = flow->preds[flow->first_pred[b] + p];

			if (flow->place[pred] < i && !lir->blocks[pred].cold)
				l->waits[b]++;
		}
	}
}

static bool may_follow(const struct layout *l, uint32_t b)
{
	return b != LIR_NO_BLOCK && !l->laid_out[b] && !l->waits[b] && !l->lir->blocks[b].cold;
}

/* What comes behind @b: the deeper in loops of the two ways; else what waits the shortest. */
static uint32_t choose(struct layout *l, uint32_t b)
{
	const struct lir *lir = l->lir;
	uint32_t best = LIR_NO_BLOCK, successors[2];
	unsigned n = lir_successors(&lir->blocks[b], successors);

	/* What falls through is the last: of equals it is taken. */
	for (unsigned s = 0; s < n; s++) {
		if (may_follow(l, successors[s]) &&
		    (best == LIR_NO_BLOCK ||
		     lir->blocks[successors[s]].loop_depth >= lir->blocks[best].loop_depth))
			best = successors[s];
	}
	while (best == LIR_NO_BLOCK && l->n_stack) {
		uint32_t waiting = l->stack[--l->n_stack];

		if (may_follow(l, waiting))
			best = waiting;
	}
	return best;
}

static void lay_out(struct layout *l, uint32_t b)
{
	struct lir *lir = l->lir;
	const struct lir_flow *flow = lir->flow;
	uint32_t successors[2];
	unsigned n = lir_successors(&lir->blocks[b], successors);

	l->laid_out[b] = true;
	lir->order[lir->n_order++] = b;
	for (unsigned s = 0; s < n && !lir->blocks[b].cold; s++) {
		uint32_t to = successors[s];

		if (flow->place[to] > flow->place[b] && l->waits[to] && !--l->waits[to])
			l->stack[l->n_stack++] = to;
	}
}

/* The blocks of one function, which are together in rpo: from place *at on. */
static void order_function(struct layout *l, uint32_t *at)
{
	const struct lir *lir = l->lir;
	const struct lir_flow *flow = lir->flow;
	uint32_t function = lir->blocks[flow->rpo[*at]].function, first = *at;

	l->n_stack = 0;
	for (uint32_t b = flow->rpo[first]; b != LIR_NO_BLOCK; b = choose(l, b))
		lay_out(l, b);
	for (; *at < flow->n_rpo && lir->blocks[flow->rpo[*at]].function == function; ++*at) {
		if (!l->laid_out[flow->rpo[*at]])
			lay_out(l, flow->rpo[*at]);
	}
}

/* ---- Exits ---------------------------------------------------------------------------------- */

static bool is_short_exit(const struct lir_block *block)
{
	const struct lir_op *end = end_of(block);

	return block->n_ops <= MAX_EXIT && end && end->code == LIR_EXIT;
}

/* Take @b, which nothing leads to any more, out of the order. */
static void drop_block(struct lir *lir, uint32_t b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < lir->n_order; i++) {
		if (lir->order[i] != b)
			lir->order[n++] = lir->order[i];
	}
	lir->n_order = n;
	lir->blocks[b].n_ops = 0;
}

/* Instead of a jump to a short exit that lies elsewhere: the exit. */
static void copy_exits(struct lir *lir)
{
	uint32_t copied = 0;

	for (uint32_t i = 0; i < lir->n_order && copied < MAX_EXITS; i++) {
		uint32_t b = lir->order[i], to = lir->blocks[b].next;

		if (to == LIR_NO_BLOCK || end_of(&lir->blocks[b]) || lir->blocks[b].cold ||
		    (i + 1 < lir->n_order && lir->order[i + 1] == to) ||
		    !is_short_exit(&lir->blocks[to]))
			continue;
		copy_behind(lir, to, b);
		copied++;
		if (!--lir->blocks[to].n_preds)
			drop_block(lir, to);
	}
	if (copied)
		jit_flow_changed(lir, JIT_FLOW_NOTHING);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static void by_number(struct lir *lir)
{
	for (uint32_t b = 0; b < lir->n_blocks; b++)
		lir->order[lir->n_order++] = b;
}

static void optimise_order(struct lir *lir)
{
	struct layout l = {.lir = lir};

	lir_compact(lir);
	thread_jumps(lir);
	jit_flow_order(lir);
	if (lir->failed)
		return;
	rotate_loops(lir);
	jit_flow_order(lir);
	l.waits = malloc((lir->n_blocks + 1) * (2 * sizeof(*l.waits) + sizeof(*l.laid_out)));
	lir->failed |= !l.waits;
	if (lir->failed) {
		free(l.waits);
		return;
	}
	l.stack = l.waits + lir->n_blocks;
	l.laid_out = (uint8_t *)(l.stack + lir->n_blocks);
	find_cold(lir);
	count_waits(&l);
	for (uint32_t at = 0; at < lir->flow->n_rpo;)
		order_function(&l, &at);
	free(l.waits);
	copy_exits(lir);
}

void jit_layout(struct lir *lir, bool optimise)
{
	free(lir->order);
	lir->n_order = 0;
	lir->order = malloc((lir->n_blocks + 1) * sizeof(*lir->order));
	if (!lir->order) {
		lir->failed = true;
		return;
	}
	if (optimise)
		optimise_order(lir);
	else
		by_number(lir);
}
