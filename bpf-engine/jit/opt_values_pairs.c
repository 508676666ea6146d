/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Extensions that are written as a shift up and one down again, since BPF had no other way for
 * long: "r1 <<= 32; r1 >>= 32", and with different counts, as an index into an array is scaled.
 * Known as what they are before facts are gathered, they are seen to be superfluous where they are.
 */
#include "jit/opt_values.h"

struct pairs {
	struct lir_op *up[JIT_VALUE_REGS]; /* what shifted a register up by a constant, and... */
	lir_set unread;                    /* ...it was neither read nor written since */
};

/* Is @op "reg = reg shifted by a constant", of 64 bits? */
static bool shifts_in_place(const struct lir_op *op)
{
	return op->size == 8 && op->b == LIR_IMM && op->dst == op->a &&
	       (op->code == LIR_SHR || op->code == LIR_SAR);
}

/* dst = the low 64 - @up bits of a. */
static void become_extension(struct lir_op *op, unsigned up, bool sign)
{
	op->imm = 8 - up / 8;
	op->code = sign ? LIR_SEXT : LIR_ZEXT;
	op->b = LIR_NONE;
	if (sign || up != 32)
		return;
	op->code = LIR_MOV;
	op->size = 4;
	op->b = op->a;
	op->a = LIR_NONE;
	op->imm = 0;
}

/* @up is shifted up, then @down is; nobody reads what is between. */
static void pair(struct lir_op *first, struct lir_op *second)
{
	unsigned up = (unsigned)first->imm & 63, down = (unsigned)second->imm & 63;
	bool sign = second->code == LIR_SAR;

	if (up != 32 && up != 48 && up != 56)
		return;
	if (up >= down) {
		become_extension(first, up, sign);
		second->code = up == down ? LIR_NOP : LIR_SHL;
		second->imm = up - down;
	} else if (up == 32 && !sign) {
		become_extension(first, up, false);
		second->size = 4;
		second->imm = down - up;
	}
}

static void visit(struct pairs *p, struct lir_op *op)
{
	bool up = op->code == LIR_SHL && op->size == 8 && op->b == LIR_IMM &&
		  op->dst < JIT_VALUE_REGS;

	if (p->unread) {
		if (shifts_in_place(op) && (p->unread & lir_one(op->dst)))
			pair(p->up[op->dst], op);
		p->unread &= ~(lir_uses(op) | lir_defs(op));
	}
	if (up) {
		p->up[op->dst] = op;
		p->unread |= LIR_BIT(op->dst);
	}
}

void jit_values_pairs(struct lir_block *block)
{
	struct pairs p = {.unread = 0};

	for (uint32_t i = 0; i < block->n_ops; i++)
		visit(&p, &block->ops[i]);
}
