/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Operands for the assembler's tests, and the prefixes that they need. */
#ifndef TEST_ASM_OPERANDS_H
#define TEST_ASM_OPERANDS_H

#include "asm_decode.h"

#define EACH_REG(reg) for (uint8_t reg = 0; reg < 16; reg++)

static const unsigned wide[] __attribute__((unused)) = {4, 8};
static const unsigned all_sizes[] __attribute__((unused)) = {1, 2, 4, 8};

static inline struct jit_mem base_disp(uint8_t base, int32_t disp)
{
	return (struct jit_mem){.base = base, .index = LIR_NONE, .disp = disp};
}

/* ---- What an encoding needs: Intel SDM volume 2, 2.2.1 ---- */

static inline bool rex_byte(unsigned size, uint8_t reg)
{
	return size == 1 && reg >= LIR_RSP && reg <= LIR_RDI;
}

/* Prefixes of an instruction whose operands have @size bytes. */
static inline unsigned prefixes_r(unsigned size, uint8_t reg)
{
	return (size == 2) + (size == 8 || reg >= 8 || rex_byte(size, reg));
}

static inline unsigned prefixes_rr(unsigned size, uint8_t a, uint8_t b)
{
	return (size == 2) +
	       (size == 8 || a >= 8 || b >= 8 || rex_byte(size, a) || rex_byte(size, b));
}

static inline unsigned prefixes_rm(unsigned size, uint8_t reg, struct jit_mem mem)
{
	return (size == 2) + (size == 8 || reg >= 8 || mem_extended(mem) || rex_byte(size, reg));
}

static inline unsigned prefixes_m(unsigned size, struct jit_mem mem)
{
	return prefixes_rm(size, 0, mem);
}

static inline bool fits8(int64_t imm)
{
	return imm >= -128 && imm <= 127;
}

static inline int64_t as_size(int64_t imm, unsigned size)
{
	return size == 1 ? (int8_t)imm : size == 2 ? (int16_t)imm : size == 4 ? (int32_t)imm : imm;
}

static inline unsigned imm_bytes(unsigned size)
{
	return size < 4 ? size : 4;
}

/* Call @check for all pairs of registers. */
static inline void each_pair(void (*check)(struct jit_asm *as, uint8_t dst, uint8_t src))
{
	struct jit_asm as;

	jit_asm_init(&as);
	EACH_REG(dst)
	{
		EACH_REG(src)
		{
			check(&as, dst, src);
		}
	}
	jit_asm_free(&as);
}

#endif
