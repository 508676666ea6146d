/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Loops that run a known number of times. */
#ifndef BPFE_JIT_LOOPS_H
#define BPFE_JIT_LOOPS_H

#include "jit/lir.h"

/* A register that each round of a loop adds a constant to, and that decides whether there is
 * another round. */
struct jit_counter {
	uint8_t reg;
	uint8_t size; /* of the addition */
	int64_t step;
	uint64_t first; /* what it is when the loop is entered */
	uint32_t rounds;
};

/* The block that control gets to from @block by jumps alone. */
uint32_t jit_follow_jumps(const struct lir *lir, uint32_t block);

/*
 * Fill in @counter, of which reg, size and step are known, for a loop whose head is block @head and
 * that goes round once more if the branch @end, which compares reg with a constant after it was
 * added to, jumps (or does not, if @inverted). False if it is not known how often, or it is more
 * than @most times. lir->flow must be right; @from is the one block that enters the loop.
 */
bool jit_count_rounds(const struct lir *lir, struct jit_counter *counter, uint32_t from,
		      const struct lir_op *end, bool inverted, uint32_t most);

#endif
