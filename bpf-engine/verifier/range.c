// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Words: a tnum, an unsigned range and a signed range of one value, of a given width.
 *
 * Deduction repeats these rules until nothing changes:
 *   bits to ranges     a bound moves to the next number that the bits allow;
 *   ranges to bits     the leading bits common to both unsigned bounds are known;
 *   range to range     where one range does not cross the other's seam (the sign), its bounds are
 *                      bounds of the other; where it does, it is two intervals, and the other range
 *                      may touch only one of them.
 *
 * Imprecision: a set with a hole that is not one of bits keeps only its hull.
 */
#include "verifier/domain.h"

static uint64_t umax_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t umin_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int64_t smax_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smin_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* False when the bits allow no number within the bounds. */
static bool bits_to_ranges(struct bpfe_word *x, unsigned width)
{
	uint64_t all = bpfe_width_mask(width), sign = all ^ (all >> 1);
	/* With the sign bit turned over, signed numbers have the order of unsigned ones. */
	struct bpfe_tnum turned = {(x->bits.value ^ sign) & ~x->bits.mask, x->bits.mask};
	uint64_t smin = ((uint64_t)x->smin & all) ^ sign, smax = ((uint64_t)x->smax & all) ^ sign;

	if (!bpfe_tnum_round_up(x->bits, &x->umin) ||
	    !bpfe_tnum_round_down(x->bits, &x->umax, width) || !bpfe_tnum_round_up(turned, &smin) ||
	    !bpfe_tnum_round_down(turned, &smax, width))
		return false;
	x->smin = bpfe_sext(smin ^ sign, width);
	x->smax = bpfe_sext(smax ^ sign, width);
	return true;
}

static void unsigned_to_signed(struct bpfe_word *x, unsigned width)
{
	int64_t first = bpfe_sext(x->umin, width);
	int64_t last = bpfe_sext(x->umax, width);

	if (first <= last) {
		x->smin = smax_of(x->smin, first);
		x->smax = smin_of(x->smax, last);
		return;
	}
	/* Signed, the values lie in [lowest, last] or in [first, highest]. */
	if (x->smin > last)
		x->smin = smax_of(x->smin, first);
	if (x->smax < first)
		x->smax = smin_of(x->smax, last);
}

static void signed_to_unsigned(struct bpfe_word *x, unsigned width)
{
	uint64_t first = (uint64_t)x->smin & bpfe_width_mask(width);
	uint64_t last = (uint64_t)x->smax & bpfe_width_mask(width);

	if (first <= last) {
		x->umin = umax_of(x->umin, first);
		x->umax = umin_of(x->umax, last);
		return;
	}
	/* Unsigned, the values lie in [0, last] or in [first, highest]. */
	if (x->umin > last)
		x->umin = umax_of(x->umin, first);
	if (x->umax < first)
		x->umax = umin_of(x->umax, last);
}

/* The same where the sign is known to be 0: there is one range, not two. */
static bool deduce_positive(struct bpfe_word *x, unsigned width)
{
	if (x->smax < 0)
		return false;
	if (x->smin > 0)
		x->umin = umax_of(x->umin, (uint64_t)x->smin);
	x->umax = umin_of(x->umax, (uint64_t)x->smax);
	for (int round = 0; round < 4; round++) {
		const uint64_t mask = x->bits.mask;

		if (!bpfe_tnum_round_up(x->bits, &x->umin) ||
		    !bpfe_tnum_round_down(x->bits, &x->umax, width) || x->umin > x->umax ||
		    !bpfe_tnum_intersect(&x->bits, bpfe_tnum_range(x->umin, x->umax)))
			return false;
		if (x->bits.mask == mask)
			break;
	}
	x->smin = (int64_t)x->umin;
	x->smax = (int64_t)x->umax;
	return true;
}

bool bpfe_word_deduce(struct bpfe_word *x, unsigned width)
{
	if (x->umax <= bpfe_width_mask(width) >> 1)
		return deduce_positive(x, width);
	/* Each round that changes something narrows it; a few rounds reach nearly all there is. */
	for (int round = 0; round < 4; round++) {
		struct bpfe_tnum bits = x->bits;
		uint64_t umin, umax;

		if (!bits_to_ranges(x, width))
			return false;
		umin = x->umin;
		umax = x->umax;
		unsigned_to_signed(x, width);
		signed_to_unsigned(x, width);
		if (x->umin > x->umax || x->smin > x->smax)
			return false;
		if (!bpfe_tnum_intersect(&x->bits, bpfe_tnum_range(x->umin, x->umax)))
			return false;
		/* What the round began with is as it was: another would find the same. */
		if (x->umin == umin && x->umax == umax && x->bits.mask == bits.mask)
			break;
	}
	return true;
}

struct bpfe_word bpfe_word_union(struct bpfe_word a, struct bpfe_word b)
{
	a.bits = bpfe_tnum_union(a.bits, b.bits);
	a.umin = umin_of(a.umin, b.umin);
	a.umax = umax_of(a.umax, b.umax);
	a.smin = smin_of(a.smin, b.smin);
	a.smax = smax_of(a.smax, b.smax);
	return a;
}

bool bpfe_word_intersect(struct bpfe_word *a, const struct bpfe_word *b, unsigned width)
{
	if (!bpfe_tnum_intersect(&a->bits, b->bits))
		return false;
	a->umin = umax_of(a->umin, b->umin);
	a->umax = umin_of(a->umax, b->umax);
	a->smin = smax_of(a->smin, b->smin);
	a->smax = smin_of(a->smax, b->smax);
	return bpfe_word_deduce(a, width);
}

bool bpfe_word_contains(const struct bpfe_word *x, uint64_t value, unsigned width)
{
	int64_t s = bpfe_sext(value, width);

	return x->umin <= value && value <= x->umax && x->smin <= s && s <= x->smax &&
	       bpfe_tnum_contains(x->bits, value);
}
