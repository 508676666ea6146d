/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Memory operands. A load whose only reader is arithmetic or a comparison of the same size becomes
 * that one's operand; a load, arithmetic and a store to where the load was becomes one operation.
 * The load moves down to its reader: only past what cannot change the memory or the address.
 */
#include "jit/opt_memory.h"

/* How far a load is moved at most; keeps long blocks linear. */
#define MAX_DISTANCE 24u

/* May a store of @op change what @load reads? Both have their operands as of their own places. */
static bool may_alias(const struct jit_local *local, uint32_t load, uint32_t store)
{
	const struct lir_op *l = &local->ops[load], *s = &local->ops[store];
	const struct jit_operands *lo = &local->operands[load], *so = &local->operands[store];

	if (l->mem_kind != s->mem_kind && l->mem_kind != BPFE_MEM_NONE &&
	    s->mem_kind != BPFE_MEM_NONE)
		return false;
	if (lo->base != so->base || lo->index != so->index || l->scale != s->scale)
		return true;
	return (int64_t)l->disp + l->size > s->disp && (int64_t)s->disp + s->size > l->disp;
}

/* May the load at @from be done at @to instead? @skip is between them and goes away. */
static bool may_sink(const struct jit_local *local, uint32_t from, uint32_t to, uint32_t skip)
{
	const struct lir_op *load = &local->ops[from];
	lir_set address = LIR_BIT(load->base) | (load->scale ? LIR_BIT(load->index) : 0);

	if (to - from > MAX_DISTANCE)
		return false;
	for (uint32_t i = from + 1; i < to; i++) {
		const struct lir_op *op = &local->ops[i];

		if (op->code == LIR_NOP || i == skip)
			continue;
		if (jit_is_barrier(op) || (lir_defs(op) & address))
			return false;
		if (lir_writes_memory(op) && may_alias(local, from, i))
			return false;
	}
	return true;
}

static bool is_dead_but_for(const struct jit_local *local, jit_value value, uint32_t reader)
{
	return value >= 0 && local->n_uses[value] == 1 && local->last_use[value] == reader;
}

static bool commutes(uint8_t code)
{
	return code == LIR_ADD || code == LIR_MUL || code == LIR_AND || code == LIR_OR ||
	       code == LIR_XOR;
}

/* ---- Operands ------------------------------------------------------------------------------- */

/* Can @value, an operand of @reader that is as large as the operation, be read from memory there?
 */
static bool is_foldable(const struct jit_local *local, jit_value value, uint32_t reader)
{
	const struct lir_op *load;

	if (!is_dead_but_for(local, value, reader))
		return false;
	load = &local->ops[value];
	return jit_is_plain_load(load) && load->size == local->ops[reader].size &&
	       may_sink(local, (uint32_t)value, reader, reader);
}

static void take_memory(struct jit_local *local, jit_value value, uint32_t reader)
{
	struct lir_op *load = &local->ops[value], *op = &local->ops[reader];

	op->base = load->base;
	op->index = load->index;
	op->scale = load->scale;
	op->disp = load->disp;
	op->mem_kind = load->mem_kind;
	op->flags |= load->flags & LIR_F_MASKED;
	local->operands[reader].base = local->operands[value].base;
	local->operands[reader].index = local->operands[value].index;
	load->code = LIR_NOP;
}

static void exchange_operands(struct jit_local *local, uint32_t at)
{
	struct lir_op *op = &local->ops[at];
	struct jit_operands *operands = &local->operands[at];
	uint8_t reg = op->a;
	jit_value value = operands->a;

	op->a = op->b;
	op->b = reg;
	operands->a = operands->b;
	operands->b = value;
}

/* b becomes memory. Where dst is not a, the machine copies a to dst first. */
static bool fold_b(struct jit_local *local, uint32_t at)
{
	struct lir_op *op = &local->ops[at];
	jit_value value = local->operands[at].b;
	const struct lir_op *load;

	if (!is_foldable(local, value, at))
		return false;
	load = &local->ops[value];
	if (op->dst != op->a && (op->dst == load->base || (load->scale && op->dst == load->index)))
		return false;
	take_memory(local, value, at);
	op->b = LIR_MEM;
	return true;
}

static void fold_arithmetic(struct jit_local *local, uint32_t at)
{
	struct lir_op *op = &local->ops[at];

	if (op->a >= LIR_NONE || op->b >= LIR_NONE || op->a == op->b || fold_b(local, at))
		return;
	if (!commutes(op->code) || op->dst != op->b)
		return; /* nothing is gained by copying b first */
	exchange_operands(local, at);
	if (!fold_b(local, at))
		exchange_operands(local, at);
}

/* Only against a register: a comparison of memory with a constant is no shorter to execute. */
static void fold_branch(struct jit_local *local, uint32_t at)
{
	struct lir_op *op = &local->ops[at];
	const struct jit_operands *operands = &local->operands[at];

	if (op->a >= LIR_NONE || op->b >= LIR_NONE || op->a == op->b)
		return;
	if (is_foldable(local, operands->b, at)) {
		take_memory(local, operands->b, at);
		op->b = LIR_MEM;
	} else if (is_foldable(local, operands->a, at)) {
		take_memory(local, operands->a, at);
		op->a = LIR_MEM;
	}
}

/* ---- Read, modify, write -------------------------------------------------------------------- */

static bool is_same_place(const struct jit_local *local, uint32_t x, uint32_t y)
{
	const struct lir_op *a = &local->ops[x], *b = &local->ops[y];
	const struct jit_operands *ao = &local->operands[x], *bo = &local->operands[y];

	return a->size == b->size && a->disp == b->disp && a->scale == b->scale &&
	       a->mem_kind == b->mem_kind && ao->base == bo->base && ao->index == bo->index;
}

static bool is_modification(uint8_t code)
{
	return code == LIR_ADD || code == LIR_SUB || code == LIR_AND || code == LIR_OR ||
	       code == LIR_XOR;
}

/* Nothing from @from to @to sets @reg. */
static bool is_kept(const struct jit_local *local, uint8_t reg, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		if (local->ops[i].code != LIR_NOP && (lir_defs(&local->ops[i]) & LIR_BIT(reg)))
			return false;
	}
	return true;
}

/* The load that the arithmetic at @alu changes for the store at @store; JIT_NO_VALUE: none. */
static jit_value modified_load(const struct jit_local *local, uint32_t alu, uint32_t store)
{
	const struct lir_op *op = &local->ops[alu];
	jit_value value = local->operands[alu].a;

	if (value < 0 || op->a == op->b || !is_dead_but_for(local, value, alu) ||
	    !jit_is_plain_load(&local->ops[value]) ||
	    !is_same_place(local, (uint32_t)value, store) ||
	    !may_sink(local, (uint32_t)value, store, alu))
		return JIT_NO_VALUE;
	return value;
}

static int64_t truncated(int64_t imm, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (int64_t)((uint64_t)imm << shift) >> shift;
}

static void make_rmw(struct jit_local *local, jit_value load, uint32_t alu, uint32_t at)
{
	struct lir_op *store = &local->ops[at], *op = &local->ops[alu];

	store->code = LIR_RMW;
	store->alu = op->code;
	store->b = op->b;
	store->imm = op->b == LIR_IMM ? truncated(op->imm, store->size) : 0;
	local->operands[at].b = local->operands[alu].b;
	op->code = LIR_NOP;
	local->ops[load].code = LIR_NOP;
}

static void fold_store(struct jit_local *local, uint32_t at)
{
	struct lir_op *op = &local->ops[at];
	jit_value alu = local->operands[at].b, load;

	if (op->b >= LIR_NONE || (op->flags & LIR_F_RELEASE) || !is_dead_but_for(local, alu, at) ||
	    at - (uint32_t)alu > MAX_DISTANCE || op->b == op->base ||
	    (op->scale && op->b == op->index))
		return;
	if (!is_modification(local->ops[alu].code) || local->ops[alu].b == LIR_MEM ||
	    local->ops[alu].size < op->size)
		return;
	load = modified_load(local, (uint32_t)alu, at);
	if (load == JIT_NO_VALUE && commutes(local->ops[alu].code) &&
	    local->ops[alu].b < LIR_NONE) {
		exchange_operands(local, (uint32_t)alu);
		load = modified_load(local, (uint32_t)alu, at);
	}
	if (load == JIT_NO_VALUE || (local->ops[alu].b < LIR_NONE &&
				     !is_kept(local, local->ops[alu].b, (uint32_t)alu + 1, at)))
		return;
	make_rmw(local, load, (uint32_t)alu, at);
}

void jit_opt_operand(struct jit_local *local, struct lir_block *block)
{
	/* Stores first: what they take needs no operand of its own. */
	for (uint32_t i = 0; i < block->n_ops; i++) {
		if (block->ops[i].code == LIR_STORE)
			fold_store(local, i);
	}
	for (uint32_t i = 0; i < block->n_ops; i++) {
		switch (block->ops[i].code) {
		case LIR_ADD:
		case LIR_SUB:
		case LIR_MUL:
		case LIR_AND:
		case LIR_OR:
		case LIR_XOR:
			fold_arithmetic(local, i);
			break;
		case LIR_BRANCH:
			fold_branch(local, i);
			break;
		default:
			break;
		}
	}
}
