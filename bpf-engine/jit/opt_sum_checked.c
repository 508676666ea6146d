/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Loops that add up consecutive elements of memory, as opt_sum.c has it, where they are of more
 * than one block: they check each access, or are charged for. This runs before hardening, which
 * then has the sum to look at and not the loop.
 *
 * A loop qualifies whose rounds are known: one register counts from a constant to a constant, in
 * steps of the element's size. Per round it adds one element at a fixed distance from base +
 * counter to a sum; besides, it may leave if that address lies beyond another register, as programs
 * do that check each access against data_end. Addresses only grow: if the last round does not
 * leave, none does. That is asked first, and the loop as it was is kept for the other case.
 *
 * What the loop's rounds would have been charged for is charged for at once, before. There is no
 * other way out, so a run that would have been cut short in the loop still is.
 */
#include "jit/flow.h"
#include "jit/jit.h"

#define MIN_ROUNDS 16u
#define MAX_ROUNDS 65536u /* shorts and bytes of so many add up to less than 2^32 */

/* A register's value in a round: base + counter (if @counts) + @add. */
struct form {
	bool known, counts;
	uint8_t base; /* that the loop does not change; LIR_NONE */
	int64_t add;
};

struct sum_loop {
	struct lir *lir;
	uint32_t head, second, latch; /* in the order of a round; LIR_NO_BLOCK: there is none */
	uint32_t exit;                /* where it goes on when the counter is through */
	lir_set changed;              /* registers the loop sets */
	lir_set set;                  /* those of them that the round has set by now */
	lir_set wanted;               /* registers that are wanted where it leads to */
	struct form forms[LIR_NONE];
	uint8_t counter, sum, element, limit, compared;
	unsigned sum_size, element_size;
	struct form address, last;       /* of the element; of what is held against @limit */
	uint8_t leave_cond;              /* LIR_A, LIR_AE */
	int64_t start, step, stop, most; /* most: the counter's largest value that masks let by */
	bool checks, counted, stepped, loaded, added;
	uint8_t cond;
	uint64_t rounds, charge, latch_charge;
	uint8_t mem_kind;
	uint32_t slot;
};

/* ---- One round ------------------------------------------------------------------------------ */

static struct form form_of(const struct sum_loop *l, uint8_t reg)
{
	if (reg >= LIR_NONE)
		return (struct form){0};
	if (l->changed >> reg & 1)
		return l->forms[reg];
	return (struct form){.known = true, .base = reg};
}

static struct form add_forms(struct form a, struct form b)
{
	struct form sum = {.known = a.known && b.known && !(a.counts && b.counts) &&
				    (a.base == LIR_NONE || b.base == LIR_NONE),
			   .counts = a.counts || b.counts,
			   .base = a.base == LIR_NONE ? b.base : a.base,
			   .add = a.add + b.add};

	return sum;
}

static struct form add_constant(struct form a, int64_t add)
{
	a.add += add;
	return a;
}

static struct form address_of(const struct sum_loop *l, const struct lir_op *op)
{
	struct form form = form_of(l, op->base);

	if (op->scale > 1)
		return (struct form){0};
	if (op->scale)
		form = add_forms(form, form_of(l, op->index));
	return add_constant(form, op->disp);
}

/* An operation that makes an address. */
static bool follow_address(struct sum_loop *l, const struct lir_op *op)
{
	struct form form = {0};

	if (op->size != 8 || op->dst >= LIR_FP || (l->added && op->dst == l->sum) ||
	    (l->loaded && !l->added && op->dst == l->element))
		return false;
	if (op->code == LIR_LEA)
		form = address_of(l, op);
	else if (op->code == LIR_MOV && op->b < LIR_NONE)
		form = form_of(l, op->b);
	else if (op->code == LIR_ADD && op->b == LIR_IMM)
		form = add_constant(form_of(l, op->a), op->imm);
	else if (op->code == LIR_ADD && op->b < LIR_NONE)
		form = add_forms(form_of(l, op->a), form_of(l, op->b));
	else if (op->code == LIR_MASK && op->b == LIR_NONE && !(op->flags & LIR_F_SIGNED))
		form = form_of(l, op->a);
	if (op->code == LIR_MASK) {
		/* It is no mask of what the rounds go through. */
		if (!form.counts || form.base != LIR_NONE)
			return false;
		if (op->imm - form.add < l->most)
			l->most = op->imm - form.add;
	}
	l->forms[op->dst] = form;
	return form.known;
}

static bool is_element(const struct sum_loop *l, const struct lir_op *op, struct form address)
{
	return address.known && address.counts && address.base != LIR_NONE && !l->stepped &&
	       !(op->flags & (LIR_F_SIGNED | LIR_F_ACQUIRE | LIR_F_MASKED)) &&
	       address.add == (int32_t)address.add;
}

static bool follow_load(struct sum_loop *l, const struct lir_op *op)
{
	l->address = address_of(l, op);
	if (l->loaded || op->size > 4 || op->dst == l->counter || !is_element(l, op, l->address))
		return false;
	l->loaded = true;
	l->element = op->dst;
	l->element_size = op->size;
	l->mem_kind = op->mem_kind;
	l->forms[op->dst] = (struct form){0};
	return true;
}

/* sum += element, which may be in memory. */
static bool follow_sum(struct sum_loop *l, const struct lir_op *op)
{
	/* What the round before left there is what it is added to. */
	if (l->added || op->dst == l->counter || op->dst >= LIR_FP || (l->set >> op->dst & 1))
		return false;
	if (op->b == LIR_MEM) {
		l->address = address_of(l, op);
		if (l->loaded || op->size != 4 || op->a != op->dst ||
		    !is_element(l, op, l->address))
			return false;
		l->loaded = true;
		l->element = LIR_NONE;
		l->element_size = 4;
		l->mem_kind = op->mem_kind;
	} else if (!l->loaded || l->element == LIR_NONE || op->b >= LIR_NONE ||
		   !((op->a == op->dst && op->b == l->element) ||
		     (op->b == op->dst && op->a == l->element)) ||
		   op->dst == l->element) {
		return false;
	}
	l->added = true;
	l->sum = op->dst;
	l->sum_size = op->size;
	l->forms[op->dst] = (struct form){0};
	return true;
}

static bool follow_step(struct sum_loop *l, const struct lir_op *op)
{
	if (l->stepped || op->a != l->counter || op->b != LIR_IMM)
		return false;
	l->stepped = true;
	l->step = op->imm;
	l->forms[l->counter].known = false;
	return true;
}

static bool follow(struct sum_loop *l, const struct lir_op *op)
{
	switch (op->code) {
	case LIR_NOP:
	case LIR_OBJECT:
		return true;
	case LIR_CHARGE:
		l->charge += (uint64_t)op->imm;
		return true;
	case LIR_LOAD:
		return follow_load(l, op);
	case LIR_ADD:
		if (op->dst == l->counter)
			return follow_step(l, op);
		if (op->b == LIR_MEM || (l->loaded && (op->a == l->element || op->b == l->element)))
			return follow_sum(l, op);
		return follow_address(l, op);
	case LIR_LEA:
	case LIR_MOV:
	case LIR_MASK:
		return op->dst != l->counter && follow_address(l, op);
	default:
		return false;
	}
}

/* ---- Branches ------------------------------------------------------------------------------- */

/* The loop is left if the element's address, or so, is above (or at) a register. */
static bool follow_check(struct sum_loop *l, const struct lir_op *branch)
{
	uint8_t a = branch->a, b = branch->b, cond = branch->cond;

	if (branch->size != 8 || a >= LIR_FP || b >= LIR_FP)
		return false;
	if (!(l->changed >> a & 1)) {
		a = branch->b;
		b = branch->a;
		cond = lir_cond_swap(cond);
	}
	if ((l->changed >> b & 1) || (cond != LIR_A && cond != LIR_AE))
		return false;
	l->last = form_of(l, a);
	l->compared = a;
	l->limit = b;
	l->leave_cond = cond;
	l->checks = true;
	return l->last.known && l->last.counts && l->last.base != LIR_NONE && a != l->counter;
}

static const struct lir_op *last_op(const struct lir *lir, uint32_t b)
{
	const struct lir_block *block = &lir->blocks[b];

	for (uint32_t o = block->n_ops; o-- > 0;) {
		if (block->ops[o].code != LIR_NOP)
			return &block->ops[o];
	}
	return NULL;
}

/* Where @b goes without a condition: LIR_NO_BLOCK if it has one. */
static uint32_t only_successor(const struct lir *lir, uint32_t b)
{
	uint32_t successors[2];

	return lir_successors(&lir->blocks[b], successors) == 1 ? successors[0] : LIR_NO_BLOCK;
}

static bool is_latch(const struct lir *lir, uint32_t b, uint32_t head)
{
	const struct lir_block *block = &lir->blocks[b];

	if (b == head || only_successor(lir, b) != head || block->n_preds != 1)
		return false;
	for (uint32_t o = 0; o < block->n_ops; o++) {
		uint8_t code = block->ops[o].code;

		if (code != LIR_NOP && code != LIR_CHARGE && code != LIR_JUMP)
			return false;
	}
	return true;
}

/* The branch at the end of a round: back, by way of the latch if there is one, or out. */
static bool follow_end(struct sum_loop *l, uint32_t b)
{
	const struct lir_op *branch = last_op(l->lir, b);
	const struct lir_block *block = &l->lir->blocks[b];
	uint32_t back;

	if (!branch || branch->code != LIR_BRANCH || branch->b != LIR_IMM || branch->a >= LIR_FP ||
	    (branch->size != 8 && branch->size != 4) || block->next == LIR_NO_BLOCK)
		return false;
	l->counter = branch->a;
	l->stop = branch->imm32;
	l->cond = branch->cond;
	back = branch->target;
	l->exit = block->next;
	if (back != l->head && !is_latch(l->lir, back, l->head)) {
		back = block->next;
		l->exit = branch->target;
		l->cond = lir_cond_not(l->cond);
	}
	if (back != l->head) {
		if (!is_latch(l->lir, back, l->head))
			return false;
		l->latch = back;
	}
	return l->exit != l->head && l->exit != b && l->exit != l->second;
}

/* ---- The loop ------------------------------------------------------------------------------- */

static void note_block(struct sum_loop *l, uint32_t b)
{
	const struct lir_block *block = &l->lir->blocks[b];

	for (uint32_t o = 0; o < block->n_ops; o++)
		l->changed |= lir_defs(&block->ops[o]);
}

static bool follow_block(struct sum_loop *l, uint32_t b)
{
	const struct lir_block *block = &l->lir->blocks[b];

	for (uint32_t o = 0; o < block->n_ops; o++) {
		if (!lir_ends_block(&block->ops[o]) && !follow(l, &block->ops[o]))
			return false;
		l->set |= lir_defs(&block->ops[o]);
	}
	return true;
}

/* Does the head end with a check, and the round go on in a block of its own? */
static bool find_second(struct sum_loop *l)
{
	const struct lir_op *branch = last_op(l->lir, l->head);
	uint32_t second = l->lir->blocks[l->head].next;

	if (!branch || branch->code != LIR_BRANCH || branch->b >= LIR_FP ||
	    second == LIR_NO_BLOCK || l->lir->blocks[second].n_preds != 1 || second == l->head)
		return false;
	l->second = second;
	return true;
}

/* The counter's value where the loop is entered, from one place only. */
static bool find_start(struct sum_loop *l, uint32_t from)
{
	const struct lir_block *block = &l->lir->blocks[from];

	for (uint32_t o = block->n_ops; o-- > 0;) {
		const struct lir_op *op = &block->ops[o];

		if (!(lir_defs(op) & LIR_BIT(l->counter)))
			continue;
		l->start = op->imm;
		return op->code == LIR_MOV && op->b == LIR_IMM && op->dst == l->counter;
	}
	return false;
}

/* Is @add a displacement in every round? */
static bool fits(int64_t add, const struct sum_loop *l)
{
	return add >= INT32_MIN && add <= INT32_MAX - l->stop;
}

static bool count_rounds(struct sum_loop *l)
{
	int64_t distance = l->stop - l->start;

	if (l->step != (int64_t)l->element_size || l->start < 0 || distance <= 0)
		return false;
	if (l->cond == LIR_NE && distance % l->step)
		return false;
	if (l->cond != LIR_NE && l->cond != LIR_B && l->cond != LIR_L)
		return false;
	l->rounds = (uint64_t)((distance + l->step - 1) / l->step);
	if (l->element_size == 4 && l->sum_size != 4)
		return false;
	return l->rounds >= MIN_ROUNDS && l->rounds <= MAX_ROUNDS && fits(l->address.add, l) &&
	       (!l->checks || fits(l->last.add, l)) &&
	       l->start + (int64_t)(l->rounds - 1) * l->step <= l->most;
}

/* The one block that leads to the head beside the loop's own; LIR_NO_BLOCK: not one. */
static uint32_t entered_from(const struct sum_loop *l)
{
	const struct lir_flow *flow = l->lir->flow;
	const struct lir_block *head = &l->lir->blocks[l->head];
	uint32_t end = l->latch != LIR_NO_BLOCK    ? l->latch
		       : l->second != LIR_NO_BLOCK ? l->second
						   : l->head;
	uint32_t first = flow->preds[flow->first_pred[l->head]], other;

	if (head->n_preds != 2)
		return LIR_NO_BLOCK;
	other = flow->preds[flow->first_pred[l->head] + 1];
	if (first == end)
		return other;
	return other == end ? first : LIR_NO_BLOCK;
}

static lir_set live_at(const struct lir *lir, uint32_t b)
{
	return lir->blocks[b].live_in;
}

static bool is_sum_loop(struct sum_loop *l, uint32_t *from)
{
	const struct lir *lir = l->lir;
	lir_set temporary;

	if (!follow_end(l, l->head) && (!find_second(l) || !follow_end(l, l->second)))
		return false;
	note_block(l, l->head);
	if (l->second != LIR_NO_BLOCK)
		note_block(l, l->second);
	if (!(l->changed >> l->counter & 1))
		return false;
	l->forms[l->counter] = (struct form){.known = true, .counts = true, .base = LIR_NONE};
	if (!follow_block(l, l->head))
		return false;
	if (l->second != LIR_NO_BLOCK &&
	    (!follow_check(l, last_op(lir, l->head)) || !follow_block(l, l->second)))
		return false;
	/* Only of what is a pointer is it known that it does not begin again at 0. */
	if (l->checks && l->last.base != l->address.base)
		return false;
	*from = entered_from(l);
	if (!l->added || !l->stepped || *from == LIR_NO_BLOCK || !find_start(l, *from) ||
	    !count_rounds(l))
		return false;
	temporary = l->changed & ~(LIR_BIT(l->counter) | LIR_BIT(l->sum));
	return !(temporary & (live_at(lir, l->exit) | live_at(lir, l->head)));
}

/* ---- In its place --------------------------------------------------------------------------- */

static struct lir_op plain_op(const struct sum_loop *l, uint8_t code, unsigned size)
{
	return (struct lir_op){.code = code,
			       .size = (uint8_t)size,
			       .dst = LIR_NONE,
			       .a = LIR_NONE,
			       .b = LIR_NONE,
			       .base = LIR_NONE,
			       .index = LIR_NONE,
			       .slot = l->slot};
}

static void put_charge(const struct sum_loop *l, uint32_t block)
{
	struct lir_op op = plain_op(l, LIR_CHARGE, 8);

	if (!l->lir->counts)
		return;
	op.imm = (int64_t)(l->charge * l->rounds + l->latch_charge * (l->rounds - 1));
	op.flags = LIR_F_CHECK;
	lir_append(l->lir, block, &op);
}

static void put_sum(const struct sum_loop *l, uint32_t block)
{
	struct lir_op op = plain_op(l, LIR_SUM, l->sum_size);

	put_charge(l, block);
	op.dst = op.a = l->sum;
	op.alu = (uint8_t)l->element_size;
	op.base = l->address.base;
	op.disp = (int32_t)(l->address.add + l->start);
	op.mem_kind = l->mem_kind;
	op.imm = (int64_t)l->rounds;
	lir_append(l->lir, block, &op);
	op = plain_op(l, LIR_MOV, 8);
	op.dst = l->counter;
	op.b = LIR_IMM;
	op.imm = l->start + (int64_t)l->rounds * l->step;
	lir_append(l->lir, block, &op);
	if (!l->lir->failed)
		l->lir->blocks[block].next = l->exit;
}

/* In front of the loop: does the last round leave it? */
static void put_check(const struct sum_loop *l, uint32_t block, uint32_t sum)
{
	struct lir_op op = plain_op(l, LIR_LEA, 8);

	op.dst = l->compared;
	op.base = l->last.base;
	op.disp = (int32_t)(l->last.add + l->start + (int64_t)(l->rounds - 1) * l->step);
	lir_append(l->lir, block, &op);
	op = plain_op(l, LIR_BRANCH, 8);
	op.cond = l->leave_cond;
	op.a = l->compared;
	op.b = l->limit;
	op.target = l->head;
	lir_append(l->lir, block, &op);
	if (!l->lir->failed)
		l->lir->blocks[block].next = sum;
}

static void redirect(struct lir *lir, uint32_t from, uint32_t old, uint32_t new)
{
	struct lir_block *block = &lir->blocks[from];

	if (block->next == old)
		block->next = new;
	for (uint32_t o = 0; o < block->n_ops; o++) {
		struct lir_op *op = &block->ops[o];

		if ((op->code == LIR_JUMP || op->code == LIR_BRANCH || op->code == LIR_MAY_GOTO) &&
		    op->target == old)
			op->target = new;
	}
}

static void replace(struct sum_loop *l, uint32_t from)
{
	struct lir *lir = l->lir;
	uint32_t function = lir->blocks[l->head].function;
	uint32_t sum = lir_block_new(lir, function, l->slot), check = sum;

	if (sum != LIR_NO_BLOCK && l->checks) {
		check = lir_block_new(lir, function, l->slot);
		put_check(l, check, sum);
	}
	if (lir->failed)
		return;
	put_sum(l, sum);
	redirect(lir, from, l->head, check);
}

static bool sum_up(struct lir *lir, uint32_t head)
{
	struct sum_loop l = {.lir = lir,
			     .head = head,
			     .second = LIR_NO_BLOCK,
			     .latch = LIR_NO_BLOCK,
			     .counter = LIR_NONE,
			     .element = LIR_NONE,
			     .most = INT32_MAX,
			     .slot = lir->blocks[head].slot};
	uint32_t from;

	if (!is_sum_loop(&l, &from))
		return false;
	if (l.latch != LIR_NO_BLOCK) {
		for (uint32_t o = 0; o < lir->blocks[l.latch].n_ops; o++) {
			if (lir->blocks[l.latch].ops[o].code == LIR_CHARGE)
				l.latch_charge += (uint64_t)lir->blocks[l.latch].ops[o].imm;
		}
	}
	replace(&l, from);
	return true;
}

void jit_opt_sum_checked(struct lir *lir)
{
	const uint32_t n = lir->n_blocks;

	if (!__builtin_cpu_supports("sse4.1"))
		return;
	jit_flow_live(lir);
	for (uint32_t b = 0; b < n && !lir->failed; b++) {
		/* Found one: what jit_flow() knows is of before. */
		if (lir->blocks[b].loop_head && sum_up(lir, b))
			jit_flow(lir);
	}
}
