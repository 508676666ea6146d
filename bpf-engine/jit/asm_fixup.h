/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What is known only when the code has its address: jumps, calls, addresses of labels, alignment.
 * While code is assembled each of them has room for its longest form in the buffer;
 * jit_asm_finish() (asm.c) picks the shortest that serves and closes the gaps.
 */
#ifndef BPFE_ASM_FIXUP_H
#define BPFE_ASM_FIXUP_H

#include "jit/asm_encode.h"

enum asm_fixup_kind {
	ASM_JMP,      /* to a label: nothing if it stands right behind, 2 or 5 bytes */
	ASM_JCC,      /* nothing, 2 or 6 bytes */
	ASM_CALL,     /* 5 bytes */
	ASM_LEA,      /* 7 bytes */
	ASM_CALL_ABS, /* to an address: 5 bytes, or by way of r11 */
	ASM_JMP_ABS,
	ASM_ALIGN, /* nops */
};

struct jit_fixup {
	uint8_t kind;    /* enum asm_fixup_kind */
	uint8_t reg;     /* condition of JCC, register of LEA, log2 of the bytes of ALIGN */
	uint8_t longest; /* bytes it has in the buffer */
	uint8_t size;    /* bytes it gets */
	uint32_t offset; /* in the buffer */
	uint32_t place;  /* in the final code */
	uint32_t label;
	uint64_t target; /* address, of the ABS kinds */
};

struct jit_label_place {
	uint32_t offset;   /* in the buffer, then in the final code; UINT32_MAX: not bound */
	uint32_t n_fixups; /* that stand before it */
};

/* What r11 takes to jump to an address: the move and the jump or call itself. */
unsigned asm_far_bytes(uint64_t target);

/* Write @fixup in the form its size tells, to run at @address, its label at @label_address. */
void asm_fixup_write(const struct jit_fixup *fixup, uint64_t address, uint64_t label_address,
		     uint8_t *out);

#endif
