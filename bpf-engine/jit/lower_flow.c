/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Comparisons and what hangs on them, jumps, exits and the budget. */
#include "jit/lower.h"

#define CONDITION_BITS 0xfu /* of enum lir_cond, as encodings have it */

static bool is_test(const struct lir_op *op)
{
	return op->cond == LIR_TESTZ || op->cond == LIR_TESTNZ;
}

static void compare_imm(struct lower *lo, const struct lir_op *op, int32_t imm)
{
	uint8_t a;

	if (op->a == LIR_MEM) {
		struct jit_mem mem = lower_mem(lo, op);

		if (is_test(op))
			jit_test_mi(&lo->as, op->size, mem, imm);
		else
			jit_alu_mi(&lo->as, JIT_CMP, op->size, mem, imm);
		return;
	}
	a = lower_reg(lo, op->a, LIR_R11);
	if (is_test(op))
		jit_test_ri(&lo->as, op->size, a, imm);
	else if (imm == 0)
		jit_test_rr(&lo->as, op->size, a, a);
	else
		jit_alu_ri(&lo->as, JIT_CMP, op->size, a, imm);
}

static void compare_mem(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);
	uint8_t reg = lower_reg(lo, op->a == LIR_MEM ? op->b : op->a, LIR_RDI);

	if (is_test(op)) {
		jit_load(&lo->as, op->size, LIR_R11, mem);
		jit_test_rr(&lo->as, op->size, LIR_R11, reg);
	} else if (op->a == LIR_MEM) {
		jit_alu_mr(&lo->as, JIT_CMP, op->size, mem, reg);
	} else {
		jit_alu_rm(&lo->as, JIT_CMP, op->size, reg, mem);
	}
}

static int32_t imm_of(const struct lir_op *op)
{
	return op->code == LIR_BRANCH ? op->imm32 : (int32_t)op->imm;
}

static bool same_memory(const struct lir_op *a, const struct lir_op *b)
{
	return a->base == b->base && a->index == b->index && a->scale == b->scale &&
	       a->disp == b->disp;
}

/* Whether a is 0, and nothing else, is in the flags already (lower_prepare.c). */
static bool knows_zero(const struct lir_op *op)
{
	return op->code == LIR_BRANCH && (op->flags & LIR_F_SAFE);
}

/* Do the flags tell of @op what they tell of the one they were set for? */
static bool same_comparison(const struct lir_op *a, const struct lir_op *b)
{
	bool memory = a->a == LIR_MEM || a->b == LIR_MEM;

	return a->a == b->a && a->b == b->b && a->size == b->size && is_test(a) == is_test(b) &&
	       (a->b != LIR_IMM || imm_of(a) == imm_of(b)) && (!memory || same_memory(a, b));
}

uint8_t lower_compare(struct lower *lo, const struct lir_op *op, int32_t imm)
{
	if (lo->flags && same_comparison(lo->flags, op))
		return op->cond & CONDITION_BITS;
	/* Of a number that is only known to be zero or not nothing else can be told. */
	lo->flags = knows_zero(op) ? NULL : op;
	lo->has_nowhere = false;
	if (knows_zero(op))
		return op->cond & CONDITION_BITS;
	if (op->b == LIR_IMM) {
		compare_imm(lo, op, imm);
	} else if (op->a == LIR_MEM || op->b == LIR_MEM) {
		compare_mem(lo, op);
	} else {
		uint8_t a = lower_reg(lo, op->a, LIR_R11);
		uint8_t b = lower_reg(lo, op->b, LIR_RDI);

		if (is_test(op))
			jit_test_rr(&lo->as, op->size, a, b);
		else
			jit_alu_rr(&lo->as, JIT_CMP, op->size, a, b);
	}
	return op->cond & CONDITION_BITS;
}

static uint8_t inverted(uint8_t cond)
{
	return cond ^ 1;
}

void lower_fall(struct lower *lo, uint32_t next)
{
	if (next != lo->fallthrough)
		jit_jmp(&lo->as, lo->blocks[next]);
}

void lower_jump(struct lower *lo, const struct lir_op *op)
{
	lower_fall(lo, op->target);
}

/* If the target is what is laid out next, the other way is jumped instead: lower_fall() does the
 * rest. */
void lower_branch(struct lower *lo, const struct lir_op *op)
{
	uint32_t next = lo->next;
	uint8_t cond;

	if (op->target == next)
		return;
	cond = lower_compare(lo, op, op->imm32);
	if (op->target == lo->fallthrough && next != LIR_NO_BLOCK) {
		jit_jcc(&lo->as, inverted(cond), lo->blocks[next]);
		lo->next = LIR_NO_BLOCK;
	} else {
		jit_jcc(&lo->as, cond, lo->blocks[op->target]);
	}
}

void lower_select(struct lower *lo, const struct lir_op *op)
{
	uint8_t cond = lower_compare(lo, op, (int32_t)op->imm);
	uint8_t other = lower_reg(lo, op->index, LIR_RDI);

	jit_cmov(&lo->as, 8, inverted(cond), op->dst, other);
}

void lower_setcc(struct lower *lo, const struct lir_op *op)
{
	uint8_t cond = lower_compare(lo, op, (int32_t)op->imm);

	jit_setcc(&lo->as, cond, op->dst);
	jit_movzx(&lo->as, 1, op->dst, op->dst);
}

/* ---- Ends ----------------------------------------------------------------------------------- */

void lower_exit(struct lower *lo, const struct lir_op *op)
{
	const struct lir_function *function = &lo->lir->functions[lo->function];

	/* Who entered the program reads it there, and who called a function that may have been
	 * replaced by a program. */
	if (lo->lir->counts && (function->is_main || lo->lir->has_tail_call))
		jit_store(&lo->as, 8, LOWER_RUN(budget), LIR_R12);
	lower_epilogue(lo);
	jit_ret(&lo->as);
}

void lower_trap(struct lower *lo, const struct lir_op *op)
{
	if (!lo->lir->may_abort) { /* a function that nobody calls */
		jit_int3(&lo->as);
		return;
	}
	jit_store_i(&lo->as, 4, LOWER_RUN(abort_slot), (int32_t)op->slot);
	jit_jmp(&lo->as, lo->abort_trap);
}

/* ---- Budget --------------------------------------------------------------------------------- */

static void out_of_budget(struct lower *lo, const struct lower_cold *cold)
{
	jit_store_i(&lo->as, 4, LOWER_RUN(abort_slot), (int32_t)cold->slot);
	jit_jmp(&lo->as, lo->abort_budget);
}

void lower_charge(struct lower *lo, const struct lir_op *op)
{
	struct lower_cold *cold;

	jit_alu_ri(&lo->as, JIT_SUB, 8, LIR_R12, (int32_t)op->imm);
	if (!(op->flags & LIR_F_CHECK))
		return;
	cold = lower_cold(lo, out_of_budget, op);
	if (cold)
		jit_jcc(&lo->as, LIR_L, cold->label); /* which is one operation with sub */
}

/*
 * As the interpreter has it (may_go_on()): on while less than half of the budget was used before
 * this instruction, which was charged for already, and while the frame's rounds are not used up.
 * run.half_budget is the least r12 that goes on.
 */
void lower_may_goto(struct lower *lo, const struct lir_op *op)
{
	const struct lir_function *function = &lo->lir->functions[lo->function];
	struct jit_mem cell = lower_mem_at(
		LIR_RSP, lo->frames[lo->function].fp -
				 (int32_t)(function->stack_bytes + 8 * ((uint32_t)op->imm32 + 1)));

	jit_alu_rm(&lo->as, JIT_CMP, 8, LIR_R12, LOWER_RUN(half_budget));
	jit_jcc(&lo->as, LIR_L, lo->blocks[op->target]);
	jit_load(&lo->as, 4, LIR_R11, cell);
	jit_alu_mi(&lo->as, JIT_ADD, 4, cell, 1);
	jit_alu_ri(&lo->as, JIT_CMP, 4, LIR_R11, BPFE_MAX_LOOPS);
	jit_jcc(&lo->as, LIR_AE, lo->blocks[op->target]);
}
