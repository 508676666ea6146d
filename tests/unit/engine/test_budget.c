/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A run ends exactly when its budget does, wherever that is, and counts what it executed. */
#include "harness.h"

/* Slots 0 to 1, then 10 times 2 to 6 with two calls of 9 to 10, then 7 and 8. */
static const struct bpf_insn insns[] = {
	MOV_K(6, 10),
	MOV_K(7, 0),
	CALL_LOCAL(6),
	ALU64_X(BPF_ADD, 7, 0),
	CALL_LOCAL(4),
	ALU64_K(BPF_SUB, 6, 1),
	JMP_K(BPF_JNE, 6, 0, -5),
	MOV_X(0, 7),
	EXIT(),
	MOV_K(0, 3),
	EXIT(),
};

/* The slots in the order a run executes them. */
static unsigned trace(uint32_t *slots)
{
	static const uint32_t round[] = {2, 9, 10, 3, 4, 9, 10, 5, 6};
	unsigned n = 0;

	slots[n++] = 0;
	slots[n++] = 1;
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned j = 0; j < COUNT(round); j++)
			slots[n++] = round[j];
	}
	slots[n++] = 7;
	slots[n++] = 8;
	return n;
}

static struct bpfe_result run_with(uint32_t budget, uint32_t flags)
{
	struct bpfe_result result;
	struct bpfe_program *prog;
	struct load l;
	struct frame f;

	load_init(&l, insns, COUNT(insns));
	l.attr.budget = budget;
	l.attr.flags |= flags;
	prog = load_ok(&l);
	frame_init(&f);
	result = run(prog, &f);
	bpfe_program_put(prog);
	return result;
}

static void test_every_budget(void **state)
{
	uint32_t slots[128];
	unsigned n = trace(slots);

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		for (uint32_t budget = 1; budget < n; budget++) {
			struct bpfe_result result = run_with(budget, flags);

			assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
			assert_int_equal(result.retval, XDP_ABORTED);
			assert_int_equal(result.insns, budget);
			assert_abort_at(&result, slots[budget]);
		}
	}
}

static void test_enough(void **state)
{
	uint32_t slots[128];
	const unsigned n = trace(slots);
	const uint32_t budgets[] = {n, n + 1, n + 10, n + 11, n + 12, UINT32_MAX, 0};

	for (unsigned i = 0; i < COUNT(budgets); i++) {
		struct bpfe_result result = run_with(budgets[i], 0);

		assert_int_equal(result.abort, BPFE_ABORT_NONE);
		assert_int_equal(result.retval, 30);
		assert_int_equal(result.insns, n);
	}
}

/* What an aborted run did before it was cut short stays done; the next run starts afresh. */
static void test_effects_remain(void **state)
{
	const struct bpf_insn two_stores[] = {
		NEED_PACKET(8, 4),
		ST(BPF_B, 2, 0, 1),
		ST(BPF_B, 2, 1, 1),
		MOV_K(0, 1),
		JA(0),
		EXIT(),
	};
	struct bpfe_program *prog;
	struct load l;
	struct frame f;

	load_init(&l, two_stores, COUNT(two_stores));
	l.attr.budget = 7;
	prog = load_ok(&l);
	for (unsigned i = 0; i < 2; i++) {
		frame_init(&f);
		assert_int_equal(run(prog, &f).abort, BPFE_ABORT_BUDGET);
		assert_int_equal(f.xdp.data[0], 1);
		/* Compiled code looks at the budget where the program exits. */
		assert_int_equal(f.xdp.data[1], test_engine() != BPFE_ENGINE_INTERP);
	}
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_budget),
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_effects_remain),
	};

	return cmocka_run_group_tests_name("budget", tests, group_setup, group_teardown);
}
