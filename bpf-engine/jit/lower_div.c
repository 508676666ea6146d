/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Division. The processor divides rdx:rax and leaves quotient and remainder there, so that both are
 * put by around it: rdx in rdi, rax in the destination, which is to be overwritten anyway. It traps
 * where BPF has a result, hence the tests in front (LIR_F_SAFE: nothing to test).
 */
#include "jit/lower.h"

static bool is_signed(const struct lir_op *op)
{
	return op->code == LIR_SDIV || op->code == LIR_SMOD;
}

static bool is_remainder(const struct lir_op *op)
{
	return op->code == LIR_UMOD || op->code == LIR_SMOD;
}

/* dst = what a division by 0 gives, or, if @negate, a signed one by -1. */
static void special_result(struct lower *lo, const struct lir_op *op, bool negate)
{
	if (is_remainder(op) != negate) { /* a % 0, a / -1 */
		lower_move(lo, op->size, op->dst, op->a);
		if (negate)
			jit_neg(&lo->as, op->size, op->dst);
	} else {
		jit_mov_ri(&lo->as, op->dst, 0);
	}
}

static void divide_by_zero(struct lower *lo, const struct lower_cold *cold)
{
	special_result(lo, cold->op, false);
	jit_jmp(&lo->as, cold->resume);
}

static void divide_by_minus_one(struct lower *lo, const struct lower_cold *cold)
{
	special_result(lo, cold->op, true);
	jit_jmp(&lo->as, cold->resume);
}

/* rdx:rax / r11. */
static void divide_wide(struct lower *lo, const struct lir_op *op)
{
	if (is_signed(op)) {
		jit_cdq(&lo->as, op->size);
		jit_idiv(&lo->as, op->size, LIR_R11);
	} else {
		jit_mov_ri(&lo->as, LIR_RDX, 0);
		jit_div(&lo->as, op->size, LIR_R11);
	}
}

static void divide_to_rax(struct lower *lo, const struct lir_op *op)
{
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_RDX);
	lower_move(lo, 8, LIR_RAX, op->a);
	divide_wide(lo, op);
	if (is_remainder(op))
		jit_mov_rr(&lo->as, op->size, LIR_RAX, LIR_RDX);
	jit_mov_rr(&lo->as, 8, LIR_RDX, LIR_RDI);
}

static void divide_to_rdx(struct lower *lo, const struct lir_op *op)
{
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_RAX);
	lower_move(lo, 8, LIR_RAX, op->a);
	divide_wide(lo, op);
	if (!is_remainder(op))
		jit_mov_rr(&lo->as, op->size, LIR_RDX, LIR_RAX);
	jit_mov_rr(&lo->as, 8, LIR_RAX, LIR_RDI);
}

static void divide_to_other(struct lower *lo, const struct lir_op *op)
{
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_RDX);
	if (op->dst == op->a) {
		jit_xchg_rr(&lo->as, 8, LIR_RAX, op->dst);
	} else {
		jit_mov_rr(&lo->as, 8, op->dst, LIR_RAX);
		lower_move(lo, 8, LIR_RAX, op->a);
	}
	divide_wide(lo, op);
	if (is_remainder(op)) {
		jit_mov_rr(&lo->as, 8, LIR_RAX, op->dst);
		jit_mov_rr(&lo->as, op->size, op->dst, LIR_RDX);
	} else {
		jit_xchg_rr(&lo->as, 8, LIR_RAX, op->dst);
	}
	jit_mov_rr(&lo->as, 8, LIR_RDX, LIR_RDI);
}

/* The divisor is in r11: away to the cold code for those that the processor does not take. */
static void test_divisor(struct lower *lo, const struct lir_op *op, uint32_t resume[2])
{
	struct lower_cold *cold;
	bool known = op->b == LIR_IMM;

	if (!known || op->imm == 0) {
		cold = lower_cold(lo, divide_by_zero, op);
		if (!cold)
			return;
		resume[0] = cold->resume;
		jit_test_rr(&lo->as, op->size, LIR_R11, LIR_R11);
		jit_jcc(&lo->as, LIR_E, cold->label);
	}
	if (is_signed(op) && (!known || op->imm == -1)) {
		cold = lower_cold(lo, divide_by_minus_one, op);
		if (!cold)
			return;
		resume[1] = cold->resume;
		jit_alu_ri(&lo->as, JIT_CMP, op->size, LIR_R11, -1);
		jit_jcc(&lo->as, LIR_E, cold->label);
	}
}

void lower_divide(struct lower *lo, const struct lir_op *op)
{
	uint32_t resume[2] = {UINT32_MAX, UINT32_MAX};
	uint8_t b = lower_b(lo, op, LIR_R11);

	if (b != LIR_R11)
		jit_mov_rr(&lo->as, op->size, LIR_R11, b);
	if (!(op->flags & LIR_F_SAFE))
		test_divisor(lo, op, resume);
	if (op->dst == LIR_RAX)
		divide_to_rax(lo, op);
	else if (op->dst == LIR_RDX)
		divide_to_rdx(lo, op);
	else
		divide_to_other(lo, op);
	for (unsigned i = 0; i < 2; i++) {
		if (resume[i] != UINT32_MAX)
			jit_bind(&lo->as, resume[i]);
	}
}
