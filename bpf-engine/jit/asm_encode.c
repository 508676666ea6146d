/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Encoding of operands: prefixes, opcode, ModRM, SIB and displacement.
 */
#include <stdlib.h>
#include <string.h>
#include "jit/asm_encode.h"

bool asm_grow(struct jit_asm *as)
{
	size_t room = as->room ? as->room * 2 : 16384;
	uint8_t *buf = realloc(as->buf, room);

	if (!buf) {
		as->failed = true;
		return false;
	}
	as->buf = buf;
	as->room = room;
	return true;
}

void *asm_array(struct jit_asm *as, void *items, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t larger = *room ? *room * 2 : 64;
	void *moved;

	if (n <= *room)
		return items;
	moved = reallocarray(items, larger, size);
	if (!moved) {
		as->failed = true;
		return items;
	}
	*room = larger;
	return moved;
}

void asm_imm(struct jit_asm *as, uint64_t imm, unsigned bytes)
{
	if (as->failed)
		return;
	memcpy(as->buf + as->len, &imm, bytes);
	as->len += bytes;
}

bool asm_is_reg(struct jit_asm *as, uint8_t reg)
{
	if (reg > LIR_R15)
		as->failed = true;
	return reg <= LIR_R15;
}

static void asm_opcode(struct jit_asm *as, uint32_t opcode)
{
	if (opcode > 0xffff)
		asm_byte(as, (uint8_t)(opcode >> 16));
	if (opcode > 0xff)
		asm_byte(as, (uint8_t)(opcode >> 8));
	asm_byte(as, (uint8_t)opcode);
}

/* spl, bpl, sil and dil are named by a REX prefix; without one they would be ah to bh. */
static bool asm_needs_rex(uint8_t byte_reg)
{
	return byte_reg >= LIR_RSP && byte_reg <= LIR_RDI;
}

/* @reg, @index and @base: the numbers whose fourth bits go into REX. */
static void asm_prefixes(struct jit_asm *as, struct asm_form form, bool byte_rex, uint8_t reg,
			 uint8_t index, uint8_t base)
{
	uint8_t rex =
		(uint8_t)((form.size == 8) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3);

	if (form.size == 2)
		asm_byte(as, 0x66);
	if (rex || byte_rex)
		asm_byte(as, 0x40 | rex);
}

static void asm_modrm(struct jit_asm *as, unsigned mod, uint8_t reg, uint8_t rm)
{
	asm_byte(as, (uint8_t)(mod << 6 | (reg & 7) << 3 | (rm & 7)));
}

void asm_rr(struct jit_asm *as, struct asm_form form, uint8_t reg, uint8_t rm)
{
	bool byte_rex = (form.reg8 && asm_needs_rex(reg)) || (form.rm8 && asm_needs_rex(rm));

	if (!asm_room(as) || !asm_is_reg(as, reg) || !asm_is_reg(as, rm))
		return;
	asm_prefixes(as, form, byte_rex, reg, 0, rm);
	asm_opcode(as, form.opcode);
	asm_modrm(as, 3, reg, rm);
}

void asm_plus_r(struct jit_asm *as, struct asm_form form, uint8_t reg)
{
	if (!asm_room(as) || !asm_is_reg(as, reg))
		return;
	asm_prefixes(as, form, false, 0, 0, reg);
	asm_opcode(as, form.opcode + (reg & 7));
}

static bool asm_mem_valid(struct jit_mem mem)
{
	if (mem.base > LIR_R15 && mem.base != LIR_NONE)
		return false;
	if (mem.index == LIR_NONE)
		return true;
	if (mem.index > LIR_R15 || mem.index == LIR_RSP)
		return false;
	return mem.scale == 1 || mem.scale == 2 || mem.scale == 4 || mem.scale == 8;
}

/* Has an encoding as base with no displacement: rbp and r13 have none. */
static bool asm_bare_base(uint8_t reg)
{
	return (reg & 7) != LIR_RBP;
}

static void asm_swap_base(struct jit_mem *mem)
{
	uint8_t base = mem->base;

	mem->base = mem->index;
	mem->index = base;
}

/* The same address in the form that takes the fewest bytes. */
static struct jit_mem asm_mem_shortest(struct jit_mem mem)
{
	if (mem.index == LIR_NONE)
		return mem;
	if (mem.base == LIR_NONE && mem.scale == 1) {
		mem.base = mem.index;
		mem.index = LIR_NONE;
	} else if (mem.base == LIR_NONE && mem.scale == 2) {
		/* Without a base the displacement has four bytes. */
		mem.base = mem.index;
		mem.scale = 1;
	} else if (mem.base != LIR_NONE && mem.scale == 1) {
		if (mem.index == LIR_RSP || (!mem.disp && !asm_bare_base(mem.base) &&
					     asm_bare_base(mem.index) && mem.base != LIR_RSP))
			asm_swap_base(&mem);
	}
	return mem;
}

static unsigned asm_log2(uint8_t scale)
{
	return scale == 8 ? 3 : scale >> 1;
}

static void asm_address(struct jit_asm *as, uint8_t reg, struct jit_mem mem)
{
	bool sib = mem.index != LIR_NONE || mem.base == LIR_NONE || (mem.base & 7) == LIR_RSP;
	uint8_t base = mem.base == LIR_NONE ? LIR_RBP : mem.base;
	uint8_t index = mem.index == LIR_NONE ? LIR_RSP : mem.index;
	unsigned scale = mem.index == LIR_NONE ? 0 : asm_log2(mem.scale);
	unsigned mod;

	if (mem.base == LIR_NONE || (!mem.disp && asm_bare_base(base)))
		mod = 0;
	else
		mod = asm_fits8(mem.disp) ? 1 : 2;
	asm_modrm(as, mod, reg, sib ? LIR_RSP : base);
	if (sib)
		asm_modrm(as, scale, index, base);
	if (mod == 1)
		asm_byte(as, (uint8_t)mem.disp);
	else if (mod == 2 || mem.base == LIR_NONE)
		asm_imm(as, (uint32_t)mem.disp, 4);
}

void asm_rm(struct jit_asm *as, struct asm_form form, uint8_t reg, struct jit_mem mem)
{
	uint8_t index, base;

	if (!asm_room(as) || !asm_is_reg(as, reg))
		return;
	mem = asm_mem_shortest(mem);
	if (!asm_mem_valid(mem)) {
		as->failed = true;
		return;
	}
	index = mem.index == LIR_NONE ? 0 : mem.index;
	base = mem.base == LIR_NONE ? 0 : mem.base;
	asm_prefixes(as, form, form.reg8 && asm_needs_rex(reg), reg, index, base);
	asm_opcode(as, form.opcode);
	asm_address(as, reg, mem);
}

void asm_vex_rr(struct jit_asm *as, struct asm_vex vex, unsigned size, uint8_t reg, uint8_t vvvv,
		uint8_t rm)
{
	if (!asm_room(as) || !asm_is_reg(as, reg) || !asm_is_reg(as, vvvv) || !asm_is_reg(as, rm))
		return;
	asm_byte(as, 0xc4);
	/* R, X and B are inverted. */
	asm_byte(as, (uint8_t)((reg < 8) << 7 | 1 << 6 | (rm < 8) << 5 | vex.map));
	asm_byte(as, (uint8_t)((size == 8) << 7 | (~vvvv & 15) << 3 | vex.pp));
	asm_byte(as, vex.opcode);
	asm_modrm(as, 3, reg, rm);
}
