/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Facts of a number: which bits are known (the verifier's tristate numbers) and unsigned bounds.
 * Each operator returns a fact that holds for every result of values its operands hold for.
 */
#include "jit/opt_values.h"

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The least 2^n - 1 that is not below @v. */
static uint64_t filled(uint64_t v)
{
	return v ? UINT64_MAX >> __builtin_clzll(v) : 0;
}

struct jit_fact jit_fact_const(uint64_t value)
{
	return (struct jit_fact){{value, 0}, value, value};
}

struct jit_fact jit_fact_unknown(unsigned bytes)
{
	return (struct jit_fact){{0, jit_low_bits(bytes)}, 0, jit_low_bits(bytes)};
}

bool jit_fact_settle(struct jit_fact *f)
{
	uint64_t common;

	f->min = max64(f->min, f->bits.value);
	f->max = min64(f->max, jit_fact_ones(f));
	if (f->min > f->max)
		return false;
	/* Bits above the highest one in which the bounds differ are the same in all between. */
	common = ~filled(f->min ^ f->max);
	f->bits.value |= f->min & common & f->bits.mask;
	f->bits.mask &= ~common;
	return true;
}

/* Only bits are known. */
static struct jit_fact from_bits(struct bpfe_tnum bits)
{
	return (struct jit_fact){bits, bits.value, bits.value | bits.mask};
}

/* Both are known of the same number, which exists: at worst one of them says nothing. */
static struct jit_fact from_both(struct bpfe_tnum bits, uint64_t min, uint64_t max)
{
	struct jit_fact f = {bits, min, max};

	return jit_fact_settle(&f) ? f : from_bits(bits);
}

struct jit_fact jit_fact_low(struct jit_fact f, unsigned bytes)
{
	uint64_t low = jit_low_bits(bytes);

	if (f.max <= low)
		return f;
	return from_bits((struct bpfe_tnum){f.bits.value & low, f.bits.mask & low});
}

struct jit_fact jit_fact_sext(struct jit_fact f, unsigned from, unsigned to)
{
	f = jit_fact_low(f, from);
	if (f.max <= jit_low_bits(from) >> 1)
		return f;
	return from_bits(bpfe_tnum_sext(f.bits, 8 * from, 8 * to));
}

struct jit_fact jit_fact_join(const struct jit_fact *a, const struct jit_fact *b)
{
	return from_both(bpfe_tnum_union(a->bits, b->bits), min64(a->min, b->min),
			 max64(a->max, b->max));
}

bool jit_fact_equal(const struct jit_fact *a, const struct jit_fact *b)
{
	return a->bits.value == b->bits.value && a->bits.mask == b->bits.mask && a->min == b->min &&
	       a->max == b->max;
}

/* ---- Arithmetic. Operands are of @bytes already; results are cut to them. -------------------- */

typedef struct jit_fact binary_fn(unsigned bytes, const struct jit_fact *a,
				  const struct jit_fact *b);

static struct bpfe_tnum cut(struct bpfe_tnum bits, unsigned bytes)
{
	uint64_t low = jit_low_bits(bytes);

	return (struct bpfe_tnum){bits.value & low, bits.mask & low};
}

/* Bounds hold if the carry out is the same for the least and the greatest sum. */
static struct jit_fact add(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	struct bpfe_tnum bits = cut(bpfe_tnum_add(a->bits, b->bits), bytes);
	uint64_t low = jit_low_bits(bytes);
	bool least_carries = a->min > low - b->min, greatest_carries = a->max > low - b->max;

	if (least_carries != greatest_carries)
		return from_bits(bits);
	return from_both(bits, (a->min + b->min) & low, (a->max + b->max) & low);
}

static struct jit_fact sub(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	struct bpfe_tnum bits = cut(bpfe_tnum_sub(a->bits, b->bits), bytes);
	uint64_t low = jit_low_bits(bytes);

	if ((a->min < b->max) != (a->max < b->min))
		return from_bits(bits);
	return from_both(bits, (a->min - b->max) & low, (a->max - b->min) & low);
}

/* Trailing zeros add up; the rest is left to the bounds. */
static struct jit_fact mul(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	uint64_t low = jit_low_bits(bytes), max;
	uint64_t ones_a = jit_fact_ones(a), ones_b = jit_fact_ones(b);
	unsigned zeros;

	if (!ones_a || !ones_b)
		return jit_fact_const(0);
	if (jit_fact_is_const(a) && jit_fact_is_const(b))
		return jit_fact_const(a->min * b->min & low);
	zeros = (unsigned)__builtin_ctzll(ones_a) + (unsigned)__builtin_ctzll(ones_b);
	if (zeros >= 8 * bytes)
		return jit_fact_const(0);
	if (__builtin_mul_overflow(a->max, b->max, &max) || max > low)
		return from_bits((struct bpfe_tnum){0, low >> zeros << zeros});
	return from_both((struct bpfe_tnum){0, filled(max) >> zeros << zeros}, a->min * b->min,
			 max);
}

static struct jit_fact bit_and(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	return from_both(bpfe_tnum_and(a->bits, b->bits), 0, min64(a->max, b->max));
}

static struct jit_fact bit_or(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	return from_both(bpfe_tnum_or(a->bits, b->bits), max64(a->min, b->min),
			 filled(a->max | b->max));
}

static struct jit_fact bit_xor(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	return from_both(bpfe_tnum_xor(a->bits, b->bits), 0, filled(a->max | b->max));
}

static struct jit_fact shl(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	unsigned n = (unsigned)b->min % (8 * bytes);
	uint64_t low = jit_low_bits(bytes);
	struct bpfe_tnum bits;

	if (!jit_fact_is_const(b))
		return jit_fact_unknown(bytes);
	bits = cut(bpfe_tnum_lsh(a->bits, n), bytes);
	if (a->max > low >> n)
		return from_bits(bits);
	return from_both(bits, a->min << n, a->max << n);
}

static struct jit_fact shr(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	unsigned n = (unsigned)b->min % (8 * bytes);

	if (!jit_fact_is_const(b))
		return from_both((struct bpfe_tnum){0, filled(a->max)}, 0, a->max);
	return from_both(bpfe_tnum_rsh(a->bits, n), a->min >> n, a->max >> n);
}

static struct jit_fact sar(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	if (a->max <= jit_low_bits(bytes) >> 1)
		return shr(bytes, a, b);
	if (!jit_fact_is_const(b))
		return jit_fact_unknown(bytes);
	return from_bits(bpfe_tnum_arsh(a->bits, (unsigned)b->min % (8 * bytes), 8 * bytes));
}

static struct jit_fact rol(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	unsigned bits = 8 * bytes, n = (unsigned)b->min % bits;
	struct bpfe_tnum left, right;

	if (!jit_fact_is_const(b))
		return jit_fact_unknown(bytes);
	if (!n)
		return *a;
	left = cut(bpfe_tnum_lsh(a->bits, n), bytes);
	right = bpfe_tnum_rsh(a->bits, bits - n);
	return from_bits(bpfe_tnum_or(left, right));
}

/* x / 0 is 0. */
static struct jit_fact udiv(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	uint64_t min = b->min && b->max ? a->min / b->max : 0;
	uint64_t max = b->min ? a->max / b->min : a->max;

	if (!b->max)
		return jit_fact_const(0);
	return from_both((struct bpfe_tnum){0, filled(max)}, min, max);
}

/* x % 0 is x. */
static struct jit_fact umod(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	uint64_t max = b->min ? min64(a->max, b->max - 1) : a->max;

	if (b->min && jit_fact_is_const(a) && jit_fact_is_const(b))
		return jit_fact_const(a->min % b->min);
	if (!b->max || (b->min && a->max < b->min))
		return *a;
	return from_both((struct bpfe_tnum){0, filled(max)}, 0, max);
}

static struct jit_fact unknown(unsigned bytes, const struct jit_fact *a, const struct jit_fact *b)
{
	return jit_fact_unknown(bytes);
}

struct jit_fact jit_fact_binary(uint8_t code, unsigned bytes, struct jit_fact a, struct jit_fact b)
{
	static binary_fn *const functions[LIR_CODES] = {
		[LIR_ADD] = add,      [LIR_SUB] = sub,      [LIR_MUL] = mul,   [LIR_AND] = bit_and,
		[LIR_OR] = bit_or,    [LIR_XOR] = bit_xor,  [LIR_SHL] = shl,   [LIR_SHR] = shr,
		[LIR_SAR] = sar,      [LIR_ROL] = rol,      [LIR_UDIV] = udiv, [LIR_UMOD] = umod,
		[LIR_SDIV] = unknown, [LIR_SMOD] = unknown,
	};

	a = jit_fact_low(a, bytes);
	b = jit_fact_low(b, bytes);
	return functions[code](bytes, &a, &b);
}
