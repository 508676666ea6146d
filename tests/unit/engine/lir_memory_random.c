/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random programs that access memory much: a chain of blocks with skips over some of them, few
 * addresses and registers, so that accesses overlap and values are bytes of one another.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lir_eval.h"
#include "lir_memory_random.h"
#include "lir_text.h"

#define BLOCKS 4u

/* What is stored behind LIR_FP and pointed to; below that is nobody else's. */
#define POINTED_TO 16

struct random {
	uint64_t state;
	enum lir_random_stack stack;
};

static uint32_t below(struct random *r, uint32_t n)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % n;
}

static uint8_t any_reg(struct random *r)
{
	static const uint8_t regs[] = {LIR_RAX, LIR_RCX, LIR_RDX, LIR_RBX, LIR_RSI, LIR_R8};

	return regs[below(r, sizeof(regs))];
}

/* Slots of a compiler, mostly whole. */
static void set_own_stack(struct random *r, struct lir_op *op)
{
	static const int32_t slots[] = {-64, -56, -48, -40, -36, -32, -24};

	op->mem_kind = BPFE_MEM_STACK;
	op->base = LIR_FP;
	op->disp = slots[below(r, 7)];
	op->size = op->disp == -40 || op->disp == -36 ? 4 : 8;
	if (!below(r, 20))
		op->size = (uint8_t)(1u << below(r, 4));
}

static void set_memory(struct random *r, struct lir_op *op)
{
	static const uint8_t kinds[] = {BPFE_MEM_STACK, BPFE_MEM_PACKET, BPFE_MEM_PACKET,
					BPFE_MEM_MAP_VALUE};

	if (r->stack == LIR_RANDOM_OWN && below(r, 2)) {
		set_own_stack(r, op);
		return;
	}
	op->mem_kind = kinds[r->stack == LIR_RANDOM_OWN ? 1 + below(r, 3) : below(r, 4)];
	op->size = (uint8_t)(1u << below(r, below(r, 3) ? 2 : 4));
	op->disp = (int32_t)below(r, 8);
	op->base = op->mem_kind == BPFE_MEM_STACK && below(r, 4) ? LIR_FP : any_reg(r);
	if (op->base == LIR_FP)
		op->disp -= 16;
	if (!below(r, 8)) {
		op->index = any_reg(r);
		op->scale = (uint8_t)(1u << below(r, 4));
	}
}

static void append(struct lir *lir, uint32_t block, struct lir_op op)
{
	op.slot = 0;
	assert_non_null(lir_append(lir, block, &op));
}

static struct lir_op blank(uint8_t code, uint8_t dst)
{
	return (struct lir_op){.code = code,
			       .size = 8,
			       .dst = dst,
			       .a = LIR_NONE,
			       .b = LIR_NONE,
			       .base = LIR_NONE,
			       .index = LIR_NONE};
}

static void add_load(struct random *r, struct lir *lir, uint32_t block)
{
	struct lir_op op = blank(LIR_LOAD, any_reg(r));

	set_memory(r, &op);
	if (!below(r, 16))
		op.flags = LIR_F_SIGNED;
	append(lir, block, op);
}

static void add_store(struct random *r, struct lir *lir, uint32_t block)
{
	struct lir_op op = blank(LIR_STORE, LIR_NONE);

	set_memory(r, &op);
	op.b = below(r, 4) ? any_reg(r) : LIR_IMM;
	if (op.b == LIR_IMM)
		op.imm = (int64_t)below(r, 1000) - 500;
	append(lir, block, op);
}

/* A word of two or four neighbours, as a compiler writes it. */
static void add_word(struct random *r, struct lir *lir, uint32_t block)
{
	uint8_t low = any_reg(r), high = any_reg(r);
	struct lir_op op = blank(LIR_LOAD, low), more;

	set_memory(r, &op);
	op.size = (uint8_t)(1u << below(r, 2));
	more = op;
	append(lir, block, op);
	more.dst = high;
	more.disp += below(r, 8) ? op.size : -(int32_t)op.size;
	append(lir, block, more);
	op = blank(LIR_SHL, high);
	op.size = below(r, 2) ? 4 : 8;
	op.a = high;
	op.b = LIR_IMM;
	op.imm = 8 * more.size;
	append(lir, block, op);
	op.code = LIR_OR;
	op.dst = op.a = high;
	op.b = low;
	op.imm = 0;
	append(lir, block, op);
}

/* The bytes of a register one by one, in either order. */
static void add_split(struct random *r, struct lir *lir, uint32_t block)
{
	uint8_t from = any_reg(r), high = any_reg(r);
	struct lir_op store = blank(LIR_STORE, LIR_NONE), op = blank(LIR_SHR, high);

	set_memory(r, &store);
	store.size = (uint8_t)(1u << below(r, 2));
	store.b = from;
	if (below(r, 2))
		append(lir, block, store);
	op.size = below(r, 2) ? 4 : 8;
	op.a = from;
	op.b = LIR_IMM;
	op.imm = 8 * store.size;
	append(lir, block, op);
	store.disp += store.size;
	store.b = high;
	append(lir, block, store);
	store.disp -= store.size;
	store.b = from;
	if (below(r, 2))
		append(lir, block, store);
}

/* Bytes copied to somewhere else. */
static void add_copy(struct random *r, struct lir *lir, uint32_t block)
{
	struct lir_op load = blank(LIR_LOAD, any_reg(r)), store = blank(LIR_STORE, LIR_NONE);
	uint32_t n = 2 + below(r, 5);

	set_memory(r, &load);
	load.size = 1;
	set_memory(r, &store);
	store.size = 1;
	if (below(r, 2)) {
		store.base = load.base;
		store.index = load.index;
		store.scale = load.scale;
		store.mem_kind = load.mem_kind;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!below(r, 3))
			load.dst = any_reg(r);
		store.b = load.dst;
		append(lir, block, load);
		append(lir, block, store);
		load.disp++;
		store.disp++;
	}
}

/* Read, change, write. */
static void add_change(struct random *r, struct lir *lir, uint32_t block)
{
	static const uint8_t codes[] = {LIR_ADD, LIR_SUB, LIR_AND, LIR_XOR, LIR_MUL};
	struct lir_op load = blank(LIR_LOAD, any_reg(r)), op, store;

	set_memory(r, &load);
	append(lir, block, load);
	op = blank(codes[below(r, sizeof(codes))], load.dst);
	op.size = below(r, 2) ? 4 : 8;
	op.a = load.dst;
	op.b = below(r, 2) ? any_reg(r) : LIR_IMM;
	if (op.b == LIR_IMM)
		op.imm = (int64_t)below(r, 600) - 300;
	if (op.b != LIR_IMM && below(r, 2)) {
		op.a = op.b;
		op.b = load.dst;
	}
	append(lir, block, op);
	store = load;
	store.code = LIR_STORE;
	store.dst = LIR_NONE;
	store.b = op.dst;
	store.flags = 0;
	append(lir, block, store);
}

/* A pointer into the stack: used here, given to a call, or kept for later. */
static void add_pointer(struct random *r, struct lir *lir, uint32_t block)
{
	struct lir_op op = blank(LIR_ADD, any_reg(r)), access = blank(LIR_LOAD, any_reg(r));

	if (r->stack == LIR_RANDOM_SHARED || below(r, 3))
		return;
	op.a = LIR_FP;
	op.b = LIR_IMM;
	op.imm = -POINTED_TO + (int64_t)below(r, 4);
	append(lir, block, op);
	access.mem_kind = BPFE_MEM_STACK;
	access.base = op.dst;
	access.disp = (int32_t)below(r, 5);
	append(lir, block, access);
	if (below(r, 4) && access.dst != op.dst) {
		op.b = LIR_IMM;
		op.imm = below(r, 8);
		op.a = LIR_NONE;
		op.code = LIR_MOV;
		append(lir, block, op);
	}
}

static void add_arithmetic(struct random *r, struct lir *lir, uint32_t block)
{
	static const uint8_t codes[] = {LIR_ADD, LIR_ADD, LIR_SUB, LIR_AND, LIR_OR,
					LIR_XOR, LIR_MUL, LIR_SHL, LIR_SHR, LIR_MOV};
	struct lir_op op = blank(codes[below(r, sizeof(codes))], any_reg(r));

	op.size = below(r, 3) ? 8 : 4;
	op.a = op.code == LIR_MOV ? (uint8_t)LIR_NONE : any_reg(r);
	if (op.code == LIR_ADD && op.size == 8 && r->stack == LIR_RANDOM_SHARED && !below(r, 4))
		op.a = LIR_FP;
	op.b = below(r, 2) ? any_reg(r) : LIR_IMM;
	if (op.code == LIR_SHL || op.code == LIR_SHR) {
		op.b = LIR_IMM;
		op.imm = below(r, 2) ? 8 * below(r, 4) : 1 + below(r, 3);
	} else if (op.b == LIR_IMM) {
		op.imm = below(r, 20);
	}
	append(lir, block, op);
}

static void add_call(struct random *r, struct lir *lir, uint32_t block)
{
	struct lir_op op = blank(LIR_CALL_HELPER, LIR_NONE);

	if (below(r, 4))
		return;
	op.imm = 0x1000;
	op.disp = (int32_t)LIR_BIT(LIR_RSI);
	append(lir, block, op);
	/* What a call leaves is not to be read before it is written. */
	for (unsigned i = 0; i < 5; i++) {
		static const uint8_t lost[] = {LIR_RCX, LIR_RDX, LIR_RSI, LIR_R8, LIR_R9};
		struct lir_op mov = blank(LIR_MOV, lost[i]);

		mov.b = LIR_IMM;
		mov.imm = 32 * i;
		append(lir, block, mov);
	}
}

/* Nothing is read that was never written. */
static void fill_own_stack(struct random *r, struct lir *lir)
{
	for (int32_t disp = -64; disp < -POINTED_TO; disp += 8) {
		struct lir_op op = blank(LIR_STORE, LIR_NONE);

		op.mem_kind = BPFE_MEM_STACK;
		op.base = LIR_FP;
		op.disp = disp;
		op.b = any_reg(r);
		if (disp == -40)
			op.size = 4;
		append(lir, 0, op);
		op.disp += 4;
		if (disp == -40)
			append(lir, 0, op);
	}
}

static void build(struct random *r, struct lir *lir)
{
	static void (*const add[])(struct random *, struct lir *, uint32_t) = {
		add_load, add_load,   add_store,      add_store,      add_word, add_split,
		add_copy, add_change, add_arithmetic, add_arithmetic, add_call, add_pointer};
	struct lir_op end = blank(LIR_EXIT, LIR_NONE);

	if (r->stack == LIR_RANDOM_OWN)
		fill_own_stack(r, lir);
	for (uint32_t b = 0; b < BLOCKS; b++) {
		uint32_t n = 2 + below(r, 12);

		for (uint32_t i = 0; i < n; i++)
			add[below(r, sizeof(add) / sizeof(add[0]))](r, lir, b);
		if (b + 2 < BLOCKS && below(r, 2)) {
			struct lir_op branch = blank(LIR_BRANCH, LIR_NONE);

			branch.cond = below(r, 2) ? LIR_B : LIR_NE;
			branch.a = any_reg(r);
			branch.b = any_reg(r);
			branch.target = b + 2;
			append(lir, b, branch);
		}
		lir->blocks[b].next = b + 1 < BLOCKS ? b + 1 : LIR_NO_BLOCK;
	}
	for (unsigned reg = LIR_RCX; reg <= LIR_R9; reg++) {
		struct lir_op op = blank(LIR_XOR, LIR_RAX);

		if (reg == LIR_RSP || reg == LIR_RBP || reg == LIR_RDI || reg == LIR_R9)
			continue;
		op.a = LIR_RAX;
		op.b = (uint8_t)reg;
		append(lir, BLOCKS - 1, op);
	}
	append(lir, BLOCKS - 1, end);
}

static void start(struct random *r, struct lir_eval *eval)
{
	uint8_t *bytes = &eval->memory[0][0];

	for (unsigned i = 0; i < sizeof(eval->memory); i++)
		bytes[i] = (uint8_t)below(r, 256);
	/* Near each other, so that different registers are addresses of the same bytes. */
	for (unsigned reg = 0; reg < LIR_NONE; reg++)
		eval->regs[reg] = 64 + below(r, 8);
	eval->regs[LIR_FP] = LIR_EVAL_MEMORY / 2;
	eval->steps = 10000;
	eval->hidden = r->stack == LIR_RANDOM_OWN ? LIR_EVAL_MEMORY / 2 - POINTED_TO : 0;
}

void lir_memory_random(uint32_t seed, enum lir_random_stack stack, void (*pass)(struct lir *lir))
{
	struct random r = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1, stack};
	struct lir_eval before = {0}, after;
	struct lir lir;
	char *text;

	lir_from_text(&lir, "b0:\n\t-> b1\n");
	while (lir.n_blocks < BLOCKS)
		lir_block_new(&lir, 0, 0);
	lir.functions[0].last = lir.n_blocks;
	lir.functions[0].stack_bytes = 64;
	lir.spare = LIR_BIT(LIR_R10) | LIR_BIT(LIR_R12);
	build(&r, &lir);
	start(&r, &before);
	after = before;
	after.junk = 1;
	assert_int_equal(lir_eval_run(&lir, &before), LIR_EVAL_EXIT);
	text = strdup(lir_to_text(&lir));
	assert_non_null(text);
	pass(&lir);
	assert_false(lir.failed);
	assert_int_equal(lir_eval_run(&lir, &after), LIR_EVAL_EXIT);
	memset(before.memory[BPFE_MEM_STACK], 0, sizeof(before.memory[BPFE_MEM_STACK]));
	memset(after.memory[BPFE_MEM_STACK], 0, sizeof(after.memory[BPFE_MEM_STACK]));
	if (before.regs[LIR_RAX] != after.regs[LIR_RAX] || before.trace != after.trace ||
	    memcmp(before.memory, after.memory, sizeof(before.memory))) {
		/* fail_msg() has room for less. */
		fprintf(stderr, "%sbecame\n%s", text, lir_to_text(&lir));
		fail_msg("seed %u", seed);
	}
	free(text);
	lir_free(&lir);
}
