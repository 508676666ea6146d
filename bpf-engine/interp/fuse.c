/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Pairs of instructions as one step. Two-operand arithmetic makes compilers write "r6 = r0; r6 <<=
 * 13"; in one step the value goes through the register in memory once instead of twice.
 */
#include "interp/interp.h"

static bool fuses(uint16_t op)
{
	static const bool arithmetic[BPFE_OP_ALL] = {
#define FUSES(X, name, code, select, text, effect) [BPFE_OP_##name##64_K] = true,
		BPFE_ALU_OPS(FUSES, X)
#undef FUSES
	};

	return arithmetic[op];
}

void bpfe_fuse(struct bpfe_program *prog)
{
	for (uint32_t i = 0; i + 1 < prog->n_code; i++) {
		struct bpfe_code *move = &prog->code[i];
		const struct bpfe_code *then = move + 1;

		if (move->op != BPFE_OP_MOV64_X || !fuses(then->op) || then->dst != move->dst)
			continue;
		move->op = (uint16_t)(BPFE_OP_FUSED + then->op);
		move->imm = then->imm;
	}
}
