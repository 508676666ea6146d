/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Random programs for the JIT's passes; lir_random.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lir_eval.h"
#include "lir_random.h"
#include "lir_text.h"

#define STEPS  2000u
#define STATES 4u

uint64_t lir_random(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint32_t below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)(lir_random(seed) % n);
}

static const uint8_t regs[] = {
	LIR_RAX, LIR_RCX, LIR_RDX, LIR_RBX, LIR_RSI, LIR_R8, LIR_R14,
};

uint8_t lir_random_reg(uint64_t *seed)
{
	return regs[below(seed, sizeof(regs))];
}

/* Numbers that programs like. */
static int32_t random_imm(uint64_t *seed)
{
	static const int32_t liked[] = {
		0,     1,      2,       3,          4,         5,  7,  8,  9,   15,   16,     24,
		31,    32,     34,      40,         48,        56, 63, 64, 127, 128,  255,    256,
		0xfff, 0xffff, 0x10000, 0x7fffffff, INT32_MIN, -1, -2, -8, -16, -256, -65536,
	};

	if (below(seed, 8))
		return liked[below(seed, sizeof(liked) / sizeof(liked[0]))];
	return (int32_t)lir_random(seed);
}

static uint64_t random_value(uint64_t *seed)
{
	switch (below(seed, 4)) {
	case 0:
		return below(seed, 70);
	case 1:
		return (uint32_t)lir_random(seed);
	case 2:
		return (uint64_t)(int64_t)random_imm(seed);
	default:
		return lir_random(seed);
	}
}

/* ---- Operations ------------------------------------------------------------------------------ */

static struct lir_op blank(void)
{
	return (struct lir_op){
		.a = LIR_NONE, .b = LIR_NONE, .base = LIR_NONE, .index = LIR_NONE, .size = 8};
}

static uint8_t either_size(uint64_t *seed)
{
	return below(seed, 2) ? 8 : 4;
}

static void random_b(struct lir_op *op, uint64_t *seed)
{
	if (below(seed, 2)) {
		op->b = lir_random_reg(seed);
		return;
	}
	op->b = LIR_IMM;
	op->imm = random_imm(seed);
}

static void random_memory(struct lir_op *op, uint64_t *seed)
{
	op->size = (uint8_t)(1 << below(seed, 4));
	op->mem_kind = below(seed, 2) ? BPFE_MEM_PACKET : BPFE_MEM_STACK;
	op->base = op->mem_kind == BPFE_MEM_STACK && below(seed, 2) ? (uint8_t)LIR_FP
								    : lir_random_reg(seed);
	op->disp = (int32_t)below(seed, 16) - 16;
}

static void random_binary(struct lir_op *op, uint64_t *seed)
{
	static const uint8_t codes[] = {LIR_ADD, LIR_ADD,  LIR_SUB,  LIR_MUL,  LIR_AND, LIR_AND,
					LIR_OR,  LIR_XOR,  LIR_SHL,  LIR_SHL,  LIR_SHR, LIR_SHR,
					LIR_SAR, LIR_UDIV, LIR_UMOD, LIR_SDIV, LIR_SMOD};

	op->code = codes[below(seed, sizeof(codes))];
	random_b(op, seed);
}

static void random_mov(struct lir_op *op, uint64_t *seed)
{
	op->code = LIR_MOV;
	op->a = LIR_NONE;
	random_b(op, seed);
	if (op->b == LIR_IMM && op->size == 8 && !below(seed, 4))
		op->imm = (int64_t)lir_random(seed);
	if (op->b != LIR_IMM && op->size == 8 && !below(seed, 8))
		op->b = LIR_FP;
}

static void random_unary(struct lir_op *op, uint64_t *seed)
{
	switch (below(seed, 4)) {
	case 0:
		op->code = LIR_NEG;
		break;
	case 1:
		op->code = LIR_BSWAP;
		op->imm = 2 << below(seed, 3);
		op->size = 8;
		break;
	case 2:
		op->code = LIR_ZEXT;
		op->imm = 1 << below(seed, 3);
		op->size = 8;
		break;
	default:
		op->code = LIR_SEXT;
		op->imm = op->size == 8 ? 1 << below(seed, 3) : 1 << below(seed, 2);
		break;
	}
}

static void random_access(struct lir_op *op, uint64_t *seed)
{
	op->a = LIR_NONE;
	random_memory(op, seed);
	if (below(seed, 2)) {
		op->code = LIR_LOAD;
		op->flags = op->size < 8 && !below(seed, 4) ? LIR_F_SIGNED : 0;
		return;
	}
	op->dst = LIR_NONE;
	op->code = LIR_STORE;
	random_b(op, seed);
}

static void random_effect(struct lir_op *op, uint64_t *seed)
{
	op->a = LIR_NONE;
	switch (below(seed, 3)) {
	case 0:
		op->code = LIR_CALL_HELPER;
		op->dst = LIR_RAX;
		op->imm = 0x100 + below(seed, 4);
		op->disp = (int32_t)LIR_BIT(LIR_RSI);
		break;
	case 1:
		random_memory(op, seed);
		op->code = LIR_FETCH;
		op->alu = LIR_ADD;
		op->size = either_size(seed);
		op->b = op->dst;
		break;
	default:
		op->code = LIR_CHARGE;
		op->imm = below(seed, 10);
		op->dst = LIR_NONE;
		break;
	}
}

static void random_new(struct lir_op *op, uint64_t *seed)
{
	static const uint8_t conds[] = {LIR_B, LIR_AE, LIR_E,  LIR_NE, LIR_BE,    LIR_A,
					LIR_L, LIR_GE, LIR_LE, LIR_G,  LIR_TESTZ, LIR_TESTNZ};

	op->a = lir_random_reg(seed);
	op->cond = conds[below(seed, sizeof(conds))];
	switch (below(seed, 5)) {
	case 0:
		op->code = LIR_LEA;
		op->a = LIR_NONE;
		op->base = lir_random_reg(seed);
		op->index = lir_random_reg(seed);
		op->scale = (uint8_t)(1 << below(seed, 4));
		op->disp = random_imm(seed);
		break;
	case 1:
		op->code = LIR_ROL;
		op->b = LIR_IMM;
		op->imm = below(seed, 8 * op->size);
		break;
	case 2:
		op->code = LIR_SHLD;
		op->b = lir_random_reg(seed);
		op->imm = 1 + below(seed, 8 * op->size - 1);
		break;
	case 3:
		op->code = LIR_SELECT;
		random_b(op, seed);
		op->index = lir_random_reg(seed);
		break;
	default:
		op->code = LIR_SETCC;
		random_b(op, seed);
		break;
	}
}

/* No program reads what it lost in a call. */
static void fill_lost(struct lir *lir, uint32_t block, uint64_t *seed)
{
	for (unsigned i = 1; i < sizeof(regs); i++) {
		struct lir_op op = blank();

		if (!(LIR_CALLER_SAVED & LIR_BIT(regs[i])))
			continue;
		op.code = LIR_MOV;
		op.dst = regs[i];
		op.b = LIR_IMM;
		op.imm = random_imm(seed);
		assert_non_null(lir_append(lir, block, &op));
	}
}

static void random_op(struct lir *lir, uint32_t block, const struct lir_random_shape *shape,
		      uint64_t *seed)
{
	struct lir_op op = blank();

	op.size = either_size(seed);
	op.dst = lir_random_reg(seed);
	op.a = shape->two_operands || below(seed, 2) ? op.dst : lir_random_reg(seed);
	switch (below(seed, shape->two_operands ? 13 : 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		random_binary(&op, seed);
		break;
	case 5:
	case 6:
	case 7:
		random_mov(&op, seed);
		break;
	case 8:
	case 9:
		random_unary(&op, seed);
		break;
	case 10:
	case 11:
		random_access(&op, seed);
		break;
	case 12:
		random_effect(&op, seed);
		break;
	default:
		random_new(&op, seed);
		break;
	}
	assert_non_null(lir_append(lir, block, &op));
	if (op.code == LIR_CALL_HELPER)
		fill_lost(lir, block, seed);
}

/* ---- Programs -------------------------------------------------------------------------------- */

static void append_branch(struct lir *lir, uint32_t block, uint32_t blocks, uint64_t *seed)
{
	struct lir_op op = blank();

	random_new(&op, seed);
	op.code = LIR_BRANCH;
	op.a = lir_random_reg(seed);
	op.base = op.index = LIR_NONE;
	op.scale = 0;
	op.disp = 0;
	op.size = either_size(seed);
	op.imm = 0;
	op.b = below(seed, 2) ? lir_random_reg(seed) : (uint8_t)LIR_IMM;
	if (op.b == LIR_IMM)
		op.imm32 = random_imm(seed);
	op.target = below(seed, 4) ? block + 1 + below(seed, blocks - block) : below(seed, blocks);
	lir->blocks[block].next = block + 1;
	assert_non_null(lir_append(lir, block, &op));
}

/* r0 = something of all registers. */
static void append_end(struct lir *lir, uint32_t block)
{
	struct lir_op op = blank();

	for (unsigned i = 1; i < sizeof(regs); i++) {
		op.code = LIR_MUL;
		op.dst = op.a = LIR_RAX;
		op.b = LIR_IMM;
		op.imm = 31;
		assert_non_null(lir_append(lir, block, &op));
		op.code = LIR_ADD;
		op.b = regs[i];
		op.imm = 0;
		assert_non_null(lir_append(lir, block, &op));
	}
	op = blank();
	op.code = LIR_EXIT;
	assert_non_null(lir_append(lir, block, &op));
}

void lir_random_program(struct lir *lir, const struct lir_random_shape *shape, uint64_t *seed)
{
	uint32_t blocks = 1 + below(seed, shape->blocks);

	lir_from_text(lir, "b0:\n");
	for (uint32_t b = 0; b < blocks; b++) {
		uint32_t ops = below(seed, shape->ops + 1);

		if (b)
			assert_int_equal(lir_block_new(lir, 0, 0), b);
		for (uint32_t i = 0; i < ops; i++) {
			if (shape->idiom && below(seed, 2))
				shape->idiom(lir, b, seed);
			else
				random_op(lir, b, shape, seed);
		}
		append_branch(lir, b, blocks, seed);
	}
	assert_int_equal(lir_block_new(lir, 0, 0), blocks);
	append_end(lir, blocks);
	lir->functions[0].last = lir->n_blocks;
}

/* ---- Comparison ------------------------------------------------------------------------------ */

static void random_state(struct lir_eval *e, uint64_t *seed)
{
	memset(e, 0, sizeof(*e));
	for (unsigned reg = 0; reg < LIR_NONE; reg++)
		e->regs[reg] = random_value(seed);
	e->regs[LIR_FP] = 0x7f0000000200;
	for (unsigned i = 0; i < sizeof(e->memory); i++)
		(&e->memory[0][0])[i] = (uint8_t)lir_random(seed);
	e->steps = STEPS;
}

void lir_assert_same_run(const struct lir *before, const struct lir *after, uint64_t *seed)
{
	struct lir_eval one, two;
	enum lir_eval_end end;

	random_state(&one, seed);
	two = one;
	one.junk = lir_random(seed);
	two.junk = lir_random(seed);
	two.steps = 4 * STEPS;
	end = lir_eval_run(before, &one);
	assert_int_not_equal(end, LIR_EVAL_ERROR);
	if (end == LIR_EVAL_STEPS)
		return;
	if (lir_eval_run(after, &two) != end || one.regs[LIR_RAX] != two.regs[LIR_RAX] ||
	    memcmp(one.memory, two.memory, sizeof(one.memory)) || one.trace != two.trace ||
	    one.budget != two.budget) {
		/* Longer than a message of cmocka's may be. */
		fprintf(stderr, "%s--- became\n", lir_to_text(before));
		fprintf(stderr, "%s", lir_to_text(after));
		fail_msg("a pass changed what a program does: rax %#llx became %#llx",
			 (unsigned long long)one.regs[LIR_RAX],
			 (unsigned long long)two.regs[LIR_RAX]);
	}
}

void lir_assert_same(void (*pass)(struct lir *lir), const struct lir_random_shape *shape,
		     uint32_t rounds, uint64_t seed)
{
	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t again = seed;
		struct lir before, after;

		lir_random_program(&before, shape, &seed);
		lir_random_program(&after, shape, &again);
		pass(&after);
		assert_false(after.failed);
		for (unsigned i = 0; i < STATES; i++)
			lir_assert_same_run(&before, &after, &seed);
		lir_free(&before);
		lir_free(&after);
	}
}
