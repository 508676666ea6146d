/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Random programs for the passes that rewrite accesses to memory. */
#ifndef TESTS_LIR_MEMORY_RANDOM_H
#define TESTS_LIR_MEMORY_RANDOM_H

#include "jit/lir.h"

enum lir_random_stack {
	LIR_RANDOM_SHARED, /* any register may point into it */
	LIR_RANDOM_OWN,    /* only constants behind LIR_FP; what is pointed to lies above that */
};

/* Run the program that @seed stands for before and after @pass; the test fails, with both texts, if
 * rax, memory or what calls see differs. Memory of the stack counts only until the program ends. */
void lir_memory_random(uint32_t seed, enum lir_random_stack stack, void (*pass)(struct lir *lir));

#endif
