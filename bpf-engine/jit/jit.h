/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The compiler's passes, in the order in which compile.c runs them, and the state of a run in
 * compiled code.
 */
#ifndef BPFE_JIT_H
#define BPFE_JIT_H

#include "internal.h"
#include "jit/lir.h"

#pragma GCC visibility push(hidden) /* see lir.h */

/* ---- Passes over the intermediate form ------------------------------------------------------ */

struct lir;

/* Every optimising pass: rewrites @lir, changes no result. Failure is lir->failed. */
typedef void (*jit_pass_fn)(struct lir *lir);

struct jit_options {
	uint32_t relax;  /* enum bpfe_relax: hardening that is switched off */
	uint32_t passes; /* bit n of enum jit_pass: skip it (tests and measurement) */
	uint64_t seed;   /* of blinding and random start */
	uint32_t budget;
	bool count;             /* count instructions even if the program is known to end */
	struct bpfe_log *print; /* gets the program as it goes to lower.c; NULL */
	jit_pass_fn last;       /* for tests: another pass, behind hardening; NULL */
};

/* build*.c: a verified image as operations. Helpers with small bodies are expanded on the way
 * (inline*.c). -ENOMEM, -EOPNOTSUPP (an instruction that only the interpreter has; logged). */
int jit_build(struct lir *lir, const struct bpfe_image *image, const struct jit_options *options,
	      struct bpfe_log *log);

enum jit_pass {
	JIT_PASS_VALUES,  /* opt_values.c: constants, known bits, copies, extensions */
	JIT_PASS_IDIOMS,  /* opt_idioms.c: rotations, addresses' arithmetic, tests of bits */
	JIT_PASS_ADDRESS, /* opt_address.c: addressing modes, memory operands, read-modify-write */
	JIT_PASS_FORWARD, /* opt_forward.c: stack stores to later loads */
	JIT_PASS_PROMOTE, /* opt_promote.c: stack slots to free registers */
	JIT_PASS_DEAD,    /* opt_dead.c: what nobody reads */
	JIT_PASS_HARDEN,  /* harden*.c: masks, clamps, blinding; as options->relax says */
	JIT_PASS_UNROLL,  /* opt_unroll.c: several rounds of a loop in one */
	JIT_PASS_SUM,     /* opt_sum.c: sums of consecutive numbers, by vectors */
	JIT_PASS_LAYOUT,  /* layout.c: order of blocks, rotated loops, inverted branches */
	JIT_PASSES
};

/* flow.c: predecessors, liveness (live_in, live_out of every block), loops. Blocks nothing leads
 * to become empty. Passes call it when they need it fresh. */
void jit_flow(struct lir *lir);

void jit_opt_values(struct lir *lir);
void jit_opt_idioms(struct lir *lir);
void jit_opt_address(struct lir *lir);
void jit_opt_forward(struct lir *lir);
void jit_opt_promote(struct lir *lir);
void jit_opt_dead(struct lir *lir);
void jit_opt_unroll(struct lir *lir);
void jit_opt_sum(struct lir *lir);
void jit_opt_sum_checked(struct lir *lir);
/* Masks, before anything else is done with what the builder made; the rest of hardening. */
void jit_harden_moves(struct lir *lir, const struct jit_options *options);
void jit_harden(struct lir *lir, const struct jit_options *options);
/* For look-ups that are inlined: let @reg, an index into an array of @entries, count as 0 in
 * @block's code from here on if it is not below that, whatever was branched on. Nothing if
 * @options relax it. */
void jit_harden_index(struct lir *lir, uint32_t block, uint32_t slot, uint8_t reg, uint32_t entries,
		      const struct jit_options *options);
/* The same: @reg points to the start of one object of @size bytes there, or is 0. What the pass
 * does not know it takes for nothing it can trust. */
void jit_harden_object(struct lir *lir, uint32_t block, uint32_t slot, uint8_t reg, uint32_t size,
		       const struct jit_options *options);
/* Sets lir->order. Without the pass: blocks by number. */
void jit_layout(struct lir *lir, bool optimise);

/* ---- Compiled programs ---------------------------------------------------------------------- */

/* The state of a run. Compiled code has its address in r13. */
struct bpfe_jit_run {
	struct bpfe_run_env env; /* first: helpers get this */
	int64_t budget;          /* left, where r12 is not loaded */
	int64_t half_budget;     /* may_goto goes on while as much is left */
	void *unwind;            /* rsp of the innermost entry, for a run that is cut short */
	uint32_t tail_calls;
	uint32_t protocol;   /* of the frame as it arrived: __sk_buff.protocol */
	uint32_t abort_slot; /* where the run was cut short */
	bool uncounted;      /* a program ran that does not count */
};

/* The code of a program, with the System V ABI. r1 and r2 are the program's. */
typedef uint64_t (*jit_entry_fn)(struct bpfe_jit_run *run, uint64_t r1, uint64_t r2);

struct bpfe_jit {
	jit_entry_fn entry; /* the program itself; a tail call jumps here too */
	bool counts;        /* result.insns is known */
	bool uses_run;      /* what it is entered with need not be anything otherwise */
	bool may_abort;     /* to be entered by way of a stub that can be unwound to */
	uint32_t n_functions;
	const void **functions; /* code of each function of the image, for callbacks */
	const uint8_t *code;
	size_t code_size;
	struct bpfe_jit_mark *marks; /* what lies where, sorted by offset */
	uint32_t n_marks;
	struct jit_region *region; /* exec_mem.h */
	struct jit_symbol *symbol;
};

/*
 * Compile @image. -EOPNOTSUPP: this host or this program cannot be compiled (the log says why);
 * -ENOMEM; -EPERM: executable memory is refused by the system (the log names what refused).
 */
int bpfe_jit_compile(const struct bpfe_image *image, const struct jit_options *options,
		     const char *name, struct bpfe_jit **jit, struct bpfe_log *log);
void bpfe_jit_free(struct bpfe_jit *jit);

/* Can this process run compiled code (processor, executable memory)? 0, or as above. */
int bpfe_jit_available(struct bpfe_log *log);

/* jit/run.c: bpfe_run() and bpfe_run_mem() of a program that has code. */
struct bpfe_result bpfe_jit_run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
				uint64_t r1, uint64_t r2);

/* ---- What compiled code calls (jit/run.c) --------------------------------------------------- */

/*
 * Run @code, which is an entry or a function of a program for callbacks, in a way that the run can
 * be cut short: then what it returns means nothing and env.abort is set.
 */
uint64_t bpfe_jit_enter(struct bpfe_jit_run *run, uint64_t r1, uint64_t r2, uint64_t r3,
			uint64_t r4, uint64_t r5, const void *code);

/* Cut @run short: bpfe_jit_enter() returns. Jumped to. */
void bpfe_jit_unwind(struct bpfe_jit_run *run);

/* bpf_tail_call(@ctx, @map, @index): the code to go on with, NULL: the call fails. */
const void *jit_tail_call(struct bpfe_jit_run *run, uint64_t ctx, const struct bpfe_map *map,
			  uint64_t index);

/* A computed field of the context, @part as lir_ctx_part() has it. */
uint64_t jit_ctx_load(struct bpfe_jit_run *run, uint32_t part);
void jit_ctx_store(struct bpfe_jit_run *run, uint32_t part, uint64_t value);

/* Legacy packet access, called like a helper: @size bytes at @offset in host order, or
 * JIT_NO_PACKET, sign-extended, if the frame has none there. */
#define JIT_NO_PACKET (-1)
uint64_t jit_load_packet(struct bpfe_run_env *env, uint64_t offset, uint64_t size, uint64_t r3,
			 uint64_t r4, uint64_t r5);

#pragma GCC visibility pop

#endif
