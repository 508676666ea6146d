/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What of the value domains is used for every number of every state: in line. Part of domain.h. */
#ifndef BPFE_DOMAIN_INLINE_H
#define BPFE_DOMAIN_INLINE_H

static inline uint64_t bpfe_width_mask(unsigned width)
{
	return width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

static inline int64_t bpfe_sext(uint64_t value, unsigned width)
{
	return (int64_t)(value << (64 - width)) >> (64 - width);
}

static inline struct bpfe_tnum bpfe_tnum_make(uint64_t value, uint64_t mask)
{
	return (struct bpfe_tnum){.value = value & ~mask, .mask = mask};
}

static inline struct bpfe_tnum bpfe_tnum_const(uint64_t value)
{
	return bpfe_tnum_make(value, 0);
}

static inline struct bpfe_tnum bpfe_tnum_unknown(unsigned width)
{
	return bpfe_tnum_make(0, bpfe_width_mask(width));
}

/* The bits above the highest one in which the bounds differ are common to all between them. */
static inline struct bpfe_tnum bpfe_tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;

	if (!differ)
		return bpfe_tnum_make(min, 0);
	return bpfe_tnum_make(min, UINT64_MAX >> __builtin_clzll(differ));
}

static inline struct bpfe_tnum bpfe_tnum_trunc(struct bpfe_tnum a, unsigned width)
{
	uint64_t keep = bpfe_width_mask(width);

	return bpfe_tnum_make(a.value & keep, a.mask & keep);
}

static inline bool bpfe_tnum_intersect(struct bpfe_tnum *a, struct bpfe_tnum b)
{
	uint64_t known_in_both = ~a->mask & ~b.mask;

	if ((a->value ^ b.value) & known_in_both)
		return false;
	*a = bpfe_tnum_make(a->value | b.value, a->mask & b.mask);
	return true;
}

static inline bool bpfe_tnum_in(struct bpfe_tnum outer, struct bpfe_tnum inner)
{
	return !(inner.mask & ~outer.mask) && !((inner.value ^ outer.value) & ~outer.mask);
}

/*
 * Where the bound differs from a known bit, the highest such place decides. A known 1 there makes
 * the bits below the least possible; a known 0 asks for an unknown bit above it that the bound has
 * as 0, the lowest of them, to become 1.
 */
static inline bool bpfe_tnum_round_up(struct bpfe_tnum t, uint64_t *bound)
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
static inline bool bpfe_tnum_round_down(struct bpfe_tnum t, uint64_t *bound, unsigned width)
{
	uint64_t all = bpfe_width_mask(width), mirrored = ~*bound & all;

	if (!bpfe_tnum_round_up(bpfe_tnum_make(~t.value & all, t.mask), &mirrored))
		return false;
	*bound = ~mirrored & all;
	return true;
}

static inline struct bpfe_word bpfe_word_const(uint64_t value, unsigned width)
{
	struct bpfe_word x;

	value &= bpfe_width_mask(width);
	x.bits = bpfe_tnum_const(value);
	x.umin = x.umax = value;
	x.smin = x.smax = bpfe_sext(value, width);
	return x;
}

static inline struct bpfe_word bpfe_word_unknown(unsigned width)
{
	uint64_t all = bpfe_width_mask(width);
	struct bpfe_word x = {
		.bits = bpfe_tnum_unknown(width),
		.umin = 0,
		.umax = all,
		.smin = bpfe_sext(all ^ (all >> 1), width),
		.smax = (int64_t)(all >> 1),
	};

	return x;
}

static inline bool bpfe_word_in(const struct bpfe_word *outer, const struct bpfe_word *inner)
{
	return outer->umin <= inner->umin && inner->umax <= outer->umax &&
	       outer->smin <= inner->smin && inner->smax <= outer->smax &&
	       bpfe_tnum_in(outer->bits, inner->bits);
}

static inline bool bpfe_word_equal(const struct bpfe_word *a, const struct bpfe_word *b)
{
	return a->umin == b->umin && a->umax == b->umax && a->smin == b->smin &&
	       a->smax == b->smax && a->bits.value == b->bits.value && a->bits.mask == b->bits.mask;
}

static inline struct bpfe_scalar bpfe_scalar_const(uint64_t value)
{
	return (struct bpfe_scalar){bpfe_word_const(value, 64), bpfe_word_const(value, 32)};
}

static inline struct bpfe_scalar bpfe_scalar_unknown(void)
{
	return (struct bpfe_scalar){bpfe_word_unknown(64), bpfe_word_unknown(32)};
}

static inline bool bpfe_scalar_is_const(const struct bpfe_scalar *s)
{
	return s->x.umin == s->x.umax;
}

static inline bool bpfe_scalar_in(const struct bpfe_scalar *outer, const struct bpfe_scalar *inner)
{
	return bpfe_word_in(&outer->x, &inner->x) && bpfe_word_in(&outer->lo, &inner->lo);
}

static inline bool bpfe_scalar_equal(const struct bpfe_scalar *a, const struct bpfe_scalar *b)
{
	return bpfe_word_equal(&a->x, &b->x) && bpfe_word_equal(&a->lo, &b->lo);
}

#endif
