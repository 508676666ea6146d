/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Moves: between registers, of constants, loads and stores.
 */
#include "jit/asm_encode.h"

void jit_mov_rr(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src)
{
	/* The smaller move clears the upper half and is never left out. */
	if (size == 8 && dst == src)
		return;
	asm_rr(as, asm_sized_regs(0x88, size), src, dst);
}

void jit_mov_ri_flags(struct jit_asm *as, uint8_t dst, uint64_t imm)
{
	if (imm <= UINT32_MAX) {
		asm_plus_r(as, (struct asm_form){.opcode = 0xb8, .size = 4}, dst);
		asm_imm(as, imm, 4);
	} else if ((int64_t)imm == (int32_t)imm) {
		asm_rr(as, (struct asm_form){.opcode = 0xc7, .size = 8}, 0, dst);
		asm_imm(as, imm, 4);
	} else {
		asm_plus_r(as, (struct asm_form){.opcode = 0xb8, .size = 8}, dst);
		asm_imm(as, imm, 8);
	}
}

void jit_mov_ri(struct jit_asm *as, uint8_t dst, uint64_t imm)
{
	if (imm)
		jit_mov_ri_flags(as, dst, imm);
	else
		jit_alu_rr(as, JIT_XOR, 4, dst, dst);
}

void jit_load(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem)
{
	if (size >= 4)
		asm_rm(as, asm_sized(0x8a, size), dst, mem);
	else
		asm_rm(as, (struct asm_form){.opcode = size == 1 ? 0x0fb6 : 0x0fb7}, dst, mem);
}

/* The opcode that sign-extends @from bytes; of 4 bytes it needs REX.W. */
static uint32_t move_sx_opcode(unsigned from)
{
	if (from == 4)
		return 0x63;
	return from == 1 ? 0x0fbe : 0x0fbf;
}

void jit_load_sx(struct jit_asm *as, unsigned size, unsigned to, uint8_t dst, struct jit_mem mem)
{
	struct asm_form form = {.opcode = move_sx_opcode(size), .size = (uint8_t)to};

	if (size >= to)
		jit_load(as, to, dst, mem);
	else
		asm_rm(as, form, dst, mem);
}

void jit_store(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src)
{
	asm_rm(as, asm_sized_regs(0x88, size), src, mem);
}

void jit_store_i(struct jit_asm *as, unsigned size, struct jit_mem mem, int32_t imm)
{
	asm_rm(as, asm_sized(0xc6, size), 0, mem);
	asm_imm(as, (uint32_t)imm, size < 4 ? size : 4);
}

void jit_movzx(struct jit_asm *as, unsigned from, uint8_t dst, uint8_t src)
{
	struct asm_form form = {.opcode = from == 1 ? 0x0fb6 : 0x0fb7, .rm8 = from == 1};

	if (from >= 4)
		jit_mov_rr(as, 4, dst, src);
	else
		asm_rr(as, form, dst, src);
}

void jit_movsx(struct jit_asm *as, unsigned from, unsigned to, uint8_t dst, uint8_t src)
{
	struct asm_form form = {
		.opcode = move_sx_opcode(from), .size = (uint8_t)to, .rm8 = from == 1};

	if (from >= to)
		jit_mov_rr(as, to, dst, src);
	else if (dst == LIR_RAX && src == LIR_RAX && from * 2 == to && from > 1)
		/* cwde, cdqe; asm_plus_r() adds 0 */
		asm_plus_r(as, (struct asm_form){.opcode = 0x98, .size = (uint8_t)to}, LIR_RAX);
	else
		asm_rr(as, form, dst, src);
}

void jit_lea(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem)
{
	if (!mem.disp && mem.index == LIR_NONE && mem.base != LIR_NONE)
		jit_mov_rr(as, size, dst, mem.base);
	else
		asm_rm(as, (struct asm_form){.opcode = 0x8d, .size = (uint8_t)size}, dst, mem);
}

void jit_movbe_load(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem)
{
	asm_rm(as, (struct asm_form){.opcode = 0x0f38f0, .size = (uint8_t)size}, dst, mem);
}

void jit_push(struct jit_asm *as, uint8_t reg)
{
	asm_plus_r(as, (struct asm_form){.opcode = 0x50}, reg);
}

void jit_pop(struct jit_asm *as, uint8_t reg)
{
	asm_plus_r(as, (struct asm_form){.opcode = 0x58}, reg);
}

void jit_xchg_rr(struct jit_asm *as, unsigned size, uint8_t a, uint8_t b)
{
	if (a == b && size == 8)
		return;
	/* With eax twice the short form is a nop, which does not clear the upper half. */
	if (size > 1 && a != b && (a == LIR_RAX || b == LIR_RAX))
		asm_plus_r(as, (struct asm_form){.opcode = 0x90, .size = (uint8_t)size},
			   a == LIR_RAX ? b : a);
	else
		asm_rr(as, asm_sized_regs(0x86, size), b, a);
}

void jit_cmov(struct jit_asm *as, unsigned size, uint8_t cond, uint8_t dst, uint8_t src)
{
	struct asm_form form = {.opcode = 0x0f40 | (cond & 15), .size = (uint8_t)size};

	asm_rr(as, form, dst, src);
}

void jit_cmov_m(struct jit_asm *as, unsigned size, uint8_t cond, uint8_t dst, struct jit_mem mem)
{
	struct asm_form form = {.opcode = 0x0f40 | (cond & 15), .size = (uint8_t)size};

	asm_rm(as, form, dst, mem);
}

void jit_setcc(struct jit_asm *as, uint8_t cond, uint8_t dst)
{
	asm_rr(as, (struct asm_form){.opcode = 0x0f90 | (cond & 15), .rm8 = true}, 0, dst);
}
