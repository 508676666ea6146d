/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Calls. */
#include "interp/interp.h"
#include "jit/lower.h"
#include "maps/prog_array.h"

#define SLOT_SHIFT 4 /* of an index, to bytes */

_Static_assert(sizeof(struct bpfe_prog_slot) == 1 << SLOT_SHIFT, "SLOT_SHIFT");

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

/* Into r11: the program at the call's index of the array, which is known; 0: none. The index is
 * within bounds even where the processor only guesses that it is. */
static void load_program(struct lower *lo, const struct lir_op *op, uint32_t none)
{
	const struct bpfe_map *map = (const struct bpfe_map *)address(op);
	const struct bpfe_prog_array *array = (const struct bpfe_prog_array *)map->data;
	struct jit_mem slot = lower_mem_at(LIR_R11, offsetof(struct bpfe_prog_slot, prog));

	if (op->a == LIR_IMM && (uint32_t)op->disp < map->attr.max_entries) {
		jit_mov_ri(&lo->as, LIR_R11, (uintptr_t)&array->slots[op->disp]);
	} else if (op->a == LIR_IMM) {
		jit_jmp(&lo->as, none);
		return;
	} else {
		jit_mov_rr(&lo->as, 4, LIR_RDI, LIR_RCX);
		jit_mov_ri(&lo->as, LIR_R11, 0);
		jit_alu_ri(&lo->as, JIT_CMP, 4, LIR_RDI, (int32_t)map->attr.max_entries);
		jit_jcc(&lo->as, LIR_AE, none);
		jit_cmov(&lo->as, 8, LIR_AE, LIR_RDI, LIR_R11);
		jit_shift_i(&lo->as, JIT_SHL, 8, LIR_RDI, SLOT_SHIFT);
		jit_mov_ri(&lo->as, LIR_R11, (uintptr_t)array->slots);
		slot.index = LIR_RDI;
	}
	jit_load(&lo->as, 8, LIR_R11, slot);
	jit_test_rr(&lo->as, 8, LIR_R11, LIR_R11);
	jit_jcc(&lo->as, LIR_E, none);
}

/* The rest of the call when where it goes is in rax. The frame is given up first: the program
 * returns to the caller of this function. */
static void leave(struct lower *lo)
{
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
	lower_epilogue(lo);
	jit_jmp_r(&lo->as, LIR_RAX);
}

static void uncounted(struct lower *lo, const struct lower_cold *cold)
{
	jit_store_i(&lo->as, 1, LOWER_RUN(uncounted), 1);
	jit_jmp(&lo->as, cold->resume);
}

/*
 * jit_tail_call() in place, through an array that is known. Everything in it is of the type of this
 * program and compiled (bpfe_prog_array_bind()).
 */
static void tail_call_known(struct lower *lo, const struct lir_op *op, uint32_t none)
{
	struct lower_cold *cold = lower_cold(lo, uncounted, op);

	if (!cold)
		return;
	jit_alu_mi(&lo->as, JIT_CMP, 4, LOWER_RUN(tail_calls), BPFE_MAX_TAIL_CALLS);
	jit_jcc(&lo->as, LIR_E, none);
	load_program(lo, op, none);
	jit_alu_mi(&lo->as, JIT_ADD, 4, LOWER_RUN(tail_calls), 1);
	jit_store(&lo->as, 8, LOWER_RUN(env.prog), LIR_R11);
	jit_load(&lo->as, 8, LIR_RAX, lower_mem_at(LIR_R11, offsetof(struct bpfe_program, jit)));
	jit_alu_mi(&lo->as, JIT_CMP, 1, lower_mem_at(LIR_RAX, offsetof(struct bpfe_jit, counts)),
		   0);
	jit_jcc(&lo->as, LIR_E, cold->label);
	jit_bind(&lo->as, cold->resume);
	jit_load(&lo->as, 8, LIR_RAX, lower_mem_at(LIR_RAX, offsetof(struct bpfe_jit, entry)));
	leave(lo);
}

/* As jit_tail_call(), which is called if the array is not known. */
void lower_tail_call(struct lower *lo, const struct lir_op *op)
{
	uint32_t none = jit_label(&lo->as);

	if (lo->lir->counts)
		jit_store(&lo->as, 8, LOWER_RUN(budget), LIR_R12);
	if (op->a != LIR_NONE) {
		tail_call_known(lo, op, none);
	} else {
		jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
		jit_call_abs(&lo->as, (const void *)(uintptr_t)jit_tail_call);
		jit_test_rr(&lo->as, 8, LIR_RAX, LIR_RAX);
		jit_jcc(&lo->as, LIR_E, none);
		jit_load(&lo->as, 8, LIR_RSI, LOWER_RUN(env.xdp));
		leave(lo);
	}
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
