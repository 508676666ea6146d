// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Random programs, in the interpreter and in compiled code: the same results, frames, maps and
 * counts of instructions, bit for bit. SLUICE_TEST_SEED chooses the first program,
 * SLUICE_TEST_PROGRAMS how many; a long campaign runs a million.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "code.h"
#include "engines.h"
#include "generate.h"
#include "random_program.h"
#include "walks.h"

#define PROGRAMS      3000u
#define LONG_PROGRAMS 500000u /* of each kind */

static uint64_t first_seed;
static uint32_t n_programs;

static void check(const struct bpf_insn *insns, uint32_t n, uint64_t seed,
		  enum engines_outcome outcome, const char *what)
{
	if (outcome != ENGINES_DIFFER)
		return;
	show_program(insns, n);
	fail_msg("SLUICE_TEST_SEED=0x%llx: %s", (unsigned long long)seed, what);
}

/* Over frames, with maps, calls and helpers. */
static void test_frames(void **state)
{
	char what[256] = "";
	uint32_t ran = 0;

	for (uint32_t i = 0; i < n_programs; i++) {
		struct bpf_insn insns[GENERATED_MAX];
		uint32_t n = random_program(first_seed + i, insns);
		enum engines_outcome outcome = engines_run_xdp(insns, n, first_seed + i, what);

		ran += outcome == ENGINES_SAME;
		check(insns, n, first_seed + i, outcome, what);
		if (i % 256 == 255)
			bpfe_rcu_barrier(); /* so that deferred frees do not pile up */
	}
	print_message("# %u of %u programs were accepted and gave the same\n", ran, n_programs);
	assert_true(ran >= n_programs / 8);
}

/* Over plain memory, as compilers write them. */
static void test_code(void **state)
{
	char what[256] = "";
	uint32_t ran = 0;

	for (uint32_t i = 0; i < n_programs; i++) {
		struct bpf_insn insns[CODE_MAX];
		uint32_t n = generate_code(first_seed + i, insns);
		enum engines_outcome outcome =
			engines_run_mem(insns, n, CODE_MEMORY, first_seed + i, what);

		ran += outcome == ENGINES_SAME;
		if (outcome == ENGINES_REFUSED && ran == 0 && i == 0)
			print_message("# %s\n", what);
		check(insns, n, first_seed + i, outcome, what);
		if (i % 256 == 255)
			bpfe_rcu_barrier();
	}
	print_message("# %u of %u programs were accepted and gave the same\n", ran, n_programs);
	assert_true(ran >= n_programs / 2);
}

/* Over frames, with loops. */
static void test_walks(void **state)
{
	char what[256] = "";
	const uint32_t n_walks = n_programs / 10 + 1; /* for the verifier follows their loops */
	uint32_t ran = 0;

	for (uint32_t i = 0; i < n_walks; i++) {
		struct bpf_insn insns[WALKS_MAX];
		uint32_t n = generate_walks(first_seed + i, insns);
		enum engines_outcome outcome = engines_run_xdp(insns, n, first_seed + i, what);

		ran += outcome == ENGINES_SAME;
		if (outcome == ENGINES_REFUSED && i < 10)
			print_message("# %s\n", what);
		check(insns, n, first_seed + i, outcome, what);
		if (i % 256 == 255)
			bpfe_rcu_barrier();
	}
	print_message("# %u of %u programs were accepted and gave the same\n", ran, n_walks);
	assert_true(ran >= n_walks / 2);
}

static int setup(void **state)
{
	random_programs_from_environment(PROGRAMS, LONG_PROGRAMS, &first_seed, &n_programs);
	bpfe_thread_register();
	return engines_setup() ? 0 : -1;
}

static int teardown(void **state)
{
	engines_teardown();
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_walks),
	};

	return cmocka_run_group_tests_name("jit random", tests, setup, teardown);
}
