// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdbool.h>
#include <stddef.h>
#include "generate.h"
#include "insn.h"
#include "random_program.h"
#include "walks.h"

#define BODY      700 /* slots before the end is written */
#define CONTEXT   (-8)
#define OUTER     (-16)  /* counter of the loop around another */
#define NUMBERS   (-72)  /* seven of 8 bytes from here on */
#define ARRAY     (-136) /* 64 bytes */
#define KEY       (-144)
#define CALLBACKS 3

/* r6 and r7 are the frame's start and end, r0, r8 and r9 numbers, r1 to r5 a step's own. */
struct walks {
	uint64_t random;
	struct bpf_insn *out;
	int n;
	bool nested;
	int calls[CALLBACKS][WALKS_MAX]; /* slots that want to name a function */
	int n_calls[CALLBACKS];
};

static unsigned pick(struct walks *w, unsigned n)
{
	return (unsigned)(next_random(&w->random) >> 20) % n;
}

static void put(struct walks *w, struct bpf_insn insn)
{
	w->out[w->n++] = insn;
}

static uint8_t number(struct walks *w)
{
	static const uint8_t numbers[] = {0, 8, 9};

	return numbers[pick(w, 3)];
}

static uint8_t alu_class(struct walks *w)
{
	return pick(w, 2) ? BPF_ALU64 : BPF_ALU;
}

static uint8_t jump_class(struct walks *w)
{
	return pick(w, 2) ? BPF_JMP : BPF_JMP32;
}

static uint8_t size_of(int bytes)
{
	return bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : bytes == 4 ? BPF_W : BPF_DW;
}

static int32_t constant(struct walks *w)
{
	static const int32_t seams[] = {0,   1,   -1,  2,   7,      8,      31,
					127, 128, 255, 256, 0xffff, 0x8000, -0x7fffffff - 1};

	return pick(w, 2) ? seams[pick(w, 14)] : (int32_t)next_random(&w->random);
}

static uint8_t condition(struct walks *w)
{
	static const uint8_t ops[] = {BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				      BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET};

	return ops[pick(w, 11)];
}

/* The jump at @at leads to what is put next. */
static void land(struct walks *w, int at)
{
	w->out[at].off = (int16_t)(w->n - at - 1);
}

/* ---- Steps without loops -------------------------------------------------------------------- */

static void compute(struct walks *w, uint8_t x)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_XOR, BPF_OR,
				      BPF_AND, BPF_MUL, BPF_DIV, BPF_MOD};
	uint8_t op = ops[pick(w, 8)];
	int32_t imm = constant(w);

	if ((op == BPF_DIV || op == BPF_MOD) && !imm)
		imm = 3;
	if (pick(w, 2))
		put(w, INSN(alu_class(w) | op | BPF_X, x, number(w), 0, 0));
	else if (pick(w, 3))
		put(w, INSN(alu_class(w) | op | BPF_K, x, 0, 0, imm));
	else
		put(w, INSN(alu_class(w) | (pick(w, 2) ? BPF_RSH : BPF_LSH) | BPF_K, x, 0, 0,
			    (int)pick(w, 32)));
}

static void arithmetic(struct walks *w)
{
	compute(w, number(w));
}

/* Parts of the numbers on the stack, in any size and at any place. */
static void part(struct walks *w)
{
	int bytes = 1 << pick(w, 4), at = NUMBERS + bytes * (int)pick(w, (unsigned)(56 / bytes));

	switch (pick(w, 4)) {
	case 0:
		put(w, ST(size_of(bytes), 10, at, constant(w)));
		break;
	case 1:
		put(w, STX(size_of(bytes), 10, at, number(w)));
		break;
	case 2:
		if (bytes < 8) {
			put(w, LDSX(size_of(bytes), number(w), 10, at));
			break;
		}
		/* fall through */
	default:
		put(w, LDX(size_of(bytes), number(w), 10, at));
	}
}

static void by_index(struct walks *w)
{
	int bytes = 1 << pick(w, 4);

	put(w, MOV_X(1, number(w)));
	put(w, INSN(alu_class(w) | BPF_AND | BPF_K, 1, 0, 0, 64 - bytes));
	put(w, MOV_X(2, 10));
	put(w, ALU64_X(BPF_ADD, 2, 1));
	if (pick(w, 2))
		put(w, STX(size_of(bytes), 2, ARRAY, number(w)));
	else
		put(w, LDX(size_of(bytes), number(w), 2, ARRAY));
	if (pick(w, 2))
		put(w, LDX(size_of(bytes), number(w), 10, ARRAY + bytes * (int)pick(w, 8)));
}

static void context(struct walks *w)
{
	put(w, LDX(BPF_DW, 1, 10, CONTEXT));
	put(w, LDX(BPF_W, 2, 1, 12 + 4 * (int)pick(w, 3)));
	put(w, INSN(alu_class(w) | BPF_ADD | BPF_X, number(w), 2, 0, 0));
}

static void swap(struct walks *w, uint8_t x)
{
	put(w, INSN(BPF_ALU | BPF_END | BPF_TO_BE, x, 0, 0, 16 << pick(w, 3)));
}

/* Branches on what arithmetic left, and again on the same. */
static void branches(struct walks *w)
{
	uint8_t x = number(w), class = jump_class(w);
	int32_t k = pick(w, 2) ? 0 : constant(w);

	compute(w, x);
	for (unsigned i = 1 + pick(w, 3); i > 0; i--) {
		int at = w->n;

		put(w,
		    INSN((pick(w, 4) ? class : jump_class(w)) | condition(w) | BPF_K, x, 0, 0, k));
		if (pick(w, 2))
			put(w, MOV_K(1, k));
		else
			compute(w, pick(w, 2) ? number(w) : x);
		land(w, at);
	}
}

static void may_goto(struct walks *w)
{
	int at = w->n;

	put(w, MAY_GOTO(0));
	arithmetic(w);
	land(w, at);
}

/* Leaves r2 at byte @from of the frame; the jump returned is taken if there are no @bytes. */
static int need(struct walks *w, int from, int bytes)
{
	put(w, MOV_X(2, 6));
	put(w, ALU64_K(BPF_ADD, 2, from + bytes));
	put(w, JMP_X(BPF_JGT, 2, 7, 0));
	put(w, MOV_X(2, 6));
	put(w, ALU64_K(BPF_ADD, 2, from));
	return w->n - 5 + 2;
}

/* Some bytes, in pieces and not always in order, to another place of the frame. */
static void copy(struct walks *w)
{
	int at = need(w, (int)pick(w, 40), 32), bytes = 1 << pick(w, 3);
	int from = (int)pick(w, 16), to = (int)pick(w, 16);

	for (int i = 0; i < 8 / bytes; i++) {
		int piece = pick(w, 8) ? i : (int)pick(w, 8) / bytes;
		uint8_t x = pick(w, 4) ? (uint8_t)(1 + 2 * pick(w, 2)) : 4;

		put(w, LDX(size_of(bytes), x, 2, from + piece * bytes));
		if (pick(w, 16) == 0)
			swap(w, x);
		put(w, STX(size_of(bytes), 2, to + piece * bytes, x));
	}
	land(w, at);
}

static void assemble(struct walks *w)
{
	int at = need(w, (int)pick(w, 40), 8), n = 2 << pick(w, 2);
	bool big = pick(w, 2);
	uint8_t x = number(w);

	put(w, LDX(BPF_B, x, 2, big ? 0 : n - 1));
	for (int i = 1; i < n; i++) {
		put(w, ALU64_K(BPF_LSH, x, 8));
		put(w, LDX(BPF_B, 3, 2, big ? i : n - 1 - i));
		if (pick(w, 24) == 0)
			put(w, STX(BPF_B, 2, (int)pick(w, 8), 3));
		put(w, ALU64_X(pick(w, 6) ? BPF_OR : BPF_ADD, x, 3));
	}
	if (pick(w, 2))
		put(w, STX(size_of(n), 2, 0, x));
	land(w, at);
}

static void store_bytes(struct walks *w)
{
	int at = need(w, (int)pick(w, 40), 16), bytes = 1 << pick(w, 2);
	uint8_t x = number(w);
	bool big = pick(w, 2);

	put(w, MOV_X(1, x));
	for (int i = 0; i < 8 / bytes; i++) {
		put(w, STX(size_of(bytes), 2, big ? 8 - bytes * (i + 1) : bytes * i, 1));
		put(w, INSN((pick(w, 16) ? BPF_ALU64 : BPF_ALU) | BPF_RSH | BPF_K, 1, 0, 0,
			    bytes == 4 ? 31 : 8 * bytes));
	}
	land(w, at);
}

/* ---- Loops ---------------------------------------------------------------------------------- */

static void end_round(struct walks *w, int start, int step, int stop)
{
	uint8_t class = jump_class(w);

	put(w, INSN(alu_class(w) | BPF_ADD | BPF_K, 1, 0, 0, step));
	put(w, INSN(class | (pick(w, 2) ? BPF_JNE : BPF_JLT) | BPF_K, 1, 0,
		    (int16_t)(start - w->n - 1), stop));
}

/* Elements from byte to byte, each of them checked. */
static void checked_sum(struct walks *w)
{
	int bytes = 1 << pick(w, 3), from = bytes * (int)pick(w, 20), ahead = (int)pick(w, 4);
	int stop = from + bytes * (int)(1 + pick(w, pick(w, 2) ? 20 : 90)), start, out;
	int beyond = pick(w, 4) ? bytes + ahead : bytes + ahead + (int)pick(w, 9);
	uint8_t sum = number(w);

	put(w, MOV_K(1, from));
	start = w->n;
	put(w, MOV_X(2, 6));
	put(w, ALU64_X(BPF_ADD, 2, 1));
	put(w, MOV_X(3, 2));
	put(w, ALU64_K(BPF_ADD, 3, beyond));
	out = w->n;
	put(w, JMP_X(pick(w, 4) ? BPF_JGT : BPF_JGE, 3, 7, 0));
	if (pick(w, 10) == 0)
		put(w, MOV_X(sum, number(w)));
	if (pick(w, 12) == 0)
		put(w, ALU64_K(BPF_ADD, sum, 1));
	put(w, LDX(size_of(bytes), 4, 2, ahead));
	if (pick(w, 8) == 0)
		swap(w, 4);
	if (pick(w, 12) == 0)
		put(w, MOV_X(5, 4));
	put(w, INSN(alu_class(w) | (pick(w, 8) ? BPF_ADD : BPF_XOR) | BPF_X, sum, 4, 0, 0));
	if (pick(w, 12) == 0)
		compute(w, number(w));
	end_round(w, start, bytes, stop);
	land(w, out);
	if (pick(w, 2))
		put(w, ALU64_X(BPF_ADD, number(w), 1));
}

static void in_round(struct walks *w, int bytes)
{
	switch (pick(w, 7)) {
	case 0:
		compute(w, 4);
		put(w, STX(size_of(bytes), 3, 0, 4));
		break;
	case 1:
		put(w, STX(size_of(bytes), 3, (int)pick(w, 8), number(w)));
		break;
	case 2:
		put(w, LDX(size_of(bytes), 5, 2, (int)pick(w, 8)));
		put(w, ALU64_X(BPF_XOR, number(w), 5));
		break;
	case 3:
		part(w);
		break;
	case 4:
		put(w, ST(size_of(bytes), 2, (int)pick(w, 8), constant(w)));
		break;
	case 5:
		compute(w, number(w));
		break;
	default:
		put(w, INSN(alu_class(w) | BPF_ADD | BPF_X, number(w), 4, 0, 0));
	}
}

/* Over @size bytes at r2: elements that the loop may also change, and end at. */
static void walk(struct walks *w, int size)
{
	int bytes = 1 << pick(w, 4), rounds = 1 + (int)pick(w, (unsigned)((size - 8) / bytes));
	int step = pick(w, 4) ? bytes : 1, start, out = -1;
	uint8_t sum = number(w);

	put(w, MOV_K(1, 0));
	start = w->n;
	put(w, MOV_X(3, 2));
	put(w, ALU64_X(BPF_ADD, 3, 1));
	put(w, LDX(size_of(bytes), 4, 3, 0));
	if (pick(w, 3) == 0) {
		out = w->n;
		put(w, INSN(jump_class(w) | condition(w) | BPF_K, pick(w, 2) ? 4 : number(w), 0, 0,
			    constant(w)));
	}
	if (pick(w, 3))
		put(w, INSN(alu_class(w) | BPF_ADD | BPF_X, sum, 4, 0, 0));
	for (unsigned i = pick(w, 3); i > 0; i--)
		in_round(w, bytes);
	end_round(w, start, step, step * rounds);
	if (out >= 0)
		land(w, out);
	if (pick(w, 2))
		put(w, ALU64_X(BPF_ADD, number(w), 1));
}

static void frame_walk(struct walks *w)
{
	int bytes = 16 + (int)pick(w, 100), at = need(w, (int)pick(w, 20), bytes);

	walk(w, bytes);
	land(w, at);
}

static void stack_walk(struct walks *w)
{
	put(w, MOV_X(2, 10));
	put(w, ALU64_K(BPF_ADD, 2, ARRAY));
	walk(w, 64);
}

static void value_walk(struct walks *w)
{
	const struct bpf_insn map[] = {LD_MAP_IDX(1, (int)pick(w, GENERATED_MAPS))};
	int at;

	put(w, ST(BPF_W, 10, KEY, (int)pick(w, 7)));
	put(w, MOV_X(2, 10));
	put(w, ALU64_K(BPF_ADD, 2, KEY));
	put(w, map[0]);
	put(w, map[1]);
	put(w, CALL(BPF_FUNC_map_lookup_elem));
	at = w->n;
	put(w, JMP_K(BPF_JEQ, 0, 0, 0));
	put(w, MOV_X(2, 0));
	put(w, MOV_K(0, constant(w)));
	walk(w, 16);
	land(w, at);
}

static void nest(struct walks *w)
{
	int start, rounds = 2 + (int)pick(w, 3);

	if (w->nested)
		return;
	w->nested = true;
	put(w, ST(BPF_DW, 10, OUTER, 0));
	start = w->n;
	(pick(w, 3) ? frame_walk : pick(w, 2) ? stack_walk : checked_sum)(w);
	put(w, LDX(BPF_DW, 1, 10, OUTER));
	put(w, ALU64_K(BPF_ADD, 1, 1));
	put(w, STX(BPF_DW, 10, OUTER, 1));
	put(w, JMP_K(BPF_JLT, 1, rounds, start - w->n - 1));
	w->nested = false;
}

/* ---- Functions called back ------------------------------------------------------------------ */

static void name_function(struct walks *w, int function)
{
	const struct bpf_insn address[] = {LD_FUNC(2, 0)};

	w->calls[function][w->n_calls[function]++] = w->n;
	put(w, address[0]);
	put(w, address[1]);
}

static void call_back(struct walks *w)
{
	bool elements = pick(w, 2);
	const struct bpf_insn map[] = {LD_MAP_IDX(1, GENERATED_ARRAY)};

	if (elements) {
		put(w, map[0]);
		put(w, map[1]);
	} else if (pick(w, 2)) {
		put(w, MOV_K(1, (int)pick(w, 9)));
	} else {
		put(w, MOV_X(1, number(w)));
		put(w, ALU64_K(BPF_AND, 1, 15));
	}
	name_function(w, elements ? CALLBACKS - 1 : (int)pick(w, CALLBACKS - 1));
	put(w, MOV_X(3, 10));
	put(w, ALU64_K(BPF_ADD, 3, ARRAY));
	put(w, MOV_K(4, 0));
	put(w, CALL(elements ? BPF_FUNC_for_each_map_elem : BPF_FUNC_loop));
}

/* @memory is 16 bytes that r7 points to; r1 is a number. */
static void function_body(struct walks *w)
{
	int at;

	put(w, LDX(BPF_DW, 8, 7, 8 * (int)pick(w, 2)));
	put(w, MOV_X(0, 1));
	put(w, MOV_X(9, 1));
	put(w, STX(BPF_DW, 10, -8, 1));
	for (unsigned i = pick(w, 4); i > 0; i--)
		arithmetic(w);
	put(w, LDX(BPF_H, 9, 10, -8 + 2 * (int)pick(w, 4)));
	put(w, STX(size_of(1 << pick(w, 4)), 7, 0, number(w)));
	put(w, ALU64_X(BPF_ADD, 8, 9));
	put(w, STX(BPF_DW, 7, 8, 8));
	put(w, MOV_K(0, 0));
	at = w->n;
	put(w, INSN(jump_class(w) | condition(w) | BPF_K, 8, 0, 0, constant(w)));
	put(w, JA(1));
	land(w, at);
	put(w, MOV_K(0, 1));
	put(w, EXIT());
}

static void functions(struct walks *w)
{
	for (int function = 0; function < CALLBACKS; function++) {
		if (!w->n_calls[function])
			continue;
		for (int i = 0; i < w->n_calls[function]; i++) {
			int at = w->calls[function][i];

			w->out[at].imm = w->n - at - 1;
		}
		if (function == CALLBACKS - 1) {
			put(w, MOV_X(7, pick(w, 2) ? 3 : 4));
			put(w, LDX(BPF_W, 1, 2, 0));
		} else {
			put(w, MOV_X(7, 2));
		}
		function_body(w);
	}
}

/* ---- The program ---------------------------------------------------------------------------- */

static void prologue(struct walks *w)
{
	put(w, STX(BPF_DW, 10, CONTEXT, 1));
	put(w, LDX(BPF_W, 6, 1, 0));
	put(w, LDX(BPF_W, 7, 1, 4));
	put(w, LDX(BPF_W, 8, 1, 16));
	put(w, MOV_K(9, constant(w)));
	put(w, MOV_K(0, constant(w)));
	for (int at = ARRAY; at < OUTER; at += 8)
		put(w, ST(BPF_DW, 10, at, constant(w)));
}

static void epilogue(struct walks *w)
{
	put(w, STX(BPF_DW, 10, KEY, 9));
	for (int at = KEY; at < OUTER; at += 8) {
		put(w, ALU64_K(BPF_MUL, 0, 31));
		put(w, LDX(BPF_DW, 1, 10, at));
		put(w, ALU64_X(BPF_XOR, 0, 1));
	}
	put(w, ALU64_X(BPF_XOR, 0, 8));
	put(w, EXIT());
}

uint32_t generate_walks(uint64_t seed, struct bpf_insn *insns)
{
	static void (*const steps[])(struct walks *) = {
		arithmetic, part,       part,     by_index,    context,     branches,   branches,
		may_goto,   copy,       assemble, store_bytes, checked_sum, frame_walk, checked_sum,
		stack_walk, value_walk, nest,     call_back,   frame_walk,
	};
	struct walks w = {.random = seed, .out = insns};
	unsigned left = 1 + pick(&w, 12);

	prologue(&w);
	while (left-- && w.n < BODY)
		steps[pick(&w, sizeof(steps) / sizeof(steps[0]))](&w);
	epilogue(&w);
	functions(&w);
	return (uint32_t)w.n;
}
