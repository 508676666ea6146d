/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Running a program: the frame's and the stack's set-up around the two loops. */
#include <string.h>
#include "claims.h"
#include "context.h"
#include "interp/interp.h"
#include "isa/effects.h"
#include "maps/prog_array.h"
#include "run.h"

enum bpfe_outcome {
	OUTCOME_EXIT,
	OUTCOME_LOW, /* too little budget left for the fast loop */
	OUTCOME_BUDGET,
	OUTCOME_TRAP,
	OUTCOME_MEMORY,
	OUTCOME_HELPER, /* in a helper, perhaps in a callback's run; env.abort says why */
};

static inline uint64_t cmpxchg64(uint64_t *cell, uint64_t expected, uint64_t desired)
{
	__atomic_compare_exchange_n(cell, &expected, desired, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return expected;
}

static inline uint32_t cmpxchg32(uint32_t *cell, uint32_t expected, uint32_t desired)
{
	__atomic_compare_exchange_n(cell, &expected, desired, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return expected;
}

static uint64_t context_load(const struct bpfe_run_state *state, const struct bpfe_code *code)
{
	unsigned size = bpfe_part_size(code->off), unused = 64 - 8 * size;
	uint64_t value = bpfe_ctx_load(state->env.xdp, state->protocol, (uint8_t)code->extra,
				       bpfe_part_byte(code->off), size);

	if (bpfe_part_signed(code->off))
		return (uint64_t)((int64_t)(value << unused) >> unused);
	return value;
}

static void context_store(struct bpfe_xdp_buff *xdp, const struct bpfe_code *code, uint64_t value)
{
	bpfe_ctx_store(xdp, (uint8_t)code->extra, bpfe_part_byte(code->off),
		       bpfe_part_size(code->off), value);
}

static inline uint32_t context_u32(const struct bpfe_xdp_buff *xdp, int64_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)xdp + offset, sizeof(value));
	return value;
}

/*
 * Enter a function: its stack lies below its caller's and starts zeroed. The verifier proved that
 * frames and stack suffice; a wrong proof must not cost more than the run.
 */
static bool push_frame(struct bpfe_run_state *state, const struct bpfe_code *resume, uint32_t stack)
{
	uintptr_t top = state->bottom;
	struct bpfe_frame *frame = &state->frames[state->depth];

	if (state->depth == BPFE_RUN_FRAMES - 1 || top - (uintptr_t)state->stack < stack)
		return false;
	frame->resume = resume;
	frame->bottom = state->bottom;
	frame->prog = state->env.prog;
	frame->loops = state->loops;
	memcpy(frame->saved, &state->r[BPF_REG_6], sizeof(frame->saved));
	state->depth++;
	state->loops = 0;
	state->r[BPF_REG_10] = top;
	state->bottom = top - stack;
	memset((void *)state->bottom, 0, stack);
	return true;
}

static const struct bpfe_code *pop_frame(struct bpfe_run_state *state)
{
	const struct bpfe_frame *frame = &state->frames[--state->depth];

	memcpy(&state->r[BPF_REG_6], frame->saved, sizeof(frame->saved));
	state->bottom = frame->bottom;
	state->env.prog = frame->prog;
	state->loops = frame->loops;
	return frame->resume;
}

/*
 * The fast loop may run up to where the budget left is as long as the longest program of the run,
 * and never where one of them is to be checked.
 */
static void limit_fast_loop(struct bpfe_run_state *state, const struct bpfe_program *prog)
{
	uintptr_t longest = prog->n_code * sizeof(struct bpfe_code);
	uintptr_t limit = state->limit > longest ? state->limit - longest : 0;

	if (prog->flags & BPFE_LOAD_CHECKED)
		state->checked = true;
	if (state->checked)
		limit = 0;
	if (limit < state->fast_limit)
		state->fast_limit = limit;
}

/* The program that bpf_tail_call(r1, r2, r3) goes to, NULL: it goes on behind the call. */
static const struct bpfe_program *tail_call(struct bpfe_run_state *state)
{
	const struct bpfe_map *map = (const struct bpfe_map *)(uintptr_t)state->r[BPF_REG_2];
	const struct bpfe_program *from = state->env.prog, *to;

	if (state->tail_calls == BPFE_MAX_TAIL_CALLS)
		return NULL;
	to = bpfe_prog_array_get(map, (uint32_t)state->r[BPF_REG_3]);
	if (!to || to->type != from->type || to->mem_size != from->mem_size)
		return NULL;
	return to;
}

/* The tail call succeeds: @to runs in place of the current function, and returns to its caller. */
static bool replace_frame(struct bpfe_run_state *state, const struct bpfe_program *to)
{
	uintptr_t top = state->r[BPF_REG_10];

	if (top - (uintptr_t)state->stack < to->main_stack)
		return false;
	state->tail_calls++;
	state->loops = 0;
	state->env.prog = to;
	state->bottom = top - to->main_stack;
	memset((void *)state->bottom, 0, to->main_stack);
	limit_fast_loop(state, to);
	return true;
}

/*
 * may_goto, when so many bytes of code were executed. The loop goes on BPFE_MAX_LOOPS times in a
 * frame, as in Linux, and only while the run has executed less than half of its budget: the other
 * half is there to finish with. Every engine counts both alike.
 */
static inline bool may_go_on(struct bpfe_run_state *state, uintptr_t executed)
{
	return executed < state->limit / 2 && state->loops++ < BPFE_MAX_LOOPS;
}

/* What the helper just called adds to the instructions executed, in bytes of code. */
static uintptr_t charge(struct bpfe_run_state *state)
{
	uint64_t most = state->limit / sizeof(struct bpfe_code) + 1;
	uint64_t cost = state->env.cost < most ? state->env.cost : most;

	state->env.cost = 0;
	return cost * sizeof(struct bpfe_code);
}

/* r6 holds the context, which legacy packet access goes by; there is none over plain memory. */
static bool has_context(const struct bpfe_run_state *state)
{
	return state->env.prog->type == BPFE_PROG_MEM ||
	       state->r[BPF_REG_6] == (uintptr_t)state->env.xdp;
}

static void look(const struct bpfe_watch *watch, const struct bpfe_run_state *state,
		 const struct bpfe_code *pc)
{
	const struct bpfe_program *prog = state->env.prog;
	struct bpfe_watch_point point;

	if (prog->watch != watch || state->depth >= BPFE_MAX_FRAMES)
		return; /* a program that was tail called, and frames it left */
	point = (struct bpfe_watch_point){.slot = prog->slots[pc - prog->code],
					  .depth = state->depth,
					  .r = state->r,
					  .xdp = state->env.xdp};

	for (uint32_t f = 0; f < state->depth; f++)
		point.tops[f] = state->frames[f].saved[BPF_REG_10 - BPF_REG_6];
	point.tops[state->depth] = state->r[BPF_REG_10];
	watch->fn(watch->opaque, &point);
}

void bpfe_program_watch(struct bpfe_program *prog, const struct bpfe_watch *watch)
{
	prog->watch = watch;
}

#define LOOP_NAME   run_fast
#define LOOP_STRICT 0
#include "interp/interp_loop.h"

#define LOOP_NAME   run_strict
#define LOOP_STRICT 1
#include "interp/interp_loop.h"

static enum bpfe_abort abort_of(const struct bpfe_run_state *state, enum bpfe_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_EXIT:
		return BPFE_ABORT_NONE;
	case OUTCOME_LOW:
	case OUTCOME_BUDGET:
		return BPFE_ABORT_BUDGET;
	case OUTCOME_TRAP:
		return BPFE_ABORT_TRAP;
	case OUTCOME_MEMORY:
		return BPFE_ABORT_MEMORY;
	case OUTCOME_HELPER:
		return state->env.abort;
	}
	__builtin_unreachable();
}

static enum bpfe_outcome run_loops(struct bpfe_run_state *state)
{
	enum bpfe_outcome outcome = OUTCOME_LOW;

	if (state->fast_limit)
		outcome = run_fast(state);
	if (outcome == OUTCOME_LOW)
		outcome = run_strict(state);
	return outcome;
}

/*
 * struct bpfe_run_env.invoke: a loop inside the one that called the helper, over the same state. It
 * counts on from the call, and leaves its count to the caller.
 */
static uint64_t invoke(struct bpfe_run_env *env, uint64_t fn, uint64_t r1, uint64_t r2, uint64_t r3,
		       uint64_t r4, uint64_t r5)
{
	struct bpfe_run_state *state = (struct bpfe_run_state *)env;
	const struct bpfe_function *function = bpfe_function_at(env->prog, fn);
	const struct bpfe_code *call = state->pc;
	const uint64_t args[5] = {r1, r2, r3, r4, r5};
	uintptr_t base = state->base;
	uint32_t floor = state->floor;
	enum bpfe_outcome outcome = OUTCOME_TRAP;

	if (env->abort != BPFE_ABORT_NONE)
		return 0;
	if (function && push_frame(state, call + 1, function->stack)) {
		memcpy(&state->r[BPF_REG_1], args, sizeof(args));
		state->floor = state->depth;
		state->pc = env->prog->code + function->code;
		state->base = (uintptr_t)state->pc - ((uintptr_t)(call + 1) - base);
		outcome = run_loops(state);
	}
	if (outcome != OUTCOME_EXIT) {
		env->abort = abort_of(state, outcome);
		return 0;
	}
	pop_frame(state);
	base = (uintptr_t)(call + 1) - ((uintptr_t)state->pc - state->base);
	state->pc = call;
	state->base = base;
	state->floor = floor;
	return state->r[BPF_REG_0];
}

static void begin(struct bpfe_run_state *state, const struct bpfe_program *prog,
		  struct bpfe_xdp_buff *xdp)
{
	uintptr_t top = (uintptr_t)&state->stack[sizeof(state->stack) / sizeof(state->stack[0])];

	bpfe_env_begin(&state->env, prog, xdp);
	state->env.invoke = invoke;
	memset(state->r, 0, sizeof(state->r));
	state->r[BPF_REG_10] = top;
	state->pc = prog->code;
	state->base = (uintptr_t)prog->code;
	state->bottom = top - prog->main_stack;
	state->limit = prog->budget * sizeof(struct bpfe_code);
	state->fast_limit = UINTPTR_MAX;
	state->depth = state->floor = state->loops = state->tail_calls = 0;
	state->protocol = prog->type == BPF_PROG_TYPE_SCHED_CLS ? bpfe_ctx_protocol(xdp) : 0;
	state->checked = false;
	limit_fast_loop(state, prog);
	if (prog->main_stack)
		memset((void *)state->bottom, 0, prog->main_stack);
}

static struct bpfe_result finish(struct bpfe_run_state *state, enum bpfe_outcome outcome)
{
	const struct bpfe_program *prog = state->env.prog;
	uint64_t executed = (uintptr_t)state->pc - state->base;
	struct bpfe_result result = {.abort = abort_of(state, outcome)};

	bpfe_env_let_go(&state->env);
	if (executed > state->limit)
		executed = state->limit; /* a helper's work went beyond it */
	result.insns = executed / sizeof(struct bpfe_code);
	if (outcome == OUTCOME_EXIT) {
		result.r0 = state->r[BPF_REG_0];
		result.retval = (uint32_t)state->r[BPF_REG_0];
		if (bpfe_redirects(prog->type, result.retval))
			result.redirect = state->env.redirect;
	} else {
		result.r0 = result.retval = XDP_ABORTED;
		result.abort_insn = prog->slots[state->pc - prog->code];
	}
	return result;
}

struct bpfe_result bpfe_interpret(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
				  uint64_t r1, uint64_t r2)
{
	struct bpfe_run_state state;

	begin(&state, prog, xdp);
	state.r[BPF_REG_1] = r1;
	state.r[BPF_REG_2] = r2;
	return finish(&state, run_loops(&state));
}
