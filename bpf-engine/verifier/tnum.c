// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Tristate numbers: each bit is 0, 1 or unknown. The algebra is that of Vishwanathan et al.,
 * "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers" (CGO 2022).
 *
 * Imprecision: bits are independent, so relations between bits are lost. {1, 2} becomes {0..3}.
 * Addition and subtraction are the best possible in this domain; multiplication is not.
 */
#include "domain.h"

static struct bpfe_tnum tnum(uint64_t value, uint64_t mask)
{
	return (struct bpfe_tnum){.value = value & ~mask, .mask = mask};
}

struct bpfe_tnum bpfe_tnum_const(uint64_t value)
{
	return tnum(value, 0);
}

struct bpfe_tnum bpfe_tnum_unknown(unsigned width)
{
	return tnum(0, bpfe_width_mask(width));
}

/* The bits above the highest one in which the bounds differ are common to all between them. */
struct bpfe_tnum bpfe_tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;

	if (!differ)
		return tnum(min, 0);
	return tnum(min, UINT64_MAX >> __builtin_clzll(differ));
}

/*
 * The least sum has all unknown bits 0 and the greatest has them all 1. A carry into a bit is the
 * same in all sums if it is the same in these two, because carries grow with the operands.
 */
struct bpfe_tnum bpfe_tnum_add(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t least = a.value + b.value;
	uint64_t greatest = least + a.mask + b.mask;

	return tnum(least, (least ^ greatest) | a.mask | b.mask);
}

/* Borrows shrink with the minuend and grow with the subtrahend: the same argument. */
struct bpfe_tnum bpfe_tnum_sub(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t least = a.value - b.value - b.mask;
	uint64_t greatest = a.value + a.mask - b.value;

	return tnum(a.value - b.value, (least ^ greatest) | a.mask | b.mask);
}

struct bpfe_tnum bpfe_tnum_union(struct bpfe_tnum a, struct bpfe_tnum b)
{
	return tnum(a.value, a.mask | b.mask | (a.value ^ b.value));
}

/* Long multiplication: a bit of @a that is unknown either adds the shifted @b or does not. */
struct bpfe_tnum bpfe_tnum_mul(struct bpfe_tnum a, struct bpfe_tnum b)
{
	struct bpfe_tnum sum = tnum(0, 0);

	for (; a.value | a.mask; a = bpfe_tnum_rsh(a, 1), b = bpfe_tnum_lsh(b, 1)) {
		if (a.value & 1)
			sum = bpfe_tnum_add(sum, b);
		else if (a.mask & 1)
			sum = bpfe_tnum_union(sum, bpfe_tnum_add(sum, b));
	}
	return sum;
}

struct bpfe_tnum bpfe_tnum_and(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t ones = a.value & b.value;
	uint64_t maybe = (a.value | a.mask) & (b.value | b.mask);

	return tnum(ones, maybe & ~ones);
}

struct bpfe_tnum bpfe_tnum_or(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t ones = a.value | b.value;

	return tnum(ones, (a.mask | b.mask) & ~ones);
}

struct bpfe_tnum bpfe_tnum_xor(struct bpfe_tnum a, struct bpfe_tnum b)
{
	return tnum(a.value ^ b.value, a.mask | b.mask);
}

struct bpfe_tnum bpfe_tnum_lsh(struct bpfe_tnum a, unsigned shift)
{
	return tnum(a.value << shift, a.mask << shift);
}

struct bpfe_tnum bpfe_tnum_rsh(struct bpfe_tnum a, unsigned shift)
{
	return tnum(a.value >> shift, a.mask >> shift);
}

/* An unknown sign bit makes all copies of it unknown. */
struct bpfe_tnum bpfe_tnum_arsh(struct bpfe_tnum a, unsigned shift, unsigned width)
{
	uint64_t value = (uint64_t)(bpfe_sext(a.value, width) >> shift);
	uint64_t mask = (uint64_t)(bpfe_sext(a.mask, width) >> shift);

	return bpfe_tnum_trunc(tnum(value, mask), width);
}

struct bpfe_tnum bpfe_tnum_trunc(struct bpfe_tnum a, unsigned width)
{
	uint64_t keep = bpfe_width_mask(width);

	return tnum(a.value & keep, a.mask & keep);
}

struct bpfe_tnum bpfe_tnum_sext(struct bpfe_tnum a, unsigned from, unsigned width)
{
	uint64_t value = (uint64_t)bpfe_sext(a.value, from);
	uint64_t mask = (uint64_t)bpfe_sext(a.mask, from);

	return bpfe_tnum_trunc(tnum(value, mask), width);
}

static uint64_t swap_bytes(uint64_t v, unsigned width)
{
	return __builtin_bswap64(v) >> (64 - width);
}

/* Reverse the bytes of the low @width bits (16, 32 or 64); the rest becomes zero. */
struct bpfe_tnum bpfe_tnum_bswap(struct bpfe_tnum a, unsigned width)
{
	return tnum(swap_bytes(a.value, width), swap_bytes(a.mask, width));
}

bool bpfe_tnum_intersect(struct bpfe_tnum *a, struct bpfe_tnum b)
{
	uint64_t known_in_both = ~a->mask & ~b.mask;

	if ((a->value ^ b.value) & known_in_both)
		return false;
	*a = tnum(a->value | b.value, a->mask & b.mask);
	return true;
}

bool bpfe_tnum_in(struct bpfe_tnum outer, struct bpfe_tnum inner)
{
	return !(inner.mask & ~outer.mask) && !((inner.value ^ outer.value) & ~outer.mask);
}

bool bpfe_tnum_contains(struct bpfe_tnum t, uint64_t value)
{
	return !((value ^ t.value) & ~t.mask);
}

/*
 * Where the bound differs from a known bit, the highest such place decides. A known 1 there makes
 * the bits below the least possible; a known 0 asks for an unknown bit above it that the bound has
 * as 0, the lowest of them, to become 1.
 */
bool bpfe_tnum_round_up(struct bpfe_tnum t, uint64_t *bound)
{
	uint64_t wrong = (*bound ^ t.value) & ~t.mask;
	uint64_t place, below, above;

	if (!wrong)
		return true;
	place = UINT64_C(1) << (63 - __builtin_clzll(wrong));
	if (t.value & place) {
		below = place - 1;
		*bound = (*bound & ~below) | place | (t.value & below);
		return true;
	}
	above = t.mask & ~*bound & ~(place | (place - 1));
	if (!above)
		return false;
	place = above & -above;
	below = place - 1;
	*bound = (*bound & ~below) | place | (t.value & below);
	return true;
}

/* Complements turn the order around. */
bool bpfe_tnum_round_down(struct bpfe_tnum t, uint64_t *bound, unsigned width)
{
	uint64_t all = bpfe_width_mask(width), mirrored = ~*bound & all;

	if (!bpfe_tnum_round_up(tnum(~t.value & all, t.mask), &mirrored))
		return false;
	*bound = ~mirrored & all;
	return true;
}
