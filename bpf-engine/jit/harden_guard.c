// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Packet pointers on the two ways from a comparison with data_end.
 *
 * On the way on which the comparison says that so many bytes are there, each pointer with that base
 * that may still become an address is made one to nowhere, by a conditional move, if it says
 * otherwise: that is so only where the branch was mispredicted. Behind it the bytes count as
 * proven. What is moved on from nowhere stays there: the next comparison puts it beyond data_end.
 *
 * The guard stands at the start of the block that only this way leads to; or before the branch,
 * if the register is needed on no other way.
 */
#include <stddef.h>
#include "jit/harden.h"

#define MOST_PROVEN 0xffff

/* ---- What may become an address ---------------------------------------------------------------
 */

/* Registers whose values become part of what @op computes, or an address, or leave its sight. */
static lir_set passed_on(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_BRANCH:
	case LIR_SETCC:
		return lir_has_memory(op) ? LIR_BIT(op->base) : 0;
	default:
		return lir_uses(op);
	}
}

static lir_set needed_before(const struct lir_block *block, lir_set needed)
{
	for (uint32_t i = block->n_ops; i > 0; i--) {
		const struct lir_op *op = &block->ops[i - 1];
		lir_set defs = lir_defs(op);

		if (lir_has_memory(op) && op->code != LIR_LEA)
			needed = (needed & ~defs) | lir_uses(op);
		else if (!defs || lir_is_call(op) || (defs & needed))
			needed = (needed & ~defs) | passed_on(op);
	}
	return needed;
}

void harden_find_needed(struct harden *h)
{
	const struct lir *lir = h->lir;
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = lir->flow->n_rpo; i > 0; i--) {
			uint32_t b = lir->flow->rpo[i - 1], to[2];
			unsigned n = lir_successors(&lir->blocks[b], to);
			lir_set needed = 0;

			for (unsigned k = 0; k < n; k++)
				needed |= h->needed[to[k]];
			needed = needed_before(&lir->blocks[b], needed);
			changed |= needed != h->needed[b];
			h->needed[b] = needed;
		}
	}
}

/* ---- Comparisons ------------------------------------------------------------------------------
 */

struct proof {
	const struct lir_op *branch;
	uint8_t cond;  /* holds on this way */
	uint32_t id;   /* base */
	uint32_t size; /* bytes from it on that lie in the frame then */
};

static bool is_end(const struct harden_state *state, const struct lir_op *op, uint8_t operand)
{
	const struct held *base;

	if (operand < HARDEN_REGS)
		return state->regs[operand].kind == HELD_END;
	if (operand != LIR_MEM || op->mem_kind != BPFE_MEM_CTX || op->base >= HARDEN_REGS ||
	    op->index != LIR_NONE || op->size != 8)
		return false;
	base = &state->regs[op->base];
	return base->kind == HELD_CTX && base->lo == base->hi &&
	       base->lo + op->disp == offsetof(struct bpfe_xdp_buff, data_end);
}

static const struct held *packet_in(const struct harden_state *state, uint8_t operand)
{
	return operand < HARDEN_REGS && state->regs[operand].kind == HELD_PACKET
		       ? &state->regs[operand]
		       : NULL;
}

/* The condition as one of the pointer on the left. */
static bool proves(const struct harden_state *state, struct proof *proof)
{
	const struct lir_op *op = proof->branch;
	const struct held *ptr = packet_in(state, op->a);
	uint8_t cond = proof->cond;
	int64_t size;

	if (ptr && !is_end(state, op, op->b))
		return false;
	if (!ptr) {
		ptr = packet_in(state, op->b);
		cond = lir_cond_swap(cond);
		if (!ptr || !is_end(state, op, op->a))
			return false;
	}
	if (!ptr->id || ptr->lo != ptr->hi || (cond != LIR_BE && cond != LIR_B))
		return false;
	size = ptr->lo + (cond == LIR_B);
	if (size <= 0 || size > MOST_PROVEN)
		return false;
	proof->id = ptr->id;
	proof->size = (uint32_t)size;
	return true;
}

/* ---- Guards -----------------------------------------------------------------------------------
 */

static bool is_guard(const struct lir_op *op, const struct proof *proof, uint8_t reg)
{
	return op->code == LIR_GUARD && op->dst == reg && op->cond == proof->cond &&
	       op->a == proof->branch->a && op->b == proof->branch->b;
}

static void put_guard(struct harden *h, const struct proof *proof, uint8_t reg, uint32_t block,
		      uint32_t at)
{
	struct lir_op guard = *proof->branch;

	guard.code = LIR_GUARD;
	guard.cond = proof->cond;
	guard.dst = reg;
	guard.imm = 0;
	if (at < h->lir->blocks[block].n_ops &&
	    is_guard(&h->lir->blocks[block].ops[at], proof, reg))
		return;
	lir_insert(h->lir, block, at, &guard);
}

static lir_set needed_elsewhere(const struct harden *h, uint32_t block, uint32_t to)
{
	uint32_t ways[2];
	unsigned n = lir_successors(&h->lir->blocks[block], ways);
	lir_set needed = 0;

	for (unsigned k = 0; k < n; k++) {
		if (ways[k] != to)
			needed |= h->lir->blocks[ways[k]].live_in;
	}
	return needed;
}

static void guard(struct harden *h, const struct proof *proof, uint8_t reg, uint32_t block,
		  uint32_t to, struct held *held)
{
	bool alone = h->lir->blocks[to].n_preds == 1 &&
		     h->lir->functions[h->lir->blocks[to].function].entry != to;

	if (!alone && (needed_elsewhere(h, block, to) & LIR_BIT(reg)))
		return;
	held->size = proof->size;
	if (!h->rewriting)
		return;
	if (alone)
		put_guard(h, proof, reg, to, 0);
	else
		put_guard(h, proof, reg, block, h->lir->blocks[block].n_ops - 1);
}

void harden_edge(struct harden *h, uint32_t block, uint32_t to, struct harden_state *after)
{
	const struct lir_block *from = &h->lir->blocks[block];
	struct lir_op branch;
	struct proof proof = {.branch = &branch};

	if (!h->packet || !from->n_ops)
		return;
	branch = from->ops[from->n_ops - 1];
	if (branch.code != LIR_BRANCH || branch.size != 8 || branch.target == from->next)
		return;
	proof.cond = to == branch.target ? branch.cond : lir_cond_not(branch.cond);
	if (!proves(after, &proof))
		return;
	for (uint8_t reg = 0; reg < LIR_FP; reg++) {
		struct held *held = &after->regs[reg];

		if (held->kind == HELD_PACKET && held->id == proof.id && held->size < proof.size &&
		    (h->needed[to] >> reg & 1))
			guard(h, &proof, reg, block, to, held);
	}
}
