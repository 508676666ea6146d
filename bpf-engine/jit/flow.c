/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Predecessors, liveness and loops.
 *
 * A depth-first walk from each function's entry numbers the blocks. Loops are found from the inside
 * out as Havlak does ("Nesting of Reducible and Irreducible Loops", TOPLAS 1997): the body of a
 * loop is what reaches its edges back without passing its head, and counts as its head from then
 * on, so that every block is looked at about once however deep loops nest. A loop that can be
 * entered beside its head has a depth but no head. Liveness is the usual backward fixpoint over one
 * set per block.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/jit.h"

/* Arrays in lir_flow.memory, and in the walk's own. */
#define FLOW_TABLES 6
#define WALK_TABLES 7

struct walk {
	struct lir *lir;
	struct lir_flow *flow;
	uint32_t *first;  /* when the walk came to a block, in numbers */
	uint32_t *last;   /* the greatest of those below it */
	uint32_t *merged; /* union-find: the head a block counts as, itself if none */
	uint32_t *stack;
	uint32_t *member; /* the head whose loop a block was last put on the list of */
	bool has_loops;
	uint32_t *to; /* two of each block: its successors, LIR_NO_BLOCK behind the last */
};

/* ---- Order ------------------------------------------------------------------------------------
 */

static void discover(struct walk *w, uint32_t b, uint32_t *time)
{
	const struct lir_block *block = &w->lir->blocks[b];
	unsigned n = lir_successors(block, &w->to[2 * b]);

	while (n < 2)
		w->to[2 * b + n++] = LIR_NO_BLOCK;
	w->first[b] = (*time)++;
	w->last[b] = 0; /* successors walked so far, until it is finished */
}

/* From @entry on; finished blocks fill rpo from place @free down. Returns what is left of it. */
static uint32_t number_blocks(struct walk *w, uint32_t entry, uint32_t free, uint32_t *time)
{
	struct lir_flow *flow = w->flow;
	uint32_t depth = 0;

	if (w->first[entry] != UINT32_MAX)
		return free;
	discover(w, entry, time);
	w->stack[depth++] = entry;
	while (depth) {
		uint32_t b = w->stack[depth - 1], n = w->last[b]++;
		uint32_t to = n < 2 ? w->to[2 * b + n] : LIR_NO_BLOCK;

		if (to == LIR_NO_BLOCK) {
			w->last[b] = *time - 1;
			flow->rpo[--free] = b;
			depth--;
		} else if (w->first[to] == UINT32_MAX) {
			discover(w, to, time);
			w->stack[depth++] = to;
		}
	}
	return free;
}

static void order_blocks(struct walk *w)
{
	struct lir *lir = w->lir;
	struct lir_flow *flow = w->flow;
	uint32_t free = lir->n_blocks, time = 0;

	for (uint32_t b = 0; b < lir->n_blocks; b++)
		w->first[b] = UINT32_MAX;
	for (uint32_t f = lir->n_functions; f-- > 0;)
		free = number_blocks(w, lir->functions[f].entry, free, &time);
	flow->n_rpo = lir->n_blocks - free;
	for (uint32_t i = 0; i < flow->n_rpo; i++) {
		flow->rpo[i] = flow->rpo[free + i];
		flow->place[flow->rpo[i]] = i;
	}
}

static void empty_unreached(struct walk *w)
{
	for (uint32_t b = 0; b < w->lir->n_blocks; b++) {
		if (w->first[b] != UINT32_MAX)
			continue;
		w->flow->place[b] = UINT32_MAX;
		w->lir->blocks[b].n_ops = 0;
		w->lir->blocks[b].next = LIR_NO_BLOCK;
	}
}

/* ---- Predecessors -----------------------------------------------------------------------------
 */

static void count_predecessors(struct walk *w)
{
	struct lir *lir = w->lir;

	for (uint32_t b = 0; b < lir->n_blocks; b++)
		lir->blocks[b].n_preds = 0;
	for (uint32_t i = 0; i < w->flow->n_rpo; i++) {
		const uint32_t *to = &w->to[2 * w->flow->rpo[i]];

		for (unsigned s = 0; s < 2 && to[s] != LIR_NO_BLOCK; s++) {
			lir->blocks[to[s]].n_preds++;
			w->has_loops |= w->flow->place[to[s]] <= i;
		}
	}
}

/* And whether an edge leads back at all. */
static void find_predecessors(struct walk *w)
{
	struct lir_flow *flow = w->flow;
	uint32_t at = 0;

	count_predecessors(w);
	for (uint32_t b = 0; b < w->lir->n_blocks; b++) {
		at += w->lir->blocks[b].n_preds;
		flow->first_pred[b] = at;
	}
	for (uint32_t i = flow->n_rpo; i-- > 0;) {
		const uint32_t *to = &w->to[2 * flow->rpo[i]];

		for (unsigned s = 0; s < 2 && to[s] != LIR_NO_BLOCK; s++)
			flow->preds[--flow->first_pred[to[s]]] = flow->rpo[i];
	}
}

/* ---- Loops ------------------------------------------------------------------------------------
 */

static bool is_below(const struct walk *w, uint32_t block, uint32_t top)
{
	return w->first[top] <= w->first[block] && w->first[block] <= w->last[top];
}

/* The block that @b counts as by now; shortens the way there. */
static uint32_t merged_into(struct walk *w, uint32_t b)
{
	while (w->merged[b] != b) {
		w->merged[b] = w->merged[w->merged[b]];
		b = w->merged[b];
	}
	return b;
}

/* Put what leads to @b on the list of @head's loop; @back: by edges back to the head only, which @b
 * then is. False: something does that the head does not lead to. */
static bool list_predecessors(struct walk *w, uint32_t b, uint32_t head, bool back, uint32_t *n)
{
	const struct lir_flow *flow = w->flow;
	bool natural = true;

	for (uint32_t i = 0; i < w->lir->blocks[b].n_preds; i++) {
		uint32_t pred = flow->preds[flow->first_pred[b] + i];

		if (back != is_below(w, pred, b))
			continue;
		pred = merged_into(w, pred);
		if (pred == head || w->member[pred] == head)
			continue;
		if (!is_below(w, pred, head)) {
			natural = false;
			continue;
		}
		w->member[pred] = head;
		w->stack[(*n)++] = pred;
	}
	return natural;
}

static bool leads_back_to(const struct walk *w, uint32_t head)
{
	const struct lir_flow *flow = w->flow;

	for (uint32_t i = 0; i < w->lir->blocks[head].n_preds; i++) {
		if (is_below(w, flow->preds[flow->first_pred[head] + i], head))
			return true;
	}
	return false;
}

static void find_loop(struct walk *w, uint32_t head)
{
	uint32_t n = 0;
	bool natural = true;

	list_predecessors(w, head, head, true, &n);
	for (uint32_t i = 0; i < n; i++) {
		const struct lir_block *block = &w->lir->blocks[w->stack[i]];

		/* What enters an inner loop beside its head may come from anywhere. */
		natural &= !block->loop_depth || block->loop_head;
		natural &= list_predecessors(w, w->stack[i], head, false, &n);
	}
	for (uint32_t i = 0; i < n; i++) {
		w->merged[w->stack[i]] = head;
		w->flow->loop[w->stack[i]] = head;
	}
	w->lir->blocks[head].loop_head = natural;
	w->lir->blocks[head].loop_depth = 1;
}

/* Heads are numbered before what is in their loops: from the last to the first is inside out. */
static void find_loops(struct walk *w)
{
	struct lir *lir = w->lir;
	struct lir_flow *flow = w->flow;

	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		flow->loop[b] = LIR_NO_BLOCK;
		lir->blocks[b].loop_head = false;
		lir->blocks[b].loop_depth = 0;
	}
	if (!w->has_loops)
		return;
	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		w->merged[b] = b;
		w->member[b] = LIR_NO_BLOCK;
	}
	for (uint32_t i = flow->n_rpo; i-- > 0;) {
		if (leads_back_to(w, flow->rpo[i]))
			find_loop(w, flow->rpo[i]);
	}
	for (uint32_t i = 0; i < flow->n_rpo; i++) {
		struct lir_block *block = &lir->blocks[flow->rpo[i]];

		if (flow->loop[flow->rpo[i]] != LIR_NO_BLOCK)
			block->loop_depth += lir->blocks[flow->loop[flow->rpo[i]]].loop_depth;
	}
}

/* ---- Liveness ---------------------------------------------------------------------------------
 */

static void summarise_block(const struct lir_block *block, lir_set *uses, lir_set *defs)
{
	*uses = 0;
	*defs = 0;
	for (uint32_t i = block->n_ops; i-- > 0;) {
		lir_set op_defs = lir_defs(&block->ops[i]);

		*uses = (*uses & ~op_defs) | lir_uses(&block->ops[i]);
		*defs |= op_defs;
	}
}

static bool spread_liveness(const struct walk *w, uint32_t b, lir_set uses, lir_set defs)
{
	struct lir_block *blocks = w->lir->blocks;
	const uint32_t *to = &w->to[2 * b];
	lir_set live = 0;

	for (unsigned s = 0; s < 2 && to[s] != LIR_NO_BLOCK; s++)
		live |= blocks[to[s]].live_in;
	blocks[b].live_out = live;
	live = uses | (live & ~defs);
	if (live == blocks[b].live_in)
		return false;
	blocks[b].live_in = live;
	return true;
}

/* Places of blocks that lead back, in w->merged, which loops need no longer; how many. */
static uint32_t find_back_edges(struct walk *w)
{
	const struct lir_flow *flow = w->flow;
	uint32_t n = 0;

	for (uint32_t i = 0; i < flow->n_rpo && w->has_loops; i++) {
		const uint32_t *to = &w->to[2 * flow->rpo[i]];
		bool back = false;

		for (unsigned s = 0; s < 2 && to[s] != LIR_NO_BLOCK; s++)
			back |= flow->place[to[s]] <= i;
		w->merged[n] = i;
		n += back;
	}
	return n;
}

/* Going backward, only blocks that lead back are visited before what they lead to: when nothing
 * changes for these, nothing does for any. */
static void find_liveness(struct walk *w)
{
	struct lir *lir = w->lir;
	struct lir_flow *flow = w->flow;
	lir_set *uses = w->stack, *defs = w->member;
	uint32_t n_back = find_back_edges(w);
	bool changed = true;

	for (uint32_t b = 0; b < lir->n_blocks; b++)
		lir->blocks[b].live_in = lir->blocks[b].live_out = 0;
	for (uint32_t i = 0; i < flow->n_rpo; i++)
		summarise_block(&lir->blocks[flow->rpo[i]], &uses[i], &defs[i]);
	while (changed) {
		changed = false;
		for (uint32_t i = flow->n_rpo; i-- > 0;)
			spread_liveness(w, flow->rpo[i], uses[i], defs[i]);
		for (uint32_t k = 0; k < n_back; k++) {
			uint32_t i = w->merged[k];

			changed |= spread_liveness(w, flow->rpo[i], uses[i], defs[i]);
		}
	}
}

/* ---- All of it --------------------------------------------------------------------------------
 */

/* Tables of lir->flow that fit its blocks, and the walk's own behind them. */
static bool make_room(struct walk *w)
{
	struct lir *lir = w->lir;
	struct lir_flow *flow = lir->flow;
	uint32_t n = lir->n_blocks;
	uint32_t *table;

	if (!flow || flow->room < n) {
		uint32_t room = n + n / 4 + 16;
		size_t entries = (size_t)room * (FLOW_TABLES + WALK_TABLES);

		free(flow);
		flow = malloc(sizeof(*flow) + entries * sizeof(uint32_t));
		lir->flow = flow;
		if (!flow)
			return false;
		flow->room = room;
	}
	table = flow->memory;
	flow->rpo = table;
	flow->place = table += n;
	flow->first_pred = table += n;
	flow->loop = table += n;
	flow->preds = table += n;
	w->first = table += 2 * (size_t)n;
	w->last = table += n;
	w->merged = table += n;
	w->stack = table += n;
	w->member = table += n;
	w->to = table + n;
	w->flow = flow;
	return true;
}

void jit_flow(struct lir *lir)
{
	jit_flow_changed(lir, JIT_FLOW_NOTHING);
	jit_flow_live(lir);
}

void jit_flow_order(struct lir *lir)
{
	struct walk w = {.lir = lir};

	if (lir->failed || lir->flow_known >= JIT_FLOW_ORDER)
		return;
	if (!make_room(&w)) {
		lir->failed = true;
		return;
	}
	order_blocks(&w);
	empty_unreached(&w);
	find_predecessors(&w);
	find_loops(&w);
	lir->flow->has_loops = w.has_loops;
	lir->flow_known = JIT_FLOW_ORDER;
}

void jit_flow_live(struct lir *lir)
{
	struct walk w = {.lir = lir};

	jit_flow_order(lir);
	/* The tables are those of the walk that found the order. */
	if (lir->failed || lir->flow_known >= JIT_FLOW_LIVE || !make_room(&w))
		return;
	w.has_loops = lir->flow->has_loops;
	find_liveness(&w);
	lir->flow_known = JIT_FLOW_LIVE;
}
