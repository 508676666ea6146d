/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include <stdlib.h>
#include "jit/local.h"

bool jit_local_init(struct jit_local *local, struct lir *lir)
{
	uint32_t room = 0;

	for (uint32_t i = 0; i < lir->n_blocks; i++) {
		if (lir->blocks[i].n_ops > room)
			room = lir->blocks[i].n_ops;
	}
	*local = (struct jit_local){.room = room};
	for (unsigned i = 0; i <= UINT8_MAX; i++)
		local->now[i] = JIT_NO_VALUE;
	local->operands = malloc((size_t)(room + 1) * sizeof(*local->operands));
	local->n_uses = malloc((size_t)(room + 1) * sizeof(*local->n_uses));
	local->last_use = malloc((size_t)(room + 1) * sizeof(*local->last_use));
	if (local->operands && local->n_uses && local->last_use)
		return true;
	lir->failed = true;
	jit_local_free(local);
	return false;
}

void jit_local_free(struct jit_local *local)
{
	free(local->operands);
	free(local->n_uses);
	free(local->last_use);
	*local = (struct jit_local){0};
}

static void use(struct jit_local *local, jit_value value, uint32_t at)
{
	if (value < 0)
		return;
	local->last_use[value] = at;
	local->n_uses[value] += local->n_uses[value] < JIT_LIVE_OUT - 1;
}

/* Whatever the operation reads, in whatever way. */
static void use_all(struct jit_local *local, const struct lir_op *op, uint32_t at)
{
	for (lir_set uses = lir_uses(op); uses; uses &= uses - 1)
		use(local, local->now[__builtin_ctz(uses)], at);
}

/* Each register once, as in a set: most operations read only what they have operands for. */
static void use_operands(struct jit_local *local, const struct jit_operands *operands, uint32_t t,
			 bool memory, uint32_t at)
{
	jit_value a = t & LIR_USES_A ? operands->a : JIT_NO_VALUE;
	jit_value b = t & LIR_USES_B ? operands->b : JIT_NO_VALUE;

	use(local, a, at);
	if (b != a)
		use(local, b, at);
	if (!memory)
		return;
	if (operands->base != a && operands->base != b)
		use(local, operands->base, at);
	if (operands->index != a && operands->index != b && operands->index != operands->base)
		use(local, operands->index, at);
}

static void scan_uses(struct jit_local *local, uint32_t at)
{
	const struct lir_op *op = &local->ops[at];
	struct jit_operands *operands = &local->operands[at];
	bool memory = lir_has_memory(op);
	uint32_t t = lir_traits(op);

	operands->a = local->now[op->a];
	operands->b = local->now[op->b];
	operands->base = memory ? local->now[op->base] : JIT_NO_VALUE;
	operands->index = memory && op->scale ? local->now[op->index] : JIT_NO_VALUE;
	local->derives |= operands->base >= 0 || operands->index >= 0;
	if (t & (LIR_IMPLIES | LIR_USES_DST))
		use_all(local, op, at);
	else
		use_operands(local, operands, t, memory, at);
}

static void scan_defs(struct jit_local *local, uint32_t at)
{
	const struct lir_op *op = &local->ops[at];
	lir_set defs = lir_defs(op);

	if (!(defs & (defs - 1))) {
		if (defs)
			local->now[__builtin_ctz(defs)] = (jit_value)at;
		return;
	}
	/* A call: what it leaves in other registers than that of the result is not one value. Where
	 * opt_dead.c found that no bit of an operand counts, they may be read. */
	for (; defs; defs &= defs - 1)
		local->now[__builtin_ctz(defs)] = JIT_NO_VALUE;
	local->now[LIR_RAX] = (jit_value)at;
}

void jit_local_scan(struct jit_local *local, const struct lir_block *block)
{
	lir_set out = block->live_out;

	local->ops = block->ops;
	local->n_ops = block->n_ops;
	local->derives = false;
	for (uint8_t reg = 0; reg < LIR_NONE; reg++)
		local->now[reg] = jit_entry_value(reg);
	for (uint32_t i = 0; i < block->n_ops; i++) {
		local->n_uses[i] = 0;
		local->last_use[i] = i;
		if (block->ops[i].code == LIR_NOP) {
			local->operands[i] = (struct jit_operands){JIT_NO_VALUE, JIT_NO_VALUE,
								   JIT_NO_VALUE, JIT_NO_VALUE};
			continue;
		}
		scan_uses(local, i);
		scan_defs(local, i);
	}
	for (; out; out &= out - 1) {
		uint32_t reg = (uint32_t)__builtin_ctz(out);

		if (reg < LIR_NONE && local->now[reg] >= 0)
			local->n_uses[local->now[reg]] = JIT_LIVE_OUT;
	}
}

bool jit_is_barrier(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_ATOMIC:
	case LIR_FETCH:
	case LIR_XCHG:
	case LIR_CMPXCHG:
	case LIR_FENCE:
	case LIR_CTX_STORE:
	case LIR_CALL_HELPER:
	case LIR_CALL_DIRECT:
	case LIR_CALL_LOCAL:
	case LIR_CALLX:
	case LIR_MAY_GOTO:
	case LIR_TAIL_CALL:
		return true;
	default:
		return op->flags & (LIR_F_ACQUIRE | LIR_F_RELEASE);
	}
}

bool jit_is_plain_load(const struct lir_op *op)
{
	return op->code == LIR_LOAD && !(op->flags & (LIR_F_SIGNED | LIR_F_ACQUIRE));
}
