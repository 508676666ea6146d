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
#include "run_generated.h"

#define PROGRAMS 1000u

static uint64_t first_seed;
static uint32_t n_programs;

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t program_of(uint64_t seed, struct bpf_insn *insns)
{
	uint8_t bytes[400];
	uint64_t state = seed;
	size_t n = 40 + next_random(&state) % 200;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)next_random(&state);
	return generate_program(bytes, n, insns);
}

static void show(const struct bpf_insn *insns, uint32_t n)
{
	char text[128];

	for (uint32_t i = 0; i < n;) {
		unsigned slots = bpfe_disasm(&insns[i], n - i, text, sizeof(text));

		print_message("# %u: %s\n", i, slots ? text : "?");
		i += slots ? slots : 1;
	}
}

static void test_random_programs(void **state)
{
	static char what[1 << 16];
	uint32_t ran = 0;

	for (uint32_t i = 0; i < n_programs; i++) {
		struct bpf_insn insns[GENERATED_MAX];
		uint32_t n = program_of(first_seed + i, insns);
		enum generated_outcome outcome = run_generated(insns, n, what, sizeof(what));

		if (outcome == GENERATED_RAN)
			ran++;
		if (i % 256 == 255)
			bpfe_rcu_barrier(); /* so that deferred frees do not pile up */
		if (outcome == GENERATED_RAN || outcome == GENERATED_REFUSED)
			continue;
		show(insns, n);
		fail_msg("SLUICE_TEST_SEED=0x%llx: outcome %d, %s",
			 (unsigned long long)(first_seed + i), outcome, what);
	}
	print_message("# %u of %u programs were accepted and run\n", ran, n_programs);
	/* A generator or verifier that lets nothing through tests nothing. */
	assert_true(ran >= n_programs / 8);
}

static int setup(void **state)
{
	const char *seed = getenv("SLUICE_TEST_SEED"), *count = getenv("SLUICE_TEST_PROGRAMS");

	first_seed = seed ? strtoull(seed, NULL, 0) : UINT64_C(0x51c1ce);
	n_programs = count ? (uint32_t)strtoul(count, NULL, 0) : PROGRAMS;
	print_message("# SLUICE_TEST_SEED=0x%llx\n", (unsigned long long)first_seed);
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
