/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What comparisons tell of their operands. Signed ones are only understood where they are unsigned
 * ones in disguise (neither operand is negative) or where one side is a constant.
 */
#include "jit/opt_values.h"

static bool is_signed(uint8_t cond)
{
	return cond == LIR_L || cond == LIR_GE || cond == LIR_LE || cond == LIR_G;
}

/* The unsigned condition that is the same if both operands have the same sign. */
static uint8_t as_unsigned(uint8_t cond)
{
	switch (cond) {
	case LIR_L:
		return LIR_B;
	case LIR_GE:
		return LIR_AE;
	case LIR_LE:
		return LIR_BE;
	case LIR_G:
		return LIR_A;
	default:
		return cond;
	}
}

static enum jit_known known(bool always, bool never)
{
	return always ? JIT_ALWAYS : never ? JIT_NEVER : JIT_MAYBE;
}

static enum jit_known opposite(enum jit_known k)
{
	return k == JIT_MAYBE ? JIT_MAYBE : k == JIT_ALWAYS ? JIT_NEVER : JIT_ALWAYS;
}

static enum jit_known decide_equal(const struct jit_fact *a, const struct jit_fact *b)
{
	uint64_t known_in_both = ~a->bits.mask & ~b->bits.mask;
	bool differ = a->max < b->min || b->max < a->min ||
		      ((a->bits.value ^ b->bits.value) & known_in_both);

	return known(jit_fact_is_const(a) && jit_fact_is_const(b) && !differ, differ);
}

static enum jit_known decide_unsigned(uint8_t cond, const struct jit_fact *a,
				      const struct jit_fact *b)
{
	switch (cond) {
	case LIR_B:
		return known(a->max < b->min, a->min >= b->max);
	case LIR_BE:
		return known(a->max <= b->min, a->min > b->max);
	case LIR_AE:
		return opposite(known(a->max < b->min, a->min >= b->max));
	case LIR_A:
		return opposite(known(a->max <= b->min, a->min > b->max));
	case LIR_E:
		return decide_equal(a, b);
	case LIR_NE:
		return opposite(decide_equal(a, b));
	case LIR_TESTZ:
		return known(!(jit_fact_ones(a) & jit_fact_ones(b)), a->bits.value & b->bits.value);
	case LIR_TESTNZ:
		return known(a->bits.value & b->bits.value, !(jit_fact_ones(a) & jit_fact_ones(b)));
	default:
		return JIT_MAYBE;
	}
}

/* Its sign: 0, 1, or -1 if it is not known. */
static int sign_of(const struct jit_fact *f, unsigned bytes)
{
	uint64_t top = jit_low_bits(bytes) >> 1;

	return f->max <= top ? 0 : f->min > top ? 1 : -1;
}

enum jit_known jit_decide(uint8_t cond, unsigned bytes, const struct jit_fact *a,
			  const struct jit_fact *b)
{
	struct jit_fact low_a = jit_fact_low(*a, bytes), low_b = jit_fact_low(*b, bytes);
	int sign_a, sign_b;

	if (!is_signed(cond))
		return decide_unsigned(cond, &low_a, &low_b);
	sign_a = sign_of(&low_a, bytes);
	sign_b = sign_of(&low_b, bytes);
	if (sign_a < 0 || sign_b < 0)
		return JIT_MAYBE;
	if (sign_a == sign_b)
		return decide_unsigned(as_unsigned(cond), &low_a, &low_b);
	return known(sign_a == (cond == LIR_L || cond == LIR_LE), true);
}

/* ---- Assumptions ----------------------------------------------------------------------------- */

static bool assume_equal(struct jit_fact *a, struct jit_fact *b)
{
	struct jit_fact both = *a;

	if (!bpfe_tnum_intersect(&both.bits, b->bits))
		return false;
	both.min = both.min > b->min ? both.min : b->min;
	both.max = both.max < b->max ? both.max : b->max;
	if (!jit_fact_settle(&both))
		return false;
	*a = *b = both;
	return true;
}

/* @a is not the constant @b: a bound that is equal to it moves. */
static bool assume_unequal(struct jit_fact *a, const struct jit_fact *b)
{
	if (!jit_fact_is_const(b))
		return true;
	if (a->min == a->max)
		return a->min != b->min;
	if (a->min == b->min)
		a->min++;
	else if (a->max == b->min)
		a->max--;
	return jit_fact_settle(a);
}

/* a < b, or with @or_equal a <= b. */
static bool assume_below(struct jit_fact *a, struct jit_fact *b, bool or_equal)
{
	uint64_t gap = or_equal ? 0 : 1;

	if (b->max < gap || a->min > UINT64_MAX - gap)
		return false;
	if (a->max > b->max - gap)
		a->max = b->max - gap;
	if (b->min < a->min + gap)
		b->min = a->min + gap;
	return jit_fact_settle(a) && jit_fact_settle(b);
}

/* No bit of the constant @b is set in @a; or its only bit is. */
static bool assume_bits(struct jit_fact *a, const struct jit_fact *b, bool zero)
{
	uint64_t mask = b->bits.value;

	if (!jit_fact_is_const(b) || (!zero && (!mask || (mask & (mask - 1)))))
		return true;
	if (zero ? a->bits.value & mask : !(jit_fact_ones(a) & mask))
		return false;
	a->bits.mask &= ~mask;
	if (!zero)
		a->bits.value |= mask;
	return jit_fact_settle(a);
}

static bool assume_unsigned(uint8_t cond, struct jit_fact *a, struct jit_fact *b)
{
	switch (cond) {
	case LIR_B:
	case LIR_BE:
		return assume_below(a, b, cond == LIR_BE);
	case LIR_A:
	case LIR_AE:
		return assume_below(b, a, cond == LIR_AE);
	case LIR_E:
		return assume_equal(a, b);
	case LIR_NE:
		return assume_unequal(a, b) && assume_unequal(b, a);
	case LIR_TESTZ:
	case LIR_TESTNZ:
		return assume_bits(a, b, cond == LIR_TESTZ);
	default:
		return true;
	}
}

/* a > b or a >= b for a constant b that is not negative (or -1, for >) tell that a is not. */
static bool assume_signed(uint8_t cond, unsigned bytes, struct jit_fact *a, struct jit_fact *b)
{
	uint64_t top = jit_low_bits(bytes) >> 1;

	if (cond == LIR_G && b->min == jit_low_bits(bytes)) {
		a->max = a->max < top ? a->max : top;
		return jit_fact_settle(a);
	}
	if (b->max <= top && (cond == LIR_G || cond == LIR_GE))
		a->max = a->max < top ? a->max : top;
	else if (a->max <= top && (cond == LIR_L || cond == LIR_LE))
		b->max = b->max < top ? b->max : top;
	if (!jit_fact_settle(a) || !jit_fact_settle(b))
		return false;
	if (a->max > top || b->max > top)
		return true;
	return assume_unsigned(as_unsigned(cond), a, b);
}

bool jit_assume(uint8_t cond, unsigned bytes, struct jit_fact *a, struct jit_fact *b)
{
	struct jit_fact low_b = jit_fact_low(*b, bytes);

	/* Of more than what is compared nothing is learnt. */
	if (a->max > jit_low_bits(bytes))
		return true;
	if (b->max > jit_low_bits(bytes)) {
		if (!jit_fact_is_const(b))
			return true;
		b = &low_b;
	}
	if (is_signed(cond))
		return assume_signed(cond, bytes, a, b);
	return assume_unsigned(cond, a, b);
}
