// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Arithmetic on words: RFC 9669, section 4.1, lifted to bits and ranges.
 *
 * Each function gives what it knows directly of bits, unsigned and signed range, and leaves the
 * rest unknown for bpfe_word_deduce() to fill in. A range is given up whole as soon as one of its
 * bounds may wrap. A shift by an unknown amount is the union over the amounts that are possible.
 *
 * Imprecision: xor, or, and know ranges only through bits (and: also the smaller operand);
 * divisions know no bits except of a modulus that is a power of two.
 */
#include "verifier/domain.h"

static int64_t lowest(unsigned width)
{
	return bpfe_sext(UINT64_C(1) << (width - 1), width);
}

static int64_t highest(unsigned width)
{
	return (int64_t)(bpfe_width_mask(width) >> 1);
}

static bool fits_signed(int64_t v, unsigned width)
{
	return v >= lowest(width) && v <= highest(width);
}

static bool is_const(const struct bpfe_word *x)
{
	return x->umin == x->umax;
}

static void set_unsigned(struct bpfe_word *r, uint64_t min, uint64_t max)
{
	r->umin = min;
	r->umax = max;
}

static void set_signed(struct bpfe_word *r, int64_t min, int64_t max)
{
	r->smin = min;
	r->smax = max;
}

static struct bpfe_word add(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);
	uint64_t umax;
	int64_t smin, smax;

	r.bits = bpfe_tnum_trunc(bpfe_tnum_add(a->bits, b->bits), width);
	if (!__builtin_add_overflow(a->umax, b->umax, &umax) && umax <= bpfe_width_mask(width))
		set_unsigned(&r, a->umin + b->umin, umax);
	if (!__builtin_add_overflow(a->smin, b->smin, &smin) &&
	    !__builtin_add_overflow(a->smax, b->smax, &smax) && fits_signed(smin, width) &&
	    fits_signed(smax, width))
		set_signed(&r, smin, smax);
	return r;
}

static struct bpfe_word sub(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);
	int64_t smin, smax;

	r.bits = bpfe_tnum_trunc(bpfe_tnum_sub(a->bits, b->bits), width);
	if (a->umin >= b->umax)
		set_unsigned(&r, a->umin - b->umax, a->umax - b->umin);
	if (!__builtin_sub_overflow(a->smin, b->smax, &smin) &&
	    !__builtin_sub_overflow(a->smax, b->smin, &smax) && fits_signed(smin, width) &&
	    fits_signed(smax, width))
		set_signed(&r, smin, smax);
	return r;
}

/* The extremes of a product over two intervals are products of their ends. */
static void mul_signed(struct bpfe_word *r, const struct bpfe_word *a, const struct bpfe_word *b,
		       unsigned width)
{
	const int64_t left[2] = {a->smin, a->smax};
	const int64_t right[2] = {b->smin, b->smax};
	int64_t min = INT64_MAX, max = INT64_MIN;

	for (int i = 0; i < 4; i++) {
		int64_t p;

		if (__builtin_mul_overflow(left[i / 2], right[i % 2], &p) || !fits_signed(p, width))
			return;
		min = p < min ? p : min;
		max = p > max ? p : max;
	}
	set_signed(r, min, max);
}

static struct bpfe_word mul(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);
	uint64_t umax;

	r.bits = bpfe_tnum_trunc(bpfe_tnum_mul(a->bits, b->bits), width);
	if (!__builtin_mul_overflow(a->umax, b->umax, &umax) && umax <= bpfe_width_mask(width))
		set_unsigned(&r, a->umin * b->umin, umax);
	mul_signed(&r, a, b, width);
	return r;
}

static struct bpfe_word and_(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	r.bits = bpfe_tnum_and(a->bits, b->bits);
	r.umax = a->umax < b->umax ? a->umax : b->umax;
	return r;
}

static struct bpfe_word or_(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	r.bits = bpfe_tnum_or(a->bits, b->bits);
	r.umin = a->umin > b->umin ? a->umin : b->umin;
	return r;
}

static struct bpfe_word xor_(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	r.bits = bpfe_tnum_xor(a->bits, b->bits);
	return r;
}

static struct bpfe_word lsh(const struct bpfe_word *a, unsigned n, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	r.bits = bpfe_tnum_trunc(bpfe_tnum_lsh(a->bits, n), width);
	if (a->umax <= bpfe_width_mask(width) >> n)
		set_unsigned(&r, a->umin << n, a->umax << n);
	if (a->smin >= lowest(width) >> n && a->smax <= highest(width) >> n)
		set_signed(&r, (int64_t)((uint64_t)a->smin << n),
			   (int64_t)((uint64_t)a->smax << n));
	return r;
}

static struct bpfe_word rsh(const struct bpfe_word *a, unsigned n, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	r.bits = bpfe_tnum_rsh(a->bits, n);
	set_unsigned(&r, a->umin >> n, a->umax >> n);
	return r;
}

static struct bpfe_word arsh(const struct bpfe_word *a, unsigned n, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	r.bits = bpfe_tnum_arsh(a->bits, n, width);
	set_signed(&r, a->smin >> n, a->smax >> n);
	return r;
}

static struct bpfe_word shift_by(enum bpfe_word_op op, const struct bpfe_word *a, unsigned n,
				 unsigned width)
{
	if (op == BPFE_W_LSH)
		return lsh(a, n, width);
	if (op == BPFE_W_RSH)
		return rsh(a, n, width);
	return arsh(a, n, width);
}

/* Amounts count modulo the width, which is a power of two. */
static struct bpfe_word shift(enum bpfe_word_op op, const struct bpfe_word *a,
			      const struct bpfe_word *amount, unsigned width)
{
	struct bpfe_word n = *amount;
	struct bpfe_word r = bpfe_word_unknown(width);
	bool any = false;

	if (is_const(amount) && n.umin < width)
		return shift_by(op, a, (unsigned)n.umin, width);
	if (n.umax >= width) {
		struct bpfe_word most = bpfe_word_const(width - 1, width);

		n = and_(amount, &most, width);
		bpfe_word_deduce(&n, width);
	}
	for (uint64_t i = n.umin; i <= n.umax; i++) {
		struct bpfe_word one;

		if (!bpfe_word_contains(&n, i, width))
			continue;
		one = shift_by(op, a, (unsigned)i, width);
		bpfe_word_deduce(&one, width);
		r = any ? bpfe_word_union(r, one) : one;
		any = true;
	}
	return r;
}

/* Division by zero gives zero. */
static struct bpfe_word div_(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	if (b->umax == 0)
		return bpfe_word_const(0, width);
	set_unsigned(&r, b->umin ? a->umin / b->umax : 0, a->umax / (b->umin ? b->umin : 1));
	return r;
}

/* Modulo zero leaves the dividend. */
static struct bpfe_word mod(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	if (b->umax == 0 || a->umax < b->umin)
		return *a;
	if (is_const(b) && !(b->umin & (b->umin - 1)))
		r.bits = bpfe_tnum_and(a->bits, bpfe_tnum_const(b->umin - 1));
	r.umax = a->umax;
	if (b->umin && b->umax - 1 < r.umax)
		r.umax = b->umax - 1;
	return r;
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

/* A quotient is no larger than its dividend, except that the lowest number / -1 wraps to itself. */
static struct bpfe_word sdiv_any(const struct bpfe_word *a, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);
	uint64_t most = magnitude(a->smin);

	if (a->smin == lowest(width))
		return r;
	if (magnitude(a->smax) > most)
		most = magnitude(a->smax);
	set_signed(&r, -(int64_t)most, (int64_t)most);
	return r;
}

static struct bpfe_word sdiv(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);
	int64_t c = b->smin;

	if (b->smin != b->smax)
		return sdiv_any(a, width);
	if (c == 0)
		return bpfe_word_const(0, width);
	if (c == -1 && a->smin == lowest(width)) {
		if (a->smax == a->smin)
			return *a;
		return r;
	}
	if (c > 0)
		set_signed(&r, a->smin / c, a->smax / c);
	else
		set_signed(&r, a->smax / c, a->smin / c);
	return r;
}

/* A remainder has the dividend's sign and is smaller than both (modulo zero leaves the dividend).
 */
static struct bpfe_word smod(const struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);
	uint64_t divisor = magnitude(b->smin);
	int64_t min = a->smin < 0 ? a->smin : 0;
	int64_t max = a->smax > 0 ? a->smax : 0;

	if (magnitude(b->smax) > divisor)
		divisor = magnitude(b->smax);
	if (divisor && (b->smin > 0 || b->smax < 0)) {
		int64_t most = (int64_t)(divisor - 1);

		min = min < -most ? -most : min;
		max = max > most ? most : max;
	}
	set_signed(&r, min, max);
	return r;
}

struct bpfe_word bpfe_word_alu(enum bpfe_word_op op, const struct bpfe_word *a,
			       const struct bpfe_word *b, unsigned width)
{
	switch (op) {
	case BPFE_W_ADD:
		return add(a, b, width);
	case BPFE_W_SUB:
		return sub(a, b, width);
	case BPFE_W_MUL:
		return mul(a, b, width);
	case BPFE_W_AND:
		return and_(a, b, width);
	case BPFE_W_OR:
		return or_(a, b, width);
	case BPFE_W_XOR:
		return xor_(a, b, width);
	case BPFE_W_LSH:
	case BPFE_W_RSH:
	case BPFE_W_ARSH:
		return shift(op, a, b, width);
	case BPFE_W_DIV:
		return div_(a, b, width);
	case BPFE_W_MOD:
		return mod(a, b, width);
	case BPFE_W_SDIV:
		return sdiv(a, b, width);
	case BPFE_W_SMOD:
		return smod(a, b, width);
	case BPFE_W_OPS:
		break;
	}
	return bpfe_word_unknown(width);
}

/* Sign-extend the low @from bits to @width. */
struct bpfe_word bpfe_word_sext(const struct bpfe_word *a, unsigned from, unsigned width)
{
	struct bpfe_word r = bpfe_word_unknown(width);

	if (fits_signed(a->smin, from) && fits_signed(a->smax, from))
		return *a;
	r.bits = bpfe_tnum_sext(a->bits, from, width);
	set_signed(&r, lowest(from), highest(from));
	return r;
}
