/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/build_charges.c: what was executed is counted exactly, whichever way control went. */
#include "both_engines.h"

static void set_ways(struct frame *f, const void *opaque)
{
	f->xdp.data[0] = *(const uint8_t *)opaque;
}

/* @insns find eight bits that tell them where to go in the low byte of r6. */
static void check_all(const struct bpf_insn *insns, size_t n)
{
	for (unsigned ways = 0; ways < 256; ways++) {
		const uint8_t byte = (uint8_t)ways;

		both(&(struct both){.insns = insns,
				    .n = n,
				    .frame = set_ways,
				    .opaque = &byte,
				    .calls = CALLS_ANY});
	}
}

/* How many charges are left of a program that is to count? */
static unsigned charges(const struct bpf_insn *insns, size_t n)
{
	static char text[1 << 16];
	struct bpfe_log lir = {.buf = text, .size = sizeof(text)};
	unsigned found = 0;
	struct load l;

	memset(text, 0, sizeof(text));
	load_init(&l, insns, n);
	l.attr.engine = BPFE_ENGINE_JIT;
	l.attr.flags = BPFE_LOAD_COUNTED;
	l.attr.lir = &lir;
	bpfe_program_put(load_ok(&l));
	for (const char *at = text; (at = strstr(at, "\tcharge ")); at++)
		found++;
	return found;
}

static void test_triangles(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(1, 10),       LDX(BPF_B, 6, 2, 0),     JMP_K(BPF_JSET, 6, 1, 1),
		ALU64_K(BPF_ADD, 0, 1),   ALU64_K(BPF_ADD, 0, 16), JMP_K(BPF_JSET, 6, 2, 2),
		ALU64_K(BPF_ADD, 0, 2),   ALU64_X(BPF_XOR, 0, 6),  ALU64_K(BPF_ADD, 0, 32),
		JMP_K(BPF_JSET, 6, 4, 1), ALU64_K(BPF_MUL, 0, 7),  EXIT(),
	};

	check_all(insns, COUNT(insns));
	/* At the start, for each of the three left out, and at the end. */
	assert_int_equal(charges(insns, COUNT(insns)), 1 + 1 + 3 + 1);
}

static void test_diamonds(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(1, 12),
		LDX(BPF_B, 6, 2, 0),
		JMP_K(BPF_JSET, 6, 1, 2),
		ALU64_K(BPF_ADD, 0, 1),
		JA(2),
		ALU64_K(BPF_ADD, 0, 2),
		ALU64_X(BPF_ADD, 0, 6),
		ALU64_K(BPF_MUL, 0, 3),
		JMP_K(BPF_JSET, 6, 2, 2),
		ALU64_K(BPF_ADD, 0, 4),
		JA(1),
		ALU64_K(BPF_ADD, 0, 8),
		MOV_X(7, 0),
		EXIT(),
	};

	check_all(insns, COUNT(insns));
}

/* A block that two ways lead to, of which one does not pass what is in front of the other. */
static void test_ways_in(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(1, 11),
		LDX(BPF_B, 6, 2, 0),
		JMP_K(BPF_JSET, 6, 1, 6),
		ALU64_K(BPF_ADD, 0, 1),
		JMP_K(BPF_JSET, 6, 2, 2),
		ALU64_K(BPF_ADD, 0, 2),
		ALU64_X(BPF_ADD, 0, 6),
		ALU64_K(BPF_ADD, 0, 3),
		JA(2),
		JMP_K(BPF_JSET, 6, 4, 1),
		ALU64_K(BPF_ADD, 0, 5),
		ALU64_K(BPF_MUL, 0, 9),
		EXIT(),
	};

	check_all(insns, COUNT(insns));
}

/* Random ways ahead over a row of instructions. */
static void test_random(void **state)
{
	uint64_t random = 88172645463325252;

	for (unsigned round = 0; round < 60; round++) {
		struct bpf_insn insns[64] = {NEED_PACKET(1, 0), LDX(BPF_B, 6, 2, 0)};
		unsigned n = 7, last = 7 + 30;

		while (n < last) {
			unsigned left = last - n - 1;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			if (random % 3 == 0 && left)
				insns[n++] = JMP_K(BPF_JSET, 6, 1 << (random >> 8) % 8,
						   (int)((random >> 16) % (left < 9 ? left : 9)));
			else if (random % 7 == 1 && left)
				insns[n++] = JA((int)((random >> 16) % (left < 3 ? left : 3)));
			else
				insns[n++] = ALU64_K(BPF_ADD, 0, (int)(random >> 40) & 0xff);
		}
		insns[n++] = EXIT();
		insns[5].off = (int16_t)(n - 1 - 6);
		for (unsigned ways = 0; ways < 256; ways += 37) {
			const uint8_t byte = (uint8_t)ways;

			both(&(struct both){.insns = insns,
					    .n = n,
					    .frame = set_ways,
					    .opaque = &byte,
					    .calls = CALLS_ANY});
		}
	}
}

/* Half of the budget is what may_goto goes on for, without what comes behind it. */
static void test_may_goto(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(0, 0),
		MOV_K(6, 0),
		MAY_GOTO(1),
		ALU64_K(BPF_ADD, 0, 1),
		ALU64_K(BPF_ADD, 6, 1),
		MOV_K(7, 3),
		MOV_K(8, 5),
		JMP_K(BPF_JNE, 6, 90, -6),
		EXIT(),
	};
	const enum bpfe_engine engines[] = {BPFE_ENGINE_INTERP, BPFE_ENGINE_JIT};

	for (uint32_t budget = 600; budget < 620; budget++) {
		struct bpfe_result results[2];

		for (unsigned e = 0; e < 2; e++) {
			struct bpfe_program *prog;
			struct frame f;
			struct load l;

			load_init(&l, insns, COUNT(insns));
			l.attr.engine = (uint8_t)engines[e];
			l.attr.flags = BPFE_LOAD_COUNTED;
			l.attr.budget = budget;
			prog = load_ok(&l);
			frame_init(&f);
			results[e] = run(prog, &f);
			bpfe_program_put(prog);
		}
		assert_int_equal(results[0].abort, BPFE_ABORT_NONE);
		assert_in_range(results[0].r0, 40, 60);
		assert_int_equal(results[1].r0, results[0].r0);
		assert_int_equal(results[1].insns, results[0].insns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_triangles), cmocka_unit_test(test_diamonds),
		cmocka_unit_test(test_ways_in),   cmocka_unit_test(test_random),
		cmocka_unit_test(test_may_goto),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
