/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Sums of consecutive numbers in memory. Four at a time are extended to 32 bits and added, into two
 * vector registers in turns, so that an addition need not wait for the one before; sixteen make a
 * round of the loop. What is left over at the end is summed first, as the value to begin with.
 */
#include "jit/lower.h"

#define LANES       4u
#define ROUND       4u /* vectors */
#define TOTAL       0  /* vector registers */
#define SECOND      1
#define EXTENDED    2
#define SWAP_HALVES 0x4e /* orders of pshufd */
#define SWAP_PAIRS  0xb1

/* Number @i of those to be added. */
static struct jit_mem number(struct lower *lo, const struct lir_op *op, uint32_t i)
{
	struct jit_mem mem = lower_mem(lo, op);

	mem.disp += (int32_t)(i * op->alu);
	return mem;
}

/* TOTAL = the numbers from @first to the last, fewer than a vector has lanes. */
static void begin(struct lower *lo, const struct lir_op *op, uint32_t first)
{
	jit_pxor(&lo->as, SECOND, SECOND);
	if (first == op->imm) {
		jit_pxor(&lo->as, TOTAL, TOTAL);
		return;
	}
	jit_load(&lo->as, op->alu, LIR_R11, number(lo, op, first));
	for (uint32_t i = first + 1; i < op->imm; i++) {
		jit_load(&lo->as, op->alu, LIR_RDI, number(lo, op, i));
		jit_alu_rr(&lo->as, JIT_ADD, 4, LIR_R11, LIR_RDI);
	}
	jit_movd_to_vector(&lo->as, TOTAL, LIR_R11);
}

/* Add @n vectors from where rdi points to. */
static void add_vectors(struct lower *lo, const struct lir_op *op, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int32_t at = (int32_t)(i * LANES * op->alu);

		jit_load_words(&lo->as, op->alu, EXTENDED, lower_mem_at(LIR_RDI, at));
		jit_paddd(&lo->as, i % 2 ? SECOND : TOTAL, EXTENDED);
	}
}

static void add_rounds(struct lower *lo, const struct lir_op *op, uint32_t rounds)
{
	int32_t step = (int32_t)(ROUND * LANES * op->alu);
	uint32_t again;

	if (rounds > 1) {
		jit_lea(&lo->as, 8, LIR_R11, lower_mem_at(LIR_RDI, step * (int32_t)rounds));
		again = jit_label(&lo->as);
		jit_align(&lo->as, 16);
		jit_bind(&lo->as, again);
		add_vectors(lo, op, ROUND);
		jit_alu_ri(&lo->as, JIT_ADD, 8, LIR_RDI, step);
		jit_alu_rr(&lo->as, JIT_CMP, 8, LIR_RDI, LIR_R11);
		jit_jcc(&lo->as, LIR_NE, again);
	} else if (rounds) {
		add_vectors(lo, op, ROUND);
		jit_alu_ri(&lo->as, JIT_ADD, 8, LIR_RDI, step);
	}
}

/* r11 = the sum of all lanes. */
static void add_lanes(struct lower *lo)
{
	jit_paddd(&lo->as, TOTAL, SECOND);
	jit_pshufd(&lo->as, SECOND, TOTAL, SWAP_HALVES);
	jit_paddd(&lo->as, TOTAL, SECOND);
	jit_pshufd(&lo->as, SECOND, TOTAL, SWAP_PAIRS);
	jit_paddd(&lo->as, TOTAL, SECOND);
	jit_movd_from_vector(&lo->as, LIR_R11, TOTAL);
}

void lower_sum(struct lower *lo, const struct lir_op *op)
{
	uint32_t vectors = (uint32_t)op->imm / LANES;

	begin(lo, op, vectors * LANES);
	jit_lea(&lo->as, 8, LIR_RDI, lower_mem(lo, op));
	add_rounds(lo, op, vectors / ROUND);
	add_vectors(lo, op, vectors % ROUND);
	add_lanes(lo);
	jit_alu_rr(&lo->as, JIT_ADD, op->size, LIR_R11, op->a);
	lower_move(lo, op->size, op->dst, LIR_R11);
}
