/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The memory accesses of one block, for passes that move or join them. Accesses whose base and
 * index hold the same values are of one class: it is known whether two of them overlap. Of
 * different classes they may if they are of the same kind of memory; what is between two accesses
 * of a class and may concern them is told by two counters.
 */
#ifndef BPFE_JIT_ACCESS_H
#define BPFE_JIT_ACCESS_H

#include "jit/local.h"

#pragma GCC visibility push(hidden) /* see lir.h */

struct jit_access {
	uint32_t op;
	uint16_t class;
	uint8_t kind; /* enum bpfe_mem_kind */
	uint8_t size;
	int32_t disp;
	bool load, store; /* plain ones that may be moved; neither: stays where it is */
	/* What came before that may touch the same memory and is of no or another class: of two
	 * accesses of a class with equal numbers there is no such write, or read, between. */
	uint32_t foreign_writes, foreign_reads;
};

#define JIT_NO_ACCESS UINT32_MAX

struct jit_accesses {
	struct jit_access *all; /* in the order of the block */
	uint32_t n;
	uint32_t *of; /* of each operation: its number in all; JIT_NO_ACCESS */
};

bool jit_accesses_init(struct jit_accesses *accesses, struct lir *lir, uint32_t room);
void jit_accesses_free(struct jit_accesses *accesses);

/* Of the block that @local was made of. */
void jit_accesses_scan(struct jit_accesses *accesses, const struct jit_local *local);

static inline bool jit_accesses_overlap(const struct jit_access *a, const struct jit_access *b)
{
	return (int64_t)a->disp < (int64_t)b->disp + b->size &&
	       (int64_t)b->disp < (int64_t)a->disp + a->size;
}

#pragma GCC visibility pop

#endif
