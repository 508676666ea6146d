/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* interp/fuse.c: a move and the arithmetic behind it as one step, without a difference to see. */
#include "harness.h"

static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
			      BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH};

/* r0 of "r7 = value; r0 = r7; r0 op= 13", with or without something between the two. */
static struct bpfe_result run_pair(uint8_t op, uint64_t value, bool apart, uint32_t budget)
{
	const struct bpf_insn insns[] = {
		LD64(7, value), MOV_X(0, 7), JA(0), ALU64_K(op, 0, 13), EXIT(),
	};
	const struct bpf_insn together[] = {
		LD64(7, value),
		MOV_X(0, 7),
		ALU64_K(op, 0, 13),
		EXIT(),
	};
	struct bpfe_program *prog;
	struct bpfe_result result;
	struct frame f;
	struct load l;

	load_init(&l, apart ? insns : together, apart ? COUNT(insns) : COUNT(together));
	l.attr.budget = budget;
	prog = load_ok(&l);
	frame_init(&f);
	result = run(prog, &f);
	bpfe_program_put(prog);
	return result;
}

static void test_same_result(void **state)
{
	static const uint64_t values[] = {0, 1, 12, 13, 1ull << 63, UINT64_MAX, 0x123456789abcdef0};

	for (size_t i = 0; i < COUNT(ops); i++) {
		for (size_t v = 0; v < COUNT(values); v++) {
			struct bpfe_result pair = run_pair(ops[i], values[v], false, 0);
			struct bpfe_result apart = run_pair(ops[i], values[v], true, 0);

			assert_int_equal(pair.r0, apart.r0);
			assert_int_equal(pair.insns, 4);
			assert_int_equal(apart.insns, 5);
		}
	}
}

/* The budget may end between the two. */
static void test_budget_ends_within(void **state)
{
	for (uint32_t budget = 1; budget <= 4; budget++) {
		struct bpfe_result result = run_pair(BPF_LSH, 1, false, budget);

		assert_int_equal(result.abort, budget < 4 ? BPFE_ABORT_BUDGET : BPFE_ABORT_NONE);
		assert_int_equal(result.insns, budget);
		if (budget < 4)
			assert_abort_at(&result, budget + 1);
	}
}

/* A jump may lead to the second, which then has the register as it was. */
static void test_jump_between(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(0, 3),
		MOV_K(7, 100),
		LDX(BPF_W, 8, 1, 16),
		JMP_K(BPF_JNE, 8, 0, 1),
		MOV_X(0, 7),
		ALU64_K(BPF_ADD, 0, 1),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct frame f;

	frame_init(&f);
	f.xdp.rx_queue_index = 0;
	assert_int_equal(run(prog, &f).r0, 101);
	f.xdp.rx_queue_index = 1;
	assert_int_equal(run(prog, &f).r0, 4);
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_result),
		cmocka_unit_test(test_budget_ends_within),
		cmocka_unit_test(test_jump_between),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
