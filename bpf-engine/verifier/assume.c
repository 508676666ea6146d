// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a comparison that came out true tells of its operands.
 *
 * Greater-than is less-than with the operands exchanged. An order moves the bounds of one operand
 * to the other's; equality intersects; inequality with a constant at the end of a range shortens
 * it. When an operand has no value left the comparison cannot come out so, and the branch is dead.
 *
 * Imprecision: inequality with a constant inside a range tells nothing; a test of several bits
 * tells something only when it comes out false, or when only one bit can have made it true.
 */
#include "verifier/domain.h"

enum bpfe_cond bpfe_cond_not(enum bpfe_cond cond)
{
	static const enum bpfe_cond negation[BPFE_CONDS] = {
		[BPFE_C_EQ] = BPFE_C_NE,   [BPFE_C_NE] = BPFE_C_EQ,    [BPFE_C_LT] = BPFE_C_GE,
		[BPFE_C_GE] = BPFE_C_LT,   [BPFE_C_GT] = BPFE_C_LE,    [BPFE_C_LE] = BPFE_C_GT,
		[BPFE_C_SLT] = BPFE_C_SGE, [BPFE_C_SGE] = BPFE_C_SLT,  [BPFE_C_SGT] = BPFE_C_SLE,
		[BPFE_C_SLE] = BPFE_C_SGT, [BPFE_C_SET] = BPFE_C_NSET, [BPFE_C_NSET] = BPFE_C_SET,
	};

	return negation[cond];
}

static bool less(struct bpfe_word *a, struct bpfe_word *b, bool or_equal, unsigned width)
{
	uint64_t gap = or_equal ? 0 : 1;

	if (b->umax < gap || a->umin > bpfe_width_mask(width) - gap)
		return false;
	if (b->umax - gap < a->umax)
		a->umax = b->umax - gap;
	if (a->umin + gap > b->umin)
		b->umin = a->umin + gap;
	return true;
}

static bool less_signed(struct bpfe_word *a, struct bpfe_word *b, bool or_equal, unsigned width)
{
	struct bpfe_word any = bpfe_word_unknown(width);
	int64_t gap = or_equal ? 0 : 1;

	if (b->smax < any.smin + gap || a->smin > any.smax - gap)
		return false;
	if (b->smax - gap < a->smax)
		a->smax = b->smax - gap;
	if (a->smin + gap > b->smin)
		b->smin = a->smin + gap;
	return true;
}

static bool exclude(struct bpfe_word *a, const struct bpfe_word *b)
{
	if (b->umin != b->umax)
		return true;
	if (a->umin == a->umax && a->umin == b->umin)
		return false;
	if (a->umin == b->umin)
		a->umin++;
	if (a->umax == b->umin)
		a->umax--;
	if (a->smin == b->smin)
		a->smin++;
	if (a->smax == b->smin)
		a->smax--;
	return true;
}

static bool some_bit_common(struct bpfe_word *a, struct bpfe_word *b)
{
	uint64_t possible = (a->bits.value | a->bits.mask) & (b->bits.value | b->bits.mask);

	if (!possible)
		return false;
	if (possible & (possible - 1))
		return true;
	return bpfe_tnum_intersect(&a->bits, (struct bpfe_tnum){possible, ~possible}) &&
	       bpfe_tnum_intersect(&b->bits, (struct bpfe_tnum){possible, ~possible});
}

static bool no_bit_common(struct bpfe_word *a, struct bpfe_word *b)
{
	uint64_t ones_a = a->bits.value, ones_b = b->bits.value;

	return bpfe_tnum_intersect(&a->bits, (struct bpfe_tnum){0, ~ones_b}) &&
	       bpfe_tnum_intersect(&b->bits, (struct bpfe_tnum){0, ~ones_a});
}

static bool assume(enum bpfe_cond cond, struct bpfe_word *a, struct bpfe_word *b, unsigned width)
{
	switch (cond) {
	case BPFE_C_EQ:
		if (!bpfe_word_intersect(a, b, width))
			return false;
		*b = *a;
		return true;
	case BPFE_C_NE:
		return exclude(a, b) && exclude(b, a);
	case BPFE_C_LT:
		return less(a, b, false, width);
	case BPFE_C_LE:
		return less(a, b, true, width);
	case BPFE_C_GT:
		return less(b, a, false, width);
	case BPFE_C_GE:
		return less(b, a, true, width);
	case BPFE_C_SLT:
		return less_signed(a, b, false, width);
	case BPFE_C_SLE:
		return less_signed(a, b, true, width);
	case BPFE_C_SGT:
		return less_signed(b, a, false, width);
	case BPFE_C_SGE:
		return less_signed(b, a, true, width);
	case BPFE_C_SET:
		return some_bit_common(a, b);
	case BPFE_C_NSET:
		return no_bit_common(a, b);
	case BPFE_CONDS:
		break;
	}
	return true;
}

/* A number that was known stays as it is, or there is none left. */
static bool deduce(struct bpfe_word *x, bool known, unsigned width)
{
	return known ? x->umin == x->umax && x->smin == x->smax : bpfe_word_deduce(x, width);
}

bool bpfe_word_assume(enum bpfe_cond cond, struct bpfe_word *a, struct bpfe_word *b, unsigned width)
{
	const bool a_known = a->umin == a->umax, b_known = b->umin == b->umax;

	return assume(cond, a, b, width) && deduce(a, a_known, width) && deduce(b, b_known, width);
}
