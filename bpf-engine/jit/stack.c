/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Where addresses of the stack go. Each register is followed through the function: the lowest
 * distance from LIR_FP that it may point to, or that it is no such pointer. Who gets a pointer
 * reads and writes from it upwards: helpers are given the start of what they use. Whoever might
 * subtract from it - another function, or code that reads it back from memory - may touch anything.
 *
 * That a register which may be a pointer on one way is none on another makes it no worse: what
 * cannot be done to pointers gives numbers, for the verifier has seen to that.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/stack.h"

#define NO_POINTER INT16_MAX
#define MAX_SWEEPS 4u
#define MAX_STACK  (8 * 512)

struct state {
	int16_t low[LIR_NONE]; /* of each register */
	lir_set pointers;      /* those that may be one */
};

struct escape {
	struct lir *lir;
	struct state *in; /* of each block */
	int32_t private;
};

static void lower_to(struct escape *e, int32_t distance)
{
	if (distance < e->private)
		e->private = distance;
}

static int16_t pointer(const struct state *s, uint8_t reg)
{
	return reg < LIR_NONE ? s->low[reg] : NO_POINTER;
}

static int16_t moved(struct escape *e, int16_t low, int64_t distance)
{
	if (low == NO_POINTER)
		return NO_POINTER;
	if (distance < -MAX_STACK || distance > MAX_STACK || low + distance < -MAX_STACK ||
	    low + distance > MAX_STACK) {
		e->private = JIT_STACK_ALL;
		return NO_POINTER;
	}
	return (int16_t)(low + distance);
}

/* ---- What operations do with addresses ------------------------------------------------------ */

static void touch_memory(struct escape *e, const struct state *s, const struct lir_op *op)
{
	int16_t base = pointer(s, op->base);
	bool indexed = op->scale;

	if (indexed && (base != NO_POINTER || pointer(s, op->index) != NO_POINTER))
		e->private = JIT_STACK_ALL;
	else if (base != NO_POINTER && op->base != LIR_FP)
		lower_to(e, (int32_t)base + op->disp);
	if (lir_writes_memory(op) && pointer(s, op->b) != NO_POINTER)
		e->private = JIT_STACK_ALL;
}

static void touch_call(struct escape *e, const struct state *s, const struct lir_op *op)
{
	bool known = op->code == LIR_CALL_DIRECT ||
		     (op->code == LIR_CALL_HELPER && !(op->flags & LIR_F_CALLBACK));
	lir_set uses = lir_uses(op);

	for (; uses; uses &= uses - 1) {
		int16_t low = pointer(s, (uint8_t)__builtin_ctz(uses));

		if (low == NO_POINTER)
			continue;
		if (known)
			lower_to(e, low);
		else if (op->code != LIR_TAIL_CALL)
			e->private = JIT_STACK_ALL;
	}
}

static int16_t added(struct escape *e, const struct state *s, const struct lir_op *op)
{
	int16_t a = pointer(s, op->a), b = pointer(s, op->b);

	if (op->b == LIR_IMM)
		return moved(e, a, op->code == LIR_SUB ? -op->imm : op->imm);
	if (a == NO_POINTER && (b == NO_POINTER || op->code == LIR_SUB))
		return NO_POINTER;
	if (!(op->code == LIR_SUB && b != NO_POINTER))
		e->private = JIT_STACK_ALL;
	return NO_POINTER;
}

static int16_t led_to(struct escape *e, const struct state *s, const struct lir_op *op)
{
	int16_t base = pointer(s, op->base);

	if (!op->scale)
		return moved(e, base, op->disp);
	if (base != NO_POINTER || pointer(s, op->index) != NO_POINTER)
		e->private = JIT_STACK_ALL;
	return NO_POINTER;
}

/* What dst of @op points to. */
static int16_t result(struct escape *e, const struct state *s, const struct lir_op *op)
{
	int16_t other;

	switch (op->code) {
	case LIR_MOV:
		return op->size == 8 ? pointer(s, op->b) : NO_POINTER;
	case LIR_ADD:
	case LIR_SUB:
		return added(e, s, op);
	case LIR_LEA:
		return led_to(e, s, op);
	case LIR_SELECT:
		other = pointer(s, op->index);
		return other < pointer(s, op->dst) ? other : pointer(s, op->dst);
	case LIR_GUARD:
		return pointer(s, op->dst);
	case LIR_MASK:
	case LIR_CLAMP:
		return pointer(s, op->a);
	default:
		return NO_POINTER;
	}
}

static void set_pointers(struct state *s, lir_set regs, int16_t low)
{
	s->pointers = low == NO_POINTER ? s->pointers & ~regs : s->pointers | regs;
	for (; regs; regs &= regs - 1)
		s->low[__builtin_ctz(regs)] = low;
}

static void step(struct escape *e, struct state *s, const struct lir_op *op)
{
	lir_set defs = lir_defs(op), uses = lir_uses(op);

	if (!((uses | defs) & s->pointers))
		return;
	/* Most are accesses, by LIR_FP itself, of what is no pointer. */
	if (jit_is_stack_access(op) && op->a != LIR_FP && op->b != LIR_FP &&
	    !((uses | defs) & s->pointers & ~LIR_BIT(LIR_FP)))
		return;
	if (op->code != LIR_LEA && lir_has_memory(op))
		touch_memory(e, s, op);
	if (lir_is_call(op)) {
		touch_call(e, s, op);
		set_pointers(s, defs, NO_POINTER);
	} else if (defs) {
		set_pointers(s, defs, result(e, s, op));
	}
}

/* ---- The function --------------------------------------------------------------------------- */

/* Is LIR_FP used as anything but the base of an access? */
static bool takes_address(const struct lir_op *op)
{
	if (!(lir_uses(op) & LIR_BIT(LIR_FP)))
		return false;
	return !jit_is_stack_access(op) || op->a == LIR_FP || op->b == LIR_FP;
}

static bool any_address(const struct lir *lir, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		const struct lir_block *block = &lir->blocks[lir->flow->rpo[i]];

		for (uint32_t o = 0; o < block->n_ops; o++) {
			if (takes_address(&block->ops[o]))
				return true;
		}
	}
	return false;
}

/* *to becomes the lower of both; has it changed? */
static bool merge(struct state *to, const struct state *from)
{
	bool changed = false;

	for (lir_set regs = from->pointers; regs; regs &= regs - 1) {
		uint32_t reg = (uint32_t)__builtin_ctz(regs);

		if (from->low[reg] >= to->low[reg])
			continue;
		to->low[reg] = from->low[reg];
		changed = true;
	}
	to->pointers |= from->pointers;
	return changed;
}

/* Once over all blocks; has what one begins with changed that was already passed? */
static bool sweep(struct escape *e, uint32_t first, uint32_t end)
{
	const struct lir_flow *flow = e->lir->flow;
	bool again = false;

	for (uint32_t i = first; i < end && e->private != JIT_STACK_ALL; i++) {
		const struct lir_block *block = &e->lir->blocks[flow->rpo[i]];
		struct state s = e->in[i - first];
		uint32_t successors[2];
		unsigned n = lir_successors(block, successors);

		for (uint32_t o = 0; o < block->n_ops; o++)
			step(e, &s, &block->ops[o]);
		for (unsigned k = 0; k < n; k++) {
			uint32_t to = flow->place[successors[k]];

			if (merge(&e->in[to - first], &s) && to <= i)
				again = true;
		}
	}
	return again;
}

uint32_t jit_function_end(const struct lir *lir, uint32_t first)
{
	const struct lir_flow *flow = lir->flow;
	uint32_t function = lir->blocks[flow->rpo[first]].function, end = first;

	while (end < flow->n_rpo && lir->blocks[flow->rpo[end]].function == function)
		end++;
	return end;
}

static int32_t find_private(struct lir *lir, uint32_t first, uint32_t end)
{
	struct escape e = {.lir = lir};
	unsigned sweeps = 0;

	if (!any_address(lir, first, end))
		return 0;
	e.in = malloc((end - first) * sizeof(*e.in));
	if (!e.in) {
		lir->failed = true;
		return JIT_STACK_ALL;
	}
	for (uint32_t i = 0; i < end - first; i++) {
		for (unsigned reg = 0; reg < LIR_NONE; reg++)
			e.in[i].low[reg] = NO_POINTER;
		e.in[i].low[LIR_FP] = 0;
		e.in[i].pointers = LIR_BIT(LIR_FP);
	}
	while (sweep(&e, first, end) && e.private != JIT_STACK_ALL) {
		if (++sweeps == MAX_SWEEPS)
			e.private = JIT_STACK_ALL;
	}
	free(e.in);
	return e.private;
}

int32_t jit_stack_private(struct lir *lir, uint32_t first, uint32_t end)
{
	struct lir_function *function =
		&lir->functions[lir->blocks[lir->flow->rpo[first]].function];

	if (!function->knows_private) {
		function->private_below = find_private(lir, first, end);
		function->knows_private = true;
	}
	return function->private_below;
}
