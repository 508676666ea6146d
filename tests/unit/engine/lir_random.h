/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Random programs in the JIT's intermediate form, and that a pass does not change what they do. */
#ifndef TESTS_LIR_RANDOM_H
#define TESTS_LIR_RANDOM_H

#include "jit/lir.h"

struct lir_random_shape {
	uint32_t blocks;   /* at most */
	uint32_t ops;      /* of a block, at most */
	bool two_operands; /* as the builder makes them: dst is a, no LEA, ROL, SELECT... */
	/* Another source of operations, instead of the usual ones half of the time: puts one or
	 * more into @block. NULL: none. */
	void (*idiom)(struct lir *lir, uint32_t block, uint64_t *seed);
};

uint64_t lir_random(uint64_t *seed);
/* One of the registers that programs use. */
uint8_t lir_random_reg(uint64_t *seed);

/* A program that is not known to end, whose result depends on all registers. The caller frees it.
 */
void lir_random_program(struct lir *lir, const struct lir_random_shape *shape, uint64_t *seed);

/* Run both from one random state: the results, memory, calls and charges must be equal, unless
 * @before takes too long. */
void lir_assert_same_run(const struct lir *before, const struct lir *after, uint64_t *seed);

/* Make @rounds programs, run each before and after @pass from several random states: results,
 * memory, calls and charges must be equal. Fails with the program's text. */
void lir_assert_same(void (*pass)(struct lir *lir), const struct lir_random_shape *shape,
		     uint32_t rounds, uint64_t seed);

#endif
