// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include "bpf_engine.h"
#include "generate.h"
#include "random_program.h"

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t random_program_of(uint64_t seed, uint32_t min, uint32_t span, struct bpf_insn *insns)
{
	uint8_t bytes[400];
	uint64_t state = seed;
	size_t n = min + next_random(&state) % span;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)next_random(&state);
	return generate_program(bytes, n, insns);
}

uint32_t random_program(uint64_t seed, struct bpf_insn *insns)
{
	return random_program_of(seed, 40, 200, insns);
}

void show_program(const struct bpf_insn *insns, uint32_t n)
{
	char text[128];

	for (uint32_t i = 0; i < n;) {
		unsigned slots = bpfe_disasm(&insns[i], n - i, text, sizeof(text));

		printf("# %u: %s\n", i, slots ? text : "?");
		i += slots ? slots : 1;
	}
}

void random_programs_from_environment(uint32_t count, uint32_t long_count, uint64_t *first_seed,
				      uint32_t *n_programs)
{
	const char *seed = getenv("SLUICE_TEST_SEED"), *programs = getenv("SLUICE_TEST_PROGRAMS");
	const char *campaign = getenv("SLUICE_LONG");

	*first_seed = seed ? strtoull(seed, NULL, 0) : UINT64_C(0x51c1ce);
	*n_programs = campaign && *campaign ? long_count : count;
	if (programs)
		*n_programs = (uint32_t)strtoul(programs, NULL, 0);
	printf("# SLUICE_TEST_SEED=0x%llx\n", (unsigned long long)*first_seed);
}
