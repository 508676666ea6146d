// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Scalars: a 64-bit word beside the word of its low half, because compilers test and compute on
 * halves of what they then use whole.
 *
 * Between the two: low bits are shared; where the 64-bit range stays within one block of 2^32 its
 * low halves bound the half; the half's bounds move each end of the 64-bit range to the next number
 * whose low half is allowed; a value known to be the sign extension of its half has its signed
 * bounds.
 *
 * Imprecision: a 64-bit operation whose low half depends on the high one (right shifts, divisions)
 * learns its half only from the whole.
 */
#include "verifier/domain.h"

#define HALF UINT64_C(0xffffffff)

struct bpfe_scalar bpfe_scalar_loaded(unsigned bytes, bool sign)
{
	struct bpfe_scalar any = bpfe_scalar_unknown();

	if (bytes >= 8)
		return any;
	if (!sign) {
		const uint64_t most = bpfe_width_mask(8 * bytes);

		any.x = (struct bpfe_word){{0, most}, 0, most, 0, (int64_t)most};
		if (bytes < 4)
			any.lo = any.x;
		return any;
	}
	return bpfe_scalar_sext(&any, 8 * bytes, true);
}

static bool share_bits(struct bpfe_scalar *s)
{
	struct bpfe_tnum upper_unknown = {s->lo.bits.value, s->lo.bits.mask | ~HALF};

	if (!bpfe_tnum_intersect(&s->x.bits, upper_unknown))
		return false;
	return bpfe_tnum_intersect(&s->lo.bits, bpfe_tnum_trunc(s->x.bits, 32));
}

static void whole_to_half(struct bpfe_scalar *s)
{
	struct bpfe_word from = bpfe_word_unknown(32);

	if (s->x.umin >> 32 == s->x.umax >> 32) {
		from.umin = s->x.umin & HALF;
		from.umax = s->x.umax & HALF;
	}
	if (s->x.smin >> 32 == s->x.smax >> 32) {
		uint64_t min = (uint64_t)s->x.smin & HALF, max = (uint64_t)s->x.smax & HALF;

		from.umin = min > from.umin ? min : from.umin;
		from.umax = max < from.umax ? max : from.umax;
	}
	if (s->x.smin >= INT32_MIN && s->x.smax <= INT32_MAX) {
		from.smin = s->x.smin;
		from.smax = s->x.smax;
	}
	if (from.umin > s->lo.umin)
		s->lo.umin = from.umin;
	if (from.umax < s->lo.umax)
		s->lo.umax = from.umax;
	if (from.smin > s->lo.smin)
		s->lo.smin = from.smin;
	if (from.smax < s->lo.smax)
		s->lo.smax = from.smax;
}

/*
 * The least number not below @bound, or (@up false) the greatest not above it, whose low half lies
 * in [lo.umin, lo.umax]. False when that would pass the end of the 64-bit numbers, @end.
 */
static bool round_to_half(uint64_t *bound, const struct bpfe_word *lo, bool up, uint64_t end)
{
	uint64_t low = *bound & HALF, high = *bound & ~HALF;

	if (up && low > lo->umax) {
		if (high == (end & ~HALF))
			return false;
		*bound = (high + HALF + 1) | lo->umin;
	} else if (up && low < lo->umin) {
		*bound = high | lo->umin;
	} else if (!up && low < lo->umin) {
		if (high == (end & ~HALF))
			return false;
		*bound = (high - HALF - 1) | lo->umax;
	} else if (!up && low > lo->umax) {
		*bound = high | lo->umax;
	}
	return true;
}

static bool half_to_whole(struct bpfe_scalar *s)
{
	uint64_t smin = (uint64_t)s->x.smin, smax = (uint64_t)s->x.smax;

	if (!round_to_half(&s->x.umin, &s->lo, true, UINT64_MAX) ||
	    !round_to_half(&s->x.umax, &s->lo, false, 0) ||
	    !round_to_half(&smin, &s->lo, true, (uint64_t)INT64_MAX) ||
	    !round_to_half(&smax, &s->lo, false, (uint64_t)INT64_MIN))
		return false;
	s->x.smin = (int64_t)smin;
	s->x.smax = (int64_t)smax;
	if (s->x.smin >= INT32_MIN && s->x.smax <= INT32_MAX) {
		if (s->lo.smin > s->x.smin)
			s->x.smin = s->lo.smin;
		if (s->lo.smax < s->x.smax)
			s->x.smax = s->lo.smax;
	}
	return true;
}

/* A number that is its low half: what is known of the one is known of the other. */
static bool deduce_short(struct bpfe_scalar *s)
{
	struct bpfe_word *lo = &s->lo;

	if (s->x.bits.value & ~HALF || s->x.smax < 0 ||
	    !bpfe_tnum_intersect(&lo->bits, bpfe_tnum_trunc(s->x.bits, 32)))
		return false;
	if (lo->umin < s->x.umin)
		lo->umin = s->x.umin;
	if (s->x.smin > 0 && lo->umin < (uint64_t)s->x.smin)
		lo->umin = (uint64_t)s->x.smin;
	if (lo->umax > s->x.umax)
		lo->umax = s->x.umax;
	if (lo->umax > (uint64_t)s->x.smax)
		lo->umax = (uint64_t)s->x.smax;
	if (lo->umin > lo->umax || !bpfe_word_deduce(lo, 32))
		return false;
	s->x = (struct bpfe_word){lo->bits, lo->umin, lo->umax, (int64_t)lo->umin,
				  (int64_t)lo->umax};
	return true;
}

bool bpfe_scalar_deduce(struct bpfe_scalar *s)
{
	if (s->x.umax <= HALF)
		return deduce_short(s);
	for (int round = 0; round < 4; round++) {
		struct bpfe_scalar before;
		uint64_t mask, half;

		if (!share_bits(s))
			return false;
		mask = s->x.bits.mask;
		half = s->lo.bits.mask;
		if (!bpfe_word_deduce(&s->x, 64) || !bpfe_word_deduce(&s->lo, 32))
			return false;
		before = *s;
		whole_to_half(s);
		if (s->lo.umin > s->lo.umax || s->lo.smin > s->lo.smax || !half_to_whole(s))
			return false;
		if (s->x.umin > s->x.umax || s->x.smin > s->x.smax)
			return false;
		/* Neither told the other anything, nor did the words find bits to be shared. */
		if (s->x.bits.mask == mask && s->lo.bits.mask == half &&
		    bpfe_scalar_equal(s, &before))
			break;
	}
	return true;
}

/* Does the low half of the result depend on the low halves of the operands alone? */
static bool low_half_alone(enum bpfe_word_op op, const struct bpfe_scalar *b)
{
	switch (op) {
	case BPFE_W_ADD:
	case BPFE_W_SUB:
	case BPFE_W_MUL:
	case BPFE_W_AND:
	case BPFE_W_OR:
	case BPFE_W_XOR:
		return true;
	case BPFE_W_LSH:
		return b->x.umax < 32;
	default:
		return false;
	}
}

/* Of two numbers that are known, for what is done often. */
static bool alu_known(enum bpfe_word_op op, uint64_t a, uint64_t b, uint64_t *r)
{
	switch (op) {
	case BPFE_W_ADD:
		*r = a + b;
		return true;
	case BPFE_W_SUB:
		*r = a - b;
		return true;
	case BPFE_W_AND:
		*r = a & b;
		return true;
	case BPFE_W_OR:
		*r = a | b;
		return true;
	case BPFE_W_XOR:
		*r = a ^ b;
		return true;
	case BPFE_W_MUL:
		*r = a * b;
		return true;
	default:
		return false;
	}
}

static bool is_unknown(const struct bpfe_word *x, unsigned width)
{
	const uint64_t all = bpfe_width_mask(width);

	return x->bits.mask == all && !x->umin && x->umax == all &&
	       x->smax == (int64_t)(all >> 1) && x->smin == -x->smax - 1;
}

/* Nothing is known of what a number of which nothing is known was mixed into. */
static bool mixes_unknown(enum bpfe_word_op op, const struct bpfe_scalar *a,
			  const struct bpfe_scalar *b, bool is64)
{
	if (op != BPFE_W_ADD && op != BPFE_W_SUB && op != BPFE_W_XOR)
		return false;
	return (is_unknown(&a->lo, 32) && (!is64 || is_unknown(&a->x, 64))) ||
	       (is_unknown(&b->lo, 32) && (!is64 || is_unknown(&b->x, 64)));
}

struct bpfe_scalar bpfe_scalar_alu(enum bpfe_word_op op, const struct bpfe_scalar *a,
				   const struct bpfe_scalar *b, bool is64)
{
	struct bpfe_scalar r;
	uint64_t known;

	if (bpfe_scalar_is_const(a) && bpfe_scalar_is_const(b) &&
	    alu_known(op, a->x.umin, b->x.umin, &known))
		return bpfe_scalar_const(is64 ? known : known & HALF);
	if (mixes_unknown(op, a, b, is64))
		return bpfe_scalar_loaded(is64 ? 8 : 4, false);
	r = bpfe_scalar_unknown();

	if (!is64) {
		r.lo = bpfe_word_alu(op, &a->lo, &b->lo, 32);
		bpfe_word_deduce(&r.lo, 32);
		return bpfe_scalar_zext(&r, 32);
	}
	r.x = bpfe_word_alu(op, &a->x, &b->x, 64);
	if (low_half_alone(op, b))
		r.lo = bpfe_word_alu(op, &a->lo, &b->lo, 32);
	bpfe_scalar_deduce(&r);
	return r;
}

/* Keep the low @from bits. */
struct bpfe_scalar bpfe_scalar_zext(const struct bpfe_scalar *a, unsigned from)
{
	struct bpfe_scalar r = bpfe_scalar_unknown();
	uint64_t all = bpfe_width_mask(from);

	if (from == 64 || a->x.umax <= all)
		return *a;
	if (from == 32) {
		r.lo = a->lo;
		r.x = (struct bpfe_word){a->lo.bits, a->lo.umin, a->lo.umax, (int64_t)a->lo.umin,
					 (int64_t)a->lo.umax};
		return r;
	}
	r.x.bits = bpfe_tnum_trunc(a->x.bits, from);
	r.x.umax = all;
	bpfe_scalar_deduce(&r);
	return r;
}

/* Sign-extend the low @from bits to 64, or to 32 with the high half zero. */
struct bpfe_scalar bpfe_scalar_sext(const struct bpfe_scalar *a, unsigned from, bool is64)
{
	struct bpfe_scalar r = bpfe_scalar_unknown();

	r.lo = from < 32 ? bpfe_word_sext(&a->lo, from, 32) : a->lo;
	bpfe_word_deduce(&r.lo, 32);
	if (!is64)
		return bpfe_scalar_zext(&r, 32);
	r.x = bpfe_word_sext(&a->x, from, 64);
	bpfe_scalar_deduce(&r);
	return r;
}

struct bpfe_scalar bpfe_scalar_bswap(const struct bpfe_scalar *a, unsigned width)
{
	struct bpfe_scalar r = bpfe_scalar_unknown();

	r.x.bits = bpfe_tnum_bswap(a->x.bits, width);
	bpfe_scalar_deduce(&r);
	return r;
}

bool bpfe_scalar_assume(enum bpfe_cond cond, struct bpfe_scalar *a, struct bpfe_scalar *b,
			bool is64)
{
	const bool a_known = bpfe_scalar_is_const(a), b_known = bpfe_scalar_is_const(b);
	const struct bpfe_scalar before = *a;

	if (cond == BPFE_C_EQ && b_known && (is64 || before.x.umax <= HALF)) {
		*a = bpfe_scalar_const(is64 ? b->x.umin : b->x.umin & HALF);
		return bpfe_scalar_contains(&before, a->x.umin);
	}
	if (is64 && !bpfe_word_assume(cond, &a->x, &b->x, 64))
		return false;
	if (!is64 && !bpfe_word_assume(cond, &a->lo, &b->lo, 32))
		return false;
	if (is64 && cond == BPFE_C_EQ) {
		if (!bpfe_word_intersect(&a->lo, &b->lo, 32))
			return false;
		b->lo = a->lo;
	}
	/* A known number stays as it is, or the condition cannot hold. */
	return (a_known || bpfe_scalar_equal(a, &before) || bpfe_scalar_deduce(a)) &&
	       (b_known || bpfe_scalar_deduce(b));
}

struct bpfe_scalar bpfe_scalar_union(const struct bpfe_scalar *a, const struct bpfe_scalar *b)
{
	return (struct bpfe_scalar){bpfe_word_union(a->x, b->x), bpfe_word_union(a->lo, b->lo)};
}

bool bpfe_scalar_contains(const struct bpfe_scalar *s, uint64_t value)
{
	return bpfe_word_contains(&s->x, value, 64) && bpfe_word_contains(&s->lo, value & HALF, 32);
}
