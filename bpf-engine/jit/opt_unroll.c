/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Innermost loops that run a known number of times get several rounds in one, as many as divide
 * that number, so that all but the last of them need not ask whether there is another. There is
 * nothing to rename, since registers are the machine's: the blocks are copied and joined.
 *
 * Registers that each round adds a constant to, and that only address memory or are added to others
 * for the rest, are added to once for all rounds; where they are read in the copies the difference
 * becomes part of the displacement.
 */
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/loops.h"
#include "jit/opt_sum.h"

#define MAX_BLOCKS 6u    /* of a loop */
#define MAX_ROUNDS 8u    /* in one */
#define MAX_OPS    96u   /* of a loop, unrolled */
#define MAX_COUNT  4096u /* rounds of a loop at all */
#define MAX_LOOPS  16u   /* of a program */
#define MAX_STEP   (1 << 20)

struct loop {
	struct lir *lir;
	uint32_t blocks[MAX_BLOCKS]; /* the head first, that with the branch back last */
	uint32_t n_blocks, n_ops;
	bool leaves; /* other than at its end */
	uint32_t from;
	uint32_t rounds; /* in one from now on */
	struct jit_counter counter;
	lir_set folded; /* registers whose additions are left to the last round */
	struct {
		uint32_t block,
			op; /* where it is added to: in which of blocks, at which operation */
		int32_t step;
	} added[LIR_NONE];
};

static struct lir_block *block_of(const struct loop *l, uint32_t i)
{
	return &l->lir->blocks[l->blocks[i]];
}

/* ---- What the loop is ------------------------------------------------------------------------ */

static bool is_empty_jump(const struct lir_block *b)
{
	for (uint32_t i = 0; i < b->n_ops; i++) {
		if (b->ops[i].code != LIR_NOP && b->ops[i].code != LIR_JUMP)
			return false;
	}
	return true;
}

/* The block whose branch leads back to @head, directly from now on; LIR_NO_BLOCK: there is no such,
 * or more than one. */
static uint32_t find_latch(struct lir *lir, uint32_t head)
{
	uint32_t latch = LIR_NO_BLOCK, through = LIR_NO_BLOCK;
	struct lir_op *end;

	for (uint32_t i = 0; i < lir->blocks[head].n_preds; i++) {
		uint32_t pred = lir->flow->preds[lir->flow->first_pred[head] + i];

		if (lir->flow->place[pred] < lir->flow->place[head])
			continue;
		if (latch != LIR_NO_BLOCK)
			return LIR_NO_BLOCK;
		latch = pred;
	}
	if (latch != head && is_empty_jump(&lir->blocks[latch]) &&
	    lir->blocks[latch].n_preds == 1) {
		through = latch;
		latch = lir->flow->preds[lir->flow->first_pred[latch]];
	}
	if (!lir->blocks[latch].n_ops || lir->blocks[latch].next == LIR_NO_BLOCK)
		return LIR_NO_BLOCK;
	end = &lir->blocks[latch].ops[lir->blocks[latch].n_ops - 1];
	if (end->code != LIR_BRANCH)
		return LIR_NO_BLOCK;
	if (end->target == through)
		end->target = head;
	if (lir->blocks[latch].next == through)
		lir->blocks[latch].next = head;
	return latch;
}

static bool is_copyable(const struct lir_op *op)
{
	return !lir_is_call(op) && op->code != LIR_MAY_GOTO && op->code != LIR_FENCE &&
	       op->code != LIR_EXIT && op->code != LIR_TRAP;
}

static bool add_block(struct loop *l, uint32_t b)
{
	const struct lir_block *block = &l->lir->blocks[b];

	if (l->n_blocks == MAX_BLOCKS)
		return false;
	l->blocks[l->n_blocks++] = b;
	for (uint32_t i = 0; i < block->n_ops; i++) {
		if (!is_copyable(&block->ops[i]))
			return false;
		l->n_ops += block->ops[i].code != LIR_NOP;
	}
	return l->n_ops <= MAX_OPS / 2;
}

/* Blocks of a loop lie between its head and the branch back, in the order of lir_flow. */
static bool find_blocks(struct loop *l, uint32_t head, uint32_t latch)
{
	const struct lir_flow *flow = l->lir->flow;

	for (uint32_t i = flow->place[head]; i <= flow->place[latch]; i++) {
		uint32_t b = flow->rpo[i];

		if (b == head || flow->loop[b] == head) {
			if ((b != head && l->lir->blocks[b].loop_head) || !add_block(l, b))
				return false;
		} else if (i - flow->place[head] > 4 * MAX_BLOCKS) {
			return false;
		}
	}
	return l->n_blocks && l->blocks[l->n_blocks - 1] == latch;
}

static bool is_inside(const struct loop *l, uint32_t block, uint32_t *i)
{
	for (*i = 0; *i < l->n_blocks; ++*i) {
		if (l->blocks[*i] == block)
			return true;
	}
	return false;
}

static void find_from(struct loop *l)
{
	const struct lir_flow *flow = l->lir->flow;
	uint32_t head = l->blocks[0], i;

	l->from = LIR_NO_BLOCK;
	for (uint32_t n = 0; n < l->lir->blocks[head].n_preds; n++) {
		uint32_t pred = flow->preds[flow->first_pred[head] + n];

		if (is_inside(l, pred, &i) || flow->place[pred] > flow->place[head])
			continue;
		if (l->from != LIR_NO_BLOCK) {
			l->from = LIR_NO_BLOCK;
			return;
		}
		l->from = pred;
	}
}

/* ---- What it adds up ------------------------------------------------------------------------- */

/* Is @op "reg = reg + constant"? */
static bool is_step(const struct lir_op *op)
{
	return op->code == LIR_ADD && op->b == LIR_IMM && op->dst == op->a && op->imm < MAX_STEP &&
	       op->imm > -MAX_STEP;
}

/* Registers that every round adds a constant to, once. */
static lir_set find_added(struct loop *l)
{
	lir_set added = 0, others = 0;

	for (uint32_t n = 0; n < l->n_blocks; n++) {
		bool always = n == 0 || n == l->n_blocks - 1;
		const struct lir_block *block = block_of(l, n);

		for (uint32_t i = 0; i < block->n_ops; i++) {
			const struct lir_op *op = &block->ops[i];
			lir_set defs = lir_defs(op);

			if (op->code == LIR_NOP)
				continue;
			others |= defs & added;
			if (always && is_step(op)) {
				added |= defs;
				l->added[op->dst].block = n;
				l->added[op->dst].op = i;
				l->added[op->dst].step = (int32_t)op->imm;
			} else {
				others |= defs;
			}
		}
	}
	return added & ~others;
}

/* Is there room for more in a displacement? */
static bool has_room(int64_t disp)
{
	return disp < INT32_MAX / 2 && disp > INT32_MIN / 2;
}

/* Registers that @op reads where a constant cannot be added on the way. */
static lir_set read_as_they_are(const struct lir_op *op)
{
	lir_set uses = lir_uses(op);

	if (op->code == LIR_ADD && op->size == 8 && op->b < LIR_NONE)
		return op->a == op->b || op->a == LIR_FP || op->b == LIR_FP ? uses : 0;
	if (op->code == LIR_ADD && op->size == 8 && op->b == LIR_IMM)
		return op->a == LIR_FP || !has_room(op->imm) ? uses : 0;
	if (op->code == LIR_LEA)
		return op->size == 8 && has_room(op->disp) ? 0 : uses;
	if (lir_has_memory(op) && op->mem_kind != BPFE_MEM_STACK && has_room(op->disp))
		uses &= ~((lir_one(op->base) | lir_one(op->index)) &
			  ~(lir_one(op->a) | lir_one(op->b)));
	return uses;
}

/* Registers that are wanted elsewhere with what they are in the middle of a round. */
static lir_set wanted_outside(struct loop *l)
{
	lir_set wanted = 0;
	uint32_t to[2], inside;

	for (uint32_t n = 0; n + 1 < l->n_blocks; n++) {
		unsigned successors = lir_successors(block_of(l, n), to);

		for (unsigned s = 0; s < successors; s++) {
			if (is_inside(l, to[s], &inside))
				continue;
			wanted |= l->lir->blocks[to[s]].live_in;
			l->leaves = true;
		}
	}
	return wanted;
}

static void find_folded(struct loop *l, lir_set added)
{
	lir_set small = 0; /* of four bytes: those may begin again at 0 in between */

	for (lir_set rest = added; rest; rest &= rest - 1) {
		uint8_t reg = (uint8_t)__builtin_ctz(rest);

		if (block_of(l, l->added[reg].block)->ops[l->added[reg].op].size == 4)
			small |= LIR_BIT(reg);
	}
	l->folded = added & ~wanted_outside(l);
	for (uint32_t n = 0; n < l->n_blocks; n++) {
		const struct lir_block *block = block_of(l, n);

		for (uint32_t i = 0; i < block->n_ops; i++) {
			const struct lir_op *op = &block->ops[i];

			if (op->code != LIR_NOP && !is_step(op) &&
			    !(n == l->n_blocks - 1 && op->code == LIR_BRANCH))
				l->folded &= ~(read_as_they_are(op) | (lir_uses(op) & small));
			if (is_step(op) && !(added & LIR_BIT(op->dst)))
				l->folded &= ~LIR_BIT(op->dst);
		}
	}
}

/* ---- How many rounds in one ------------------------------------------------------------------ */

static bool count(struct loop *l, lir_set added)
{
	const struct lir_block *latch = block_of(l, l->n_blocks - 1);
	const struct lir_op *end = &latch->ops[latch->n_ops - 1];
	uint32_t n;

	if (l->from == LIR_NO_BLOCK || end->a >= LIR_NONE || !(added & LIR_BIT(end->a)))
		return false;
	n = l->added[end->a].block;
	l->counter.reg = end->a;
	l->counter.size = block_of(l, n)->ops[l->added[end->a].op].size;
	l->counter.step = l->added[end->a].step;
	return jit_count_rounds(l->lir, &l->counter, l->from, end, latch->next == l->blocks[0],
				MAX_COUNT);
}

static void choose_rounds(struct loop *l)
{
	l->rounds = 1;
	for (uint32_t n = 2; n <= MAX_ROUNDS && n < l->counter.rounds; n++) {
		if (l->counter.rounds % n == 0 && n * l->n_ops <= MAX_OPS)
			l->rounds = n;
	}
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* What a folded register lacks where it is read by operation @i of block @n in round @round. */
static int32_t lacks(const struct loop *l, uint8_t reg, uint32_t n, uint32_t i, uint32_t round)
{
	bool behind;

	if (reg >= LIR_NONE || !(l->folded & LIR_BIT(reg)))
		return 0;
	behind = n > l->added[reg].block || (n == l->added[reg].block && i > l->added[reg].op);
	return (int32_t)(round + behind) * l->added[reg].step;
}

/* a + b + @lack. */
static void become_sum(struct lir_op *op, int32_t lack)
{
	op->code = LIR_LEA;
	op->base = op->a;
	op->index = op->b;
	op->scale = 1;
	op->disp = lack;
	op->a = op->b = LIR_NONE;
	op->imm = 0;
}

static void fold(const struct loop *l, struct lir_op *op, uint32_t n, uint32_t i, uint32_t round)
{
	int32_t lack;

	if (is_step(op) && (l->folded & LIR_BIT(op->dst))) {
		op->code = LIR_NOP;
		return;
	}
	if (op->code == LIR_ADD && op->b == LIR_IMM) {
		op->imm += lacks(l, op->a, n, i, round);
		return;
	}
	if (op->code == LIR_ADD && op->b < LIR_NONE) {
		lack = lacks(l, op->a, n, i, round) + lacks(l, op->b, n, i, round);
		if (lack)
			become_sum(op, lack);
		return;
	}
	if (op->code == LIR_SELECT || !lir_has_memory(op))
		return;
	op->disp += lacks(l, op->base, n, i, round);
	if (op->scale)
		op->disp += lacks(l, op->index, n, i, round) * op->scale;
}

/* What every round is charged for is charged in the first, if none of them can be left early. */
static void charge(const struct loop *l, struct lir_op *op, uint32_t n, uint32_t round)
{
	if (n != 0 && n != l->n_blocks - 1)
		return;
	if (l->leaves)
		op->flags &= round ? (uint8_t)~LIR_F_CHECK : 0xff;
	else if (round)
		op->code = LIR_NOP;
	else
		op->imm *= l->rounds;
}

static void rewrite_block(const struct loop *l, uint32_t block, uint32_t n, uint32_t round)
{
	struct lir_block *b = &l->lir->blocks[block];

	for (uint32_t i = 0; i < b->n_ops; i++) {
		if (b->ops[i].code == LIR_CHARGE)
			charge(l, &b->ops[i], n, round);
		else if (b->ops[i].code != LIR_NOP)
			fold(l, &b->ops[i], n, i, round);
	}
}

/* Where an edge to @to leads from a copy whose blocks begin at @first. */
static uint32_t copied(const struct loop *l, uint32_t to, uint32_t first)
{
	uint32_t i;

	return to != LIR_NO_BLOCK && is_inside(l, to, &i) ? first + i : to;
}

/* The blocks of another round, at the end of lir->blocks, unchanged; edges among them alone. */
static bool copy_blocks(struct loop *l)
{
	struct lir *lir = l->lir;
	uint32_t first = lir->n_blocks;

	for (uint32_t n = 0; n < l->n_blocks; n++) {
		const struct lir_block old = *block_of(l, n);
		uint32_t new = lir_block_new(lir, old.function, old.slot);

		if (new == LIR_NO_BLOCK)
			return false;
		lir->blocks[new].next = copied(l, old.next, first);
		lir->blocks[new].cold = old.cold;
		for (uint32_t i = 0; i < old.n_ops; i++) {
			struct lir_op op = old.ops[i];

			if (op.code == LIR_JUMP || op.code == LIR_BRANCH)
				op.target = copied(l, op.target, first);
			if (!lir_append(lir, new, &op))
				return false;
		}
	}
	return true;
}

/* The branch at the end of a round that is not the last one goes on with the next. */
static void go_on(struct lir_block *latch, uint32_t head)
{
	latch->ops[latch->n_ops - 1].code = LIR_NOP;
	latch->next = head;
}

/* At the end of the last round: add what was left out, and back to the first. */
static void close_loop(struct loop *l, uint32_t first)
{
	struct lir *lir = l->lir;
	uint32_t last = first + l->n_blocks - 1;
	struct lir_op *end = &lir->blocks[last].ops[lir->blocks[last].n_ops - 1];

	if (end->target == first)
		end->target = l->blocks[0];
	if (lir->blocks[last].next == first)
		lir->blocks[last].next = l->blocks[0];
	for (lir_set rest = l->folded; rest; rest &= rest - 1) {
		uint8_t reg = (uint8_t)__builtin_ctz(rest);
		struct lir_op add = block_of(l, l->added[reg].block)->ops[l->added[reg].op];

		add.code = LIR_ADD; /* it is a NOP by now */
		add.imm = (int64_t)l->added[reg].step * l->rounds;
		if (!lir_insert(lir, last, lir->blocks[last].n_ops - 1, &add))
			return;
	}
}

static void unroll(struct loop *l)
{
	struct lir *lir = l->lir;
	uint32_t first = lir->n_blocks, n_copies = l->rounds - 1;

	for (uint32_t copy = 0; copy < n_copies; copy++) {
		if (!copy_blocks(l))
			return;
	}
	for (uint32_t n = 0; n < l->n_blocks; n++) {
		rewrite_block(l, l->blocks[n], n, 0);
		for (uint32_t copy = 0; copy < n_copies; copy++)
			rewrite_block(l, first + copy * l->n_blocks + n, n, copy + 1);
	}
	go_on(block_of(l, l->n_blocks - 1), first);
	for (uint32_t copy = 0; copy + 1 < n_copies; copy++)
		go_on(&lir->blocks[first + (copy + 1) * l->n_blocks - 1],
		      first + (copy + 1) * l->n_blocks);
	close_loop(l, first + (n_copies - 1) * l->n_blocks);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Is the loop of @head to be unrolled? Looks only, but for jumps that it leads past. */
static bool look_at(struct loop *l, struct lir *lir, uint32_t head)
{
	uint32_t latch = find_latch(lir, head);
	lir_set added;

	*l = (struct loop){.lir = lir};
	if (latch == LIR_NO_BLOCK || !find_blocks(l, head, latch))
		return false;
	find_from(l);
	added = find_added(l);
	if (!count(l, added) || jit_is_sum(lir, head))
		return false;
	choose_rounds(l);
	if (l->rounds == 1)
		return false;
	find_folded(l, added);
	return true;
}

void jit_opt_unroll(struct lir *lir)
{
	struct loop loops[MAX_LOOPS];
	uint32_t n = 0;

	jit_flow_live(lir);
	/* What is found out of one loop would no longer be so once another is changed. */
	for (uint32_t b = 0; b < lir->n_blocks && n < MAX_LOOPS && !lir->failed; b++) {
		if (lir->blocks[b].loop_head && look_at(&loops[n], lir, b))
			n++;
	}
	for (uint32_t i = 0; i < n && !lir->failed; i++)
		unroll(&loops[i]);
	if (n)
		jit_flow_changed(lir, JIT_FLOW_NOTHING);
}
