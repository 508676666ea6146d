/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Addressing modes: what arithmetic made an address moves into the operation that uses it, as far
 * as base + index * scale + disp goes, and dies if nobody else wants it. Block by block, in three
 * steps: addresses here, pieces of one word in opt_bytes.c, memory operands in opt_operand.c.
 *
 * Each value of the block has an address expression: other values of the block, or registers as
 * they were when it was entered, and a constant. An operation may use it as long as the registers
 * still hold these values.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/local.h"
#include "jit/opt_memory.h"

/* Readers of an address with an index that are given it, instead of one addition for all. */
#define MAX_INDEXED 3

/* base + index * scale + disp; JIT_NO_VALUE: without. */
struct expression {
	jit_value base, index;
	uint8_t scale; /* 0 without index */
	int32_t disp;
};

struct fold {
	struct jit_local *local;
	struct expression *of; /* each operation's dst; scale UINT8_MAX: not an address */
	uint16_t *n_bases;     /* how often it is a base or index of a memory operand */
	jit_value now[LIR_NONE];
};

static struct expression leaf(jit_value value)
{
	return (struct expression){.base = value, .index = JIT_NO_VALUE};
}

static bool is_expression(const struct expression *e)
{
	return e->scale != UINT8_MAX;
}

static struct expression expression_of(const struct fold *f, jit_value value)
{
	if (value >= 0 && is_expression(&f->of[value]))
		return f->of[value];
	return leaf(value);
}

static bool add_disp(struct expression *e, int64_t disp)
{
	disp += e->disp;
	if (disp != (int32_t)disp)
		return false;
	e->disp = (int32_t)disp;
	return true;
}

/* Add @value * @scale to what has at most one of base and index... */
static bool add_term(struct expression *e, jit_value value, unsigned scale)
{
	if (value == JIT_NO_VALUE)
		return true;
	if (scale == 1 && e->base == JIT_NO_VALUE) {
		e->base = value;
		return true;
	}
	if (e->index != JIT_NO_VALUE || scale > 8)
		return false;
	e->index = value;
	e->scale = (uint8_t)scale;
	return true;
}

/* *e += @more * @scale; false: that is no address, and *e is lost. */
static bool add_expression(struct expression *e, const struct expression *more, unsigned scale)
{
	if (scale > 8 || !add_disp(e, (int64_t)more->disp * scale))
		return false;
	/* A base that takes a scaled place must leave the other one free, so the index goes first.
	 */
	return add_term(e, more->index, more->scale * scale) && add_term(e, more->base, scale);
}

/* Do the registers of @e still hold its values? */
static bool holds(const struct fold *f, const struct expression *e)
{
	return (e->base == JIT_NO_VALUE || f->now[jit_value_reg(f->local, e->base)] == e->base) &&
	       (e->index == JIT_NO_VALUE || f->now[jit_value_reg(f->local, e->index)] == e->index);
}

/* @a + @b * @scale + @disp with as much of both seen through as one address has room for. */
static bool combine(const struct fold *f, jit_value a, jit_value b, unsigned scale, int64_t disp,
		    struct expression *sum)
{
	const struct expression of_a = expression_of(f, a), of_b = expression_of(f, b);
	const struct expression leaf_a = leaf(a), leaf_b = leaf(b);
	const struct expression *const tries[][2] = {
		{&of_a, &of_b}, {&of_a, &leaf_b}, {&leaf_a, &of_b}, {&leaf_a, &leaf_b}};

	for (unsigned i = 0; i < 4; i++) {
		*sum = *tries[i][0];
		if (add_expression(sum, tries[i][1], scale) && add_disp(sum, disp) && holds(f, sum))
			return true;
	}
	return false;
}

/* What operation @at defines, as an address; false: none. */
static bool describe(const struct fold *f, uint32_t at, struct expression *e)
{
	const struct lir_op *op = &f->local->ops[at];
	const struct jit_operands *operands = &f->local->operands[at];

	*e = leaf(JIT_NO_VALUE);
	if (op->size != 8)
		return false;
	switch (op->code) {
	case LIR_MOV:
		return op->b < LIR_NONE && combine(f, operands->b, JIT_NO_VALUE, 1, 0, e);
	case LIR_ADD:
		if (op->b < LIR_NONE)
			return combine(f, operands->a, operands->b, 1, 0, e);
		return op->b == LIR_IMM && combine(f, operands->a, JIT_NO_VALUE, 1, op->imm, e);
	case LIR_SUB:
		return op->b == LIR_IMM && combine(f, operands->a, JIT_NO_VALUE, 1, -op->imm, e);
	case LIR_SHL:
		return op->b == LIR_IMM && op->imm >= 1 && op->imm <= 3 &&
		       combine(f, JIT_NO_VALUE, operands->a, 1u << op->imm, 0, e);
	case LIR_LEA:
		return combine(f, operands->base, operands->index, op->scale ? op->scale : 1,
			       op->disp, e);
	default:
		return false;
	}
}

/* Is the addition that made @value not wanted by others, if its operands are used instead? */
static bool dies(const struct fold *f, const struct expression *e, jit_value value)
{
	return value < 0 || value == e->base || value == e->index ||
	       (f->local->n_uses[value] <= MAX_INDEXED &&
		f->n_bases[value] == f->local->n_uses[value]);
}

/* An index costs room in the encoding, and in a LEA with a displacement time. */
static bool pays(const struct fold *f, uint32_t at, const struct expression *e)
{
	const struct lir_op *op = &f->local->ops[at];
	const struct jit_operands *operands = &f->local->operands[at];

	if (e->index == JIT_NO_VALUE)
		return true;
	if (op->code == LIR_LEA && e->disp && e->base != JIT_NO_VALUE)
		return op->disp && op->scale;
	return dies(f, e, operands->base) && dies(f, e, operands->index);
}

/* Has the operand changed? */
static bool fold_operand(struct fold *f, uint32_t at)
{
	struct lir_op *op = &f->local->ops[at];
	struct jit_operands *operands = &f->local->operands[at];
	struct expression e;

	if (!combine(f, operands->base, operands->index, op->scale ? op->scale : 1, op->disp, &e) ||
	    !pays(f, at, &e))
		return false;
	if (e.base == operands->base && e.index == operands->index)
		return false;
	operands->base = e.base;
	operands->index = e.index;
	op->base = e.base == JIT_NO_VALUE ? LIR_NONE : jit_value_reg(f->local, e.base);
	op->index = e.index == JIT_NO_VALUE ? LIR_NONE : jit_value_reg(f->local, e.index);
	op->scale = e.index == JIT_NO_VALUE ? 0 : e.scale;
	op->disp = e.disp;
	if (op->index == LIR_FP && op->scale == 1) {
		op->index = op->base;
		op->base = LIR_FP;
		operands->index = e.base;
		operands->base = e.index;
	}
	return true;
}

static void count_bases(struct fold *f)
{
	for (uint32_t i = 0; i < f->local->n_ops; i++)
		f->n_bases[i] = 0;
	for (uint32_t i = 0; i < f->local->n_ops; i++) {
		const struct jit_operands *operands = &f->local->operands[i];

		if (f->local->ops[i].code == LIR_NOP)
			continue;
		if (operands->base >= 0)
			f->n_bases[operands->base]++;
		if (operands->index >= 0)
			f->n_bases[operands->index]++;
	}
}

static bool fold_block(struct fold *f)
{
	bool changed = false;

	count_bases(f);
	for (uint8_t reg = 0; reg < LIR_NONE; reg++)
		f->now[reg] = jit_entry_value(reg);
	for (uint32_t i = 0; i < f->local->n_ops; i++) {
		struct lir_op *op = &f->local->ops[i];
		lir_set defs;

		f->of[i].scale = UINT8_MAX;
		if (op->code == LIR_NOP)
			continue;
		if (lir_has_memory(op) && op->base != LIR_NONE)
			changed |= fold_operand(f, i);
		defs = lir_defs(op);
		if (defs && !describe(f, i, &f->of[i]))
			f->of[i].scale = UINT8_MAX;
		for (; defs; defs &= defs - 1)
			f->now[__builtin_ctz(defs)] = (jit_value)i;
	}
	return changed;
}

/* Is there anything to do for a block at all: an address that is made in it, a load to fold, stores
 * to join? */
static bool may_change(const struct lir_block *block)
{
	lir_set made = 0;
	unsigned stores = 0;

	for (uint32_t i = 0; i < block->n_ops; i++) {
		const struct lir_op *op = &block->ops[i];

		if (op->code == LIR_LOAD)
			return true;
		if (op->code == LIR_STORE && ++stores > 1)
			return true;
		if (op->code == LIR_NOP)
			continue;
		if (lir_has_memory(op) && (made & (lir_one(op->base) | lir_one(op->index))))
			return true;
		made |= lir_defs(op);
	}
	return false;
}

static void optimise_blocks(struct lir *lir, struct fold *f, struct jit_bytes_room *bytes)
{
	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		struct lir_block *block = &lir->blocks[b];

		if (!may_change(block))
			continue;
		jit_local_scan(f->local, block);
		if (f->local->derives && fold_block(f))
			jit_local_scan(f->local, block);
		if (jit_opt_bytes(bytes, f->local, block))
			jit_local_scan(f->local, block);
		jit_opt_operand(f->local, block);
	}
}

void jit_opt_address(struct lir *lir)
{
	struct jit_local local;
	struct jit_bytes_room bytes = {0};
	struct fold f = {.local = &local};

	jit_flow_live(lir);
	if (lir->failed || !jit_local_init(&local, lir))
		return;
	f.of = malloc((local.room + 1) * sizeof(*f.of));
	f.n_bases = malloc((local.room + 1) * sizeof(*f.n_bases));
	lir->failed = !f.of || !f.n_bases;
	if (!lir->failed && jit_bytes_room_init(&bytes, lir, local.room))
		optimise_blocks(lir, &f, &bytes);
	free(f.of);
	free(f.n_bases);
	jit_bytes_room_free(&bytes);
	jit_local_free(&local);
}
