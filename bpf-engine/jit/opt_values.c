/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Constants, known bits, bounds and copies, over whole functions.
 *
 * Blocks are visited in the order of lir_flow, each with what is known on all edges that lead to it
 * (edges that cannot be taken lead nowhere), and are rewritten on the way, since what leads to them
 * was there before. Only loops need two looks: from a head to the last block that leads back,
 * blocks are gone through without rewriting until nothing changes, then rewritten. What is known at
 * a head only ever shrinks, and after a few rounds to a size in bytes at once, so that this ends.
 *
 * What is known in front of a block is kept from the first edge to the visit: most programs need a
 * few such places at a time, however long they are.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/opt_values.h"

#define NO_PLACE UINT32_MAX
/* Times that what is known at a loop's head may change before it is widened. */
#define WIDEN_AFTER 2

/* What is known in front of a block; free ones form a list. */
struct place {
	struct jit_values known;
	uint32_t next_free;
	uint8_t changes;
	bool stale; /* not gone through since it changed */
};

struct pass {
	struct lir *lir;
	const struct lir_flow *flow;
	uint32_t *place_of; /* block: index into places, or NO_PLACE */
	struct place *places;
	uint32_t n_places, room, free;
	struct jit_values now, edge; /* at the operation at hand; on the edge at hand */
	uint32_t last;               /* place in flow->rpo of the last block of the loops at hand */
	uint32_t at_hand;            /* block in front of which what is known is in now */
	bool decided;                /* a branch is no more */
	bool looking;                /* at loops: nothing is rewritten */
};

/* ---- Places ---------------------------------------------------------------------------------- */

static uint32_t place_new(struct pass *p)
{
	uint32_t n = p->free;

	if (n != NO_PLACE) {
		p->free = p->places[n].next_free;
		return n;
	}
	if (p->n_places == p->room) {
		uint32_t room = p->room ? 2 * p->room : 16;
		struct place *places = realloc(p->places, room * sizeof(*places));

		if (!places)
			return NO_PLACE;
		p->places = places;
		p->room = room;
	}
	return p->n_places++;
}

static void place_free(struct pass *p, uint32_t block)
{
	uint32_t n = p->place_of[block];

	p->places[n].next_free = p->free;
	p->free = n;
	p->place_of[block] = NO_PLACE;
}

/* Control may come to @block with @known. */
static void arrive(struct pass *p, uint32_t block, const struct jit_values *known, bool back)
{
	struct place *place;

	if (p->place_of[block] == NO_PLACE) {
		uint32_t n = place_new(p);

		if (n == NO_PLACE) {
			p->lir->failed = true;
			return;
		}
		p->place_of[block] = n;
		place = &p->places[n];
		place->known = *known;
		place->changes = 0;
		place->stale = true;
		return;
	}
	place = &p->places[p->place_of[block]];
	if (!jit_values_join(&place->known, known, back && place->changes >= WIDEN_AFTER))
		return;
	place->stale = true;
	if (back && place->changes < WIDEN_AFTER)
		place->changes++;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static bool is_inside(const struct pass *p, uint32_t block)
{
	return p->last != NO_PLACE && p->flow->place[block] <= p->last;
}

/* While loops are looked at what is behind them has to wait, and once they are known to the end it
 * is only that which is still told. */
static void leave(struct pass *p, uint32_t from, uint32_t to, const struct jit_values *known)
{
	if (is_inside(p, to) == p->looking)
		arrive(p, to, known, p->flow->place[to] <= p->flow->place[from]);
}

/* Is @to the next to be visited, and @from all that leads there? Then what is known need not be
 * kept. */
static bool goes_on(const struct pass *p, uint32_t from, uint32_t to)
{
	return !p->looking && p->lir->blocks[to].n_preds == 1 &&
	       p->flow->place[to] == p->flow->place[from] + 1 && !is_inside(p, to);
}

/* The way on from @block if the condition of the branch at its end holds, or does not. */
static void leave_branch(struct pass *p, uint32_t block, const struct lir_op *op, uint32_t to,
			 bool holds)
{
	p->edge = p->now;
	if (jit_values_branch(&p->edge, op, holds))
		leave(p, block, to, &p->edge);
}

static void leave_block(struct pass *p, uint32_t b)
{
	const struct lir_block *block = &p->lir->blocks[b];
	const struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;
	uint32_t successors[2];
	unsigned n = lir_successors(block, successors);

	if (end && end->code == LIR_BRANCH && n == 2) {
		leave_branch(p, b, end, end->target, true);
		if (!goes_on(p, b, block->next))
			leave_branch(p, b, end, block->next, false);
		else if (jit_values_branch(&p->now, end, false))
			p->at_hand = block->next;
		return;
	}
	if (n == 1 && goes_on(p, b, successors[0])) {
		p->at_hand = successors[0];
		return;
	}
	for (unsigned s = 0; s < n; s++)
		leave(p, b, successors[s], &p->now);
}

/* The branch at the end of @block has become @op: what it does not lead to may be led to no more.
 */
static void decide(struct pass *p, struct lir_block *block, const struct lir_op *op)
{
	if (op->code == LIR_JUMP)
		block->next = LIR_NO_BLOCK;
	p->decided = true;
}

static void visit(struct pass *p, uint32_t b)
{
	struct lir_block *block = &p->lir->blocks[b];

	if (p->at_hand != b) {
		p->now = p->places[p->place_of[b]].known;
		p->places[p->place_of[b]].stale = false;
	}
	p->at_hand = LIR_NO_BLOCK;
	for (uint32_t i = 0; i < block->n_ops; i++) {
		struct lir_op *op = &block->ops[i];
		struct jit_fact fact;
		uint8_t was = op->code;

		if (was == LIR_NOP)
			continue;
		fact = jit_values_result(&p->now, op);
		if (!p->looking)
			jit_values_rewrite(&p->now, op, &fact);
		jit_values_step(&p->now, op, &fact);
		if (was != op->code && was == LIR_BRANCH)
			decide(p, block, op);
	}
	leave_block(p, b);
}

/* ---- Functions ------------------------------------------------------------------------------- */

/* The last place from which control leads back to the block at @i; 0: none. */
static uint32_t last_back(const struct pass *p, uint32_t i)
{
	uint32_t block = p->flow->rpo[i], last = 0;

	for (uint32_t n = 0; n < p->lir->blocks[block].n_preds; n++) {
		uint32_t pred = p->flow->preds[p->flow->first_pred[block] + n];

		if (p->flow->place[pred] >= i && p->flow->place[pred] >= last)
			last = p->flow->place[pred];
	}
	return last;
}

static bool is_back_target(const struct pass *p, uint32_t i)
{
	uint32_t block = p->flow->rpo[i];

	for (uint32_t n = 0; n < p->lir->blocks[block].n_preds; n++) {
		if (p->flow->place[p->flow->preds[p->flow->first_pred[block] + n]] >= i)
			return true;
	}
	return false;
}

/* Go through the loops from place @first to p->last until all is known of them. */
static void look_at_loops(struct pass *p, uint32_t first)
{
	bool stale = true;

	p->looking = true;
	while (stale && !p->lir->failed) {
		stale = false;
		for (uint32_t i = first; i <= p->last; i++) {
			uint32_t place = p->place_of[p->flow->rpo[i]];

			if (place == NO_PLACE || !p->places[place].stale)
				continue;
			visit(p, p->flow->rpo[i]);
			stale = true;
		}
	}
	p->looking = false;
}

/* Loops that overlap are one stretch. */
static void find_stretch(struct pass *p, uint32_t first)
{
	p->last = first;
	for (uint32_t i = first; i <= p->last; i++) {
		uint32_t last = last_back(p, i);

		if (last > p->last)
			p->last = last;
	}
}

static void visit_all(struct pass *p)
{
	for (uint32_t i = 0; i < p->flow->n_rpo && !p->lir->failed; i++) {
		uint32_t block = p->flow->rpo[i];

		if (p->last != NO_PLACE && i > p->last)
			p->last = NO_PLACE;
		if (p->last == NO_PLACE && is_back_target(p, i)) {
			/* Even if control is not known to come here: it may, from further on. */
			find_stretch(p, i);
			look_at_loops(p, i);
		}
		if (p->place_of[block] == NO_PLACE && p->at_hand != block)
			continue;
		visit(p, block);
		if (p->place_of[block] != NO_PLACE)
			place_free(p, block);
	}
}

static void enter_functions(struct pass *p)
{
	jit_values_unknown(&p->now);
	for (uint32_t f = 0; f < p->lir->n_functions; f++)
		arrive(p, p->lir->functions[f].entry, &p->now, false);
}

void jit_opt_values(struct lir *lir)
{
	struct pass p = {.lir = lir, .free = NO_PLACE, .last = NO_PLACE, .at_hand = LIR_NO_BLOCK};

	jit_flow_order(lir);
	if (lir->failed)
		return;
	p.flow = lir->flow;
	p.place_of = malloc(lir->n_blocks * sizeof(*p.place_of));
	if (!p.place_of) {
		lir->failed = true;
		return;
	}
	for (uint32_t b = 0; b < lir->n_blocks; b++)
		p.place_of[b] = NO_PLACE;
	for (uint32_t i = 0; i < p.flow->n_rpo; i++)
		jit_values_pairs(&lir->blocks[p.flow->rpo[i]]);
	enter_functions(&p);
	visit_all(&p);
	free(p.place_of);
	free(p.places);
	jit_flow_changed(lir, p.decided ? JIT_FLOW_NOTHING : JIT_FLOW_ORDER);
}
