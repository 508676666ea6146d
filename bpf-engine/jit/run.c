/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Runs of compiled programs: the way in and the way out of one that is cut short, and the C
 * functions that compiled code calls.
 */
#include <string.h>
#include "context.h"
#include "interp/interp.h"
#include "jit/jit.h"
#include "maps/prog_array.h"
#include "run.h"

/*
 * bpfe_jit_enter() keeps what C expects a function to keep, and the place on the stack where that
 * lies in run->unwind. bpfe_jit_unwind() goes back there, past all frames of compiled code, which
 * need nothing done; frames of C are never between the two, because a helper that calls back does
 * it by bpfe_jit_enter() and returns as soon as env.abort is set. In a function because only there
 * can text of an assembler know the layout of a struct; nobody calls it.
 */
__attribute__((used, noinline)) static void entries(void)
{
	__asm__ volatile(".pushsection .text\n"
			 ".p2align 4\n"
			 ".globl bpfe_jit_enter\n"
			 ".type bpfe_jit_enter, @function\n"
			 "bpfe_jit_enter:\n"
			 "	push %%rbx\n"
			 "	push %%rbp\n"
			 "	push %%r12\n"
			 "	push %%r13\n"
			 "	push %%r14\n"
			 "	push %%r15\n"
			 "	push %c[unwind](%%rdi)\n"
			 "	mov %%rsp, %c[unwind](%%rdi)\n"
			 "	mov %%rdi, %%r13\n"
			 "	call *64(%%rsp)\n" /* the seventh argument */
			 "0:	pop %c[unwind](%%r13)\n"
			 "	pop %%r15\n"
			 "	pop %%r14\n"
			 "	pop %%r13\n"
			 "	pop %%r12\n"
			 "	pop %%rbp\n"
			 "	pop %%rbx\n"
			 "	ret\n"
			 ".size bpfe_jit_enter, .-bpfe_jit_enter\n"
			 ".globl bpfe_jit_unwind\n"
			 ".type bpfe_jit_unwind, @function\n"
			 "bpfe_jit_unwind:\n"
			 "	mov %%rdi, %%r13\n"
			 "	mov %c[unwind](%%rdi), %%rsp\n"
			 "	xor %%eax, %%eax\n"
			 "	jmp 0b\n"
			 ".size bpfe_jit_unwind, .-bpfe_jit_unwind\n"
			 ".popsection\n"
			 :
			 : [unwind] "i"(offsetof(struct bpfe_jit_run, unwind)));
}

/* ---- What compiled code calls --------------------------------------------------------------- */

const void *jit_tail_call(struct bpfe_jit_run *run, uint64_t ctx, const struct bpfe_map *map,
			  uint64_t index)
{
	const struct bpfe_program *from = run->env.prog, *to;

	if (run->tail_calls == BPFE_MAX_TAIL_CALLS)
		return NULL;
	to = bpfe_prog_array_get(map, (uint32_t)index);
	if (!to || to->type != from->type || to->mem_size != from->mem_size || !to->jit)
		return NULL;
	run->tail_calls++;
	run->env.prog = to;
	if (!to->jit->counts)
		run->uncounted = true;
	return (const void *)(uintptr_t)to->jit->entry;
}

uint64_t jit_ctx_load(struct bpfe_jit_run *run, uint32_t part)
{
	unsigned size = part >> 16 & 0xff, unused = 64 - 8 * size;
	uint64_t value =
		bpfe_ctx_load(run->env.xdp, run->protocol, (uint8_t)part, part >> 8 & 0xff, size);

	if (part >> 24 & 1)
		return (uint64_t)((int64_t)(value << unused) >> unused);
	return value;
}

void jit_ctx_store(struct bpfe_jit_run *run, uint32_t part, uint64_t value)
{
	bpfe_ctx_store(run->env.xdp, (uint8_t)part, part >> 8 & 0xff, part >> 16 & 0xff, value);
}

uint64_t jit_load_packet(struct bpfe_run_env *env, uint64_t offset, uint64_t size, uint64_t r3,
			 uint64_t r4, uint64_t r5)
{
	const uint8_t *at = bpfe_packet_bytes(env->xdp, (int32_t)offset, size);
	uint32_t word;
	uint16_t half;

	if (!at)
		return (uint64_t)JIT_NO_PACKET;
	switch (size) {
	case sizeof(word):
		memcpy(&word, at, sizeof(word));
		return __builtin_bswap32(word);
	case sizeof(half):
		memcpy(&half, at, sizeof(half));
		return __builtin_bswap16(half);
	default:
		return *at;
	}
}

/* struct bpfe_run_env.invoke. */
static uint64_t invoke(struct bpfe_run_env *env, uint64_t fn, uint64_t r1, uint64_t r2, uint64_t r3,
		       uint64_t r4, uint64_t r5)
{
	struct bpfe_jit_run *run = (struct bpfe_jit_run *)env;
	const struct bpfe_jit *jit = env->prog->jit;

	if (env->abort != BPFE_ABORT_NONE)
		return 0;
	if (!bpfe_function_at(env->prog, fn)) {
		env->abort = BPFE_ABORT_TRAP;
		return 0;
	}
	return bpfe_jit_enter(run, r1, r2, r3, r4, r5, jit->functions[fn]);
}

/* ---- Runs ----------------------------------------------------------------------------------- */

static void begin(struct bpfe_jit_run *run, const struct bpfe_program *prog,
		  struct bpfe_xdp_buff *xdp)
{
	bpfe_env_begin(&run->env, prog, xdp);
	run->env.invoke = invoke;
	run->budget = prog->budget;
	run->half_budget = prog->budget / 2;
	run->unwind = NULL;
	run->tail_calls = 0;
	run->protocol = prog->type == BPF_PROG_TYPE_SCHED_CLS ? bpfe_ctx_protocol(xdp) : 0;
	run->uncounted = !prog->jit->counts;
}

static void cut_short(struct bpfe_jit_run *run, const struct bpfe_program *prog,
		      struct bpfe_result *result)
{
	int64_t left = run->env.abort == BPFE_ABORT_BUDGET || run->budget < 0 ? 0 : run->budget;

	bpfe_env_let_go(&run->env);
	result->r0 = result->retval = XDP_ABORTED;
	result->abort = run->env.abort;
	result->abort_insn = run->abort_slot;
	result->insns = run->uncounted ? 0 : prog->budget - (uint64_t)left;
}

/* Of a program that leaves its mark on the run, or may be cut short. */
static struct bpfe_result run_all(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
				  uint64_t r1, uint64_t r2)
{
	const struct bpfe_jit *jit = prog->jit;
	struct bpfe_result result = {0};
	struct bpfe_jit_run run;

	begin(&run, prog, xdp);
	if (jit->may_abort)
		result.r0 = bpfe_jit_enter(&run, r1, r2, 0, 0, 0, (const void *)jit->entry);
	else
		result.r0 = jit->entry(&run, r1, r2);
	if (run.env.abort != BPFE_ABORT_NONE) {
		cut_short(&run, prog, &result);
		return result;
	}
	result.retval = (uint32_t)result.r0;
	if (bpfe_redirects(prog->type, result.retval))
		result.redirect = run.env.redirect;
	if (!run.uncounted)
		result.insns = prog->budget - (uint64_t)run.budget;
	return result;
}

struct bpfe_result bpfe_jit_run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
				uint64_t r1, uint64_t r2)
{
	struct bpfe_result result = {0};

	if (prog->jit->uses_run)
		return run_all(prog, xdp, r1, r2);
	result.r0 = prog->jit->entry(NULL, r1, r2);
	result.retval = (uint32_t)result.r0;
	return result;
}
