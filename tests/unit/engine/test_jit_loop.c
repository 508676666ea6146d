/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/inline_loop.c: bpf_loop() compiled to a loop, and as a call where it is not known of what. */
#include "both_engines.h"

#define BOTH(program, how) \
	both(&(struct both){.insns = (program), .n = COUNT(program), .calls = (how)})

/* The sum of the rounds at r10 - 8, which the function adds to until the round is @last. */
#define SUM(rounds, flags, last)            \
	{                                   \
		ST(BPF_DW, 10, -8, 0),      \
		rounds,                     \
		LD_FUNC(2, 9),              \
		MOV_X(3, 10),               \
		ALU64_K(BPF_ADD, 3, -8),    \
		MOV_K(4, flags),            \
		CALL(BPF_FUNC_loop),        \
		LDX(BPF_DW, 1, 10, -8),     \
		ALU64_K(BPF_LSH, 0, 32),    \
		ALU64_X(BPF_ADD, 0, 1),     \
		EXIT(), /* */               \
		LDX(BPF_DW, 3, 2, 0),       \
		ALU64_X(BPF_ADD, 3, 1),     \
		STX(BPF_DW, 2, 0, 3),       \
		MOV_K(0, 0),                \
		JMP_K(BPF_JNE, 1, last, 1), \
		MOV_K(0, 1),                \
		EXIT(),                     \
	}

static void test_known(void **state)
{
	const struct bpf_insn all[] = SUM(MOV_K(1, 10), 0, 100);
	const struct bpf_insn none[] = SUM(MOV_K(1, 0), 0, 100);
	const struct bpf_insn stops[] = SUM(MOV_K(1, 10), 0, 4);
	const struct bpf_insn at_end[] = SUM(MOV_K(1, 10), 0, 9);

	assert_int_equal(BOTH(all, CALLS_NOTHING), 10ull << 32 | 45);
	assert_int_equal(BOTH(none, CALLS_NOTHING), 0);
	assert_int_equal(BOTH(stops, CALLS_NOTHING), 5ull << 32 | 10);
	assert_int_equal(BOTH(at_end, CALLS_NOTHING), 10ull << 32 | 45);
}

/* The number of rounds is rx_queue_index, 0x80000022; or a part of it. */
static void test_unknown_rounds(void **state)
{
	const struct bpf_insn too_many[] = SUM(LDX(BPF_W, 1, 1, 16), 0, 100);
	const struct bpf_insn refused[] = SUM(MOV_K(1, 3), 1, 100);

	assert_int_equal(BOTH(too_many, CALLS_NOTHING), (uint64_t)-E2BIG << 32);
	assert_int_equal(BOTH(refused, CALLS_NOTHING), (uint64_t)-EINVAL << 32);
}

static void test_few_rounds(void **state)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_W, 6, 1, 16),
		ST(BPF_DW, 10, -8, 0),
		ALU64_K(BPF_AND, 6, 0xf),
		MOV_X(1, 6),
		LD_FUNC(2, 8),
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -8),
		MOV_K(4, 0),
		CALL(BPF_FUNC_loop),
		LDX(BPF_DW, 1, 10, -8),
		ALU64_X(BPF_ADD, 0, 1),
		EXIT(),
		/* the function adds 5 */
		LDX(BPF_DW, 3, 2, 0),
		ALU64_K(BPF_ADD, 3, 5),
		STX(BPF_DW, 2, 0, 3),
		MOV_K(0, 0),
		EXIT(),
	};

	assert_int_equal(BOTH(insns, CALLS_NOTHING), 2 + 10);
}

/* Which of two functions it is, is not known where it is called. */
static void test_unknown_function(void **state)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_W, 6, 1, 16),
		LD_FUNC(2, 12),
		JMP_K(BPF_JSET, 6, 2, 2),
		LD_FUNC(2, 12),
		ST(BPF_DW, 10, -8, 0),
		MOV_K(1, 3),
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -8),
		MOV_K(4, 0),
		CALL(BPF_FUNC_loop),
		LDX(BPF_DW, 0, 10, -8),
		EXIT(),
		ST(BPF_DW, 2, 0, 7),
		MOV_K(0, 0),
		EXIT(),
		ST(BPF_DW, 2, 0, 8),
		MOV_K(0, 0),
		EXIT(),
	};

	assert_int_equal(BOTH(insns, CALLS_HELPER), 7);
}

/* A loop in a loop: what the outer one keeps, and the caller's registers, outlive the inner one. */
static void test_nested(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(6, 6),
		MOV_K(7, 7),
		MOV_K(8, 8),
		MOV_K(9, 9),
		ST(BPF_DW, 10, -8, 0),
		MOV_K(1, 4),
		LD_FUNC(2, 12),
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -8),
		MOV_K(4, 0),
		CALL(BPF_FUNC_loop),
		LDX(BPF_DW, 1, 10, -8),
		ALU64_X(BPF_ADD, 0, 1),
		ALU64_X(BPF_ADD, 0, 6),
		ALU64_X(BPF_ADD, 0, 7),
		ALU64_X(BPF_ADD, 0, 8),
		ALU64_X(BPF_ADD, 0, 9),
		EXIT(),
		/* outer */
		MOV_X(6, 1),
		MOV_X(3, 2),
		MOV_K(1, 5),
		LD_FUNC(2, 5),
		MOV_K(4, 0),
		CALL(BPF_FUNC_loop),
		MOV_K(0, 0),
		EXIT(),
		/* inner */
		LDX(BPF_DW, 9, 2, 0),
		ALU64_K(BPF_ADD, 9, 100),
		STX(BPF_DW, 2, 0, 9),
		MOV_K(6, 0),
		MOV_K(7, 0),
		MOV_K(8, 0),
		MOV_K(0, 0),
		EXIT(),
	};

	assert_int_equal(BOTH(insns, CALLS_NOTHING), 4 + 2000 + 6 + 7 + 8 + 9);
}

/* A budget that ends in the function ends the run. */
static void test_budget(void **state)
{
	const struct bpf_insn insns[] = SUM(MOV_K(1, 1000), 0, 5000);
	struct bpfe_result interpreted, compiled;

	for (uint32_t budget = 5; budget < 60; budget++) {
		for (unsigned e = 0; e < 2; e++) {
			struct bpfe_program *prog;
			struct frame f;
			struct load l;

			load_init(&l, insns, COUNT(insns));
			l.attr.engine = e ? BPFE_ENGINE_JIT : BPFE_ENGINE_INTERP;
			l.attr.budget = budget;
			prog = load_ok(&l);
			frame_init(&f);
			*(e ? &compiled : &interpreted) = run(prog, &f);
			bpfe_program_put(prog);
		}
		assert_int_equal(interpreted.abort, BPFE_ABORT_BUDGET);
		assert_int_equal(compiled.abort, BPFE_ABORT_BUDGET);
		assert_int_equal(compiled.insns, interpreted.insns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),      cmocka_unit_test(test_unknown_rounds),
		cmocka_unit_test(test_few_rounds), cmocka_unit_test(test_unknown_function),
		cmocka_unit_test(test_nested),     cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
