/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Generated programs that are hard on a verifier, for tests and for the bench. */
#ifndef VERIFIER_STRESS_H
#define VERIFIER_STRESS_H

#include "corpus.h"

struct stress_program {
	struct bpf_insn *insns; /* room for BPFE_MAX_INSNS */
	uint32_t n;
};

struct stress_shape {
	const char *name;
	void (*build)(struct stress_program *p);
	bool accepted;
	uint64_t most_insns; /* that following it may take */
	uint64_t most_bytes; /* of states */
};

extern const struct stress_shape stress_shapes[];
extern const size_t n_stress_shapes;

#endif
