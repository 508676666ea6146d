/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Which of a function's stack is its own business: bytes that only operations with LIR_FP as their
 * base and a constant touch, and no callee, helper or pointer.
 */
#ifndef BPFE_JIT_STACK_H
#define BPFE_JIT_STACK_H

#include "jit/lir.h"

#pragma GCC visibility push(hidden) /* see lir.h */

#define JIT_STACK_ALL INT32_MIN

/*
 * The distance from LIR_FP below which nobody else reads or writes: 0 if no address is taken,
 * JIT_STACK_ALL if anything may be touched. jit_flow() must be fresh. @first is the place in
 * lir->flow->rpo of the function's first block, @end one past its last.
 */
int32_t jit_stack_private(struct lir *lir, uint32_t first, uint32_t end);

/* Is @op's memory operand at a constant distance from LIR_FP? */
static inline bool jit_is_stack_access(const struct lir_op *op)
{
	return op->code != LIR_LEA && op->base == LIR_FP && !op->scale && lir_has_memory(op);
}

/* One past the last place in rpo that belongs to the function of the block at @first. */
uint32_t jit_function_end(const struct lir *lir, uint32_t first);

#pragma GCC visibility pop

#endif
