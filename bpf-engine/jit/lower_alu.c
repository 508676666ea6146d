/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Operations that compute in registers. */
#include "jit/lower.h"

void lower_mov(struct lower *lo, const struct lir_op *op)
{
	uint64_t imm = op->size == 4 ? (uint32_t)op->imm : (uint64_t)op->imm;

	if (op->b == LIR_IMM)
		lower_constant(lo, op->dst, imm, op->flags & LIR_F_SAFE);
	else if (op->b == LIR_MEM)
		jit_load(&lo->as, op->size, op->dst, lower_mem(lo, op));
	else
		lower_move(lo, op->size, op->dst, op->b);
}

enum jit_alu lower_alu_of(uint8_t code)
{
	switch (code) {
	case LIR_SUB:
		return JIT_SUB;
	case LIR_AND:
		return JIT_AND;
	case LIR_OR:
		return JIT_OR;
	case LIR_XOR:
		return JIT_XOR;
	default:
		return JIT_ADD;
	}
}

/* Does the memory operand of @op go by @reg? */
static bool mem_uses(const struct lir_op *op, uint8_t reg)
{
	return op->base == reg || (op->scale && op->index == reg);
}

static void arithmetic_rr(struct lower *lo, uint8_t code, unsigned size, uint8_t dst, uint8_t src)
{
	if (code == LIR_MUL)
		jit_imul_rr(&lo->as, size, dst, src);
	else
		jit_alu_rr(&lo->as, lower_alu_of(code), size, dst, src);
}

static void arithmetic_mem(struct lower *lo, const struct lir_op *op, uint8_t a)
{
	struct jit_mem mem = lower_mem(lo, op);

	if (op->dst != a && mem_uses(op, op->dst)) {
		jit_load(&lo->as, op->size, LIR_RDI, mem);
		if (op->code == LIR_SUB) {
			lower_move(lo, 8, op->dst, a);
			jit_alu_rr(&lo->as, JIT_SUB, op->size, op->dst, LIR_RDI);
			return;
		}
		arithmetic_rr(lo, op->code, op->size, LIR_RDI, a);
		lower_move(lo, 8, op->dst, LIR_RDI);
		return;
	}
	if (op->dst != a)
		lower_move(lo, 8, op->dst, a);
	if (op->code == LIR_MUL)
		jit_imul_rm(&lo->as, op->size, op->dst, mem);
	else
		jit_alu_rm(&lo->as, lower_alu_of(op->code), op->size, op->dst, mem);
}

/* A multiplication takes three cycles; by 2^n, 2^n + 1 or 2^n - 1 there is something faster. */
static bool multiply_by_shift(struct lower *lo, const struct lir_op *op, uint8_t a)
{
	uint32_t imm = (uint32_t)op->imm;
	unsigned size = op->size;
	bool below = !(imm & (imm + 1)), above = imm > 1 && !((imm - 1) & (imm - 2));
	uint8_t shift = (uint8_t)(below ? __builtin_ctz(~imm) : __builtin_ctz(imm - 1));

	if (op->imm < 3 || op->imm > INT32_MAX - 1 || (!below && !above))
		return false;
	if (above && shift <= 3) {
		jit_lea(&lo->as, size, op->dst,
			(struct jit_mem){.base = a, .index = a, .scale = (uint8_t)(1u << shift)});
		return true;
	}
	jit_mov_rr(&lo->as, size, op->dst == a ? (uint8_t)LIR_R11 : op->dst, a);
	if (op->dst == a)
		a = LIR_R11;
	jit_shift_i(&lo->as, JIT_SHL, size, op->dst, shift);
	jit_alu_rr(&lo->as, above ? JIT_ADD : JIT_SUB, size, op->dst, a);
	return true;
}

static void arithmetic_imm(struct lower *lo, const struct lir_op *op, uint8_t a)
{
	int32_t imm = (int32_t)op->imm;
	unsigned size = op->size;

	if (op->code == LIR_MUL && multiply_by_shift(lo, op, a))
		return;
	if (op->code == LIR_MUL) {
		jit_imul_rri(&lo->as, size, op->dst, a, imm);
		return;
	}
	if (op->dst != a && op->code == LIR_ADD) {
		jit_lea(&lo->as, size, op->dst, lower_mem_at(a, imm));
		return;
	}
	if (op->dst != a && op->code == LIR_SUB && imm != INT32_MIN) {
		jit_lea(&lo->as, size, op->dst, lower_mem_at(a, -imm));
		return;
	}
	if (op->code == LIR_AND && imm >= 0)
		size = 4;
	if (op->dst != a)
		jit_mov_rr(&lo->as, size, op->dst, a);
	jit_alu_ri(&lo->as, lower_alu_of(op->code), size, op->dst, imm);
}

static void arithmetic_reg(struct lower *lo, const struct lir_op *op, uint8_t a, uint8_t b)
{
	if (op->dst == a) {
		arithmetic_rr(lo, op->code, op->size, op->dst, b);
	} else if (op->dst == b && op->code == LIR_SUB) {
		jit_neg(&lo->as, op->size, op->dst);
		jit_alu_rr(&lo->as, JIT_ADD, op->size, op->dst, a);
	} else if (op->dst == b) {
		arithmetic_rr(lo, op->code, op->size, op->dst, a);
	} else if (op->code == LIR_ADD) {
		jit_lea(&lo->as, op->size, op->dst,
			(struct jit_mem){.base = a, .index = b, .scale = 1});
	} else {
		jit_mov_rr(&lo->as, op->size, op->dst, a);
		arithmetic_rr(lo, op->code, op->size, op->dst, b);
	}
}

void lower_arithmetic(struct lower *lo, const struct lir_op *op)
{
	struct lir_op copy;
	uint8_t a;

	if (op->a == LIR_FP && op->b == LIR_IMM && (op->code == LIR_ADD || op->code == LIR_SUB)) {
		/* One lea, of the whole distance. */
		copy = *op;
		copy.code = LIR_LEA;
		copy.base = LIR_FP;
		copy.index = LIR_NONE;
		copy.scale = 0;
		copy.disp = (int32_t)(op->code == LIR_ADD ? op->imm : -op->imm);
		lower_lea(lo, &copy);
		return;
	}
	/* Memory may need r11 for its index, and rdi. */
	if (op->a == LIR_FP && op->b == LIR_MEM) {
		copy = *op;
		copy.b = lower_b(lo, op, LIR_RDI);
		a = lower_reg(lo, op->a, LIR_R11);
		arithmetic_reg(lo, &copy, a, copy.b);
		return;
	}
	a = lower_reg(lo, op->a, LIR_R11);
	if (op->b == LIR_IMM)
		arithmetic_imm(lo, op, a);
	else if (op->b == LIR_MEM)
		arithmetic_mem(lo, op, a);
	else
		arithmetic_reg(lo, op, a, lower_reg(lo, op->b, LIR_RDI));
}

/* ---- Shifts --------------------------------------------------------------------------------- */

static enum jit_shift shift_of(uint8_t code)
{
	switch (code) {
	case LIR_SHL:
		return JIT_SHL;
	case LIR_SHR:
		return JIT_SHR;
	case LIR_SAR:
		return JIT_SAR;
	default:
		return JIT_ROL;
	}
}

/* By a count in a register, on a processor whose only one for that is cl. */
static void shift_by_cl(struct lower *lo, const struct lir_op *op, uint8_t a, uint8_t count)
{
	enum jit_shift shift = shift_of(op->code);

	if (count == LIR_RCX && op->dst != LIR_RCX) {
		lower_move(lo, op->size, op->dst, a);
		jit_shift_cl(&lo->as, shift, op->size, op->dst);
		return;
	}
	jit_mov_rr(&lo->as, op->size, LIR_R11, a);
	if (count == LIR_RCX) {
		jit_shift_cl(&lo->as, shift, op->size, LIR_R11);
	} else {
		jit_xchg_rr(&lo->as, 8, LIR_RCX, count);
		jit_shift_cl(&lo->as, shift, op->size, LIR_R11);
		jit_xchg_rr(&lo->as, 8, LIR_RCX, count);
	}
	jit_mov_rr(&lo->as, op->size, op->dst, LIR_R11);
}

void lower_shift(struct lower *lo, const struct lir_op *op)
{
	uint8_t count, a;

	if (op->b == LIR_IMM) {
		lower_move(lo, op->dst == op->a ? 8 : op->size, op->dst, op->a);
		jit_shift_i(&lo->as, shift_of(op->code), op->size, op->dst,
			    (uint8_t)(op->imm & (8 * op->size - 1)));
		if (op->size == 4 && !(op->imm & 31))
			jit_mov_rr(&lo->as, 4, op->dst, op->dst);
		return;
	}
	count = lower_b(lo, op, LIR_RDI);
	a = lower_reg(lo, op->a, LIR_R11);
	if (lo->as.bmi2)
		jit_shiftx(&lo->as, shift_of(op->code), op->size, op->dst, a, count);
	else
		shift_by_cl(lo, op, a, count);
}

void lower_rotate(struct lower *lo, const struct lir_op *op)
{
	uint8_t count = (uint8_t)(op->imm & (8 * op->size - 1));

	if (op->dst != op->a && lo->as.bmi2 && op->a != LIR_FP) {
		jit_rorx(&lo->as, op->size, op->dst, op->a,
			 (uint8_t)((8 * op->size - count) & (8 * op->size - 1)));
		return;
	}
	lower_move(lo, op->dst == op->a ? 8 : op->size, op->dst, op->a);
	jit_shift_i(&lo->as, JIT_ROL, op->size, op->dst, count);
	if (op->size == 4 && !count)
		jit_mov_rr(&lo->as, 4, op->dst, op->dst);
}

void lower_shld(struct lower *lo, const struct lir_op *op)
{
	uint8_t b = lower_reg(lo, op->b, LIR_RDI), count = (uint8_t)op->imm;

	if (op->dst == op->b && op->dst != op->a) {
		lower_move(lo, op->size, LIR_R11, op->a);
		jit_shld(&lo->as, op->size, LIR_R11, b, count);
		jit_mov_rr(&lo->as, op->size, op->dst, LIR_R11);
		return;
	}
	lower_move(lo, op->dst == op->a ? 8 : op->size, op->dst, op->a);
	jit_shld(&lo->as, op->size, op->dst, b, count);
}

/* ---- One operand ---------------------------------------------------------------------------- */

void lower_neg(struct lower *lo, const struct lir_op *op)
{
	if (op->dst != op->a)
		lower_move(lo, op->size, op->dst, op->a);
	jit_neg(&lo->as, op->size, op->dst);
}

void lower_bswap(struct lower *lo, const struct lir_op *op)
{
	if (op->imm == 2) {
		uint8_t a = lower_reg(lo, op->a, LIR_R11);

		if (!(op->flags & LIR_F_SAFE))
			jit_movzx(&lo->as, 2, op->dst, a);
		else if (op->dst != a)
			jit_mov_rr(&lo->as, 4, op->dst, a);
		jit_shift_i(&lo->as, JIT_ROL, 2, op->dst, 8);
		return;
	}
	if (op->dst != op->a)
		lower_move(lo, (unsigned)op->imm, op->dst, op->a);
	jit_bswap(&lo->as, (unsigned)op->imm, op->dst);
}

void lower_extend(struct lower *lo, const struct lir_op *op)
{
	unsigned from = (unsigned)op->imm;
	uint8_t a;

	if (op->b == LIR_MEM) {
		if (op->code == LIR_SEXT)
			jit_load_sx(&lo->as, from, op->size, op->dst, lower_mem(lo, op));
		else
			jit_load(&lo->as, from, op->dst, lower_mem(lo, op));
		return;
	}
	a = lower_reg(lo, op->a, LIR_R11);
	if (op->code == LIR_ZEXT)
		jit_movzx(&lo->as, from, op->dst, a);
	else
		jit_movsx(&lo->as, from, op->size, op->dst, a);
}

void lower_lea(struct lower *lo, const struct lir_op *op)
{
	jit_lea(&lo->as, op->size, op->dst, lower_mem(lo, op));
}
