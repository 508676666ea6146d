/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Calls. */
#include "interp/interp.h"
#include "jit/lower.h"

static const void *address(const struct lir_op *op)
{
	return (const void *)(uintptr_t)op->imm;
}

/*
 * A helper charged for its work or ended the run. A callback that was cut short said where.
 */
static void after_helper(struct lower *lo, const struct lower_cold *cold)
{
	uint32_t charged = jit_label(&lo->as), over = jit_label(&lo->as);

	jit_alu_mi(&lo->as, JIT_CMP, 4, LOWER_RUN(env.abort), BPFE_ABORT_NONE);
	jit_jcc(&lo->as, LIR_E, charged);
	if (!(cold->op->flags & LIR_F_CALLBACK))
		jit_store_i(&lo->as, 4, LOWER_RUN(abort_slot), (int32_t)cold->slot);
	jit_jmp(&lo->as, lo->unwind);
	jit_bind(&lo->as, charged);
	if (lo->lir->counts) {
		jit_alu_rm(&lo->as, JIT_SUB, 8, LIR_R12, LOWER_RUN(env.cost));
		jit_jcc(&lo->as, LIR_S, over);
	}
	jit_store_i(&lo->as, 8, LOWER_RUN(env.cost), 0);
	jit_jmp(&lo->as, cold->resume);
	jit_bind(&lo->as, over);
	jit_store_i(&lo->as, 4, LOWER_RUN(abort_slot), (int32_t)cold->slot);
	jit_jmp(&lo->as, lo->abort_budget);
}

static void check_helper(struct lower *lo, const struct lir_op *op)
{
	struct lower_cold *cold = lower_cold(lo, after_helper, op);

	if (!cold)
		return;
	if (lo->lir->counts) {
		jit_load(&lo->as, 4, LIR_R11, LOWER_RUN(env.abort));
		jit_alu_rm(&lo->as, JIT_OR, 8, LIR_R11, LOWER_RUN(env.cost));
		jit_jcc(&lo->as, LIR_NE, cold->label);
	} else {
		jit_alu_mi(&lo->as, JIT_CMP, 4, LOWER_RUN(env.abort), BPFE_ABORT_NONE);
		jit_jcc(&lo->as, LIR_NE, cold->label);
	}
	jit_bind(&lo->as, cold->resume);
}

void lower_call_helper(struct lower *lo, const struct lir_op *op)
{
	bool shares_budget = lo->lir->counts && (op->flags & LIR_F_CALLBACK);

	if (shares_budget)
		jit_store(&lo->as, 8, LOWER_RUN(budget), LIR_R12);
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
	jit_call_abs(&lo->as, address(op));
	if (shares_budget)
		jit_load(&lo->as, 8, LIR_R12, LOWER_RUN(budget));
	if (!(op->flags & LIR_F_PLAIN))
		check_helper(lo, op);
}

void lower_call_direct(struct lower *lo, const struct lir_op *op)
{
	if (op->a != LIR_NONE)
		lower_move(lo, 8, LIR_RDI, op->a);
	jit_call_abs(&lo->as, address(op));
}

/*
 * A function that tail calls may have been replaced by another program, which leaves its own mark:
 * env.prog, and r12 in memory only. Its name for what runs is put by on the stack.
 */
static void call_function(struct lower *lo, uint32_t function)
{
	bool replaced = lo->lir->has_tail_call;

	if (replaced) {
		jit_load(&lo->as, 8, LIR_R11, LOWER_RUN(env.prog));
		jit_push(&lo->as, LIR_R11);
		jit_push(&lo->as, LIR_R11); /* twice, for the alignment */
	}
	jit_call(&lo->as, lo->functions[function]);
	if (!replaced)
		return;
	jit_pop(&lo->as, LIR_R11);
	jit_pop(&lo->as, LIR_R11);
	jit_store(&lo->as, 8, LOWER_RUN(env.prog), LIR_R11);
	if (lo->lir->counts)
		jit_load(&lo->as, 8, LIR_R12, LOWER_RUN(budget));
}

void lower_call_local(struct lower *lo, const struct lir_op *op)
{
	call_function(lo, op->target);
}

/* A pointer to a function is its number. There are few functions to choose from. */
void lower_callx(struct lower *lo, const struct lir_op *op)
{
	const struct lir *lir = lo->lir;
	uint32_t done = jit_label(&lo->as);

	for (uint32_t f = 0; f < lir->n_functions; f++) {
		uint32_t other;

		if (!lir->functions[f].is_callback)
			continue;
		other = jit_label(&lo->as);
		jit_alu_ri(&lo->as, JIT_CMP, 8, op->a, (int32_t)f);
		jit_jcc(&lo->as, LIR_NE, other);
		call_function(lo, f);
		jit_jmp(&lo->as, done);
		jit_bind(&lo->as, other);
	}
	lower_trap(lo, op);
	jit_bind(&lo->as, done);
}

/*
 * The helper says where to go, or that there is nothing. The frame is given up first: the program
 * returns to the caller of this function.
 */
void lower_tail_call(struct lower *lo, const struct lir_op *op)
{
	uint32_t none = jit_label(&lo->as);

	if (lo->lir->counts)
		jit_store(&lo->as, 8, LOWER_RUN(budget), LIR_R12);
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
	jit_call_abs(&lo->as, (const void *)(uintptr_t)jit_tail_call);
	jit_test_rr(&lo->as, 8, LIR_RAX, LIR_RAX);
	jit_jcc(&lo->as, LIR_E, none);
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
	jit_load(&lo->as, 8, LIR_RSI, LOWER_RUN(env.xdp));
	lower_epilogue(lo);
	jit_jmp_r(&lo->as, LIR_RAX);
	jit_bind(&lo->as, none);
}

/* A program that counts has its budget in r12, which C has in memory. */
uint32_t lower_callback_entry(struct lower *lo, uint32_t f)
{
	uint32_t entry;

	if (!lo->lir->counts)
		return lo->functions[f];
	entry = jit_label(&lo->as);
	jit_bind(&lo->as, entry);
	jit_alu_ri(&lo->as, JIT_SUB, 8, LIR_RSP, 8);
	jit_load(&lo->as, 8, LIR_R12, LOWER_RUN(budget));
	jit_call(&lo->as, lo->functions[f]);
	jit_store(&lo->as, 8, LOWER_RUN(budget), LIR_R12);
	jit_alu_ri(&lo->as, JIT_ADD, 8, LIR_RSP, 8);
	jit_ret(&lo->as);
	return entry;
}
