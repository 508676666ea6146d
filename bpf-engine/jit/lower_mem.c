/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Operations on memory, and on the context's computed fields. */
#include "jit/lower.h"

void lower_load(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);

	if ((op->flags & LIR_F_SIGNED) && op->size < 8)
		jit_load_sx(&lo->as, op->size, 8, op->dst, mem);
	else
		jit_load(&lo->as, op->size, op->dst, mem);
}

void lower_store(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);

	if (op->b != LIR_IMM)
		jit_store(&lo->as, op->size, mem, lower_reg(lo, op->b, LIR_RDI));
	else if (op->size < 8 || op->imm == (int32_t)op->imm)
		jit_store_i(&lo->as, op->size, mem, (int32_t)op->imm);
	else
		jit_store(&lo->as, op->size, mem, lower_b(lo, op, LIR_RDI));
}

void lower_rmw(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);

	if (op->b == LIR_IMM)
		jit_alu_mi(&lo->as, lower_alu_of(op->alu), op->size, mem, (int32_t)op->imm);
	else
		jit_alu_mr(&lo->as, lower_alu_of(op->alu), op->size, mem,
			   lower_reg(lo, op->b, LIR_RDI));
}

void lower_atomic(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);

	jit_lock_alu_mr(&lo->as, lower_alu_of(op->alu), op->size, mem,
			lower_reg(lo, op->b, LIR_RDI));
}

/* What the processor cannot fetch at once: try until nobody came between. */
static void fetch_loop(struct lower *lo, const struct lir_op *op)
{
	const struct jit_mem cell = lower_mem_at(LIR_RDI, 0);
	uint8_t operand = op->b == LIR_RAX ? LIR_R11 : op->b; /* rax is put by in r11 */
	uint32_t again = jit_label(&lo->as);
	uint8_t sum = LIR_RCX;

	while (sum == op->b || sum == op->dst)
		sum = sum == LIR_RCX ? LIR_RDX : LIR_RSI;
	jit_lea(&lo->as, 8, LIR_RDI, lower_mem(lo, op));
	jit_push(&lo->as, sum);
	jit_mov_rr(&lo->as, 8, LIR_R11, LIR_RAX);
	jit_load(&lo->as, op->size, LIR_RAX, cell);
	jit_bind(&lo->as, again);
	jit_mov_rr(&lo->as, 8, sum, LIR_RAX);
	jit_alu_rr(&lo->as, lower_alu_of(op->alu), op->size, sum, operand);
	jit_lock_cmpxchg(&lo->as, op->size, cell, sum);
	jit_jcc(&lo->as, LIR_NE, again);
	jit_pop(&lo->as, sum);
	if (op->dst != LIR_RAX) {
		jit_mov_rr(&lo->as, op->size, op->dst, LIR_RAX);
		jit_mov_rr(&lo->as, 8, LIR_RAX, LIR_R11);
	} else if (op->size == 4) {
		jit_mov_rr(&lo->as, 4, LIR_RAX, LIR_RAX);
	}
}

void lower_fetch(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem;
	uint8_t reg = op->dst;

	if (op->alu != LIR_ADD) {
		fetch_loop(lo, op);
		return;
	}
	mem = lower_mem(lo, op);
	if (op->dst != op->b) {
		reg = LIR_RDI;
		lower_move(lo, 8, LIR_RDI, op->b);
	}
	jit_lock_xadd(&lo->as, op->size, mem, reg);
	lower_move(lo, op->size, op->dst, reg);
}

void lower_xchg(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);
	uint8_t reg = op->dst;

	if (op->dst != op->b) {
		reg = LIR_RDI;
		lower_move(lo, 8, LIR_RDI, op->b);
	}
	jit_xchg_mr(&lo->as, op->size, mem, reg);
	lower_move(lo, op->size, op->dst, reg);
}

void lower_cmpxchg(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = lower_mem(lo, op);

	jit_lock_cmpxchg(&lo->as, op->size, mem, lower_reg(lo, op->b, LIR_RDI));
	lower_move(lo, op->size, LIR_RAX,
		   LIR_RAX); /* of size 4, eax is not written if they match */
}

void lower_fence(struct lower *lo, const struct lir_op *op)
{
	jit_lfence(&lo->as);
}

/* ---- The context's computed fields ---------------------------------------------------------- */

/* What a call of C loses and the program does not expect to. */
static const uint8_t lost[] = {LIR_RAX, LIR_RCX, LIR_RDX, LIR_RSI, LIR_R8, LIR_R9, LIR_R10};

#define N_LOST ((unsigned)(sizeof(lost) / sizeof(lost[0])))

static void call_keeping(struct lower *lo, const void *function, uint8_t dst)
{
	for (unsigned i = 0; i < N_LOST; i++)
		jit_push(&lo->as, lost[i]);
	/* An odd number of registers: rsp is aligned with one word more. */
	jit_alu_ri(&lo->as, JIT_SUB, 8, LIR_RSP, 8);
	if (dst == LIR_NONE)
		jit_mov_rr(&lo->as, 8, LIR_RDX, LIR_R11);
	jit_mov_rr(&lo->as, 8, LIR_RSI, LIR_RDI);
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
	jit_call_abs(&lo->as, function);
	jit_alu_ri(&lo->as, JIT_ADD, 8, LIR_RSP, 8);
	if (dst != LIR_NONE)
		jit_mov_rr(&lo->as, 8, LIR_R11, LIR_RAX);
	for (unsigned i = N_LOST; i-- > 0;)
		jit_pop(&lo->as, lost[i]);
	if (dst != LIR_NONE)
		jit_mov_rr(&lo->as, 8, dst, LIR_R11);
}

void lower_ctx_load(struct lower *lo, const struct lir_op *op)
{
	jit_mov_ri(&lo->as, LIR_RDI, (uint32_t)op->disp);
	call_keeping(lo, (const void *)(uintptr_t)jit_ctx_load, op->dst);
}

void lower_ctx_store(struct lower *lo, const struct lir_op *op)
{
	uint8_t value = lower_b(lo, op, LIR_R11);

	if (value != LIR_R11)
		jit_mov_rr(&lo->as, 8, LIR_R11, value);
	jit_mov_ri(&lo->as, LIR_RDI, (uint32_t)op->disp);
	call_keeping(lo, (const void *)(uintptr_t)jit_ctx_store, LIR_NONE);
}
