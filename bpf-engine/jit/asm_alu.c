/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Arithmetic: the first opcode group, test, increments, multiplication and division. Shifts and bit
 * operations are in asm_shift.c.
 */
#include "jit/asm_encode.h"

void jit_alu_rr(struct jit_asm *as, enum jit_alu alu, unsigned size, uint8_t dst, uint8_t src)
{
	/* 0 in four bytes is 0 in eight, with the same flags. */
	if (dst == src && size == 8 && (alu == JIT_XOR || alu == JIT_SUB))
		size = 4;
	asm_rr(as, asm_sized_regs((uint32_t)alu << 3, size), src, dst);
}

/* Bytes of immediate that @imm takes in an operation of the first group. */
static unsigned alu_imm_bytes(unsigned size, int32_t imm)
{
	if (size == 1 || asm_fits8(imm))
		return 1;
	return size == 2 ? 2 : 4;
}

static uint32_t alu_imm_opcode(unsigned size, unsigned bytes)
{
	return bytes == 1 && size > 1 ? 0x83 : 0x80;
}

/* An immediate means the same in an operation of 2 bytes whether it is sign-extended or not. */
static int32_t alu_imm(unsigned size, int32_t imm)
{
	return size == 2 ? (int16_t)imm : imm;
}

void jit_alu_ri(struct jit_asm *as, enum jit_alu alu, unsigned size, uint8_t dst, int32_t imm)
{
	struct asm_form form;
	unsigned bytes;

	/* The upper half of the result is 0 anyway. */
	if (alu == JIT_AND && size == 8 && imm >= 0)
		size = 4;
	imm = alu_imm(size, imm);
	bytes = alu_imm_bytes(size, imm);
	if (dst == LIR_RAX && (size == 1 || bytes > 1)) {
		/* Without ModRM. */
		form = asm_sized((uint32_t)alu << 3 | 4, size);
		asm_plus_r(as, form, LIR_RAX);
	} else {
		form = asm_sized(alu_imm_opcode(size, bytes), size);
		form.rm8 = size == 1;
		asm_rr(as, form, (uint8_t)alu, dst);
	}
	asm_imm(as, (uint32_t)imm, bytes);
}

void jit_alu_rm(struct jit_asm *as, enum jit_alu alu, unsigned size, uint8_t dst,
		struct jit_mem mem)
{
	asm_rm(as, asm_sized_regs((uint32_t)alu << 3 | 2, size), dst, mem);
}

void jit_alu_mr(struct jit_asm *as, enum jit_alu alu, unsigned size, struct jit_mem mem,
		uint8_t src)
{
	asm_rm(as, asm_sized_regs((uint32_t)alu << 3, size), src, mem);
}

void jit_alu_mi(struct jit_asm *as, enum jit_alu alu, unsigned size, struct jit_mem mem,
		int32_t imm)
{
	unsigned bytes;

	imm = alu_imm(size, imm);
	bytes = alu_imm_bytes(size, imm);
	asm_rm(as, asm_sized(alu_imm_opcode(size, bytes), size), (uint8_t)alu, mem);
	asm_imm(as, (uint32_t)imm, bytes);
}

void jit_test_rr(struct jit_asm *as, unsigned size, uint8_t a, uint8_t b)
{
	asm_rr(as, asm_sized_regs(0x84, size), b, a);
}

/* The fewest bytes that have all bits of @imm in an operand of @size bytes. Never 2: a prefix that
 * changes the length of the immediate stalls decoders. */
static unsigned alu_test_size(unsigned size, int32_t imm)
{
	if (imm >= 0 && imm <= UINT8_MAX)
		return 1;
	return size == 8 && imm >= 0 ? 4 : size;
}

void jit_test_ri(struct jit_asm *as, unsigned size, uint8_t a, int32_t imm)
{
	struct asm_form form;

	if (imm == -1) {
		jit_test_rr(as, size, a, a);
		return;
	}
	size = alu_test_size(size, imm);
	if (a == LIR_RAX) {
		asm_plus_r(as, asm_sized(0xa8, size), LIR_RAX);
	} else {
		form = asm_sized(0xf6, size);
		form.rm8 = size == 1;
		asm_rr(as, form, 0, a);
	}
	asm_imm(as, (uint32_t)imm, size < 4 ? size : 4);
}

void jit_test_mi(struct jit_asm *as, unsigned size, struct jit_mem mem, int32_t imm)
{
	size = alu_test_size(size, imm);
	asm_rm(as, asm_sized(0xf6, size), 0, mem);
	asm_imm(as, (uint32_t)imm, size < 4 ? size : 4);
}

/* An operation on one register: @extension of opcode @opcode. */
static void alu_unary(struct jit_asm *as, uint32_t opcode, uint8_t extension, unsigned size,
		      uint8_t reg)
{
	struct asm_form form = asm_sized(opcode, size);

	form.rm8 = size == 1;
	asm_rr(as, form, extension, reg);
}

void jit_inc(struct jit_asm *as, unsigned size, uint8_t reg)
{
	alu_unary(as, 0xfe, 0, size, reg);
}

void jit_dec(struct jit_asm *as, unsigned size, uint8_t reg)
{
	alu_unary(as, 0xfe, 1, size, reg);
}

void jit_not(struct jit_asm *as, unsigned size, uint8_t reg)
{
	alu_unary(as, 0xf6, 2, size, reg);
}

void jit_neg(struct jit_asm *as, unsigned size, uint8_t reg)
{
	alu_unary(as, 0xf6, 3, size, reg);
}

void jit_mul(struct jit_asm *as, unsigned size, uint8_t src)
{
	alu_unary(as, 0xf6, 4, size, src);
}

void jit_div(struct jit_asm *as, unsigned size, uint8_t src)
{
	alu_unary(as, 0xf6, 6, size, src);
}

void jit_idiv(struct jit_asm *as, unsigned size, uint8_t src)
{
	alu_unary(as, 0xf6, 7, size, src);
}

void jit_cdq(struct jit_asm *as, unsigned size)
{
	asm_plus_r(as, (struct asm_form){.opcode = 0x99, .size = (uint8_t)size}, LIR_RAX);
}

void jit_imul_rr(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src)
{
	asm_rr(as, (struct asm_form){.opcode = 0x0faf, .size = (uint8_t)size}, dst, src);
}

void jit_imul_rm(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem)
{
	asm_rm(as, (struct asm_form){.opcode = 0x0faf, .size = (uint8_t)size}, dst, mem);
}

void jit_imul_rri(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src, int32_t imm)
{
	bool short_imm = asm_fits8(imm);
	struct asm_form form = {.opcode = short_imm ? 0x6b : 0x69, .size = (uint8_t)size};

	asm_rr(as, form, dst, src);
	asm_imm(as, (uint32_t)imm, short_imm ? 1 : 4);
}
