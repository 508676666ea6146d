// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What operations make of what registers hold, whichever way branches went.
 *
 * Numbers are ranges of 64-bit signed numbers, and HELD_ANY where that says nothing. A pointer is
 * moved by numbers; one that is moved by too much is still one to its object, with an offset that
 * nobody knows, which no access may use as it is.
 *
 * Imprecision: bits are not followed, and a number is forgotten when it is stored.
 */
#include <stddef.h>
#include "jit/harden.h"

#define LEAST_MOVE (-((int64_t)1 << 29)) /* bounds the verifier puts on what moves a pointer */
#define MOST_MOVE  ((int64_t)1 << 33)
#define MOST_STEP  256

struct held held_any(void)
{
	return (struct held){.kind = HELD_ANY};
}

struct held held_number(int64_t lo, int64_t hi)
{
	return (struct held){.kind = HELD_NUMBER, .lo = lo, .hi = hi};
}

bool held_may_be_stack(const struct held *held)
{
	return held->kind == HELD_STACK || (held->kind == HELD_ANY && held->size);
}

/* What becomes of two that have nothing in common. */
static struct held mixed(const struct held *a, const struct held *b)
{
	return (struct held){.kind = HELD_ANY,
			     .size = held_may_be_stack(a) || held_may_be_stack(b)};
}

bool held_is_pointer(const struct held *held)
{
	return held->kind >= HELD_OBJECT;
}

/* ---- Joining --------------------------------------------------------------------------------- */

static bool is_null(const struct held *held)
{
	return held->kind == HELD_NUMBER && !held->lo && !held->hi;
}

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Where it is at least, @by further on. */
static int32_t least_behind(int32_t least, int64_t by)
{
	if (least == INT32_MIN || by <= INT32_MIN - (int64_t)least)
		return INT32_MIN;
	by += least;
	return by > INT32_MAX ? INT32_MAX : (int32_t)by;
}

/* Bytes proven, counted from where the pointer itself points. */
static int64_t proven(const struct held *held)
{
	return most_of((int64_t)held->size - held->hi, 0);
}

static struct held join_packets(const struct held *a, const struct held *b, uint32_t id, bool widen)
{
	struct held r = *a;
	uint32_t size = a->size;

	if (a->id && a->id == b->id && a->lo == b->lo && a->hi == b->hi) {
		r.size = a->size < b->size ? a->size : b->size;
		r.least = a->least < b->least ? a->least : b->least;
	} else {
		r.id = id;
		r.lo = r.hi = 0;
		r.size = (uint32_t)least_of(proven(a), proven(b));
		r.least = (int32_t)least_of(least_behind(a->least, a->lo),
					    least_behind(b->least, b->lo));
		size = (uint32_t)proven(a);
	}
	if (widen && r.size < size)
		r.size = 0;
	if (widen && r.least < least_behind(a->least, a->lo - r.lo))
		r.least = INT32_MIN;
	return r;
}

/* One kind of object, and both are it. */
static struct held join_offsets(const struct held *a, const struct held *b, bool widen)
{
	struct held r = *a;

	r.lo = least_of(a->lo, b->lo);
	r.hi = most_of(a->hi, b->hi);
	r.size = a->size < b->size ? a->size : b->size;
	if (widen && r.lo < a->lo)
		r.lo = a->kind == HELD_NUMBER && r.lo >= 0 ? 0 : -HARDEN_FAR;
	if (widen && r.hi > a->hi)
		r.hi = a->kind == HELD_NUMBER && r.hi <= UINT32_MAX ? UINT32_MAX : HARDEN_FAR;
	return r;
}

static struct held join(const struct held *a, const struct held *b, uint32_t id, bool widen)
{
	struct held any = mixed(a, b);

	if (a->kind == HELD_NOTHING)
		return *b;
	if (is_null(a) && held_is_pointer(b))
		return *b;
	if (held_is_pointer(a) && is_null(b))
		return *a;
	if (a->kind != b->kind)
		return any;
	switch (a->kind) {
	case HELD_PACKET:
		return join_packets(a, b, id, widen);
	case HELD_OPAQUE:
		return a->id && a->id == b->id ? join_offsets(a, b, widen) : any;
	case HELD_NUMBER:
	case HELD_OBJECT:
	case HELD_STACK:
	case HELD_OUTER:
	case HELD_CTX:
		return join_offsets(a, b, widen);
	case HELD_END:
		return *a;
	default:
		return any;
	}
}

static bool same(const struct held *a, const struct held *b)
{
	return a->kind == b->kind && a->id == b->id && a->size == b->size && a->least == b->least &&
	       a->lo == b->lo && a->hi == b->hi;
}

bool held_join(struct held *into, const struct held *other, uint32_t id, bool widen)
{
	struct held r;

	if (other->kind == HELD_NOTHING || same(into, other))
		return false;
	r = join(into, other, id, widen);
	if (same(&r, into))
		return false;
	*into = r;
	return true;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static bool is_number(const struct held *held)
{
	return held->kind == HELD_NUMBER;
}

/* A result of 4 bytes is zero-extended. */
static struct held sized(struct held r, const struct lir_op *op)
{
	bool fits = is_number(&r) && r.lo >= 0 && r.hi <= UINT32_MAX;

	if (op->size == 4 && !fits)
		return held_number(0, UINT32_MAX);
	if (is_number(&r) && (r.lo < -HARDEN_FAR || r.hi > HARDEN_FAR))
		return held_any();
	return r;
}

/* What an operation of 4 bytes sees of an operand. */
static struct held low(struct held r, const struct lir_op *op)
{
	if (op->size == 4 && is_number(&r) && r.lo == r.hi)
		return held_number((uint32_t)r.lo, (uint32_t)r.lo);
	return sized(r, op);
}

static int64_t all_ones_over(int64_t v)
{
	return v <= 0 ? 0 : (int64_t)((UINT64_C(2) << (63 - __builtin_clzll((uint64_t)v))) - 1);
}

/*
 * A number that was let go, and is counted up or down in small steps, does not leave the range: a
 * run, what is speculated behind its end included, is too short for that.
 */
static struct held step_number(const struct held *a, int64_t lo, int64_t hi)
{
	bool small = lo == hi && lo >= -MOST_STEP && lo <= MOST_STEP;
	struct held r = held_number(a->lo + lo, a->hi + hi);

	if (small && a->hi == HARDEN_FAR)
		r.hi = HARDEN_FAR;
	if (small && a->lo == -HARDEN_FAR)
		r.lo = -HARDEN_FAR;
	return r;
}

/* Both are numbers in ranges that do not overflow here. */
static struct held of_numbers(const struct lir_op *op, const struct held *a, const struct held *b)
{
	bool count = b->lo == b->hi && b->lo >= 0 && b->lo < 8 * op->size;
	bool positive = a->lo >= 0 && b->lo >= 0;

	switch (op->code) {
	case LIR_ADD:
		return step_number(a, b->lo, b->hi);
	case LIR_SUB:
		return step_number(a, -b->hi, -b->lo);
	case LIR_AND:
		if (b->lo >= 0)
			return held_number(0, a->lo >= 0 ? least_of(a->hi, b->hi) : b->hi);
		return a->lo >= 0 ? held_number(0, a->hi) : held_any();
	case LIR_OR:
	case LIR_XOR:
		return positive ? held_number(0, all_ones_over(a->hi | b->hi)) : held_any();
	case LIR_SHL:
		if (positive && count && b->lo < 20)
			return held_number(a->lo << b->lo, a->hi << b->lo);
		return held_any();
	case LIR_SHR:
		return positive && count ? held_number(a->lo >> b->lo, a->hi >> b->lo) : held_any();
	case LIR_MUL:
		if (positive && a->hi <= UINT32_MAX && b->hi <= 0xffff)
			return held_number(a->lo * b->lo, a->hi * b->hi);
		return held_any();
	case LIR_UDIV:
		return positive ? held_number(0, a->hi) : held_any();
	case LIR_UMOD:
		if (positive && b->lo > 0)
			return held_number(0, least_of(a->hi, b->hi - 1));
		return positive ? held_number(0, a->hi) : held_any();
	default:
		return held_any();
	}
}

/* One of them is not known. */
static struct held of_any(const struct lir_op *op, const struct held *a, const struct held *b)
{
	bool constant = is_number(b) && b->lo == b->hi;

	if (op->code == LIR_AND && is_number(b) && b->lo >= 0)
		return held_number(0, b->hi);
	if (op->code == LIR_AND && is_number(a) && a->lo >= 0)
		return held_number(0, a->hi);
	/* 40 bits and fewer are numbers here. */
	if (op->code == LIR_SHR && op->size == 8 && constant && b->lo >= 24 && b->lo < 64)
		return held_number(0, (int64_t)(UINT64_MAX >> b->lo));
	if (op->code == LIR_UMOD && constant && b->lo > 0)
		return held_number(0, b->lo - 1);
	return mixed(a, b);
}

/* ---- Pointers -------------------------------------------------------------------------------- */

static bool is_bounded(const struct held *by)
{
	return is_number(by) && by->lo >= LEAST_MOVE && by->hi <= MOST_MOVE;
}

/* A packet pointer that is moved far, by what is no constant, starts anew: its base is where it is.
 */
static struct held move_packet(const struct held *ptr, const struct held *by, bool down,
			       uint32_t id)
{
	struct held r = *ptr;
	int64_t moved = down ? -by->hi : by->lo; /* at least */

	if (is_bounded(by)) {
		r.lo = ptr->lo + moved;
		r.hi = ptr->hi + (down ? -by->lo : by->hi);
		/* All of what is proven of the base may be all that is asked for. */
		if (r.lo >= LEAST_MOVE && r.hi <= MOST_MOVE && (r.lo == r.hi || r.hi < r.size))
			return r;
	}
	/* Far above is as good as anywhere behind the frame: no sum passes 2^64. */
	r.least = is_number(by) ? least_behind(ptr->least, ptr->lo + moved) : INT32_MIN;
	r.id = id;
	r.lo = r.hi = 0;
	r.size = 0;
	return r;
}

static struct held move(const struct held *ptr, const struct held *by, bool down, uint32_t id)
{
	struct held r = *ptr;

	if (ptr->kind == HELD_END || ptr->kind == HELD_NOTHING)
		return held_any();
	if (ptr->kind == HELD_PACKET)
		return move_packet(ptr, by, down, id);
	r.lo = is_bounded(by) ? r.lo + (down ? -by->hi : by->lo) : -HARDEN_FAR;
	r.hi = is_bounded(by) ? r.hi + (down ? -by->lo : by->hi) : HARDEN_FAR;
	if (r.lo < -HARDEN_FAR || r.hi > HARDEN_FAR) {
		r.lo = -HARDEN_FAR;
		r.hi = HARDEN_FAR;
	}
	return r;
}

/* ---- Operations ------------------------------------------------------------------------------ */

/* @bytes bytes, zero-extended. */
static struct held any_of(unsigned bytes)
{
	return bytes < 8 ? held_number(0, (int64_t)(UINT64_MAX >> (64 - 8 * bytes))) : held_any();
}

static struct held operand(const struct harden_state *state, const struct lir_op *op)
{
	if (op->b == LIR_IMM)
		return held_number(op->imm, op->imm);
	if (op->b == LIR_MEM)
		return any_of(op->size);
	return op->b < HARDEN_REGS ? state->regs[op->b] : held_any();
}

static struct held binary(const struct harden_state *state, const struct lir_op *op, uint32_t id)
{
	struct held a = low(state->regs[op->a], op), b = low(operand(state, op), op);
	bool moves = op->size == 8 && (op->code == LIR_ADD || op->code == LIR_SUB);

	if (moves && held_is_pointer(&a) && !held_is_pointer(&b))
		return move(&a, &b, op->code == LIR_SUB, id);
	if (op->code == LIR_ADD && moves && held_is_pointer(&b) && !held_is_pointer(&a))
		return move(&b, &a, false, id);
	if (is_number(&a) && is_number(&b))
		return sized(of_numbers(op, &a, &b), op);
	return sized(of_any(op, &a, &b), op);
}

/* The address of a whole slot: what was stored there may be a pointer into the stack. */
static struct held any_from(const struct lir_op *op)
{
	return (struct held){.kind = HELD_ANY, .size = op->mem_kind == BPFE_MEM_STACK};
}

static struct held scaled(const struct held *index, uint8_t scale)
{
	if (is_number(index))
		return held_number(index->lo * scale, index->hi * scale);
	return scale == 1 ? *index : held_any();
}

static struct held address(const struct harden_state *state, const struct lir_op *op, uint32_t id)
{
	struct held r = op->base != LIR_NONE ? state->regs[op->base] : held_number(0, 0);
	struct held disp = held_number(op->disp, op->disp);
	struct lir_op add = {.code = LIR_ADD, .size = 8};

	if (op->index != LIR_NONE && op->scale) {
		struct held by = scaled(&state->regs[op->index], op->scale);

		if (held_is_pointer(&by) && !held_is_pointer(&r)) {
			struct held pointer = by;

			by = r;
			r = pointer;
		}
		if (held_is_pointer(&by))
			return held_any();
		if (held_is_pointer(&r))
			r = move(&r, &by, false, id);
		else
			r = is_number(&r) && is_number(&by) ? of_numbers(&add, &r, &by)
							    : held_any();
	}
	if (held_is_pointer(&r))
		return op->size == 8 ? move(&r, &disp, false, id) : held_number(0, UINT32_MAX);
	if (is_number(&r) && op->disp)
		r = of_numbers(&add, &r, &disp);
	else if (op->disp)
		r = held_any();
	return sized(r, op);
}

static struct held constant(const struct harden *h, const struct lir_op *op, uint32_t id)
{
	uint64_t imm = op->size == 4 ? (uint32_t)op->imm : (uint64_t)op->imm;

	for (uint32_t i = 0; i < h->n_values; i++) {
		uint64_t off = imm - h->values[i].address;

		if (off < h->values[i].size)
			return (struct held){.kind = HELD_OBJECT,
					     .size = h->values[i].size,
					     .lo = (int64_t)off,
					     .hi = (int64_t)off};
	}
	if (op->flags & LIR_F_SECRET)
		return (struct held){.kind = HELD_OPAQUE, .id = id};
	return sized(held_number((int64_t)imm, (int64_t)imm), op);
}

/* What the bytes of @op's memory are known to hold. */
static struct held loaded(const struct harden *h, const struct harden_state *state,
			  const struct lir_op *op, unsigned bytes, bool sign, uint32_t id)
{
	const struct held *base = op->base < HARDEN_REGS ? &state->regs[op->base] : NULL;
	int64_t most;

	if (bytes == 8 && op->base == LIR_R13 && op->index == LIR_NONE &&
	    op->disp == offsetof(struct bpfe_jit_run, env.xdp))
		return (struct held){.kind = HELD_CTX};
	if (bytes == 8 && base && op->index == LIR_NONE && base->lo == base->hi) {
		int64_t at = base->lo + op->disp;
		uint32_t slot = HARDEN_SLOTS;

		if (base->kind == HELD_STACK)
			slot = harden_slot(h, h->lir->blocks[h->block].function, at);
		if (slot < HARDEN_SLOTS)
			return state->slots[slot].kind == HELD_NOTHING ? any_from(op)
								       : state->slots[slot];
		if (base->kind == HELD_CTX && op->mem_kind == BPFE_MEM_CTX) {
			if (at == offsetof(struct bpfe_xdp_buff, data))
				return (struct held){.kind = HELD_PACKET, .id = id};
			if (at == offsetof(struct bpfe_xdp_buff, data_meta))
				return (struct held){.kind = HELD_PACKET, .id = id};
			if (at == offsetof(struct bpfe_xdp_buff, data_end))
				return (struct held){.kind = HELD_END};
		}
	}
	if (bytes == 8)
		return any_from(op);
	most = (int64_t)(UINT64_MAX >> (64 - 8 * bytes));
	if (sign)
		return held_number(-(most / 2) - 1, most / 2);
	return held_number(0, most);
}

static struct held narrowed(const struct harden_state *state, const struct lir_op *op)
{
	unsigned bytes = (unsigned)op->imm;
	bool sign = op->code == LIR_SEXT;
	struct held r;

	if (op->b != LIR_MEM && op->code != LIR_BSWAP && is_number(&state->regs[op->a])) {
		int64_t most = bytes < 8 ? (int64_t)(UINT64_MAX >> (64 - 8 * bytes)) : INT64_MAX;

		r = state->regs[op->a];
		if (r.lo >= (sign ? -(most / 2) : 0) && r.hi <= (sign ? most / 2 : most))
			return sized(r, op);
	}
	if (bytes == 8)
		return held_any();
	r = held_number(0, (int64_t)(UINT64_MAX >> (64 - 8 * bytes)));
	if (sign)
		r = held_number(-(r.hi / 2) - 1, r.hi / 2);
	return sized(r, op);
}

static struct held selected(const struct harden_state *state, const struct lir_op *op, uint32_t id)
{
	struct held r = state->regs[op->dst];

	held_join(&r, &state->regs[op->index], id, false);
	return op->size == 8 ? r : sized(r, op);
}

static struct held masked(const struct harden_state *state, const struct lir_op *op)
{
	const struct held *a = &state->regs[op->a];
	struct held r =
		op->flags & LIR_F_SIGNED ? held_number(-op->imm, 0) : held_number(0, op->imm);

	r.lo -= op->disp;
	r.hi -= op->disp;
	r.lo = least_of(r.lo, 0);
	r.hi = most_of(r.hi, 0);
	if (is_number(a) && a->lo >= r.lo && a->hi <= r.hi)
		return *a;
	return r;
}

struct held held_result(const struct harden *h, const struct harden_state *state,
			const struct lir_op *op)
{
	uint32_t id = harden_id(h);

	switch (op->code) {
	case LIR_MOV:
		if (op->b == LIR_IMM)
			return constant(h, op, id);
		if (op->b == LIR_MEM)
			return loaded(h, state, op, op->size, false, id);
		return op->size == 8 ? state->regs[op->b] : sized(state->regs[op->b], op);
	case LIR_ADD:
	case LIR_SUB:
	case LIR_MUL:
	case LIR_AND:
	case LIR_OR:
	case LIR_XOR:
	case LIR_SHL:
	case LIR_SHR:
	case LIR_UDIV:
	case LIR_UMOD:
		return binary(state, op, id);
	case LIR_LEA:
		return address(state, op, id);
	case LIR_LOAD:
		return loaded(h, state, op, op->size, op->flags & LIR_F_SIGNED, id);
	case LIR_ZEXT:
	case LIR_SEXT:
	case LIR_BSWAP:
		return narrowed(state, op);
	case LIR_SELECT:
		return selected(state, op, id);
	case LIR_SETCC:
		return held_number(0, 1);
	case LIR_MASK:
		return masked(state, op);
	case LIR_GUARD:
		return state->regs[op->dst];
	case LIR_CLAMP:
		return (struct held){.kind = HELD_PACKET,
				     .id = id,
				     .size = (uint32_t)most_of(op->disp + op->imm, 0),
				     .least = -op->disp};
	default:
		return sized(held_any(), op);
	}
}
