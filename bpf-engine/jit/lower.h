/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From operations to machine code (lower*.c): one function per operation. Scratch registers, dead
 * between operations, are rdi and r11.
 *
 * Frame, from high addresses to low: return address, saved registers, BPF's stack (r10 points to
 * its end), the JIT's cells, padding, rsp. A function that calls nothing does not move rsp for up
 * to 128 bytes: signal handlers keep off those.
 */
#ifndef BPFE_JIT_LOWER_H
#define BPFE_JIT_LOWER_H

#include "jit/asm.h"
#include "jit/jit.h"

#pragma GCC visibility push(hidden) /* see lir.h */

struct lower;

/* Code that is seldom run and lies behind everything else. */
struct lower_cold {
	void (*emit)(struct lower *lo, const struct lower_cold *cold);
	const struct lir_op *op;
	uint32_t label, resume; /* its own, and where it goes back to */
	uint32_t function;
	uint32_t slot;
};

struct lower_frame {
	lir_set saved;  /* registers pushed, in the order of their numbers */
	uint32_t below; /* bytes that rsp is moved down */
	int32_t fp;     /* BPF's r10 is rsp + fp */
	bool sets_run;  /* it is entered from outside: r13, and r12 if the program counts */
};

struct lower {
	struct jit_asm as;
	struct lir *lir;
	uint32_t *blocks;    /* label of each block */
	uint32_t *functions; /* label of each function's prologue */
	struct lower_frame *frames;
	uint32_t function;              /* being lowered */
	uint32_t next;                  /* where the block being lowered goes on behind its end */
	uint32_t fallthrough;           /* the block laid out behind the one being lowered */
	const struct lir_op **compared; /* by block: what the flags are of when it is entered */
	const struct lir_op *flags;     /* what they are of: lower_compare() need not again */
	uint32_t *way;                  /* by block: one that leads there */
	uint32_t *ways;                 /* by block: how many lead there */
	lir_set constants;              /* registers that hold a constant: which */
	uint64_t constant[LIR_FP];
	bool has_nowhere;                          /* r11 is LIR_NOWHERE */
	bool needs_run;                            /* something uses r13 */
	uint32_t abort_budget, abort_trap, unwind; /* labels; they set env.abort */
	struct lower_cold *cold;
	uint32_t n_cold, room_cold;
};

/* All of it. False: out of memory, or something cannot be encoded. entries[f] is the label that
 * callers from outside (C, other programs) use for function f. */
bool jit_lower(struct lower *lo, struct lir *lir, uint32_t *entries);
void jit_lower_free(struct lower *lo);

/* ---- lower.c: what operations share --------------------------------------------------------- */

/* The memory operand of @op. May use r11 (an index that is LIR_FP). */
struct jit_mem lower_mem(struct lower *lo, const struct lir_op *op);
struct jit_mem lower_mem_at(uint8_t base, int32_t disp);
/* @reg, or, if it is LIR_FP, @scratch with its value. Keeps the flags. */
uint8_t lower_reg(struct lower *lo, uint8_t reg, uint8_t scratch);
/* b of @op in a register: its own, or @scratch with its value (size bytes of memory). */
uint8_t lower_b(struct lower *lo, const struct lir_op *op, uint8_t scratch);
/* dst = src unless they are the same; of size 4 it zero-extends all the same. */
void lower_move(struct lower *lo, unsigned size, uint8_t dst, uint8_t src);
/* lower_alu.c: the machine's name of an operation: LIR_ADD, LIR_SUB, LIR_AND, LIR_OR, LIR_XOR. */
enum jit_alu lower_alu_of(uint8_t code);

/* Have @emit make code later; its label is to be jumped to from here, and it goes back to resume,
 * which is to be bound. NULL: out of memory. Valid until the next call. */
struct lower_cold *lower_cold(struct lower *lo,
			      void (*emit)(struct lower *lo, const struct lower_cold *cold),
			      const struct lir_op *op);

/* lower_constant.c: keep track of lo->constants: behind @op; where @block begins, which was laid
 * out behind @before (LIR_NO_BLOCK: behind none). */
void lower_note_constant(struct lower *lo, const struct lir_op *op);
void lower_keep_constants(struct lower *lo, uint32_t before, uint32_t block);
/* dst = imm, flags kept or not: from a constant nearby if that is shorter. */
void lower_constant(struct lower *lo, uint8_t dst, uint64_t imm, bool keep_flags);

/* lower_prepare.c: note in the block's operations what others let them leave out. */
void lower_prepare(struct lower *lo, uint32_t b);

void lower_epilogue(struct lower *lo); /* all but the return */

/* Offsets into struct bpfe_jit_run. */
#define LOWER_RUN(member) lower_mem_at(LIR_R13, (int32_t)offsetof(struct bpfe_jit_run, member))

typedef void (*lower_fn)(struct lower *lo, const struct lir_op *op);

/* ---- One function per operation ------------------------------------------------------------- */

/* lower_alu.c */
void lower_mov(struct lower *lo, const struct lir_op *op);
void lower_arithmetic(struct lower *lo, const struct lir_op *op); /* add, sub, and, or, xor, mul */
void lower_shift(struct lower *lo, const struct lir_op *op);
void lower_rotate(struct lower *lo, const struct lir_op *op);
void lower_shld(struct lower *lo, const struct lir_op *op);
void lower_sum(struct lower *lo, const struct lir_op *op);
void lower_neg(struct lower *lo, const struct lir_op *op);
void lower_bswap(struct lower *lo, const struct lir_op *op);
void lower_extend(struct lower *lo, const struct lir_op *op);
void lower_lea(struct lower *lo, const struct lir_op *op);

/* lower_div.c */
void lower_divide(struct lower *lo, const struct lir_op *op);

/* lower_mem.c */
void lower_load(struct lower *lo, const struct lir_op *op);
void lower_store(struct lower *lo, const struct lir_op *op);
void lower_rmw(struct lower *lo, const struct lir_op *op);
void lower_atomic(struct lower *lo, const struct lir_op *op);
void lower_fetch(struct lower *lo, const struct lir_op *op);
void lower_xchg(struct lower *lo, const struct lir_op *op);
void lower_cmpxchg(struct lower *lo, const struct lir_op *op);
void lower_fence(struct lower *lo, const struct lir_op *op);
void lower_ctx_load(struct lower *lo, const struct lir_op *op);
void lower_ctx_store(struct lower *lo, const struct lir_op *op);

/* lower_flow.c */
void lower_jump(struct lower *lo, const struct lir_op *op);
void lower_branch(struct lower *lo, const struct lir_op *op);
/* Set the flags for a and b of @op, @imm if b is an immediate, unless they are set. Returns the
 * condition to look for, as encodings have it. */
uint8_t lower_compare(struct lower *lo, const struct lir_op *op, int32_t imm);
void lower_select(struct lower *lo, const struct lir_op *op);
void lower_setcc(struct lower *lo, const struct lir_op *op);
void lower_may_goto(struct lower *lo, const struct lir_op *op);
void lower_charge(struct lower *lo, const struct lir_op *op);
void lower_exit(struct lower *lo, const struct lir_op *op);
void lower_trap(struct lower *lo, const struct lir_op *op);
/* Where the block being lowered goes on if its last operation does not say. */
void lower_fall(struct lower *lo, uint32_t next);

/* lower_harden.c */
void lower_mask(struct lower *lo, const struct lir_op *op);
void lower_guard(struct lower *lo, const struct lir_op *op);
void lower_clamp(struct lower *lo, const struct lir_op *op);

/* lower_call.c */
void lower_call_helper(struct lower *lo, const struct lir_op *op);
void lower_call_direct(struct lower *lo, const struct lir_op *op);
void lower_call_local(struct lower *lo, const struct lir_op *op);
void lower_callx(struct lower *lo, const struct lir_op *op);
void lower_tail_call(struct lower *lo, const struct lir_op *op);
/* What C calls to run function @f: a label. */
uint32_t lower_callback_entry(struct lower *lo, uint32_t f);

#pragma GCC visibility pop

#endif
