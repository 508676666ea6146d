/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What BPF takes several instructions for and x86 takes one: rotations, addresses' arithmetic,
 * tests of bits, swapped parts of numbers.
 */
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/opt_idioms.h"

/* Operations that are looked back at to see whether a register still holds something. */
#define MAX_DISTANCE 64u

struct lir_op *jit_idiom_made_by(struct jit_idioms *id, jit_value value, uint8_t code)
{
	struct lir_op *op = value >= 0 ? &id->local.ops[value] : NULL;

	return op && op->code == code && op->b == LIR_IMM ? op : NULL;
}

bool jit_idiom_holds(const struct jit_idioms *id, uint8_t reg, jit_value value, uint32_t at,
		     jit_value without)
{
	for (uint32_t distance = 0; distance < MAX_DISTANCE; distance++) {
		if (!at)
			return value == jit_entry_value(reg);
		at--;
		if ((jit_value)at == without || id->local.ops[at].code == LIR_NOP ||
		    !(lir_defs(&id->local.ops[at]) & LIR_BIT(reg)))
			continue;
		return (jit_value)at == value;
	}
	return false;
}

bool jit_idiom_only_use(const struct jit_idioms *id, jit_value value)
{
	return value >= 0 && id->local.n_uses[value] == 1;
}

void jit_idiom_move(struct lir_op *op, uint8_t reg)
{
	if (op->dst == reg) {
		op->code = LIR_NOP;
		return;
	}
	op->code = LIR_MOV;
	op->size = 8;
	op->a = LIR_NONE;
	op->b = reg;
	op->flags = 0;
	op->imm = 0;
}

static void add(struct jit_idioms *id, uint32_t at)
{
	jit_idiom_rotate(id, at);
	if (id->local.ops[at].code == LIR_ADD)
		jit_idiom_sum(id, at);
}

/* The upper bytes of a number that was swapped are its lower ones, swapped. */
static void shift_right(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];
	jit_value value = id->local.operands[at].a;
	struct lir_op *swap = value >= 0 ? &id->local.ops[value] : NULL;
	int64_t bytes = 8 - op->imm / 8;

	if (op->b != LIR_IMM || op->size != 8 || !swap || swap->code != LIR_BSWAP ||
	    swap->imm != 8 || op->imm % 8 || (bytes != 1 && bytes != 2 && bytes != 4) ||
	    !jit_idiom_only_use(id, value))
		return;
	swap->imm = bytes;
	if (bytes == 1)
		swap->code = LIR_ZEXT;
	id->local.n_uses[value] = id->local.n_uses[at];
	jit_idiom_move(op, swap->dst);
}

/* (x & y) compared with 0 is a test of x and y, which need not be put anywhere. */
static void branch(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];
	jit_value value = id->local.operands[at].a;
	struct lir_op *mask = value >= 0 ? &id->local.ops[value] : NULL;
	const struct jit_operands *operands;

	if (op->b != LIR_IMM || op->imm32 || (op->cond != LIR_E && op->cond != LIR_NE) || !mask ||
	    mask->code != LIR_AND || mask->b == LIR_MEM || !jit_idiom_only_use(id, value))
		return;
	operands = &id->local.operands[value];
	if (!jit_idiom_holds(id, mask->a, operands->a, at, value) ||
	    (mask->b != LIR_IMM && !jit_idiom_holds(id, mask->b, operands->b, at, value)))
		return;
	op->cond = op->cond == LIR_E ? LIR_TESTZ : LIR_TESTNZ;
	op->a = mask->a;
	op->b = mask->b;
	op->imm32 = mask->b == LIR_IMM ? (int32_t)mask->imm : 0;
	if (mask->size < op->size || (mask->b == LIR_IMM && mask->imm >= 0))
		op->size = 4;
	mask->code = LIR_NOP;
}

typedef void idiom_fn(struct jit_idioms *id, uint32_t at);

static idiom_fn *const idioms[LIR_CODES] = {
	[LIR_ADD] = add,
	[LIR_OR] = jit_idiom_rotate,
	[LIR_XOR] = jit_idiom_rotate,
	[LIR_MUL] = jit_idiom_product,
	[LIR_SHL] = jit_idiom_shift_left,
	[LIR_SHR] = shift_right,
	[LIR_BRANCH] = branch,
};

/* Is there anything in a block that an idiom is made of? */
static bool may_have_idioms(const struct lir_block *block)
{
	unsigned additions = 0, masks = 0;

	for (uint32_t at = 0; at < block->n_ops; at++) {
		switch (block->ops[at].code) {
		case LIR_SHL:
		case LIR_SHR:
		case LIR_MUL:
			return true;
		case LIR_ADD:
			if (++additions > 1)
				return true;
			break;
		case LIR_AND:
			masks++;
			break;
		case LIR_BRANCH:
			return masks;
		default:
			break;
		}
	}
	return false;
}

static void visit_block(struct jit_idioms *id, struct lir_block *block)
{
	if (!may_have_idioms(block))
		return;
	jit_local_scan(&id->local, block);
	/* What is shifted is looked at again when it is added or or'ed, so that comes first. */
	for (uint32_t at = 0; at < block->n_ops; at++) {
		uint8_t code = block->ops[at].code;

		if (code != LIR_SHL && idioms[code])
			idioms[code](id, at);
	}
	for (uint32_t at = 0; at < block->n_ops; at++) {
		if (block->ops[at].code == LIR_SHL)
			jit_idiom_shift_left(id, at);
	}
}

void jit_opt_idioms(struct lir *lir)
{
	struct jit_idioms id;

	jit_flow_live(lir);
	if (lir->failed || !jit_local_init(&id.local, lir))
		return;
	for (uint32_t i = 0; i < lir->flow->n_rpo; i++)
		visit_block(&id, &lir->blocks[lir->flow->rpo[i]]);
	jit_local_free(&id.local);
}
