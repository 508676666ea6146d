/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Pairs of instructions as one step. Two-operand arithmetic makes compilers write "r6 = r0; r6 <<=
 * 13"; in one step the value goes through the register in memory once instead of twice.
 */
#include "interp/interp.h"

/* The step that stands for a move and instruction @op; 0: none. */
static uint16_t fused_with(uint16_t op)
{
	static const uint16_t steps[BPFE_OP_ALL] = {
#define STEP(X, name, code, select, text, effect) \
	[BPFE_OP_##name##64_K] = BPFE_OP_MOVE_##name##64_K,
		BPFE_ALU_OPS(STEP, X)
#undef STEP
	};

	return steps[op];
}

void bpfe_fuse(struct bpfe_program *prog)
{
	for (uint32_t i = 0; i + 1 < prog->n_code; i++) {
		struct bpfe_code *move = &prog->code[i];
		const struct bpfe_code *then = move + 1;
		uint16_t step = fused_with(then->op);

		if (move->op != BPFE_OP_MOV64_X || !step || then->dst != move->dst)
			continue;
		move->op = step;
		move->imm = then->imm;
	}
}
