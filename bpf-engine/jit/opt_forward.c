/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Stores to the stack and later loads of the same bytes: within a block a load whose bytes a
 * register or a constant still has becomes a move. Over the function a store that nobody reads goes
 * away, where nobody can but the function itself (stack.h): liveness of 8-byte cells, backwards.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/stack.h"

#define MAX_KNOWN  16u
#define STACK_SIZE 512
#define CELL       8

/* Bytes of the stack that are those of a register, or of a constant. */
struct known {
	int32_t disp;
	uint8_t size;
	uint8_t reg; /* LIR_NONE: imm */
	int64_t imm;
};

struct forward {
	struct lir *lir;
	uint32_t first, end; /* the function's blocks in rpo */
	int32_t private;
	struct known known[MAX_KNOWN];
	uint32_t n_known;
	/* Cells of each block; bit n: [-8 * (n + 1), -8 * n). */
	struct cells {
		uint64_t live;        /* wanted where it begins */
		uint64_t read, whole; /* read before it writes all of them; written */
		bool any;             /* it has accesses at all */
	} *cells;
};

/* ---- From stores to loads ------------------------------------------------------------------- */

static void forget(struct forward *f, uint32_t i)
{
	f->known[i] = f->known[--f->n_known];
}

static void forget_registers(struct forward *f, lir_set regs)
{
	for (uint32_t i = f->n_known; i-- > 0;) {
		if (f->known[i].reg != LIR_NONE && (regs & LIR_BIT(f->known[i].reg)))
			forget(f, i);
	}
}

/* Bytes from @from to @to change. */
static void forget_bytes(struct forward *f, int64_t from, int64_t to)
{
	for (uint32_t i = f->n_known; i-- > 0;) {
		if (f->known[i].disp < to && (int64_t)f->known[i].disp + f->known[i].size > from)
			forget(f, i);
	}
}

static void remember(struct forward *f, const struct lir_op *op, uint8_t reg, int64_t imm)
{
	if (f->n_known == MAX_KNOWN)
		forget(f, 0);
	f->known[f->n_known++] = (struct known){op->disp, op->size, reg, imm};
}

/* dst = the low bytes of what is known. */
static void make_move(struct lir_op *op, const struct known *known)
{
	unsigned size = op->size;
	bool sign = op->flags & LIR_F_SIGNED;
	struct lir_op move = {.code = LIR_MOV,
			      .size = 8,
			      .dst = op->dst,
			      .a = LIR_NONE,
			      .b = known->reg,
			      .base = LIR_NONE,
			      .index = LIR_NONE,
			      .slot = op->slot};

	if (known->reg == LIR_NONE) {
		uint64_t top = (uint64_t)known->imm << (64 - 8 * size);

		move.b = LIR_IMM;
		move.imm =
			sign ? (int64_t)top >> (64 - 8 * size) : (int64_t)(top >> (64 - 8 * size));
	} else if (size == 4 && !sign) {
		move.size = 4;
	} else if (size < 8) {
		move.code = sign ? LIR_SEXT : LIR_ZEXT;
		move.a = known->reg;
		move.b = LIR_NONE;
		move.imm = size;
	}
	*op = move;
}

static void forward_load(struct forward *f, struct lir_op *op)
{
	uint8_t dst = op->dst;
	bool whole = !(op->flags & LIR_F_SIGNED);
	struct lir_op load = *op;

	for (uint32_t i = 0; i < f->n_known; i++) {
		if (f->known[i].disp != op->disp || f->known[i].size < op->size)
			continue;
		make_move(op, &f->known[i]);
		if (op->code == LIR_MOV && op->size == 8 && op->b == dst) {
			op->code = LIR_NOP;
			return;
		}
		whole = false; /* that register has it already */
		break;
	}
	forget_registers(f, LIR_BIT(dst));
	if (whole)
		remember(f, &load, dst, 0);
}

static void forward_store(struct forward *f, const struct lir_op *op)
{
	forget_bytes(f, op->disp, (int64_t)op->disp + op->size);
	if (op->b == LIR_IMM)
		remember(f, op, LIR_NONE, op->imm);
	else if (op->b < LIR_FP)
		remember(f, op, op->b, 0);
}

/* Memory that others can reach. */
static bool may_change_pointed_to(const struct lir_op *op)
{
	if (lir_is_call(op))
		return true;
	return lir_writes_memory(op) && lir_has_memory(op) && !jit_is_stack_access(op) &&
	       (op->mem_kind == BPFE_MEM_STACK || op->mem_kind == BPFE_MEM_NONE);
}

static void forward_op(struct forward *f, struct lir_op *op)
{
	bool direct = op->code != LIR_NOP && jit_is_stack_access(op);

	if (direct && op->code == LIR_LOAD && !(op->flags & LIR_F_ACQUIRE)) {
		forward_load(f, op);
		return;
	}
	if (direct && op->code == LIR_STORE && !(op->flags & LIR_F_RELEASE)) {
		forward_store(f, op);
		return;
	}
	if (direct && lir_writes_memory(op))
		forget_bytes(f, op->disp, (int64_t)op->disp + op->size);
	if (may_change_pointed_to(op))
		forget_bytes(f, f->private, INT32_MAX);
	forget_registers(f, lir_defs(op));
}

static void forward_loads(struct forward *f)
{
	for (uint32_t i = f->first; i < f->end; i++) {
		struct lir_block *block = &f->lir->blocks[f->lir->flow->rpo[i]];

		if (!f->cells[i - f->first].any)
			continue;
		f->n_known = 0;
		for (uint32_t o = 0; o < block->n_ops; o++)
			forward_op(f, &block->ops[o]);
	}
}

/* ---- Stores that nobody reads --------------------------------------------------------------- */

static uint64_t cells_between(unsigned first, unsigned last)
{
	return (UINT64_MAX >> (63 - last)) & (UINT64_MAX << first);
}

/* Cells that @op's operand touches; *whole: those it covers. */
static uint64_t cells_of(const struct lir_op *op, uint64_t *whole)
{
	int32_t end = op->disp + op->size;
	unsigned first, last;

	*whole = 0;
	if (op->disp < -STACK_SIZE || end > 0)
		return UINT64_MAX;
	first = (unsigned)-end / CELL;
	last = (unsigned)(-op->disp - 1) / CELL;
	if (op->size == CELL && end % CELL == 0)
		*whole = UINT64_C(1) << first;
	return cells_between(first, last);
}

static bool is_private(const struct forward *f, const struct lir_op *op)
{
	return op->disp >= -STACK_SIZE && (int64_t)op->disp + op->size <= f->private;
}

/* What is wanted in front of @op if @live is behind it. A store of what is not goes. */
static uint64_t cells_before(const struct forward *f, struct lir_op *op, uint64_t live)
{
	uint64_t cells, whole;

	if (op->code == LIR_NOP || !jit_is_stack_access(op))
		return live;
	cells = cells_of(op, &whole);
	if (lir_reads_memory(op))
		return live | cells;
	if (op->code == LIR_STORE && !(live & cells) && is_private(f, op))
		op->code = LIR_NOP;
	return live & ~whole;
}

static uint64_t live_behind(const struct forward *f, uint32_t i)
{
	const struct lir_flow *flow = f->lir->flow;
	uint32_t successors[2];
	unsigned n = lir_successors(&f->lir->blocks[flow->rpo[i]], successors);
	uint64_t live = 0;

	for (unsigned k = 0; k < n; k++)
		live |= f->cells[flow->place[successors[k]] - f->first].live;
	return live;
}

static void drop_in_block(const struct forward *f, uint32_t i)
{
	struct lir_block *block = &f->lir->blocks[f->lir->flow->rpo[i]];
	uint64_t live = live_behind(f, i);

	for (uint32_t o = block->n_ops; o-- > 0;)
		live = cells_before(f, &block->ops[o], live);
}

static void summarise_block(struct cells *cells, const struct lir_block *block)
{
	for (uint32_t o = block->n_ops; o-- > 0;) {
		const struct lir_op *op = &block->ops[o];
		uint64_t touched, whole;

		if (op->code == LIR_NOP || !jit_is_stack_access(op))
			continue;
		touched = cells_of(op, &whole);
		if (lir_reads_memory(op)) {
			cells->read |= touched;
		} else {
			cells->read &= ~whole;
			cells->whole |= whole;
		}
	}
}

static void summarise(struct forward *f)
{
	for (uint32_t i = f->first; i < f->end; i++) {
		struct cells *cells = &f->cells[i - f->first];

		cells->live = cells->read = cells->whole = 0;
		if (cells->any)
			summarise_block(cells, &f->lir->blocks[f->lir->flow->rpo[i]]);
	}
}

static void drop_stores(struct forward *f)
{
	bool changed = true;

	summarise(f);
	while (changed) {
		changed = false;
		for (uint32_t i = f->end; i-- > f->first;) {
			struct cells *cells = &f->cells[i - f->first];
			uint64_t live = cells->read | (live_behind(f, i) & ~cells->whole);

			changed |= live != cells->live;
			cells->live = live;
		}
	}
	for (uint32_t i = f->end; i-- > f->first;) {
		if (f->cells[i - f->first].any)
			drop_in_block(f, i);
	}
}

/* ---- All of it ------------------------------------------------------------------------------ */

/* Which blocks access the stack; is there a store among them? */
static bool find_accesses(struct forward *f)
{
	bool store = false;

	for (uint32_t i = f->first; i < f->end; i++) {
		const struct lir_block *block = &f->lir->blocks[f->lir->flow->rpo[i]];
		bool any = false;

		for (uint32_t o = 0; o < block->n_ops; o++) {
			const struct lir_op *op = &block->ops[o];

			if (op->base != LIR_FP || op->code == LIR_NOP || !jit_is_stack_access(op))
				continue;
			any = true;
			store |= op->code == LIR_STORE;
		}
		f->cells[i - f->first].any = any;
	}
	return store;
}

static void forward_function(struct forward *f)
{
	if (!find_accesses(f))
		return;
	f->private = jit_stack_private(f->lir, f->first, f->end);
	forward_loads(f);
	if (f->private != JIT_STACK_ALL)
		drop_stores(f);
}

void jit_opt_forward(struct lir *lir)
{
	struct forward f = {.lir = lir};

	jit_flow_order(lir);
	if (lir->failed)
		return;
	f.cells = malloc((lir->flow->n_rpo + 1) * sizeof(*f.cells));
	if (!f.cells) {
		lir->failed = true;
		return;
	}
	for (uint32_t first = 0; first < lir->flow->n_rpo && !lir->failed; first = f.end) {
		f.first = first;
		f.end = jit_function_end(lir, first);
		forward_function(&f);
	}
	free(f.cells);
	jit_flow_changed(lir, JIT_FLOW_ORDER);
}
