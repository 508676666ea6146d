/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random programs through the interpreter and the compiler: the same memory, result and number of
 * instructions. A program loads r0 to r9, computes with them, calls a function of its own, goes
 * round a loop, and stores all of them. SLUICE_JIT_ROUNDS: so many programs, for a longer search;
 * SLUICE_JIT_SEED: from this one on.
 */
#include <stdio.h>
#include <stdlib.h>
#include "harness.h"

#define ROUNDS    4000
#define REGISTERS 10
#define MEM_SIZE  (2 * REGISTERS * 8 + 8)
#define SLOTS     512
#define LOOP_REG  9   /* counts rounds, so that the body leaves it alone */
#define SCRATCH   -64 /* bytes of stack that the body stores to and loads from: 32 from here */

struct gen {
	struct bpf_insn insns[SLOTS];
	unsigned n;
	uint64_t random;
	unsigned registers; /* the body may use r0 up to this */
	unsigned jumps;     /* it may still make */
};

static uint64_t next(struct gen *g)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return g->random;
}

static unsigned pick(struct gen *g, unsigned n)
{
	return (unsigned)(next(g) >> 20) % n;
}

static void put(struct gen *g, struct bpf_insn insn)
{
	g->insns[g->n++] = insn;
}

static uint8_t any_reg(struct gen *g)
{
	return (uint8_t)pick(g, g->registers + 1);
}

static int32_t any_imm(struct gen *g)
{
	static const int32_t edges[] = {3,      5,       9,         17,        0,    1,     -1,
					2,      7,       8,         127,       128,  -128,  255,
					0xffff, 0x10000, INT32_MAX, INT32_MIN, -129, 0x8000};

	return pick(g, 3) ? edges[pick(g, COUNT(edges))] : (int32_t)next(g);
}

static uint64_t any_value(struct gen *g)
{
	switch (pick(g, 4)) {
	case 0:
		return (uint64_t)(int64_t)any_imm(g);
	case 1:
		return (uint32_t)any_imm(g);
	case 2:
		return 1ull << pick(g, 64);
	default:
		return next(g);
	}
}

/* ---- Instructions --------------------------------------------------------------------------- */

static void alu(struct gen *g)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
				      BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH};
	uint8_t op = ops[pick(g, COUNT(ops))], class = pick(g, 2) ? BPF_ALU64 : BPF_ALU;
	bool divides = op == BPF_DIV || op == BPF_MOD, x = pick(g, 2);
	struct bpf_insn insn = {.code = (uint8_t)(op | class | (x ? BPF_X : BPF_K)),
				.dst_reg = any_reg(g)};

	if (x)
		insn.src_reg = any_reg(g) & 0xf;
	else if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		insn.imm = (int32_t)pick(g, class == BPF_ALU64 ? 64 : 32);
	else
		insn.imm = any_imm(g);
	if (divides && !x && !insn.imm)
		insn.imm = 3;
	if (divides)
		insn.off = (int16_t)pick(g, 2);
	put(g, insn);
}

static void unary(struct gen *g)
{
	static const struct bpf_insn forms[] = {
		{.code = BPF_ALU64 | BPF_NEG},
		{.code = BPF_ALU | BPF_NEG},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .off = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .off = 16},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .off = 32},
		{.code = BPF_ALU | BPF_MOV | BPF_X, .off = 8},
		{.code = BPF_ALU | BPF_MOV | BPF_X, .off = 16},
		{.code = BPF_ALU | BPF_END | BPF_TO_LE, .imm = 16},
		{.code = BPF_ALU | BPF_END | BPF_TO_LE, .imm = 32},
		{.code = BPF_ALU | BPF_END | BPF_TO_LE, .imm = 64},
		{.code = BPF_ALU | BPF_END | BPF_TO_BE, .imm = 16},
		{.code = BPF_ALU | BPF_END | BPF_TO_BE, .imm = 32},
		{.code = BPF_ALU | BPF_END | BPF_TO_BE, .imm = 64},
		{.code = BPF_ALU64 | BPF_END, .imm = 16},
		{.code = BPF_ALU64 | BPF_END, .imm = 32},
		{.code = BPF_ALU64 | BPF_END, .imm = 64},
	};
	struct bpf_insn insn = forms[pick(g, COUNT(forms))];

	insn.dst_reg = any_reg(g) & 0xf;
	if (BPF_OP(insn.code) == BPF_MOV)
		insn.src_reg = any_reg(g) & 0xf;
	put(g, insn);
}

static void wide(struct gen *g)
{
	uint64_t value = any_value(g);

	put(g, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW,
				 .dst_reg = any_reg(g) & 0xf,
				 .imm = (int32_t)value});
	put(g, (struct bpf_insn){.imm = (int32_t)(value >> 32)});
}

static uint8_t any_size(struct gen *g, unsigned *bytes)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
	unsigned s = pick(g, 4);

	*bytes = 1u << s;
	return sizes[s];
}

static int16_t any_off(struct gen *g, unsigned bytes)
{
	return (int16_t)(SCRATCH + (int)(bytes * pick(g, 32 / bytes)));
}

static void memory(struct gen *g)
{
	unsigned bytes, kind = pick(g, 5);
	uint8_t size = any_size(g, &bytes);
	struct bpf_insn insn = {.off = any_off(g, bytes)};

	if (kind < 2) {
		insn.code = BPF_LDX | BPF_MEM | size;
		if (kind && bytes < 8)
			insn.code = BPF_LDX | 0x80 | size;
		insn.dst_reg = any_reg(g) & 0xf;
		insn.src_reg = BPF_REG_10;
	} else {
		insn.code = (kind == 2 ? BPF_ST : BPF_STX) | BPF_MEM | size;
		insn.dst_reg = BPF_REG_10;
		if (kind == 2)
			insn.imm = any_imm(g);
		else
			insn.src_reg = any_reg(g) & 0xf;
	}
	put(g, insn);
}

static void atomic(struct gen *g)
{
	static const int32_t ops[] = {BPF_ADD,
				      BPF_OR,
				      BPF_AND,
				      BPF_XOR,
				      BPF_ADD | BPF_FETCH,
				      BPF_OR | BPF_FETCH,
				      BPF_AND | BPF_FETCH,
				      BPF_XOR | BPF_FETCH,
				      BPF_XCHG,
				      BPF_CMPXCHG};
	unsigned bytes = pick(g, 2) ? 8 : 4;

	put(g, (struct bpf_insn){
		       .code = BPF_STX | BPF_ATOMIC | (bytes == 8 ? BPF_DW : BPF_W),
		       .dst_reg = BPF_REG_10,
		       .src_reg = any_reg(g) & 0xf,
		       .off = any_off(g, bytes),
		       .imm = ops[pick(g, COUNT(ops))],
	       });
}

/* Over one to three instructions that are not jumps. */
static void jump(struct gen *g)
{
	static const uint8_t ops[] = {BPF_JEQ,  BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT,
				      BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE};
	bool x = pick(g, 2);
	unsigned at = g->n, over = 1 + pick(g, 3);

	put(g, (struct bpf_insn){
		       .code = (uint8_t)(ops[pick(g, COUNT(ops))] |
					 (pick(g, 2) ? BPF_JMP : BPF_JMP32) | (x ? BPF_X : BPF_K)),
		       .dst_reg = any_reg(g) & 0xf,
		       .src_reg = x ? any_reg(g) & 0xf : 0,
		       .imm = x ? 0 : any_imm(g),
	       });
	while (over--)
		(pick(g, 2) ? alu : memory)(g);
	g->insns[at].off = (int16_t)(g->n - at - 1);
}

static void body(struct gen *g, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		switch (pick(g, 10)) {
		case 0:
			wide(g);
			break;
		case 1:
			atomic(g);
			break;
		case 2:
			if (g->jumps) {
				g->jumps--;
				jump(g);
				break;
			}
			/* fall through */
		case 3:
			unary(g);
			break;
		case 4:
		case 5:
			memory(g);
			break;
		default:
			alu(g);
			break;
		}
	}
}

/* ---- Programs ------------------------------------------------------------------------------- */

static void fill_scratch(struct gen *g)
{
	for (int off = 0; off < 32; off += 8)
		put(g, STX(BPF_DW, BPF_REG_10, (int16_t)(SCRATCH + off), any_reg(g) & 0xf));
}

/* r[first] to r[last] from memory, by way of a pointer to it in the last. */
static void load_registers(struct gen *g, uint8_t first, uint8_t last)
{
	put(g, LDX(BPF_DW, last, BPF_REG_10, -8));
	for (uint8_t r = first; r <= last; r++)
		put(g, LDX(BPF_DW, r, last, (int16_t)(8 * r)));
}

static void store_registers(struct gen *g)
{
	for (uint8_t r = 0; r < REGISTERS; r++)
		put(g, STX(BPF_DW, BPF_REG_10, (int16_t)(-72 - 8 * r), r));
	put(g, LDX(BPF_DW, 1, BPF_REG_10, -8));
	for (uint8_t r = 0; r < REGISTERS; r++) {
		put(g, LDX(BPF_DW, 2, BPF_REG_10, (int16_t)(-72 - 8 * r)));
		put(g, STX(BPF_DW, 1, (int16_t)(8 * (REGISTERS + r)), 2));
	}
}

static void function(struct gen *g)
{
	put(g, MOV_X(0, 1));
	for (uint8_t r = 6; r < REGISTERS; r++)
		put(g, MOV_X(r, r - 4));
	g->registers = 9;
	g->jumps = 2;
	fill_scratch(g);
	body(g, 8);
	put(g, EXIT());
}

static void generate(struct gen *g, uint64_t seed)
{
	bool calls, loops;
	unsigned call = 0, head;

	*g = (struct gen){.random = seed * 0x9e3779b97f4a7c15ull + 1, .registers = 9, .jumps = 4};
	calls = pick(g, 3) == 0;
	loops = pick(g, 3) == 0;
	put(g, STX(BPF_DW, BPF_REG_10, -8, 1));
	load_registers(g, 0, 9);
	fill_scratch(g);
	if (loops) {
		g->registers = LOOP_REG - 1;
		put(g, MOV_K(LOOP_REG, (int32_t)(1 + pick(g, 3))));
	}
	head = g->n;
	body(g, 4 + pick(g, 20));
	if (calls) {
		call = g->n;
		put(g, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL});
		load_registers(g, 1, 5);
		body(g, 4);
	}
	if (loops) {
		put(g, ALU64_K(BPF_SUB, LOOP_REG, 1));
		put(g, JMP_K(BPF_JNE, LOOP_REG, 0, (int16_t)(head - g->n - 1)));
	}
	store_registers(g);
	put(g, MOV_X(0, 2));
	put(g, EXIT());
	if (calls) {
		g->insns[call].imm = (int32_t)(g->n - call - 1);
		function(g);
	}
}

static struct bpfe_program *load(const struct gen *g, enum bpfe_engine engine, uint32_t flags,
				 uint32_t relax)
{
	struct load l;

	load_init(&l, g->insns, g->n);
	l.attr.type = BPFE_PROG_MEM;
	l.attr.mem_size = MEM_SIZE;
	l.attr.engine = engine;
	l.attr.flags = flags;
	l.attr.relax = relax;
	return load_ok(&l);
}

static void show(const struct gen *g, uint64_t seed)
{
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < g->n;) {
		char text[128];
		unsigned slots = bpfe_disasm(&g->insns[i], g->n - i, text, sizeof(text));

		print_message("# %3u: %s\n", i, text);
		i += slots ? slots : 1;
	}
}

static void compare(const struct gen *g, uint64_t seed, const uint64_t *mem, uint32_t flags,
		    uint32_t relax)
{
	const enum bpfe_engine engines[] = {BPFE_ENGINE_INTERP, BPFE_ENGINE_JIT};
	uint64_t after[2][MEM_SIZE / 8];
	struct bpfe_result results[2];

	for (unsigned e = 0; e < 2; e++) {
		struct bpfe_program *prog = load(g, engines[e], flags, relax);

		memcpy(after[e], mem, MEM_SIZE);
		bpfe_rcu_read_lock();
		results[e] = bpfe_run_mem(prog, after[e], MEM_SIZE);
		bpfe_rcu_read_unlock();
		bpfe_program_put(prog);
	}
	if (memcmp(after[0], after[1], MEM_SIZE) || results[0].r0 != results[1].r0 ||
	    results[0].abort != results[1].abort)
		show(g, seed);
	for (unsigned r = 0; r < REGISTERS; r++) {
		if (after[0][REGISTERS + r] != after[1][REGISTERS + r])
			print_message("# r%u\n", r);
	}
	assert_memory_equal(after[0], after[1], MEM_SIZE);
	assert_int_equal(results[0].abort, BPFE_ABORT_NONE);
	assert_int_equal(results[1].abort, BPFE_ABORT_NONE);
	assert_int_equal(results[0].r0, results[1].r0);
	if (flags & BPFE_LOAD_COUNTED)
		assert_int_equal(results[0].insns, results[1].insns);
}

static void test_random(void **state)
{
	const char *rounds = getenv("SLUICE_JIT_ROUNDS"), *first = getenv("SLUICE_JIT_SEED");
	unsigned long n = rounds ? strtoul(rounds, NULL, 0) : ROUNDS;
	uint64_t seed = first ? strtoul(first, NULL, 0) : 1;

	for (unsigned long i = 0; i < n; i++, seed++) {
		uint64_t mem[MEM_SIZE / 8] = {0};
		struct gen g;

		generate(&g, seed);
		for (unsigned r = 0; r < REGISTERS; r++)
			mem[r] = any_value(&g);
		compare(&g, seed, mem, seed % 2 ? BPFE_LOAD_COUNTED : 0,
			seed % 4 < 2 ? BPFE_RELAX_ALL : 0);
	}
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
