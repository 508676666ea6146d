/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Masks, guards and clamps: no branches, for those are what they mistrust. */
#include <stddef.h>
#include "jit/lower.h"

/* dst = a if it is in range, else 0. An operand b is the bound, blinded. */
void lower_mask(struct lower *lo, const struct lir_op *op)
{
	uint8_t a = op->a;

	if (op->flags & LIR_F_SIGNED) {
		jit_mov_rr(&lo->as, 8, LIR_R11, a);
		jit_neg(&lo->as, 8, LIR_R11);
		a = LIR_R11;
	}
	if (op->b < LIR_NONE)
		jit_alu_rr(&lo->as, JIT_CMP, 8, a, op->b);
	else
		jit_alu_ri(&lo->as, JIT_CMP, 8, a, (int32_t)op->imm);
	jit_mov_ri_flags(&lo->as, LIR_RDI, 0);
	if (op->dst != op->a)
		jit_mov_rr(&lo->as, 8, op->dst, op->a);
	jit_cmov(&lo->as, 8, LIR_A, op->dst, LIR_RDI);
}

/* Behind a branch with that condition the flags still are what it left. */
void lower_guard(struct lower *lo, const struct lir_op *op)
{
	uint8_t cond = lower_compare(lo, op, (int32_t)op->imm);

	if (!lo->has_nowhere)
		jit_mov_ri_flags(&lo->as, LIR_R11, LIR_NOWHERE);
	lo->has_nowhere = true;
	jit_cmov(&lo->as, 8, cond ^ 1, op->dst, LIR_R11);
}

/* Is the address of the clamp's first byte before the frame? Then dst is nowhere. */
static void clamp_start(struct lower *lo, const struct lir_op *op)
{
	const struct jit_mem start =
		lower_mem_at(LIR_R11, (int32_t)offsetof(struct bpfe_xdp_buff, data_meta));

	jit_load(&lo->as, 8, LIR_R11, LOWER_RUN(env.xdp));
	jit_lea(&lo->as, 8, LIR_RDI, lower_mem_at(op->dst, op->disp));
	jit_alu_rm(&lo->as, JIT_CMP, 8, LIR_RDI, start);
	jit_mov_ri_flags(&lo->as, LIR_R11, LIR_NOWHERE);
	jit_cmov(&lo->as, 8, LIR_B, op->dst, LIR_R11);
}

/*
 * Against the frame as it is now. An address so high that its end wraps to 0 passes both; there is
 * no memory of the process.
 */
void lower_clamp(struct lower *lo, const struct lir_op *op)
{
	const struct jit_mem end =
		lower_mem_at(LIR_R11, (int32_t)offsetof(struct bpfe_xdp_buff, data_end));

	jit_lea(&lo->as, 8, LIR_RDI, lower_mem_at(op->a, (int32_t)(op->disp + op->imm)));
	if (op->b < LIR_NONE) {
		jit_alu_rr(&lo->as, JIT_CMP, 8, LIR_RDI, op->b);
	} else {
		jit_load(&lo->as, 8, LIR_R11, LOWER_RUN(env.xdp));
		jit_alu_rm(&lo->as, JIT_CMP, 8, LIR_RDI, end);
	}
	jit_mov_ri_flags(&lo->as, LIR_R11, LIR_NOWHERE);
	if (op->dst != op->a)
		jit_mov_rr(&lo->as, 8, op->dst, op->a);
	jit_cmov(&lo->as, 8, LIR_A, op->dst, LIR_R11);
	if (!(op->flags & LIR_F_SAFE))
		clamp_start(lo, op);
}
