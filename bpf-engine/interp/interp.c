/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Running a program: the frame's and the stack's set-up around the two loops. */
#include <string.h>
#include <linux/pkt_cls.h>
#include "claims.h"
#include "context.h"
#include "interp/interp.h"
#include "isa/effects.h"
#include "maps/ringbuf.h"

enum bpfe_outcome {
	OUTCOME_EXIT,
	OUTCOME_LOW, /* too little budget left for the fast loop */
	OUTCOME_BUDGET,
	OUTCOME_TRAP,
	OUTCOME_MEMORY,
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
static bool push_frame(struct bpfe_run_state *state, const struct bpfe_code *call)
{
	uintptr_t top = state->r[BPF_REG_10] - (uint64_t)call->off;
	struct bpfe_frame *frame = &state->frames[state->depth];

	if (state->depth == BPFE_MAX_FRAMES - 1 || top - (uintptr_t)state->stack < call->extra)
		return false;
	frame->resume = call + 1;
	frame->bottom = state->bottom;
	memcpy(frame->saved, &state->r[BPF_REG_6], sizeof(frame->saved));
	state->depth++;
	state->r[BPF_REG_10] = top;
	state->bottom = top - call->extra;
	memset((void *)state->bottom, 0, call->extra);
	return true;
}

static const struct bpfe_code *pop_frame(struct bpfe_run_state *state)
{
	const struct bpfe_frame *frame = &state->frames[--state->depth];

	memcpy(&state->r[BPF_REG_6], frame->saved, sizeof(frame->saved));
	state->bottom = frame->bottom;
	return frame->resume;
}

static void look(const struct bpfe_watch *watch, const struct bpfe_run_state *state,
		 const struct bpfe_code *pc)
{
	const struct bpfe_program *prog = state->env.prog;
	struct bpfe_watch_point point = {.slot = prog->slots[pc - prog->code],
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

static void begin(struct bpfe_run_state *state, const struct bpfe_program *prog,
		  struct bpfe_xdp_buff *xdp)
{
	uintptr_t top = (uintptr_t)state->stack + sizeof(state->stack);

	state->env = (struct bpfe_run_env){.xdp = xdp, .prog = prog, .cpu = xdp->rx_queue_index};
	memset(state->r, 0, sizeof(state->r));
	state->r[BPF_REG_1] = (uintptr_t)xdp;
	state->r[BPF_REG_10] = top;
	state->pc = prog->code;
	state->base = (uintptr_t)prog->code;
	state->bottom = top - prog->main_stack;
	state->depth = 0;
	state->protocol = prog->type == BPF_PROG_TYPE_SCHED_CLS ? bpfe_ctx_protocol(xdp) : 0;
	state->checked = prog->flags & BPFE_LOAD_CHECKED;
	memset((void *)state->bottom, 0, prog->main_stack);
}

static enum bpfe_abort abort_of(enum bpfe_outcome outcome)
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
	}
	__builtin_unreachable();
}

static bool is_redirect(const struct bpfe_program *prog, uint32_t verdict)
{
	return verdict == (prog->type == BPF_PROG_TYPE_SCHED_CLS ? TC_ACT_REDIRECT : XDP_REDIRECT);
}

struct bpfe_result bpfe_run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp)
{
	const size_t insn_bytes = sizeof(struct bpfe_code);
	enum bpfe_outcome outcome = OUTCOME_LOW;
	struct bpfe_result result = {0};
	struct bpfe_run_state state;

	begin(&state, prog, xdp);
	if (!state.checked && prog->budget >= prog->n_code)
		outcome = run_fast(&state, (prog->budget - prog->n_code) * insn_bytes);
	if (outcome == OUTCOME_LOW)
		outcome = run_strict(&state, prog->budget * insn_bytes);

	result.insns = ((uintptr_t)state.pc - state.base) / insn_bytes;
	result.abort = abort_of(outcome);
	if (outcome == OUTCOME_EXIT) {
		result.r0 = state.r[BPF_REG_0];
		result.retval = (uint32_t)state.r[BPF_REG_0];
		if (is_redirect(prog, result.retval))
			result.redirect = state.env.redirect;
	} else {
		result.r0 = result.retval = XDP_ABORTED;
		result.abort_insn = prog->slots[state.pc - prog->code];
	}
	bpfe_run_drop_held(&state.env);
	return result;
}
