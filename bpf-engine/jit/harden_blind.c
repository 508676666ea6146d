// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Constant blinding. A number that the program's author chose does not stand in the code as it is,
 * or the code could be made to hold other instructions between its own (JIT spraying): it is put
 * together in a register of two that nobody can foretell. Numbers of one byte are left alone, and
 * addresses and sizes that are the engine's own; displacements of two bytes, too, which is what an
 * instruction of the program has room for.
 */
#include "jit/harden.h"

#define SCRATCH LIR_RDI /* lower.c takes it as an operand of all that is blinded here */

struct blind {
	struct lir *lir;
	uint64_t random;
	uint32_t block, at;
};

static uint64_t next_random(struct blind *bl)
{
	uint64_t z = bl->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static struct lir_op *current(const struct blind *bl)
{
	return &bl->lir->blocks[bl->block].ops[bl->at];
}

static void put(struct blind *bl, struct lir_op op)
{
	op.slot = current(bl)->slot;
	op.flags |= LIR_F_SECRET;
	if (lir_insert(bl->lir, bl->block, bl->at, &op))
		bl->at++;
}

static struct lir_op op_ri(uint8_t code, unsigned size, uint8_t dst, uint8_t a, int64_t imm)
{
	return (struct lir_op){.code = code,
			       .size = (uint8_t)size,
			       .dst = dst,
			       .a = a,
			       .b = LIR_IMM,
			       .base = LIR_NONE,
			       .index = LIR_NONE,
			       .imm = imm};
}

static bool is_small(int64_t imm)
{
	return imm >= -128 && imm <= 255;
}

/* @dst, which is not LIR_R11, = @imm. */
static void put_constant(struct blind *bl, unsigned size, uint8_t dst, int64_t imm)
{
	uint64_t key = next_random(bl);
	struct lir_op combine;

	if (size == 4 || imm == (int32_t)imm) {
		int32_t key32 = (int32_t)key;

		put(bl, op_ri(LIR_MOV, size, dst, LIR_NONE, (int32_t)imm ^ key32));
		put(bl, op_ri(LIR_XOR, size, dst, dst, key32));
		return;
	}
	put(bl, op_ri(LIR_MOV, 8, LIR_R11, LIR_NONE, (int64_t)key));
	put(bl, op_ri(LIR_MOV, 8, dst, LIR_NONE, (int64_t)((uint64_t)imm ^ key)));
	combine = op_ri(LIR_XOR, 8, dst, dst, 0);
	combine.b = LIR_R11;
	put(bl, combine);
}

/* Is there an immediate of the program's that has to be blinded? */
static bool has_immediate(const struct lir_op *op)
{
	if (op->flags & LIR_F_SECRET)
		return false;
	switch (op->code) {
	case LIR_MASK:
		return !is_small(op->imm);
	case LIR_SHL:
	case LIR_SHR:
	case LIR_SAR:
	case LIR_ROL:
		return false; /* counts */
	case LIR_BRANCH:
		return op->b == LIR_IMM && !is_small(op->imm32);
	default:
		return op->b == LIR_IMM && !is_small(op->imm);
	}
}

/* dst = a OP imm in two steps, OP as good for both. */
static void in_two_steps(struct blind *bl)
{
	struct lir_op *op = current(bl), second;
	int32_t key = (int32_t)(next_random(bl) & INT32_MAX), imm = (int32_t)op->imm;

	if (op->code != LIR_XOR && imm < 0)
		key = ~key; /* of the sign of imm: the difference fits */
	op->imm = op->code == LIR_XOR ? imm ^ key : (int32_t)((uint32_t)imm - (uint32_t)key);
	second = op_ri(op->code, op->size, op->dst, op->dst, key);
	second.slot = op->slot;
	op->flags |= LIR_F_SECRET;
	second.flags = LIR_F_SECRET;
	if (lir_insert(bl->lir, bl->block, bl->at + 1, &second))
		bl->at++;
}

static void in_register(struct blind *bl)
{
	struct lir_op *op = current(bl);
	int64_t imm = op->code == LIR_BRANCH ? op->imm32 : op->imm;

	put_constant(bl, op->size == 8 ? 8 : 4, SCRATCH, imm);
	op = current(bl);
	op->b = SCRATCH;
	if (op->code == LIR_BRANCH)
		op->imm32 = 0;
	else if (op->code != LIR_MASK)
		op->imm = 0;
	if ((op->code >= LIR_UDIV && op->code <= LIR_SMOD) && imm && imm != -1)
		op->flags |= LIR_F_SAFE;
}

static void blind_immediate(struct blind *bl)
{
	struct lir_op *op = current(bl);

	if (op->code == LIR_MOV) {
		put_constant(bl, op->size, op->dst, op->imm);
		current(bl)->code = LIR_NOP;
	} else if ((op->code == LIR_ADD || op->code == LIR_SUB || op->code == LIR_XOR) &&
		   op->imm == (int32_t)op->imm) {
		in_two_steps(bl);
	} else {
		in_register(bl);
	}
}

static bool has_displacement(const struct lir_op *op)
{
	return lir_has_memory(op) && !(op->flags & LIR_F_SECRET) &&
	       (op->disp < INT16_MIN || op->disp > INT16_MAX) && op->index != LIR_FP;
}

static void blind_displacement(struct blind *bl)
{
	const struct lir_op op = *current(bl);
	struct lir_op *now;

	put_constant(bl, 8, LIR_RDI, op.disp);
	if (op.index != LIR_NONE && op.scale) {
		struct lir_op lea = op_ri(LIR_LEA, 8, LIR_R11, LIR_NONE, 0);

		lea.b = LIR_NONE;
		lea.base = LIR_RDI;
		lea.index = op.index;
		lea.scale = op.scale;
		put(bl, lea);
	} else {
		struct lir_op move = op_ri(LIR_MOV, 8, LIR_R11, LIR_NONE, 0);

		move.b = LIR_RDI;
		put(bl, move);
	}
	now = current(bl);
	now->index = LIR_R11;
	now->scale = 1;
	now->disp = 0;
}

void harden_blind(struct lir *lir, uint64_t seed)
{
	struct blind bl = {.lir = lir, .random = seed};

	for (bl.block = 0; bl.block < lir->n_blocks && !lir->failed; bl.block++) {
		for (bl.at = 0; bl.at < lir->blocks[bl.block].n_ops && !lir->failed; bl.at++) {
			/* What is left in r11 is an address; the immediate, of 4 bytes where there
			 * is an address, needs rdi only. */
			if (has_displacement(current(&bl)))
				blind_displacement(&bl);
			if (has_immediate(current(&bl)))
				blind_immediate(&bl);
		}
	}
}
