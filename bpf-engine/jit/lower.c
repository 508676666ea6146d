/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The blocks of a program one behind the other, functions' prologues, and what lies behind them. */
#include <stdlib.h>
#include <string.h>
#include "jit/flow.h"
#include "jit/lower.h"

#define RED_ZONE 128u /* bytes below rsp that a function without calls may use as they are */

static const lower_fn table[LIR_CODES] = {
	[LIR_MOV] = lower_mov,
	[LIR_ADD] = lower_arithmetic,
	[LIR_SUB] = lower_arithmetic,
	[LIR_MUL] = lower_arithmetic,
	[LIR_AND] = lower_arithmetic,
	[LIR_OR] = lower_arithmetic,
	[LIR_XOR] = lower_arithmetic,
	[LIR_SHL] = lower_shift,
	[LIR_SHR] = lower_shift,
	[LIR_SAR] = lower_shift,
	[LIR_ROL] = lower_rotate,
	[LIR_SHLD] = lower_shld,
	[LIR_UDIV] = lower_divide,
	[LIR_UMOD] = lower_divide,
	[LIR_SDIV] = lower_divide,
	[LIR_SMOD] = lower_divide,
	[LIR_NEG] = lower_neg,
	[LIR_BSWAP] = lower_bswap,
	[LIR_ZEXT] = lower_extend,
	[LIR_SEXT] = lower_extend,
	[LIR_LEA] = lower_lea,
	[LIR_LOAD] = lower_load,
	[LIR_STORE] = lower_store,
	[LIR_RMW] = lower_rmw,
	[LIR_SUM] = lower_sum,
	[LIR_ATOMIC] = lower_atomic,
	[LIR_FETCH] = lower_fetch,
	[LIR_XCHG] = lower_xchg,
	[LIR_CMPXCHG] = lower_cmpxchg,
	[LIR_SELECT] = lower_select,
	[LIR_SETCC] = lower_setcc,
	[LIR_FENCE] = lower_fence,
	[LIR_MASK] = lower_mask,
	[LIR_GUARD] = lower_guard,
	[LIR_CLAMP] = lower_clamp,
	[LIR_CTX_LOAD] = lower_ctx_load,
	[LIR_CTX_STORE] = lower_ctx_store,
	[LIR_CALL_HELPER] = lower_call_helper,
	[LIR_CALL_DIRECT] = lower_call_direct,
	[LIR_CALL_LOCAL] = lower_call_local,
	[LIR_CALLX] = lower_callx,
	[LIR_CHARGE] = lower_charge,
	[LIR_MAY_GOTO] = lower_may_goto,
	[LIR_JUMP] = lower_jump,
	[LIR_BRANCH] = lower_branch,
	[LIR_TAIL_CALL] = lower_tail_call,
	[LIR_EXIT] = lower_exit,
	[LIR_TRAP] = lower_trap,
};

/* ---- What operations share ------------------------------------------------------------------ */

struct jit_mem lower_mem_at(uint8_t base, int32_t disp)
{
	return (struct jit_mem){.base = base, .index = LIR_NONE, .scale = 1, .disp = disp};
}

static int32_t fp(const struct lower *lo)
{
	return lo->frames[lo->function].fp;
}

uint8_t lower_reg(struct lower *lo, uint8_t reg, uint8_t scratch)
{
	if (reg != LIR_FP)
		return reg;
	jit_lea(&lo->as, 8, scratch, lower_mem_at(LIR_RSP, fp(lo)));
	return scratch;
}

struct jit_mem lower_mem(struct lower *lo, const struct lir_op *op)
{
	struct jit_mem mem = {.base = op->base,
			      .index = op->scale ? op->index : (uint8_t)LIR_NONE,
			      .scale = op->scale ? op->scale : 1,
			      .disp = op->disp};

	if (mem.base == LIR_FP) {
		mem.base = LIR_RSP;
		mem.disp += fp(lo);
	}
	mem.index = lower_reg(lo, mem.index, LIR_R11);
	return mem;
}

void lower_move(struct lower *lo, unsigned size, uint8_t dst, uint8_t src)
{
	if (src == LIR_FP)
		jit_lea(&lo->as, size, dst, lower_mem_at(LIR_RSP, fp(lo)));
	else if (dst != src || size == 4)
		jit_mov_rr(&lo->as, size, dst, src);
}

uint8_t lower_b(struct lower *lo, const struct lir_op *op, uint8_t scratch)
{
	if (op->b == LIR_IMM)
		jit_mov_ri(&lo->as, scratch, (uint64_t)op->imm);
	else if (op->b == LIR_MEM)
		jit_load(&lo->as, op->size, scratch, lower_mem(lo, op));
	else
		return lower_reg(lo, op->b, scratch);
	return scratch;
}

struct lower_cold *lower_cold(struct lower *lo,
			      void (*emit)(struct lower *lo, const struct lower_cold *cold),
			      const struct lir_op *op)
{
	struct lower_cold *cold;

	if (lo->n_cold == lo->room_cold) {
		uint32_t room = lo->room_cold ? 2 * lo->room_cold : 32;

		cold = realloc(lo->cold, room * sizeof(*cold));
		if (!cold) {
			lo->as.failed = true;
			return NULL;
		}
		lo->cold = cold;
		lo->room_cold = room;
	}
	cold = &lo->cold[lo->n_cold++];
	*cold = (struct lower_cold){.emit = emit,
				    .op = op,
				    .label = jit_label(&lo->as),
				    .resume = jit_label(&lo->as),
				    .function = lo->function,
				    .slot = op->slot};
	return cold;
}

/* ---- Frames --------------------------------------------------------------------------------- */

/* What calls C or a function, so that rsp must be aligned, and what pushes. */
static bool moves_stack(const struct lir_op *op)
{
	return lir_is_call(op) || op->code == LIR_CTX_LOAD || op->code == LIR_CTX_STORE ||
	       (op->code == LIR_FETCH && op->alu != LIR_ADD);
}

/* A function that is called says for itself. */
static bool uses_run(const struct lir_op *op)
{
	return (moves_stack(op) && op->code != LIR_CALL_LOCAL && op->code != LIR_CALL_DIRECT) ||
	       op->code == LIR_CHARGE || op->code == LIR_MAY_GOTO || op->code == LIR_TRAP ||
	       op->code == LIR_CLAMP || (lir_uses(op) & LIR_BIT(LIR_R13));
}

static void look_at_operations(struct lower *lo)
{
	const struct lir *lir = lo->lir;

	for (uint32_t i = 0; i < lir->n_order; i++) {
		struct lir_block *block = &lir->blocks[lir->order[i]];
		struct lir_function *function = &lir->functions[block->function];

		for (uint32_t o = 0; o < block->n_ops; o++) {
			const struct lir_op *op = &block->ops[o];

			function->saved |= lir_defs(op);
			function->calls |= moves_stack(op);
			lo->needs_run |= uses_run(op);
		}
		lower_prepare(lo, lir->order[i]);
	}
	lo->needs_run |= lir->may_abort;
}

static void lay_out_frame(struct lower *lo, uint32_t f)
{
	struct lir_function *function = &lo->lir->functions[f];
	struct lower_frame *frame = &lo->frames[f];
	lir_set saved = function->saved & (LIR_CALLEE_SAVED | LIR_BIT(LIR_R12));
	uint32_t bytes = function->stack_bytes + 8 * function->cells, pushed;

	if (function->is_main && lo->needs_run) {
		frame->sets_run = true;
		saved |= LIR_BIT(LIR_R13) | (lo->lir->counts ? LIR_BIT(LIR_R12) : 0);
	}
	function->saved = frame->saved = saved;
	if (!function->calls && bytes <= RED_ZONE)
		return;
	pushed = 8 * (1 + (uint32_t)__builtin_popcount(saved));
	if (function->calls && (bytes + pushed) % 16)
		bytes += 8;
	frame->below = bytes;
	frame->fp = (int32_t)bytes;
}

static void prologue(struct lower *lo, uint32_t f)
{
	const struct lir_function *function = &lo->lir->functions[f];
	const struct lower_frame *frame = &lo->frames[f];

	jit_bind(&lo->as, lo->functions[f]);
	for (uint8_t reg = 0; reg < 16; reg++) {
		if (frame->saved & LIR_BIT(reg))
			jit_push(&lo->as, reg);
	}
	if (frame->below)
		jit_alu_ri(&lo->as, JIT_SUB, 8, LIR_RSP, (int32_t)frame->below);
	if (frame->sets_run) {
		jit_mov_rr(&lo->as, 8, LIR_R13, LIR_RDI);
		if (lo->lir->counts)
			jit_load(&lo->as, 8, LIR_R12, LOWER_RUN(budget));
	}
	if (function->loops)
		jit_store_i(&lo->as, 8,
			    lower_mem_at(LIR_RSP,
					 frame->fp - (int32_t)(function->stack_bytes +
							       8 * (function->loops_cell + 1))),
			    0);
}

void lower_epilogue(struct lower *lo)
{
	const struct lower_frame *frame = &lo->frames[lo->function];

	if (frame->below)
		jit_alu_ri(&lo->as, JIT_ADD, 8, LIR_RSP, (int32_t)frame->below);
	for (uint8_t reg = 16; reg-- > 0;) {
		if (frame->saved & LIR_BIT(reg))
			jit_pop(&lo->as, reg);
	}
}

/* ---- Blocks --------------------------------------------------------------------------------- */

static void lower_op(struct lower *lo, const struct lir_op *op)
{
	if (op->code == LIR_NOP || op->code == LIR_OBJECT)
		return;
	if (op->code >= LIR_CODES || !table[op->code]) {
		lo->as.failed = true;
		return;
	}
	jit_mark(&lo->as, op->slot);
	table[op->code](lo, op);
	lower_note_constant(lo, op);
	if (op->code != LIR_GUARD)
		lo->has_nowhere = false;
	if (op->code != LIR_GUARD && !lir_ends_block(op))
		lo->flags = NULL;
}

static void lower_block(struct lower *lo, uint32_t b, uint32_t before)
{
	const struct lir_block *block = &lo->lir->blocks[b];
	const struct lir_op *last = NULL;

	lo->function = block->function;
	lo->next = block->next;
	if (lo->lir->functions[block->function].entry == b) {
		jit_mark(&lo->as, block->slot);
		prologue(lo, block->function);
	}
	jit_bind(&lo->as, lo->blocks[b]);
	lo->flags = lo->lir->functions[block->function].entry != b ? lo->compared[b] : NULL;
	lo->has_nowhere = false;
	lower_keep_constants(lo, before, b);
	for (uint32_t o = 0; o < block->n_ops; o++) {
		if (block->ops[o].code != LIR_NOP)
			last = &block->ops[o];
		lower_op(lo, &block->ops[o]);
	}
	if (lo->next != LIR_NO_BLOCK && (!last || !lir_ends_block(last) ||
					 last->code == LIR_BRANCH || last->code == LIR_MAY_GOTO))
		lower_fall(lo, lo->next);
}

static bool is_entry(const struct lir *lir, uint32_t b)
{
	return lir->functions[lir->blocks[b].function].entry == b;
}

static void lower_blocks(struct lower *lo)
{
	const struct lir *lir = lo->lir;

	for (uint32_t i = 0; i < lir->n_order && !lo->as.failed; i++) {
		lo->fallthrough = i + 1 < lir->n_order && !is_entry(lir, lir->order[i + 1])
					  ? lir->order[i + 1]
					  : LIR_NO_BLOCK;
		lower_block(lo, lir->order[i], i ? lir->order[i - 1] : LIR_NO_BLOCK);
	}
}

static void lower_behind(struct lower *lo)
{
	for (uint32_t i = 0; i < lo->n_cold && !lo->as.failed; i++) {
		const struct lower_cold cold = lo->cold[i];

		lo->function = cold.function;
		jit_mark(&lo->as, cold.slot);
		jit_bind(&lo->as, cold.label);
		cold.emit(lo, &cold);
	}
}

/* The ends of a run that is cut short. */
static void lower_aborts(struct lower *lo)
{
	if (!lo->lir->may_abort)
		return;
	jit_bind(&lo->as, lo->abort_trap);
	jit_store_i(&lo->as, 4, LOWER_RUN(env.abort), BPFE_ABORT_TRAP);
	jit_jmp(&lo->as, lo->unwind);
	jit_bind(&lo->as, lo->abort_budget);
	jit_store_i(&lo->as, 4, LOWER_RUN(env.abort), BPFE_ABORT_BUDGET);
	jit_bind(&lo->as, lo->unwind);
	jit_mov_rr(&lo->as, 8, LIR_RDI, LIR_R13);
	jit_jmp_abs(&lo->as, (const void *)(uintptr_t)bpfe_jit_unwind);
}

/* The only branch that leads to a block compared last when control comes there. */
static void find_compared(struct lower *lo)
{
	const struct lir *lir = lo->lir;
	uint32_t *n = lo->ways;

	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		const struct lir_block *block = &lir->blocks[b];
		const struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;
		uint32_t to[2];
		unsigned ways = lir_successors(block, to);

		for (unsigned k = 0; k < ways; k++) {
			lo->compared[to[k]] =
				!n[to[k]] && ways == 2 && end->code == LIR_BRANCH ? end : NULL;
			lo->way[to[k]] = b;
			n[to[k]]++;
		}
	}
}

static bool open_tables(struct lower *lo)
{
	const struct lir *lir = lo->lir;

	lo->blocks = malloc((lir->n_blocks + 1) * sizeof(*lo->blocks));
	lo->functions = malloc(lir->n_functions * sizeof(*lo->functions));
	lo->frames = calloc(lir->n_functions, sizeof(*lo->frames));
	lo->compared = calloc(lir->n_blocks + 1, sizeof(*lo->compared));
	lo->ways = calloc(lir->n_blocks + 1, sizeof(*lo->ways));
	lo->way = calloc(lir->n_blocks + 1, sizeof(*lo->way));
	if (!lo->blocks || !lo->functions || !lo->frames || !lo->compared || !lo->ways || !lo->way)
		return false;
	find_compared(lo);
	for (uint32_t b = 0; b < lir->n_blocks; b++)
		lo->blocks[b] = jit_label(&lo->as);
	for (uint32_t f = 0; f < lir->n_functions; f++)
		lo->functions[f] = jit_label(&lo->as);
	lo->abort_budget = jit_label(&lo->as);
	lo->abort_trap = jit_label(&lo->as);
	lo->unwind = jit_label(&lo->as);
	return true;
}

bool jit_lower(struct lower *lo, struct lir *lir, uint32_t *entries)
{
	memset(lo, 0, sizeof(*lo));
	lo->lir = lir;
	jit_asm_init(&lo->as);
	if (!open_tables(lo))
		return false;
	look_at_operations(lo);
	for (uint32_t f = 0; f < lir->n_functions; f++)
		lay_out_frame(lo, f);
	lower_blocks(lo);
	for (uint32_t f = 0; f < lir->n_functions; f++)
		entries[f] = lir->functions[f].is_callback ? lower_callback_entry(lo, f)
							   : lo->functions[f];
	lower_behind(lo);
	lower_aborts(lo);
	return !lo->as.failed;
}

void jit_lower_free(struct lower *lo)
{
	jit_asm_free(&lo->as);
	free(lo->blocks);
	free(lo->functions);
	free(lo->frames);
	free(lo->compared);
	free(lo->ways);
	free(lo->way);
	free(lo->cold);
}
