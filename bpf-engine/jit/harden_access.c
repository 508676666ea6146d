// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Accesses that are not known to be safe whichever way branches went.
 *
 * One to the frame is clamped: its address is held against the frame as it is, once for all
 * accesses through that register in the block. Before any other there is a fence, behind which
 * nothing is speculated: the verifier's word holds there. Masks are put where pointers are moved
 * (harden_moves.c), so that fences are rare.
 */
#include "jit/harden.h"

/* ---- Is it safe? ------------------------------------------------------------------------------
 */

static uint64_t bytes_of(const struct lir_op *op)
{
	bool narrow = op->code == LIR_ZEXT || op->code == LIR_SEXT || op->code == LIR_BSWAP;

	if (op->code == LIR_SUM)
		return (uint64_t)op->imm * op->alu;
	return narrow ? (unsigned)op->imm : op->size;
}

static bool touches_program_memory(const struct lir_op *op)
{
	return lir_has_memory(op) && op->code != LIR_LEA && op->base != LIR_R13 &&
	       !(op->flags & LIR_F_MASKED);
}

static struct held base_of(const struct harden_state *state, const struct lir_op *op)
{
	return op->base < HARDEN_REGS ? state->regs[op->base] : held_any();
}

/* The offsets from the start of the object, or the base, that @op's first byte may have. */
static bool offsets_of(const struct harden_state *state, const struct lir_op *op, int64_t *lo,
		       int64_t *hi)
{
	struct held base = base_of(state, op);

	*lo = base.lo + op->disp;
	*hi = base.hi + op->disp;
	if (op->index != LIR_NONE && op->scale) {
		const struct held *index = &state->regs[op->index];

		if (index->kind != HELD_NUMBER)
			return false;
		*lo += index->lo * op->scale;
		*hi += index->hi * op->scale;
	}
	return *lo > -HARDEN_FAR / 2 && *hi < HARDEN_FAR / 2;
}

static bool is_safe(const struct harden_state *state, const struct lir_op *op)
{
	struct held base = base_of(state, op);
	int64_t lo, hi;

	if (!offsets_of(state, op, &lo, &hi))
		return false;
	hi += (int64_t)bytes_of(op);
	switch (base.kind) {
	case HELD_OBJECT:
		return lo >= 0 && hi <= base.size;
	case HELD_OPAQUE:
		return true;
	case HELD_STACK:
	case HELD_OUTER:
		return lo >= -(int64_t)base.size && hi <= 0;
	case HELD_PACKET:
		return hi <= base.size && base.least != INT32_MIN && base.least + lo >= 0;
	case HELD_CTX:
		return lo >= 0 && hi <= (int64_t)sizeof(struct bpfe_xdp_buff);
	default:
		return false;
	}
}

/* ---- Remedies ---------------------------------------------------------------------------------
 */

struct lir_op harden_op(const struct harden *h, uint8_t code)
{
	return (struct lir_op){.code = code,
			       .size = 8,
			       .dst = LIR_NONE,
			       .a = LIR_NONE,
			       .b = LIR_NONE,
			       .base = LIR_NONE,
			       .index = LIR_NONE,
			       .slot = h->lir->blocks[h->block].ops[h->at].slot};
}

void harden_put(struct harden *h, struct lir_op op)
{
	if (lir_insert(h->lir, h->block, h->at, &op))
		h->at++;
}

static bool has_base_alone(const struct lir_op *op, uint8_t base)
{
	return touches_program_memory(op) && op->mem_kind == BPFE_MEM_PACKET && op->base == base &&
	       op->index == LIR_NONE;
}

/* Bytes [*lo, *hi) from the base's register on that the block accesses: it does so to its end. */
static void extent(const struct harden *h, uint8_t base, int64_t *lo, int64_t *hi)
{
	const struct lir_block *block = &h->lir->blocks[h->block];

	*lo = INT32_MAX;
	*hi = INT32_MIN;
	for (uint32_t i = h->at; i < block->n_ops; i++) {
		const struct lir_op *op = &block->ops[i];

		if (has_base_alone(op, base)) {
			*lo = op->disp < *lo ? op->disp : *lo;
			*hi = op->disp + (int64_t)bytes_of(op) > *hi
				      ? op->disp + (int64_t)bytes_of(op)
				      : *hi;
		}
		if ((lir_defs(op) & LIR_BIT(base)) || lir_is_call(op))
			break;
	}
}

/* A register that is data_end, or LIR_NONE. */
static uint8_t end_in(const struct harden_state *state)
{
	for (uint8_t reg = 0; reg < LIR_FP; reg++) {
		if (state->regs[reg].kind == HELD_END)
			return reg;
	}
	return LIR_NONE;
}

static void clamp_register(struct harden *h, struct harden_state *state, uint8_t base)
{
	struct lir_op clamp = harden_op(h, LIR_CLAMP);
	struct held *held = &state->regs[base];
	int64_t lo, hi;

	extent(h, base, &lo, &hi);
	clamp.dst = clamp.a = base;
	clamp.b = end_in(state);
	clamp.disp = (int32_t)lo;
	clamp.imm = hi - lo;
	if (held->kind == HELD_PACKET && held->least != INT32_MIN &&
	    held->least + held->lo + lo >= 0)
		clamp.flags = LIR_F_SAFE;
	harden_put(h, clamp);
	h->clamped |= LIR_BIT(base);
	h->clamp_lo[base] = lo;
	h->clamp_hi[base] = hi;
	if (held->kind != HELD_PACKET || held->lo != held->hi)
		return;
	/* It keeps its base: what compares with that may count on this register, too. */
	if (held->lo + hi > held->size)
		held->size = (uint32_t)(held->lo + hi);
	if (-(held->lo + lo) > held->least)
		held->least = (int32_t)-(held->lo + lo);
}

static bool is_clamped(const struct harden *h, const struct lir_op *op)
{
	return op->base < LIR_FP && (h->clamped >> op->base & 1) && op->index == LIR_NONE &&
	       op->disp >= h->clamp_lo[op->base] &&
	       op->disp + (int64_t)bytes_of(op) <= h->clamp_hi[op->base];
}

/* The address into the pass's own register first. */
static bool clamp_address(struct harden *h)
{
	struct lir_op lea = h->lir->blocks[h->block].ops[h->at], clamp = harden_op(h, LIR_CLAMP);
	struct lir_op *op;

	if (h->scratch == LIR_NONE)
		return false;
	clamp.dst = clamp.a = h->scratch;
	clamp.disp = lea.disp;
	clamp.imm = (int64_t)bytes_of(&lea);
	lea.code = LIR_LEA;
	lea.size = 8;
	lea.dst = h->scratch;
	lea.a = lea.b = LIR_NONE;
	lea.flags = 0;
	lea.disp = 0;
	harden_put(h, lea);
	harden_put(h, clamp);
	op = &h->lir->blocks[h->block].ops[h->at];
	op->base = h->scratch;
	op->index = LIR_NONE;
	op->scale = 0;
	return true;
}

static void fence(struct harden *h, struct harden_state *state, const struct lir_op *op)
{
	if (op->base < LIR_FP && state->regs[op->base].kind != HELD_PACKET)
		state->regs[op->base] = (struct held){.kind = HELD_OPAQUE, .id = harden_id(h)};
	harden_put(h, harden_op(h, LIR_FENCE));
}

/* The value of an operand cannot be taken for safe where it is defined by the same operation. */
static bool clamp(struct harden *h, struct harden_state *state, const struct lir_op *op)
{
	if (op->index == LIR_NONE && op->base < LIR_FP) {
		clamp_register(h, state, op->base);
		return true;
	}
	return clamp_address(h);
}

static bool is_wanted(const struct harden *h, const struct held *base, const struct lir_op *op)
{
	if (base->kind == HELD_PACKET)
		return h->packet;
	return base->kind >= HELD_OBJECT ? h->masks : h->fences;
}

static void access_memory(struct harden *h, struct harden_state *state)
{
	struct lir_op *op = &h->lir->blocks[h->block].ops[h->at];
	struct lir_op before = *op;
	struct held base = base_of(state, op);

	if (is_safe(state, op) || is_clamped(h, op) || !is_wanted(h, &base, op))
		return;
	if (base.kind == HELD_PACKET && clamp(h, state, &before))
		return;
	fence(h, state, &before);
}

/* A pointer stored where other things are stored, too, could be loaded as what was there before. */
static void spill(struct harden *h, struct harden_state *state)
{
	struct lir_op op = h->lir->blocks[h->block].ops[h->at], fenced;
	uint32_t function = h->lir->blocks[h->block].function, slot;

	if (op.code != LIR_STORE || op.size != 8 || op.base != LIR_FP || op.index != LIR_NONE ||
	    op.b >= LIR_FP || !held_is_pointer(&state->regs[op.b]))
		return;
	slot = harden_slot(h, function, op.disp);
	if (slot == HARDEN_SLOTS || !(h->functions[function].reused >> slot & 1))
		return;
	fenced = harden_op(h, LIR_FENCE);
	lir_insert(h->lir, h->block, h->at + 1, &fenced);
}

void harden_access(struct harden *h, struct harden_state *state)
{
	if (touches_program_memory(&h->lir->blocks[h->block].ops[h->at]))
		access_memory(h, state);
	if (h->fences)
		spill(h, state);
}
