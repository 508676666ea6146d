/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The meaning of the JIT's intermediate form, written down plainly: runs a program of it, so that a
 * test can compare what it does before and after a pass.
 *
 * Memory is one array per kind (enum bpfe_mem_kind); addresses count modulo its size, so that no
 * access is outside. What a program may not rely on is filled with what the caller chooses
 * (junk): run both sides with different junk and equal results mean that neither looked.
 */
#ifndef TESTS_LIR_EVAL_H
#define TESTS_LIR_EVAL_H

#include "jit/lir.h"

#define LIR_EVAL_MEMORY 512u
#define LIR_EVAL_KINDS  (BPFE_MEM_OTHER + 1)

enum lir_eval_end {
	LIR_EVAL_EXIT,
	LIR_EVAL_TRAP,
	LIR_EVAL_STEPS, /* the program ran for longer than it was given steps for */
	LIR_EVAL_ERROR, /* an operation without a meaning, or control that goes nowhere */
};

struct lir_eval {
	uint64_t regs[LIR_NONE];
	uint8_t memory[LIR_EVAL_KINDS][LIR_EVAL_MEMORY];
	uint64_t junk;   /* what undefined registers are made from; it changes */
	uint64_t trace;  /* a hash of all calls: function, arguments, memory they could see */
	uint64_t budget; /* charges added up */
	uint32_t steps;  /* left */
	uint32_t hidden; /* bytes at the bottom of the stack's memory that no call sees */
};

/* Run function 0 of @lir from its entry with registers and memory as they are in @eval. What ends
 * it; rax, memory, trace and budget are the result. */
enum lir_eval_end lir_eval_run(const struct lir *lir, struct lir_eval *eval);

/* Run only @block's operations up to its end (branches are not taken): registers and memory. */
enum lir_eval_end lir_eval_block(const struct lir *lir, uint32_t block, struct lir_eval *eval);

/* Does cond(a, b) hold for operands of @size bytes? */
bool lir_eval_cond(uint8_t cond, uint8_t size, uint64_t a, uint64_t b);

#endif
