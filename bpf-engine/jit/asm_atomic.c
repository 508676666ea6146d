/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Atomic operations on memory.
 */
#include "jit/asm_encode.h"

static void atomic_lock(struct jit_asm *as)
{
	if (asm_room(as))
		asm_byte(as, 0xf0);
}

void jit_lock_alu_mr(struct jit_asm *as, enum jit_alu alu, unsigned size, struct jit_mem mem,
		     uint8_t src)
{
	/* A comparison writes nothing: with a lock it is an invalid instruction. */
	if (alu == JIT_CMP) {
		as->failed = true;
		return;
	}
	atomic_lock(as);
	jit_alu_mr(as, alu, size, mem, src);
}

void jit_lock_xadd(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src)
{
	atomic_lock(as);
	asm_rm(as, asm_sized_regs(0x0fc0, size), src, mem);
}

void jit_lock_cmpxchg(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src)
{
	atomic_lock(as);
	asm_rm(as, asm_sized_regs(0x0fb0, size), src, mem);
}

void jit_xchg_mr(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src)
{
	asm_rm(as, asm_sized_regs(0x86, size), src, mem);
}
