/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Loops that add up consecutive numbers in memory, as checksums do:
 *
 *	b1:
 *		r8 = load2 packet[rdx + rcx*1]
 *		rsi = add4 rsi, r8
 *		rcx = add8 rcx, 2
 *		branch8 rcx != 1494 -> b1
 *
 * become one operation if it is known how often they go round, which lower_sum.c does with vector
 * instructions. This runs behind hardening: whatever that put into a loop makes it none of these.
 */
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/loops.h"
#include "jit/opt_sum.h"

#define LEAST 16u   /* numbers that it is worth it for */
#define MOST  4096u /* so that four bytes hold the sum of any of two */

struct sum {
	const struct lir_op *load, *add, *end;
	const struct lir_op *step; /* of the counter */
	const struct lir_op *walk; /* of the address, if that is not the counter; or NULL */
	struct jit_counter counter;
	uint8_t bytes; /* of each number */
};

/* Which of two that are added to is compared? */
static bool find_counter(struct sum *s)
{
	if (s->walk && s->walk->dst == s->end->a) {
		const struct lir_op *walk = s->step;

		s->step = s->walk;
		s->walk = walk;
	}
	return s->step->dst == s->step->a &&
	       (!s->walk ||
		(s->walk->dst == s->walk->a && s->walk->size == 8 && s->walk->dst != s->step->dst));
}

/* The operations of @block by what they are for; false if there are others. */
static bool find_operations(const struct lir_block *block, struct sum *s)
{
	for (uint32_t i = 0; i < block->n_ops; i++) {
		const struct lir_op *op = &block->ops[i];

		if (op->code == LIR_NOP)
			continue;
		if (op->code == LIR_LOAD && !s->load && !s->step)
			s->load = op;
		else if (op->code == LIR_ADD && op->b != LIR_IMM && !s->add)
			s->add = op;
		else if (op->code == LIR_ADD && op->b == LIR_IMM && !s->step)
			s->step = op;
		else if (op->code == LIR_ADD && op->b == LIR_IMM && !s->walk)
			s->walk = op;
		else if (op->code == LIR_BRANCH && !s->end)
			s->end = op;
		else
			return false;
	}
	return s->add && s->step && s->end && find_counter(s);
}

/* Numbers are loaded and then added, or added from memory: where, and of how many bytes? */
static bool find_numbers(struct sum *s)
{
	const struct lir_op *add = s->add;

	if (!s->load) {
		s->load = add;
		s->bytes = add->size;
		/* The counter must not move before. */
		return add->b == LIR_MEM && add->dst == add->a && add->size == 4 && add < s->step &&
		       (!s->walk || add < s->walk);
	}
	s->bytes = s->load->size;
	if (s->load->flags & (LIR_F_SIGNED | LIR_F_ACQUIRE) || s->load > add ||
	    s->bytes > (add->size == 4 ? 4 : 2))
		return false;
	return (add->a == s->load->dst && add->b == add->dst) ||
	       (add->b == s->load->dst && add->a == add->dst);
}

/* How far does @step move what is loaded? */
static int64_t moved_by(const struct lir_op *load, const struct lir_op *step)
{
	int64_t distance = 0;

	if (step && load->base == step->dst)
		distance += step->imm;
	if (step && load->scale && load->index == step->dst)
		distance += step->imm * load->scale;
	return distance;
}

/* Does each round read what follows what the one before it read? */
static bool is_consecutive(const struct sum *s)
{
	return s->load->mem_kind != BPFE_MEM_STACK && s->load->mem_kind != BPFE_MEM_NONE &&
	       moved_by(s->load, s->step) + moved_by(s->load, s->walk) == s->bytes;
}

/* A counter of four bytes may begin again at 0: what it is an index of is not in one piece then. */
static bool begins_again(const struct sum *s)
{
	const struct jit_counter *c = &s->counter;

	return c->size == 4 && moved_by(s->load, s->step) &&
	       (c->first > UINT32_MAX || c->step < 0 ||
		c->first + c->rounds * (uint64_t)c->step > UINT32_MAX);
}

/* Nothing but the sum and the counter comes out of it, and they are not what is added. */
static bool is_closed(const struct sum *s, lir_set live_out)
{
	uint8_t sum = s->add->dst, counter = s->step->dst;
	uint8_t walk = s->walk ? s->walk->dst : (uint8_t)LIR_NONE;

	if (sum == counter || sum == walk ||
	    (lir_uses(s->load) & LIR_BIT(sum) && s->load != s->add) || s->load->base == sum ||
	    (s->load->scale && s->load->index == sum))
		return false;
	if (s->load == s->add)
		return true;
	return s->load->dst != sum && s->load->dst != counter && s->load->dst != walk &&
	       !(lir_uses(s->load) & LIR_BIT(s->load->dst)) && !(live_out & LIR_BIT(s->load->dst));
}

/* The one block that enters the loop of block @b alone; LIR_NO_BLOCK: there are more. */
static uint32_t entered_from(const struct lir *lir, uint32_t b)
{
	uint32_t from = LIR_NO_BLOCK;

	for (uint32_t i = 0; i < lir->blocks[b].n_preds; i++) {
		uint32_t pred = lir->flow->preds[lir->flow->first_pred[b] + i];

		if (pred == b || (lir->flow->loop[pred] == b && lir->blocks[pred].n_preds == 1))
			continue;
		if (from != LIR_NO_BLOCK)
			return LIR_NO_BLOCK;
		from = pred;
	}
	return from;
}

static void rewrite(struct lir_block *block, const struct sum *s, uint32_t behind)
{
	uint64_t last = s->counter.first + s->counter.rounds * (uint64_t)s->counter.step;
	struct lir_op sum = *s->load, counter = *s->step, walk = s->walk ? *s->walk : counter;

	sum.code = LIR_SUM;
	sum.size = s->add->size;
	sum.alu = s->bytes;
	sum.dst = sum.a = s->add->dst;
	sum.b = LIR_NONE;
	sum.imm = s->counter.rounds;
	counter.code = LIR_MOV;
	counter.a = LIR_NONE;
	counter.imm = (int64_t)(counter.size == 4 ? (uint32_t)last : last);
	walk.imm *= s->counter.rounds;
	block->ops[0] = sum;
	block->ops[1] = counter;
	block->n_ops = 2;
	if (s->walk)
		block->ops[block->n_ops++] = walk;
	block->next = behind;
}

/* What block @b, which leads to itself along the way @inverted or not of the branch at its end,
 * adds up; *behind is where it goes on. */
static bool find_sum(const struct lir *lir, uint32_t b, bool inverted, struct sum *s,
		     uint32_t *behind)
{
	const struct lir_block *block = &lir->blocks[b];
	uint32_t from;

	if (!find_operations(block, s) || !find_numbers(s) || !is_consecutive(s))
		return false;
	*behind = inverted ? s->end->target : block->next;
	from = entered_from(lir, b);
	if (*behind == LIR_NO_BLOCK || from == LIR_NO_BLOCK ||
	    !is_closed(s, lir->blocks[*behind].live_in))
		return false;
	s->counter.reg = s->step->dst;
	s->counter.size = s->step->size;
	s->counter.step = s->step->imm;
	return jit_count_rounds(lir, &s->counter, from, s->end, inverted, MOST) &&
	       s->counter.rounds >= LEAST && !begins_again(s) &&
	       (!s->walk || (s->walk->imm * (int64_t)s->counter.rounds <= INT32_MAX &&
			     s->walk->imm * (int64_t)s->counter.rounds >= INT32_MIN));
}

static bool is_candidate(const struct lir *lir, uint32_t b, bool *inverted)
{
	const struct lir_block *block = &lir->blocks[b];
	const struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;

	if (!end || end->code != LIR_BRANCH || block->n_ops < 3 || block->n_ops > 16 ||
	    block->next == LIR_NO_BLOCK)
		return false;
	*inverted = jit_follow_jumps(lir, block->next) == b;
	return *inverted || end->target == b;
}

static bool has_vectors(void)
{
	return __builtin_cpu_supports("sse4.1");
}

bool jit_is_sum(const struct lir *lir, uint32_t b)
{
	struct sum s = {0};
	uint32_t behind;
	bool inverted;

	return has_vectors() && is_candidate(lir, b, &inverted) &&
	       find_sum(lir, b, inverted, &s, &behind);
}

void jit_opt_sum(struct lir *lir)
{
	bool inverted, looked = false;

	for (uint32_t b = 0; b < lir->n_blocks && !lir->failed && has_vectors(); b++) {
		struct sum s = {0};
		uint32_t behind;

		if (!is_candidate(lir, b, &inverted))
			continue;
		if (!looked)
			jit_flow(lir);
		looked = true;
		if (!lir->failed && find_sum(lir, b, inverted, &s, &behind)) {
			rewrite(&lir->blocks[b], &s, behind);
			jit_flow_changed(lir, JIT_FLOW_NOTHING);
		}
	}
}
