/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Load a generated program twice, in different places, and see that it cannot tell. */
#ifndef VERIFIER_RUN_GENERATED_H
#define VERIFIER_RUN_GENERATED_H

#include <stdint.h>
#include <linux/bpf.h>

enum generated_outcome {
	GENERATED_REFUSED,
	GENERATED_RAN,
	GENERATED_UNSAFE, /* the checked interpreter caught it outside its memory, or in dead code
			   */
	GENERATED_TELLS,  /* results depend on where memory lies */
	GENERATED_BROKEN, /* the engine failed otherwise */
};

/* @what gets the log or what went wrong. The thread is registered with the engine. */
enum generated_outcome run_generated(const struct bpf_insn *insns, uint32_t n_insns, char *what,
				     uint32_t what_size);

#endif
