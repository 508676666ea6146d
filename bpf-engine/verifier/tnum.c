// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Tristate numbers: each bit is 0, 1 or unknown. The algebra is that of Vishwanathan et al.,
 * "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers" (CGO 2022).
 *
 * Imprecision: bits are independent, so relations between bits are lost. {1, 2} becomes {0..3}.
 * Addition and subtraction are the best possible in this domain; multiplication is not.
 */
#include "verifier/domain.h"

/*
 * The least sum has all unknown bits 0 and the greatest has them all 1. A carry into a bit is the
 * same in all sums if it is the same in these two, because carries grow with the operands.
 */
struct bpfe_tnum bpfe_tnum_add(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t least = a.value + b.value;
	uint64_t greatest = least + a.mask + b.mask;

	return bpfe_tnum_make(least, (least ^ greatest) | a.mask | b.mask);
}

/* Borrows shrink with the minuend and grow with the subtrahend: the same argument. */
struct bpfe_tnum bpfe_tnum_sub(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t least = a.value - b.value - b.mask;
	uint64_t greatest = a.value + a.mask - b.value;

	return bpfe_tnum_make(a.value - b.value, (least ^ greatest) | a.mask | b.mask);
}

struct bpfe_tnum bpfe_tnum_union(struct bpfe_tnum a, struct bpfe_tnum b)
{
	return bpfe_tnum_make(a.value, a.mask | b.mask | (a.value ^ b.value));
}

/* Long multiplication: a bit of @a that is unknown either adds the shifted @b or does not. */
struct bpfe_tnum bpfe_tnum_mul(struct bpfe_tnum a, struct bpfe_tnum b)
{
	struct bpfe_tnum sum = bpfe_tnum_make(0, 0);

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

	return bpfe_tnum_make(ones, maybe & ~ones);
}

struct bpfe_tnum bpfe_tnum_or(struct bpfe_tnum a, struct bpfe_tnum b)
{
	uint64_t ones = a.value | b.value;

	return bpfe_tnum_make(ones, (a.mask | b.mask) & ~ones);
}

struct bpfe_tnum bpfe_tnum_xor(struct bpfe_tnum a, struct bpfe_tnum b)
{
	return bpfe_tnum_make(a.value ^ b.value, a.mask | b.mask);
}

struct bpfe_tnum bpfe_tnum_lsh(struct bpfe_tnum a, unsigned shift)
{
	return bpfe_tnum_make(a.value << shift, a.mask << shift);
}

struct bpfe_tnum bpfe_tnum_rsh(struct bpfe_tnum a, unsigned shift)
{
	return bpfe_tnum_make(a.value >> shift, a.mask >> shift);
}

/* An unknown sign bit makes all copies of it unknown. */
struct bpfe_tnum bpfe_tnum_arsh(struct bpfe_tnum a, unsigned shift, unsigned width)
{
	uint64_t value = (uint64_t)(bpfe_sext(a.value, width) >> shift);
	uint64_t mask = (uint64_t)(bpfe_sext(a.mask, width) >> shift);

	return bpfe_tnum_trunc(bpfe_tnum_make(value, mask), width);
}

struct bpfe_tnum bpfe_tnum_sext(struct bpfe_tnum a, unsigned from, unsigned width)
{
	uint64_t value = (uint64_t)bpfe_sext(a.value, from);
	uint64_t mask = (uint64_t)bpfe_sext(a.mask, from);

	return bpfe_tnum_trunc(bpfe_tnum_make(value, mask), width);
}

static uint64_t swap_bytes(uint64_t v, unsigned width)
{
	return __builtin_bswap64(v) >> (64 - width);
}

/* Reverse the bytes of the low @width bits (16, 32 or 64); the rest becomes zero. */
struct bpfe_tnum bpfe_tnum_bswap(struct bpfe_tnum a, unsigned width)
{
	return bpfe_tnum_make(swap_bytes(a.value, width), swap_bytes(a.mask, width));
}

bool bpfe_tnum_contains(struct bpfe_tnum t, uint64_t value)
{
	return !((value ^ t.value) & ~t.mask);
}
