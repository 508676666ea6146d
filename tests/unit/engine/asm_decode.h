/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Machine code read back by capstone, as text that does not depend on how an address is encoded:
 * "mov rax, m8[rcx*1+rsi*4-8]". Registers of an address are sorted by number, with how often each
 * of them is added; immediates are signed decimals of the size of the first operand.
 */
#ifndef TEST_ASM_DECODE_H
#define TEST_ASM_DECODE_H

#include "harness.h"
#include "jit/asm.h"

#define ASM_ADDRESS 0x40000000u /* where the code of the tests would run */

/* The name of a register where it has @size bytes. */
const char *reg_name(unsigned size, uint8_t reg);

/* @mem of @size bytes as text; valid until the eighth call after it. */
const char *mem_text(unsigned size, struct jit_mem mem);

/* The fewest bytes that ModRM, SIB and displacement of @mem can have: all ways are tried. */
unsigned mem_bytes(struct jit_mem mem);

/* Has it a register that needs a REX prefix? */
bool mem_extended(struct jit_mem mem);

/* Finish @as, which holds one instruction, or with @bytes 0 none, and start it afresh. It must have
 * @bytes bytes and read like @fmt. */
void asm_expect(struct jit_asm *as, unsigned bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The instruction at @code, @size bytes at most, as text; its bytes, 0: none. */
unsigned asm_decode(const uint8_t *code, size_t size, uint64_t address, char *text, size_t room);

#endif
