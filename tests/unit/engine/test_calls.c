/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Program-local calls: arguments, callee-saved registers, frames of stack, nesting. */
#include "harness.h"

/* r1 to r5 go in, r0 comes out, r6 to r9 survive whatever the callee does with its own. */
static void test_registers(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(6, 1000),
		MOV_K(7, 2000),
		MOV_K(8, 3000),
		MOV_K(9, 4000),
		MOV_K(1, 1),
		MOV_K(2, 20),
		MOV_K(3, 300),
		MOV_K(4, 5),
		MOV_K(5, 6),
		CALL_LOCAL(5),
		ALU64_X(BPF_ADD, 0, 6),
		ALU64_X(BPF_ADD, 0, 7),
		ALU64_X(BPF_ADD, 0, 8),
		ALU64_X(BPF_ADD, 0, 9),
		EXIT(),
		/* 15: */
		MOV_X(0, 1),
		ALU64_X(BPF_ADD, 0, 2),
		ALU64_X(BPF_ADD, 0, 3),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_X(BPF_ADD, 0, 5),
		MOV_K(6, 0),
		MOV_K(7, 0),
		MOV_K(8, 0),
		MOV_K(9, 0),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	result = run(prog, &f);
	assert_int_equal(result.retval, 10332);
	assert_int_equal(result.insns, COUNT(insns));
	bpfe_program_put(prog);
}

/* Each frame has its own stack; a callee may write its caller's through a pointer. */
static void test_stacks(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_DW, 10, -8, 1),
		MOV_X(1, 10),
		ALU64_K(BPF_ADD, 1, -16),
		ST(BPF_DW, 10, -16, 2),
		CALL_LOCAL(4),
		LDX(BPF_DW, 0, 10, -8),
		LDX(BPF_DW, 1, 10, -16),
		ALU64_X(BPF_ADD, 0, 1),
		EXIT(),
		/* 9: */
		ST(BPF_DW, 10, -8, 100),
		ST(BPF_DW, 10, -16, 100),
		ST(BPF_DW, 1, 0, 50),
		MOV_K(0, 0),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);

	assert_int_equal(run_value(prog), 51);
	bpfe_program_put(prog);
	prog = LOAD(insns, NULL, BPFE_LOAD_CHECKED);
	assert_int_equal(run_value(prog), 51);
	bpfe_program_put(prog);
}

/* A chain of @functions functions, the main program included, each adding 1. */
static size_t chain(struct bpf_insn *insns, unsigned functions)
{
	size_t n = 0;

	for (unsigned f = 0; f < functions; f++) {
		if (f + 1 < functions)
			insns[n++] = CALL_LOCAL(2);
		else
			insns[n++] = MOV_K(0, 0);
		insns[n++] = ALU64_K(BPF_ADD, 0, 1);
		insns[n++] = EXIT();
	}
	return n;
}

static void test_nesting(void **state)
{
	struct bpf_insn insns[32];
	size_t n = chain(insns, BPFE_MAX_FRAMES);
	struct bpfe_program *prog = load_program(insns, n, NULL, 0);
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	result = run(prog, &f);
	assert_int_equal(result.retval, BPFE_MAX_FRAMES);
	assert_int_equal(result.insns, n);
	bpfe_program_put(prog);
}

/* Calls forwards and backwards, in a loop: 10 times 2 calls. */
static void test_both_directions(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(6, 10),
		MOV_K(7, 0),
		JA(2),
		/* 3: */ ALU64_K(BPF_SUB, 6, 1),
		JA(0),
		/* 5: */ JMP_K(BPF_JEQ, 6, 0, 4),
		CALL_LOCAL(5),
		ALU64_X(BPF_ADD, 7, 0),
		CALL_LOCAL(5),
		JA(-7),
		/* 10: */ MOV_X(0, 7),
		EXIT(),
		/* 12: */ MOV_K(0, 3),
		EXIT(),
		/* 14: */ CALL_LOCAL(-3),
		ALU64_K(BPF_ADD, 0, 1),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);

	assert_int_equal(run_value(prog), 30);
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_both_directions),
	};

	return cmocka_run_group_tests_name("calls", tests, group_setup, group_teardown);
}
