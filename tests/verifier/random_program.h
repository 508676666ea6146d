/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Programs by number: what the random tests share. */
#ifndef VERIFIER_RANDOM_PROGRAM_H
#define VERIFIER_RANDOM_PROGRAM_H

#include <stdint.h>
#include <linux/bpf.h>

uint64_t next_random(uint64_t *state);

/* The program of @seed into @insns, which has room for GENERATED_MAX; returns its slots. */
uint32_t random_program(uint64_t seed, struct bpf_insn *insns);

/* The same out of at least @min and less than @min + @span random bytes, fewer than 400. */
uint32_t random_program_of(uint64_t seed, uint32_t min, uint32_t span, struct bpf_insn *insns);

/* Print it as TAP diagnostics. */
void show_program(const struct bpf_insn *insns, uint32_t n);

/*
 * Which programs to try: SLUICE_TEST_SEED is the first, SLUICE_TEST_PROGRAMS how many. Without it
 * @count, or @long_count in a long campaign (SLUICE_LONG).
 */
void random_programs_from_environment(uint32_t count, uint32_t long_count, uint64_t *first_seed,
				      uint32_t *n_programs);

#endif
