/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * One program in several engines: the interpreter, compiled code with all hardening, and compiled
 * code without. Each has maps and memory of its own, filled alike; afterwards all must be alike.
 */
#ifndef JIT_ENGINES_H
#define JIT_ENGINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf_engine.h"

enum {
	ENGINES_INTERP,
	ENGINES_HARDENED,
	ENGINES_RELAXED,
	ENGINES
};

/* Set attr's engine, relax and flags to those of engine @e. */
void engines_choose(struct bpfe_load_attr *attr, unsigned e);
const char *engines_name(unsigned e);

enum engines_outcome {
	ENGINES_SAME,
	ENGINES_REFUSED, /* the verifier does not accept it; not a failure */
	ENGINES_DIFFER,  /* @what says in what */
};

/* A program over frames, which may name the maps of generate.h by index. With one seed in eight
 * also with a budget that ends some runs. @what holds 256 bytes. */
enum engines_outcome engines_run_xdp(const struct bpf_insn *insns, uint32_t n, uint64_t seed,
				     char what[256]);

/* One over plain memory of @size bytes. */
enum engines_outcome engines_run_mem(const struct bpf_insn *insns, uint32_t n, uint32_t size,
				     uint64_t seed, char what[256]);

/* Are the results of two runs alike? NULL, or what is not. What was cut short is alike if both were
 * for the same reason. */
const char *engines_compare(const struct bpfe_result *a, const struct bpfe_result *b);

/* Make and put the maps; the thread is registered. */
bool engines_setup(void);
void engines_teardown(void);

#endif
