/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The few vector instructions that sums take: SSE2, and SSE4.1 for extensions. */
#include "jit/asm_encode.h"

/* Two-byte operands have the prefix 66 that these are told apart by. */
static struct asm_form vector(uint32_t opcode)
{
	return (struct asm_form){.opcode = opcode, .size = 2};
}

void jit_pxor(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	asm_rr(as, vector(0x0fef), dst, src);
}

void jit_paddd(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	asm_rr(as, vector(0x0ffe), dst, src);
}

void jit_pshufd(struct jit_asm *as, uint8_t dst, uint8_t src, uint8_t order)
{
	asm_rr(as, vector(0x0f70), dst, src);
	asm_imm(as, order, 1);
}

void jit_movd_to_vector(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	asm_rr(as, vector(0x0f6e), dst, src);
}

void jit_movd_from_vector(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	asm_rr(as, vector(0x0f7e), src, dst);
}

void jit_load_words(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem)
{
	switch (size) {
	case 1:
		asm_rm(as, vector(0x0f3831), dst, mem);
		break;
	case 2:
		asm_rm(as, vector(0x0f3833), dst, mem);
		break;
	default:
		asm_rm(as, (struct asm_form){.opcode = 0x0f10, .size = 4}, dst, mem);
		break;
	}
}
