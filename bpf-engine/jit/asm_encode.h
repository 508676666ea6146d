/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the assembler's files share: bytes into the buffer, and the prefixes, ModRM and SIB bytes of
 * an instruction (Intel SDM volume 2, chapter 2).
 */
#ifndef BPFE_ASM_ENCODE_H
#define BPFE_ASM_ENCODE_H

#include "jit/asm.h"

#pragma GCC visibility push(hidden) /* see lir.h */

/* An instruction but for its operands. */
struct asm_form {
	uint32_t opcode; /* one to three bytes, the first the most significant: 0x0fb6 */
	uint8_t size;    /* of its operands: 2 gets the prefix 66, 8 gets REX.W */
	bool reg8;       /* the operand in ModRM.reg is a byte register */
	bool rm8;        /* that in ModRM.rm */
};

#define ASM_LONGEST 16u /* bytes: no instruction has more than 15 */

/* More room; false: failed. */
bool asm_grow(struct jit_asm *as);

/* Room for one more instruction; false: failed. Once before anything is emitted. */
static inline bool asm_room(struct jit_asm *as)
{
	return !as->failed && (as->len + ASM_LONGEST <= as->room || asm_grow(as));
}

/* Array @items of *@room items of @size bytes, so large that @n fit: moved, or NULL and failed. */
void *asm_array(struct jit_asm *as, void *items, uint32_t n, uint32_t *room, size_t size);

static inline void asm_byte(struct jit_asm *as, uint8_t byte)
{
	as->buf[as->len++] = byte;
}

void asm_imm(struct jit_asm *as, uint64_t imm, unsigned bytes); /* little-endian */

/* Is it a register that an encoding can name? Sets failed if not. */
bool asm_is_reg(struct jit_asm *as, uint8_t reg);

/* Prefixes, opcode and ModRM with @reg (a register or the opcode's extension) and register @rm. */
void asm_rr(struct jit_asm *as, struct asm_form form, uint8_t reg, uint8_t rm);

/* The same with a memory operand, in its shortest form. */
void asm_rm(struct jit_asm *as, struct asm_form form, uint8_t reg, struct jit_mem mem);

/* An instruction with the register in the last three bits of its opcode. */
void asm_plus_r(struct jit_asm *as, struct asm_form form, uint8_t reg);

/* A three-byte VEX prefix, @opcode of map @map with prefix code @pp, and registers. */
struct asm_vex {
	uint8_t map, pp, opcode;
};
void asm_vex_rr(struct jit_asm *as, struct asm_vex vex, unsigned size, uint8_t reg, uint8_t vvvv,
		uint8_t rm);

/* The form of an opcode whose lowest bit tells bytes from larger operands. */
static inline struct asm_form asm_sized(uint32_t opcode, unsigned size)
{
	return (struct asm_form){.opcode = opcode | (size != 1), .size = (uint8_t)size};
}

/* The same where both operands are registers of that size. */
static inline struct asm_form asm_sized_regs(uint32_t opcode, unsigned size)
{
	struct asm_form form = asm_sized(opcode, size);

	form.reg8 = form.rm8 = size == 1;
	return form;
}

static inline bool asm_fits8(int64_t value)
{
	return value == (int8_t)value;
}

#pragma GCC visibility pop

#endif
