/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * An assembler for x86-64: one instruction per function, the shortest encoding of it, into a
 * buffer. Source: Intel SDM volume 2; registers and conditions by their numbers there
 * (enum lir_reg, enum lir_cond). Sizes are bytes: 1, 2, 4, 8.
 *
 * Jumps and calls are kept aside with their labels; jit_asm_finish() picks their shortest forms for
 * the address the code will run at. Out of memory, or an operand that cannot be encoded, sets
 * failed, after which everything is a no-op; look at it once at the end.
 */
#ifndef BPFE_ASM_H
#define BPFE_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "jit/lir.h"

#pragma GCC visibility push(hidden) /* see lir.h */

struct jit_mem {
	uint8_t base, index; /* enum lir_reg; LIR_NONE: none; RSP may be a base */
	uint8_t scale;       /* 1, 2, 4, 8 */
	int32_t disp;
};

struct jit_fixup;       /* a jump, call or address of a label: it stands in buf at its longest */
struct jit_label_place; /* where a label stands */

struct jit_asm {
	uint8_t *buf;
	size_t len, room;
	struct jit_fixup *fixups;
	uint32_t n_fixups, room_fixups;
	struct jit_label_place *labels;
	uint32_t n_labels, room_labels;
	struct bpfe_jit_mark *marks;
	uint32_t n_marks, room_marks;
	bool bmi2; /* shlx, shrx, sarx, rorx may be used; set by jit_asm_init() from the processor
		    */
	bool bmi1;
	bool movbe;
	bool failed;
};

/* Arithmetic of the first opcode group, by its number there. */
enum jit_alu {
	JIT_ADD = 0,
	JIT_OR,
	JIT_AND = 4,
	JIT_SUB,
	JIT_XOR,
	JIT_CMP
};
/* Shifts of the second group. */
enum jit_shift {
	JIT_ROL = 0,
	JIT_ROR,
	JIT_SHL = 4,
	JIT_SHR,
	JIT_SAR = 7
};

void jit_asm_init(struct jit_asm *as);
void jit_asm_free(struct jit_asm *as);

uint32_t jit_label(struct jit_asm *as);             /* a new label */
void jit_bind(struct jit_asm *as, uint32_t label);  /* it stands here */
void jit_mark(struct jit_asm *as, uint32_t slot);   /* what follows stems from @slot */
void jit_align(struct jit_asm *as, unsigned bytes); /* with long nops, for loop heads */

/* Moves. */
void jit_mov_rr(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src); /* size 4, 8 */
void jit_mov_ri(struct jit_asm *as, uint8_t dst,
		uint64_t imm); /* xor, mov32, mov64; keeps no flags */
void jit_mov_ri_flags(struct jit_asm *as, uint8_t dst, uint64_t imm); /* the same, flags kept */
void jit_load(struct jit_asm *as, unsigned size, uint8_t dst,
	      struct jit_mem mem); /* zero-extends */
void jit_load_sx(struct jit_asm *as, unsigned size, unsigned to, uint8_t dst,
		 struct jit_mem mem); /* to 4 or 8 bytes */
void jit_store(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src);
void jit_store_i(struct jit_asm *as, unsigned size, struct jit_mem mem, int32_t imm);
void jit_movzx(struct jit_asm *as, unsigned from, uint8_t dst, uint8_t src); /* from 1, 2, 4 */
void jit_movsx(struct jit_asm *as, unsigned from, unsigned to, uint8_t dst,
	       uint8_t src); /* to 4, 8 */
void jit_lea(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem);
void jit_movbe_load(struct jit_asm *as, unsigned size, uint8_t dst,
		    struct jit_mem mem); /* 2 (not extended), 4, 8 */
void jit_push(struct jit_asm *as, uint8_t reg);
void jit_pop(struct jit_asm *as, uint8_t reg);
void jit_xchg_rr(struct jit_asm *as, unsigned size, uint8_t a, uint8_t b);
void jit_cmov(struct jit_asm *as, unsigned size, uint8_t cond, uint8_t dst, uint8_t src);
void jit_cmov_m(struct jit_asm *as, unsigned size, uint8_t cond, uint8_t dst, struct jit_mem mem);
void jit_setcc(struct jit_asm *as, uint8_t cond, uint8_t dst); /* the low byte only */

/* Arithmetic; two operands, size 1 to 8 with memory, 4 or 8 without. */
void jit_alu_rr(struct jit_asm *as, enum jit_alu alu, unsigned size, uint8_t dst, uint8_t src);
void jit_alu_ri(struct jit_asm *as, enum jit_alu alu, unsigned size, uint8_t dst, int32_t imm);
void jit_alu_rm(struct jit_asm *as, enum jit_alu alu, unsigned size, uint8_t dst,
		struct jit_mem mem);
void jit_alu_mr(struct jit_asm *as, enum jit_alu alu, unsigned size, struct jit_mem mem,
		uint8_t src);
void jit_alu_mi(struct jit_asm *as, enum jit_alu alu, unsigned size, struct jit_mem mem,
		int32_t imm);
void jit_test_rr(struct jit_asm *as, unsigned size, uint8_t a, uint8_t b); /* size 1 to 8 */
void jit_test_ri(struct jit_asm *as, unsigned size, uint8_t a,
		 int32_t imm); /* shortest size that has the same flags E, NE */
void jit_test_mi(struct jit_asm *as, unsigned size, struct jit_mem mem, int32_t imm);
void jit_inc(struct jit_asm *as, unsigned size, uint8_t reg);
void jit_dec(struct jit_asm *as, unsigned size, uint8_t reg);
void jit_neg(struct jit_asm *as, unsigned size, uint8_t reg);
void jit_not(struct jit_asm *as, unsigned size, uint8_t reg);
void jit_imul_rr(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src);
void jit_imul_rm(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem);
void jit_imul_rri(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src, int32_t imm);
void jit_mul(struct jit_asm *as, unsigned size, uint8_t src); /* rdx:rax = rax * src */
void jit_div(struct jit_asm *as, unsigned size, uint8_t src); /* unsigned, of rdx:rax */
void jit_idiv(struct jit_asm *as, unsigned size, uint8_t src);
void jit_cdq(struct jit_asm *as, unsigned size); /* cdq, cqo */
void jit_shift_i(struct jit_asm *as, enum jit_shift op, unsigned size, uint8_t reg,
		 uint8_t count); /* size 2 to 8 */
void jit_shift_cl(struct jit_asm *as, enum jit_shift op, unsigned size, uint8_t reg);
void jit_shiftx(struct jit_asm *as, enum jit_shift op, unsigned size, uint8_t dst, uint8_t src,
		uint8_t count); /* BMI2; SHL, SHR, SAR */
void jit_rorx(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src,
	      uint8_t count); /* BMI2 */
void jit_andn(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t inverted,
	      uint8_t src); /* BMI1 */
void jit_shld(struct jit_asm *as, unsigned size, uint8_t dst, uint8_t src, uint8_t count);
void jit_bswap(struct jit_asm *as, unsigned size, uint8_t reg); /* 4, 8 */

/* Atomics (all with a lock prefix, xchg by its nature). */
void jit_lock_alu_mr(struct jit_asm *as, enum jit_alu alu, unsigned size, struct jit_mem mem,
		     uint8_t src);
void jit_lock_xadd(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src);
void jit_lock_cmpxchg(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src);
void jit_xchg_mr(struct jit_asm *as, unsigned size, struct jit_mem mem, uint8_t src);

/* Vectors of four 32-bit numbers, registers xmm0 to xmm15; jit_load_words() zero-extends four
 * numbers of @size bytes (1, 2, 4), which takes SSE4.1 for the smaller ones. */
void jit_pxor(struct jit_asm *as, uint8_t dst, uint8_t src);
void jit_paddd(struct jit_asm *as, uint8_t dst, uint8_t src);
void jit_pshufd(struct jit_asm *as, uint8_t dst, uint8_t src, uint8_t order);
void jit_movd_to_vector(struct jit_asm *as, uint8_t dst, uint8_t src);
void jit_movd_from_vector(struct jit_asm *as, uint8_t dst, uint8_t src);
void jit_load_words(struct jit_asm *as, unsigned size, uint8_t dst, struct jit_mem mem);

/* Control. */
void jit_jmp(struct jit_asm *as, uint32_t label);
void jit_jcc(struct jit_asm *as, uint8_t cond, uint32_t label);
void jit_jmp_r(struct jit_asm *as, uint8_t reg);
void jit_jmp_m(struct jit_asm *as, struct jit_mem mem);
void jit_call(struct jit_asm *as, uint32_t label);
void jit_call_r(struct jit_asm *as, uint8_t reg);
/* To a function of the process: rel32 where it is near enough, else by way of r11. */
void jit_call_abs(struct jit_asm *as, const void *function);
void jit_jmp_abs(struct jit_asm *as, const void *function);
void jit_ret(struct jit_asm *as);
void jit_lfence(struct jit_asm *as);
void jit_int3(struct jit_asm *as);
void jit_lea_label(struct jit_asm *as, uint8_t dst, uint32_t label); /* rip-relative */

/*
 * The most bytes the code can take, then the code itself for running at @address, into @out, which
 * has that many. Returns its size, 0 if the assembler failed or a label was never bound. Marks and
 * jit_label_offset() are then those of the final code.
 */
size_t jit_asm_bound(const struct jit_asm *as);
size_t jit_asm_finish(struct jit_asm *as, uint64_t address, uint8_t *out);
uint32_t jit_label_offset(const struct jit_asm *as, uint32_t label);

#pragma GCC visibility pop

#endif
