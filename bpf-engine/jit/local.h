/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Within one block: which operation gave an operand its value, and who reads what an operation
 * gives. The memory passes ask this instead of walking; it is made anew when they have rewritten
 * the block.
 */
#ifndef BPFE_JIT_LOCAL_H
#define BPFE_JIT_LOCAL_H

#include "jit/lir.h"

#pragma GCC visibility push(hidden) /* see lir.h */

/* A value: the number of the operation of the block that defined it, or what a register held when
 * the block was entered. */
typedef int32_t jit_value;

#define JIT_NO_VALUE INT32_MIN

static inline jit_value jit_entry_value(uint8_t reg)
{
	return -1 - (jit_value)reg;
}

/* The values of an operation's operands; JIT_NO_VALUE where it has none. */
struct jit_operands {
	jit_value a, b, base, index;
};

/* Uses of a value that is wanted behind the block. */
#define JIT_LIVE_OUT UINT16_MAX

struct jit_local {
	struct lir_op *ops;
	uint32_t n_ops, room;
	struct jit_operands *operands; /* of each operation */
	uint16_t *n_uses;              /* of the value each operation defines; JIT_LIVE_OUT */
	uint32_t *last_use;            /* the last operation of the block that reads it */
	jit_value now[UINT8_MAX + 1];  /* of each register at the end of the block */
	bool derives;                  /* an address is made in the block */
};

/* Room for the largest block of @lir; false (and lir->failed) without memory. */
bool jit_local_init(struct jit_local *local, struct lir *lir);
void jit_local_free(struct jit_local *local);

/* Look at @block, whose live_out must be right. */
void jit_local_scan(struct jit_local *local, const struct lir_block *block);

/* The register that @value was put into. Of what calls change only the result is ever read. */
static inline uint8_t jit_value_reg(const struct jit_local *local, jit_value value)
{
	const struct lir_op *op = &local->ops[value < 0 ? 0 : value];

	if (value < 0)
		return (uint8_t)(-1 - value);
	return lir_is_call(op) || op->code == LIR_CMPXCHG ? (uint8_t)LIR_RAX : op->dst;
}

/* Does @op have a memory operand at all, or is it a LEA, whose operands look the same? */
static inline bool jit_touches_memory(const struct lir_op *op)
{
	return op->code != LIR_LEA && lir_has_memory(op);
}

/* Calls, fences and whatever else nothing in memory is moved across. */
bool jit_is_barrier(const struct lir_op *op);

/* Is @op a load that may be moved, widened and folded into its reader? */
bool jit_is_plain_load(const struct lir_op *op);

#pragma GCC visibility pop

#endif
