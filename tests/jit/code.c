// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdbool.h>
#include <stddef.h>
#include "code.h"
#include "insn.h"
#include "random_program.h"

#define BODY      900u /* slots before the end is written */
#define STACK     64   /* bytes below r10 that hold something from the start */
#define FUNCTIONS 2

/* r6 points to the memory and never changes, r9 is a pointer for a few instructions at a time; the
 * rest are numbers. */
static const uint8_t numbers[] = {0, 1, 2, 3, 4, 5, 7, 8};

struct code {
	uint64_t random;
	struct bpf_insn *out;
	uint32_t n;
	unsigned depth;           /* of loops */
	uint32_t calls[CODE_MAX]; /* slots of calls to be pointed at functions */
	uint32_t n_calls;
};

static unsigned pick(struct code *c, unsigned n)
{
	return (unsigned)(next_random(&c->random) >> 20) % n;
}

static bool rarely(struct code *c)
{
	return pick(c, 16) == 0;
}

static void put(struct code *c, struct bpf_insn insn)
{
	c->out[c->n++] = insn;
}

static uint8_t number(struct code *c)
{
	return numbers[pick(c, sizeof(numbers))];
}

static uint8_t other(struct code *c, uint8_t than)
{
	uint8_t reg = number(c);

	while (reg == than)
		reg = number(c);
	return reg;
}

static int32_t constant(struct code *c)
{
	static const int32_t seams[] = {
		0,      1,      -1,    2,   3,    5,    7,          8,
		9,      10,     15,    16,  31,   32,   33,         63,
		64,     100,    127,   128, 255,  256,  1000,       0x7fff,
		0x8000, 0xffff, 65537, -8,  -128, -129, 0x7fffffff, -0x7fffffff - 1};

	return pick(c, 3) ? seams[pick(c, 32)] : (int32_t)next_random(&c->random);
}

static uint8_t size(struct code *c)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

	return sizes[pick(c, 4)];
}

static int bytes_of(uint8_t bpf_size)
{
	return bpf_size == BPF_B ? 1 : bpf_size == BPF_H ? 2 : bpf_size == BPF_W ? 4 : 8;
}

static uint8_t alu_class(struct code *c)
{
	return pick(c, 2) ? BPF_ALU64 : BPF_ALU;
}

static uint8_t jump_class(struct code *c)
{
	return pick(c, 2) ? BPF_JMP : BPF_JMP32;
}

static uint8_t condition(struct code *c)
{
	static const uint8_t ops[] = {BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				      BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET};

	return ops[pick(c, 11)];
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static void arithmetic(struct code *c)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,   BPF_AND,
				      BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_ARSH, BPF_MOV};
	uint8_t op = ops[pick(c, 12)], class = alu_class(c), dst = number(c);
	int16_t off = (op == BPF_DIV || op == BPF_MOD) && pick(c, 2);
	int32_t imm = constant(c);

	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm &= class == BPF_ALU ? 31 : 63;
	if ((op == BPF_DIV || op == BPF_MOD) && !imm)
		imm = 1;
	if (pick(c, 2))
		put(c, INSN(class | op | BPF_X, dst, number(c), off, 0));
	else
		put(c, INSN(class | op | BPF_K, dst, 0, off, imm));
}

static void unary(struct code *c)
{
	static const int widths[] = {16, 32, 64};
	static const int16_t extensions[] = {8, 16, 32};
	uint8_t dst = number(c);

	switch (pick(c, 5)) {
	case 0:
		put(c, INSN(alu_class(c) | BPF_NEG, dst, 0, 0, 0));
		break;
	case 1:
		put(c, INSN(BPF_ALU | BPF_END | (pick(c, 2) ? BPF_TO_BE : BPF_TO_LE), dst, 0, 0,
			    widths[pick(c, 3)]));
		break;
	case 2:
		put(c, INSN(BPF_ALU64 | BPF_END, dst, 0, 0, widths[pick(c, 3)]));
		break;
	case 3:
		put(c, INSN(BPF_ALU | BPF_MOV | BPF_X, dst, number(c), extensions[pick(c, 2)], 0));
		break;
	default:
		put(c,
		    INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, number(c), extensions[pick(c, 3)], 0));
	}
}

/* x << k | y >> (w - k): a rotate if x and y are the same, and the counts fit. */
static void funnel(struct code *c)
{
	bool wide = pick(c, 2);
	uint8_t class = wide ? BPF_ALU64 : BPF_ALU, x = number(c), t = other(c, x);
	int width = wide ? 64 : 32, k = 1 + (int)pick(c, (unsigned)width - 1);
	int back = rarely(c) ? (k + 1) % width : width - k;
	bool left_first = pick(c, 2);

	if (rarely(c))
		class ^= BPF_ALU64 ^ BPF_ALU;
	put(c, INSN(class | BPF_MOV | BPF_X, t, rarely(c) ? number(c) : x, 0, 0));
	put(c, INSN(class | (left_first ? BPF_LSH : BPF_RSH) | BPF_K, t, 0, 0,
		    (left_first ? k : back) & (class == BPF_ALU ? 31 : 63)));
	if (rarely(c))
		arithmetic(c);
	put(c, INSN(class | (left_first ? BPF_RSH : BPF_LSH) | BPF_K, x, 0, 0,
		    (left_first ? back : k) & (class == BPF_ALU ? 31 : 63)));
	if (pick(c, 2))
		put(c, INSN(class |
				    (pick(c, 4)   ? BPF_OR
				     : pick(c, 2) ? BPF_XOR
						  : BPF_ADD) |
				    BPF_X,
			    x, t, 0, 0));
	else
		put(c, INSN(class | BPF_OR | BPF_X, t, x, 0, 0));
}

/* Clear or sign-extend the upper half, as compilers without 32-bit registers do. */
static void extension(struct code *c)
{
	uint8_t reg = number(c);
	int by = rarely(c) ? 16 : 32;

	put(c, ALU64_K(BPF_LSH, reg, 32));
	put(c, ALU64_K(pick(c, 2) ? BPF_RSH : BPF_ARSH, reg, by));
	if (rarely(c))
		put(c, INSN(BPF_ALU | BPF_MOV | BPF_X, reg, reg, 0, 0));
	if (pick(c, 3) == 0)
		put(c, ALU64_K(BPF_AND, reg, pick(c, 2) ? 0xff : 0xffff));
}

/* A number of several bytes loaded one by one, in either order. */
static void bytes_assembled(struct code *c)
{
	uint8_t x = number(c), t = other(c, x);
	int n = pick(c, 2) ? 2 : 4, at = (int)pick(c, CODE_MEMORY - 8);
	bool big = pick(c, 2);

	put(c, LDX(BPF_B, x, 6, big ? at : at + n - 1));
	for (int i = 1; i < n; i++) {
		put(c, ALU64_K(BPF_LSH, x, 8));
		put(c, LDX(BPF_B, t, 6, rarely(c) ? at : big ? at + i : at + n - 1 - i));
		put(c, ALU64_X(BPF_OR, x, t));
	}
}

static void load(struct code *c)
{
	uint8_t sz = size(c), dst = number(c);
	int off = (int)pick(c, CODE_MEMORY - 8);

	if (sz != BPF_DW && pick(c, 4) == 0)
		put(c, LDSX(sz, dst, 6, off));
	else
		put(c, LDX(sz, dst, 6, off));
	if (pick(c, 4) == 0)
		put(c, INSN(BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0,
			    sz == BPF_H   ? 16
			    : sz == BPF_W ? 32
					  : 64));
	else if (pick(c, 3) == 0)
		put(c, INSN(alu_class(c) | BPF_ADD | BPF_X, number(c), dst, 0, 0));
}

static void store(struct code *c)
{
	uint8_t sz = size(c);
	int off = (int)pick(c, CODE_MEMORY - 8);

	if (pick(c, 2))
		put(c, ST(sz, 6, off, constant(c)));
	else
		put(c, STX(sz, 6, off, number(c)));
}

/* Load, compute, store to the same place, or nearly. */
static void modify(struct code *c)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_OR, BPF_AND, BPF_XOR};
	uint8_t sz = size(c), x = number(c);
	int off = (int)pick(c, CODE_MEMORY - 16);

	put(c, LDX(sz, x, 6, off));
	if (rarely(c))
		store(c);
	if (pick(c, 2))
		put(c, INSN(alu_class(c) | ops[pick(c, 5)] | BPF_K, x, 0, 0, constant(c)));
	else
		put(c, INSN(alu_class(c) | ops[pick(c, 5)] | BPF_X, x, number(c), 0, 0));
	put(c, STX(rarely(c) ? size(c) : sz, 6, rarely(c) ? off + 1 : off, x));
	if (pick(c, 2))
		put(c, MOV_K(x, constant(c)));
}

/* Through r6 + (x & mask) * scale + offset. */
static void indexed(struct code *c)
{
	uint8_t x = number(c), sz = size(c);
	int shift = (int)pick(c, 4), bits = (int)pick(c, 5), off;

	put(c, INSN(alu_class(c) | BPF_AND | BPF_K, x, 0, 0, (1 << bits) - 1));
	if (shift)
		put(c, INSN(alu_class(c) | BPF_LSH | BPF_K, x, 0, 0, shift));
	off = (int)pick(c, (unsigned)(CODE_MEMORY - (1u << (bits + shift)) - 8));
	put(c, MOV_X(9, 6));
	put(c, ALU64_X(BPF_ADD, 9, x));
	if (pick(c, 3) == 0) {
		int part = (int)pick(c, (unsigned)off + 1);

		put(c, ALU64_K(BPF_ADD, 9, part));
		off -= part;
	}
	if (pick(c, 3) == 0)
		put(c, MOV_K(x, constant(c)));
	if (pick(c, 2))
		put(c, LDX(sz, number(c), 9, off));
	else
		put(c, STX(sz, 9, off, number(c)));
	if (pick(c, 4) == 0)
		put(c, LDX(sz, number(c), 9, off));
}

static void spill(struct code *c)
{
	uint8_t sz = pick(c, 3) ? BPF_DW : size(c);
	int16_t off = (int16_t)(-STACK + (int)pick(c, STACK) / bytes_of(sz) * bytes_of(sz));

	switch (pick(c, 4)) {
	case 0:
		put(c, ST(sz, 10, off, constant(c)));
		break;
	case 1:
		put(c, STX(sz, 10, off, number(c)));
		break;
	default:
		put(c, LDX(sz, number(c), 10, off));
	}
}

/* A slot whose address is taken, so that it is not only what it was stored. */
static void through_address(struct code *c)
{
	uint8_t sz = size(c);
	int at = 8 * (int)pick(c, STACK / 8);

	put(c, MOV_X(9, 10));
	put(c, ALU64_K(BPF_ADD, 9, -STACK + at));
	if (pick(c, 2))
		put(c, STX(sz, 9, 0, number(c)));
	else
		put(c, LDX(sz, number(c), 9, 0));
	put(c, LDX(BPF_DW, number(c), 10, -STACK + at));
}

static void atomic(struct code *c)
{
	static const int ops[] = {BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, BPF_XCHG, BPF_CMPXCHG};
	uint8_t sz = pick(c, 2) ? BPF_W : BPF_DW;
	int op = ops[pick(c, 6)] | (pick(c, 2) ? BPF_FETCH : 0);

	if (pick(c, 2))
		put(c, ATOMIC(sz, op, 6, 8 * (int)pick(c, 31), number(c)));
	else
		put(c, ATOMIC(sz, op, 10, -8 * (1 + (int)pick(c, STACK / 8)), number(c)));
}

static void simple(struct code *c)
{
	static void (*const steps[])(struct code *) = {arithmetic, arithmetic, unary,     extension,
						       load,       store,      spill,     funnel,
						       modify,     indexed,    arithmetic};

	steps[pick(c, sizeof(steps) / sizeof(steps[0]))](c);
}

static void compare(struct code *c, uint8_t class, uint8_t op)
{
	if (pick(c, 2))
		put(c, INSN(class | op | BPF_X, number(c), number(c), 0, 0));
	else
		put(c, INSN(class | op | BPF_K, number(c), 0, 0, constant(c)));
}

/* Over something, with or without something else instead. */
static void diamond(struct code *c)
{
	uint32_t at = c->n, over;

	compare(c, jump_class(c), condition(c));
	for (unsigned i = pick(c, 3); i > 0; i--)
		simple(c);
	over = c->n;
	if (pick(c, 2)) {
		put(c, JA(0));
		simple(c);
		c->out[over].off = (int16_t)(c->n - over - 1);
		over++;
	}
	c->out[at].off = (int16_t)(over - at - 1);
}

/* One register takes another's value, or a constant. */
static void choice(struct code *c)
{
	uint8_t x = number(c);
	uint32_t at = c->n;

	compare(c, jump_class(c), condition(c));
	if (pick(c, 2))
		put(c, MOV_X(x, number(c)));
	else
		put(c, MOV_K(x, constant(c)));
	c->out[at].off = (int16_t)(c->n - at - 1);
}

/* The same comparison again, or what follows from it. */
static void repeated(struct code *c)
{
	uint8_t x = number(c), class = jump_class(c);
	int32_t k = constant(c);
	unsigned rounds = 2 + pick(c, 2);

	for (unsigned i = 0; i < rounds; i++) {
		uint32_t at = c->n;

		put(c, INSN(class | condition(c) | BPF_K, x, 0, 0, rarely(c) ? k ^ 1 : k));
		put(c, ALU64_K(BPF_XOR, number(c), constant(c)));
		c->out[at].off = (int16_t)(c->n - at - 1);
	}
}

static void loop(struct code *c)
{
	uint8_t counter = (uint8_t)(7 + pick(c, 2));
	int rounds = 1 + (int)pick(c, 12);
	uint32_t start;

	if (c->depth == 2)
		return;
	c->depth++;
	put(c, MOV_K(counter, pick(c, 2) ? 0 : rounds));
	start = c->n;
	/* The counter is kept on the stack where the body may change it. */
	put(c, STX(BPF_DW, 10, -STACK - 8 * (int)c->depth, counter));
	for (unsigned i = 1 + pick(c, 4); i > 0; i--)
		simple(c);
	put(c, LDX(BPF_DW, counter, 10, -STACK - 8 * (int)c->depth));
	if (c->out[start - 1].imm) {
		put(c, ALU64_K(BPF_SUB, counter, 1));
		put(c, JMP_K(BPF_JNE, counter, 0, (int)start - (int)c->n - 1));
	} else {
		put(c, ALU64_K(BPF_ADD, counter, 1));
		put(c, INSN(jump_class(c) | (pick(c, 2) ? BPF_JLT : BPF_JNE) | BPF_K, counter, 0,
			    (int16_t)((int)start - (int)c->n - 1), rounds));
	}
	c->depth--;
}

/* A pointer that walks to an end. */
static void walk(struct code *c)
{
	int step = 1 << pick(c, 4), from = 8 * (int)pick(c, 8), rounds = 1 + (int)pick(c, 8);
	uint8_t sum = number(c), x = other(c, sum);
	uint32_t start;

	put(c, MOV_X(9, 6));
	put(c, ALU64_K(BPF_ADD, 9, from));
	put(c, MOV_K(x, 0));
	put(c, STX(BPF_DW, 10, -STACK - 24, x));
	start = c->n;
	put(c, LDX(step == 1 ? BPF_B : step == 2 ? BPF_H : step == 4 ? BPF_W : BPF_DW, x, 9, 0));
	put(c, INSN(alu_class(c) | BPF_ADD | BPF_X, sum, x, 0, 0));
	put(c, ALU64_K(BPF_ADD, 9, step));
	put(c, LDX(BPF_DW, x, 10, -STACK - 24));
	put(c, ALU64_K(BPF_ADD, x, 1));
	put(c, STX(BPF_DW, 10, -STACK - 24, x));
	put(c, JMP_K(BPF_JLT, x, rounds, (int)start - (int)c->n - 1));
}

static void call(struct code *c)
{
	put(c, MOV_X(1, number(c)));
	put(c, MOV_X(2, 6));
	if (pick(c, 2))
		put(c, MOV_X(3, 10));
	else
		put(c, MOV_X(3, 6));
	c->calls[c->n_calls++] = c->n;
	put(c, CALL_LOCAL((int)pick(c, FUNCTIONS)));
	for (uint8_t r = 1; r <= 5; r++)
		put(c, LDX(size(c), r, 6, (int)pick(c, CODE_MEMORY - 8)));
}

static void wide_constant(struct code *c)
{
	const struct bpf_insn pair[] = {LD64(number(c), next_random(&c->random) >> pick(c, 64))};

	put(c, pair[0]);
	put(c, pair[1]);
}

/* ---- The program ------------------------------------------------------------------------------
 */

static void prologue(struct code *c)
{
	put(c, MOV_X(6, 1));
	for (int at = 8; at <= STACK + 24; at += 8)
		put(c, ST(BPF_DW, 10, -at, constant(c)));
	for (size_t i = 0; i < sizeof(numbers); i++)
		put(c, LDX(size(c), numbers[i], 6, 8 * (int)pick(c, 31)));
}

static void step(struct code *c)
{
	static void (*const steps[])(struct code *) = {
		simple,          simple, simple,  simple,  funnel,       bytes_assembled,
		through_address, atomic, diamond, diamond, choice,       choice,
		repeated,        loop,   walk,    call,    wide_constant};

	steps[pick(c, sizeof(steps) / sizeof(steps[0]))](c);
}

/* r1 a number, r2 the memory, r3 a pointer it has no use for. */
static void function(struct code *c, int number_of)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_XOR, BPF_MUL, BPF_SUB};
	static const uint8_t sources[] = {4, 5, 7, 8};

	put(c, MOV_X(0, 1));
	put(c, MOV_X(6, 2));
	put(c, LDX(BPF_DW, 4, 6, 8));
	put(c, MOV_X(5, 1));
	put(c, MOV_X(7, 4));
	put(c, MOV_X(8, 1));
	for (int i = 0; i < 4 + number_of; i++)
		put(c, INSN(alu_class(c) | ops[pick(c, 4)] | BPF_X, pick(c, 2) ? 0 : 7,
			    sources[pick(c, 4)], 0, 0));
	put(c, STX(BPF_DW, 10, -8, 7));
	put(c, LDX(BPF_W, 7, 10, -4));
	put(c, ALU64_X(BPF_XOR, 0, 7));
	put(c, ALU64_X(BPF_ADD, 0, 8));
	put(c, EXIT());
}

static void functions(struct code *c)
{
	uint32_t starts[FUNCTIONS] = {0};

	for (uint32_t i = 0; i < c->n_calls; i++) {
		struct bpf_insn *insn = &c->out[c->calls[i]];
		uint32_t *start = &starts[insn->imm];

		if (!*start) {
			*start = c->n;
			function(c, insn->imm);
		}
		insn->imm = (int)*start - (int)c->calls[i] - 1;
	}
}

/* What every register and the stack hold becomes visible. */
static void epilogue(struct code *c)
{
	for (size_t i = 0; i < sizeof(numbers); i++)
		put(c, STX(BPF_DW, 6, (int)(CODE_MEMORY - 8 * (i + 1)), numbers[i]));
	for (int at = 8; at <= STACK; at += 8) {
		put(c, LDX(BPF_DW, 1, 10, -at));
		put(c, ALU64_K(BPF_MUL, 0, 31));
		put(c, ALU64_X(BPF_XOR, 0, 1));
	}
	put(c, EXIT());
}

uint32_t generate_code(uint64_t seed, struct bpf_insn *insns)
{
	struct code c = {.random = seed, .out = insns};
	unsigned steps = 4 + pick(&c, 60);

	prologue(&c);
	while (steps-- && c.n < BODY)
		step(&c);
	epilogue(&c);
	functions(&c);
	return c.n;
}
