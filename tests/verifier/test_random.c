// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Random programs: what the verifier accepts must neither leave its memory nor depend on where that
 * lies. SLUICE_TEST_SEED chooses the first program, SLUICE_TEST_PROGRAMS how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "bpf_engine.h"
#include "generate.h"
#include "random_program.h"
#include "run_generated.h"

#define PROGRAMS      1000u
#define LONG_PROGRAMS 100000u

static uint64_t first_seed;
static uint32_t n_programs;

static void test_random_programs(void **state)
{
	static char what[1 << 16];
	uint32_t ran = 0;

	for (uint32_t i = 0; i < n_programs; i++) {
		struct bpf_insn insns[GENERATED_MAX];
		uint32_t n = random_program(first_seed + i, insns);
		enum generated_outcome outcome = run_generated(insns, n, what, sizeof(what));

		if (outcome == GENERATED_RAN)
			ran++;
		if (i % 256 == 255)
			bpfe_rcu_barrier(); /* so that deferred frees do not pile up */
		if (outcome == GENERATED_RAN || outcome == GENERATED_REFUSED)
			continue;
		show_program(insns, n);
		fail_msg("SLUICE_TEST_SEED=0x%llx: outcome %d, %s",
			 (unsigned long long)(first_seed + i), outcome, what);
	}
	print_message("# %u of %u programs were accepted and run\n", ran, n_programs);
	/* A generator or verifier that lets nothing through tests nothing. */
	assert_true(ran >= n_programs / 8);
}

static int setup(void **state)
{
	random_programs_from_environment(PROGRAMS, LONG_PROGRAMS, &first_seed, &n_programs);
	bpfe_thread_register();
	return 0;
}

static int teardown(void **state)
{
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_programs)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
