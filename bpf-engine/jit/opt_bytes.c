/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Words that a program puts together of bytes, because its compiler does not know them aligned:
 *
 *	rcx = load1 [rsi + 13]; rcx = shl4 rcx, 8; rdx = load1 [rsi + 12]; rcx = or4 rcx, rdx
 *
 * becomes one load at the place of the "or", or of the last load if the address is gone by then.
 * What made the pieces dies if nobody else reads it. Both byte orders; big endian gets a BSWAP.
 *
 * A piece is what a value is known to be: n bytes of memory, shifted to byte `at`, zero elsewhere.
 */
#include <stdlib.h>
#include "jit/opt_memory.h"

/* Operations, or accesses, that the bytes of a word lie apart at most; keeps long blocks linear. */
#define MAX_DISTANCE 48u

enum order {
	ORDER_ANY, /* one byte */
	ORDER_LITTLE,
	ORDER_BIG,
};

struct piece {
	uint8_t n; /* bytes; 0: none is known */
	uint8_t at;
	uint8_t order;
	int32_t disp;
	uint32_t oldest, newest; /* of the accesses it is made of, by their numbers */
};

struct bytes {
	struct jit_local *local;
	const struct jit_accesses *accesses;
	struct piece *of; /* each operation's dst */
	jit_value now[LIR_NONE];
};

static struct piece piece_of(const struct bytes *b, jit_value value)
{
	return value >= 0 ? b->of[value] : (struct piece){0};
}

static struct piece load_piece(const struct bytes *b, uint32_t at)
{
	const struct lir_op *op = &b->local->ops[at];
	uint32_t access = b->accesses->of[at];

	if (!jit_is_plain_load(op) || op->size == 8 || access == JIT_NO_ACCESS)
		return (struct piece){0};
	return (struct piece){.n = op->size,
			      .order = op->size == 1 ? ORDER_ANY : ORDER_LITTLE,
			      .disp = op->disp,
			      .oldest = access,
			      .newest = access};
}

/* A piece moved up by @bytes in an operation of @size; nothing may be cut off. */
static struct piece shifted(struct piece piece, uint64_t bits, unsigned size)
{
	if (bits % 8 || piece.at + piece.n + bits / 8 > size)
		return (struct piece){0};
	piece.at += (uint8_t)(bits / 8);
	return piece;
}

/* Can @x, a write, change @n bytes at @disp of the class of @first? */
static bool may_write(const struct jit_access *x, const struct jit_access *first, int32_t disp,
		      unsigned n)
{
	if (x->kind != first->kind)
		return false;
	return x->class != first->class ||
	       (x->disp < (int64_t)disp + (int64_t)n && (int64_t)x->disp + x->size > disp);
}

/* From the first to the last access of @piece its bytes stay what they are. */
static bool is_steady(const struct bytes *b, const struct piece *piece)
{
	const struct jit_access *all = b->accesses->all, *oldest = &all[piece->oldest];

	if (piece->newest - piece->oldest > MAX_DISTANCE ||
	    oldest->foreign_writes != all[piece->newest].foreign_writes)
		return false;
	for (uint32_t i = piece->oldest + 1; i < piece->newest; i++) {
		if (lir_writes_memory(&b->local->ops[all[i].op]) &&
		    may_write(&all[i], oldest, piece->disp, piece->n))
			return false;
	}
	return true;
}

/* And from there to operation @to. */
static bool is_steady_until(const struct bytes *b, const struct piece *piece, uint32_t to)
{
	const struct jit_access *newest = &b->accesses->all[piece->newest];

	if (to - newest->op > MAX_DISTANCE)
		return false;
	for (uint32_t i = newest->op + 1; i < to; i++) {
		const struct lir_op *op = &b->local->ops[i];
		uint32_t x = b->accesses->of[i];

		if (op->code == LIR_NOP || !lir_writes_memory(op))
			continue;
		if (jit_is_barrier(op) || x == JIT_NO_ACCESS ||
		    may_write(&b->accesses->all[x], newest, piece->disp, piece->n))
			return false;
	}
	return true;
}

/* Are the two neighbours in memory in the order that their places in the word ask for? */
static bool joins(const struct piece *low, const struct piece *high, uint8_t order)
{
	if ((low->order != ORDER_ANY && low->order != order) ||
	    (high->order != ORDER_ANY && high->order != order))
		return false;
	return order == ORDER_LITTLE ? (int64_t)low->disp + low->n == high->disp
				     : (int64_t)high->disp + high->n == low->disp;
}

/* What @x and @y or'ed are. */
static struct piece joined(const struct bytes *b, struct piece x, struct piece y)
{
	const struct piece low = x.at < y.at ? x : y, high = x.at < y.at ? y : x;
	const struct jit_access *all = b->accesses->all;
	struct piece both = {0};

	if (!x.n || !y.n || low.at + low.n != high.at || all[x.newest].class != all[y.newest].class)
		return both;
	both.order = joins(&low, &high, ORDER_LITTLE) ? ORDER_LITTLE : ORDER_BIG;
	if (!joins(&low, &high, both.order))
		return both;
	both.disp = both.order == ORDER_LITTLE ? low.disp : high.disp;
	both.oldest = x.oldest < y.oldest ? x.oldest : y.oldest;
	both.newest = x.newest > y.newest ? x.newest : y.newest;
	both.at = low.at;
	both.n = low.n + high.n;
	if (!is_steady(b, &both))
		both.n = 0;
	return both;
}

static bool is_word(const struct piece *piece, unsigned size)
{
	return !piece->at && piece->n <= size && (piece->n == 2 || piece->n == 4 || piece->n == 8);
}

/* The load of @piece, at any place where the address of its newest access is valid. */
static struct lir_op word_load(const struct bytes *b, const struct piece *piece, uint8_t dst)
{
	struct lir_op load = b->local->ops[b->accesses->all[piece->newest].op];

	load.dst = dst;
	load.size = piece->n;
	load.disp = piece->disp;
	return load;
}

static bool address_holds(const struct bytes *b, uint32_t load)
{
	const struct lir_op *op = &b->local->ops[load];
	const struct jit_operands *operands = &b->local->operands[load];

	return (op->base >= LIR_NONE || b->now[op->base] == operands->base) &&
	       (!op->scale || b->now[op->index] == operands->index);
}

/* An operand of @at that was shifted for nothing else, the later one if both were. */
static jit_value free_operand(const struct bytes *b, uint32_t at)
{
	const struct jit_local *local = b->local;
	const struct jit_operands *operands = &local->operands[at];
	jit_value value = operands->a > operands->b ? operands->a : operands->b;

	if (value < 0 || local->n_uses[value] != 1 || local->ops[value].code != LIR_SHL)
		value = operands->a > operands->b ? operands->b : operands->a;
	if (value < 0 || local->n_uses[value] != 1 || local->ops[value].code != LIR_SHL)
		return JIT_NO_VALUE;
	return value;
}

/* Operation @at, which puts the word together, becomes its load; of a big-endian one the operation
 * that shifted a piece becomes the load, and @at swaps. */
static bool load_at_end(struct bytes *b, const struct piece *word, uint32_t at)
{
	struct lir_op *op = &b->local->ops[at], *load = op;
	uint32_t newest = b->accesses->all[word->newest].op;

	if (!address_holds(b, newest) || !is_steady_until(b, word, at))
		return false;
	if (word->order == ORDER_BIG) {
		jit_value shift = free_operand(b, at);

		if (shift == JIT_NO_VALUE || (uint32_t)shift < b->accesses->all[word->oldest].op)
			return false;
		load = &b->local->ops[shift];
		op->code = LIR_BSWAP;
		op->a = load->dst;
		op->b = LIR_NONE;
		op->size = word->n == 8 ? 8 : 4;
		op->imm = word->n;
	}
	*load = word_load(b, word, load->dst);
	return true;
}

/* May all from the load @from to @at, which use its register for nothing else, go away? */
static bool is_private_chain(const struct bytes *b, uint32_t from, uint32_t at)
{
	const struct jit_local *local = b->local;
	uint32_t i = from;

	while (i != at) {
		if (local->n_uses[i] != 1 || local->ops[i].dst != local->ops[at].dst)
			return false;
		i = local->last_use[i];
		if (i > at || (local->ops[i].code != LIR_SHL && local->ops[i].code != LIR_OR &&
			       local->ops[i].code != LIR_ADD && local->ops[i].code != LIR_XOR))
			return false;
	}
	return true;
}

/* The newest load becomes the word's, and what led from it to @at goes away. */
static bool load_at_newest(struct bytes *b, const struct piece *word, uint32_t at)
{
	const struct jit_local *local = b->local;
	uint32_t from = b->accesses->all[word->newest].op, i = from;

	if (word->order == ORDER_BIG || !is_private_chain(b, from, at))
		return false;
	while (i != at) {
		i = local->last_use[i];
		local->ops[i].code = LIR_NOP;
	}
	local->ops[from] = word_load(b, word, local->ops[from].dst);
	return true;
}

static struct piece describe(const struct bytes *b, uint32_t at)
{
	const struct lir_op *op = &b->local->ops[at];
	const struct jit_operands *operands = &b->local->operands[at];

	switch (op->code) {
	case LIR_LOAD:
		return load_piece(b, at);
	case LIR_MOV:
		return op->b < LIR_NONE ? shifted(piece_of(b, operands->b), 0, op->size)
					: (struct piece){0};
	case LIR_ZEXT:
		return op->a < LIR_NONE ? shifted(piece_of(b, operands->a), 0, (unsigned)op->imm)
					: (struct piece){0};
	case LIR_SHL:
		return op->b == LIR_IMM && op->imm >= 0 && op->imm < 8 * op->size
			       ? shifted(piece_of(b, operands->a), (uint64_t)op->imm, op->size)
			       : (struct piece){0};
	case LIR_OR:
	case LIR_ADD:
	case LIR_XOR:
		return op->b < LIR_NONE ? shifted(joined(b, piece_of(b, operands->a),
							 piece_of(b, operands->b)),
						  0, op->size)
					: (struct piece){0};
	default:
		return (struct piece){0};
	}
}

static bool joins_pieces(uint8_t code)
{
	return code == LIR_OR || code == LIR_ADD || code == LIR_XOR;
}

static bool assemble_words(struct bytes *b)
{
	bool changed = false;

	for (uint8_t reg = 0; reg < LIR_NONE; reg++)
		b->now[reg] = jit_entry_value(reg);
	for (uint32_t i = 0; i < b->local->n_ops; i++) {
		const struct lir_op *op = &b->local->ops[i];
		lir_set defs = lir_defs(op);
		struct piece piece = describe(b, i);

		if (joins_pieces(op->code) && is_word(&piece, op->size))
			changed |= load_at_end(b, &piece, i) || load_at_newest(b, &piece, i);
		b->of[i] = piece;
		for (; defs; defs &= defs - 1)
			b->now[__builtin_ctz(defs)] = (jit_value)i;
	}
	return changed;
}

/* Words are put together of pieces that were shifted. */
static bool has_shifts(const struct jit_local *local)
{
	for (uint32_t i = 0; i < local->n_ops; i++) {
		if (local->ops[i].code == LIR_SHL && local->ops[i].b == LIR_IMM &&
		    local->ops[i].imm % 8 == 0)
			return true;
	}
	return false;
}

static unsigned count_narrow(const struct jit_local *local, uint8_t code)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < local->n_ops; i++)
		n += local->ops[i].code == code && local->ops[i].size < 8;
	return n;
}

bool jit_opt_bytes(struct jit_bytes_room *room, struct jit_local *local, struct lir_block *block)
{
	struct bytes b = {.local = local, .accesses = &room->accesses, .of = room->pieces};
	bool stores = count_narrow(local, LIR_STORE) > 1;
	bool words = count_narrow(local, LIR_LOAD) > 1 && has_shifts(local), changed = false;

	if (!stores && !words)
		return false;
	jit_accesses_scan(&room->accesses, local);
	if (words)
		changed = assemble_words(&b);
	if (!stores)
		return changed;
	if (changed) {
		jit_local_scan(local, block);
		jit_accesses_scan(&room->accesses, local);
	}
	return jit_opt_bytes_stored(room, local, block) || changed;
}

bool jit_bytes_room_init(struct jit_bytes_room *room, struct lir *lir, uint32_t n_ops)
{
	*room = (struct jit_bytes_room){0};
	room->pieces = malloc((size_t)(n_ops + 1) * sizeof(*room->pieces));
	room->moved = malloc((size_t)(n_ops + 1) * sizeof(*room->moved));
	lir->failed |= !room->pieces || !room->moved;
	if (lir->failed || !jit_accesses_init(&room->accesses, lir, n_ops)) {
		jit_bytes_room_free(room);
		return false;
	}
	return true;
}

void jit_bytes_room_free(struct jit_bytes_room *room)
{
	free(room->pieces);
	free(room->moved);
	jit_accesses_free(&room->accesses);
	*room = (struct jit_bytes_room){0};
}
