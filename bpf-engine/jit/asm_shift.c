/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Shifts, rotates and byte order.
 */
#include "jit/asm_encode.h"

void jit_shift_i(struct jit_asm *as, enum jit_shift op, unsigned size, uint8_t reg, uint8_t count)
{
	bool by_one = count == 1;
	struct asm_form form = asm_sized(by_one ? 0xd0 : 0xc0, size);

	form.rm8 = size == 1;
	asm_rr(as, form, (uint8_t)op, reg);
	if (!by_one)
		asm_imm(as, count, 1);
}

void jit_shift_cl(struct jit_asm *as, enum jit_shift op, unsigned size, uint8_t reg)
{
	struct asm_form form = asm_sized(0xd2, size);

	form.rm8 = size == 1;
	asm_rr(as, form, (uint8_t)op, reg);
}

/* Maps and prefix codes of VEX. */
enum {
	VEX_0F38 = 2,
	VEX_0F3A = 3,
	VEX_NONE = 0,
	VEX_66 = 1,
	VEX_F3 = 2,
	VEX_F2 = 3
};

static uint8_t shiftx_prefix(enum jit_shift op)
{
	if (op == JIT_SHL)
		return VEX_66;
	return op == JIT_SHR ? VEX_F2 : VEX_F3;
}

void jit_shiftx(struct jit_asm *as, enum jit_shift op, unsigned size, uint8_t dst, uint8_t src,
		uint8_t count)
{
	struct asm_vex vex = {.map = VEX_0F38, .pp = shiftx_prefix(op), .opcode = 0xf7};

	if (op < JIT_SHL) {
		as->failed = true;
		return;
	}
	asm_vex_rr(as, vex, size, dst, count, src);
}

void jit_rorx(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src, uint8_t count)
{
	struct asm_vex vex = {.map = VEX_0F3A, .pp = VEX_F2, .opcode = 0xf0};

	/* The register it does not have is 0, as inverted in the prefix. */
	asm_vex_rr(as, vex, size, dst, 0, src);
	asm_imm(as, count, 1);
}

void jit_andn(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t inverted, uint8_t src)
{
	struct asm_vex vex = {.map = VEX_0F38, .pp = VEX_NONE, .opcode = 0xf2};

	asm_vex_rr(as, vex, size, dst, inverted, src);
}

void jit_shld(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src, uint8_t count)
{
	asm_rr(as, (struct asm_form){.opcode = 0x0fa4, .size = (uint8_t)size}, src, dst);
	asm_imm(as, count, 1);
}

void jit_bswap(struct jit_asm *as, unsigned size, uint8_t reg)
{
	asm_plus_r(as, (struct asm_form){.opcode = 0x0fc8, .size = (uint8_t)size}, reg);
}
