/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Constants that registers hold. An address of 64 bits takes ten bytes of code; from one that lies
 * nearby, as those of variables of one map do, an addition of four makes it. What can be told apart
 * is so little that constants of the program cannot be put into the code that way.
 */
#include "jit/flow.h"
#include "jit/lower.h"

void lower_note_constant(struct lower *lo, const struct lir_op *op)
{
	lo->constants &= ~lir_defs(op);
	if (op->code != LIR_MOV || op->b != LIR_IMM || op->size != 8 || op->dst >= LIR_FP ||
	    (LIR_SCRATCH & LIR_BIT(op->dst)))
		return;
	lo->constants |= LIR_BIT(op->dst);
	lo->constant[op->dst] = (uint64_t)op->imm;
}

static bool leads_to(const struct lir *lir, uint32_t from, uint32_t to)
{
	uint32_t successors[2];
	unsigned n = lir_successors(&lir->blocks[from], successors);

	return (n > 0 && successors[0] == to) || (n > 1 && successors[1] == to);
}

void lower_keep_constants(struct lower *lo, uint32_t before, uint32_t block)
{
	const struct lir *lir = lo->lir;
	bool entry = lir->functions[lir->blocks[block].function].entry == block;

	if (entry || before == LIR_NO_BLOCK || lo->ways[block] != 1 ||
	    !leads_to(lir, before, block))
		lo->constants = 0;
}

void lower_constant(struct lower *lo, uint8_t dst, uint64_t imm, bool keep_flags)
{
	bool wide = imm > UINT32_MAX && (int64_t)imm != (int32_t)imm;

	for (uint8_t reg = 0; reg < LIR_FP && wide; reg++) {
		int64_t apart = (int64_t)(imm - lo->constant[reg]);

		if (!(lo->constants & LIR_BIT(reg)) || apart != (int8_t)apart)
			continue;
		if (apart || reg != dst)
			jit_lea(&lo->as, 8, dst, lower_mem_at(reg, (int32_t)apart));
		return;
	}
	if (keep_flags)
		jit_mov_ri_flags(&lo->as, dst, imm);
	else
		jit_mov_ri(&lo->as, dst, imm);
}
