// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Widening of numbers: the smallest number that covers two is let go further where it grew, so that
 * it can grow only so many times and a loop that counts is done with after a few rounds.
 *
 * Bounds go to the next of some thresholds: usual ones, and what the program itself compares with
 * (a counter that runs until it equals 1500 then stops at 1500). In the end they go all the way.
 */
#include "verifier/flow.h"
#include "verifier/join.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool compares_with_constant(const struct bpfe_image *image, uint32_t i)
{
	return image->aux[i].form == BPFE_FORM_JUMP_K && image->insns[i].imm > 0;
}

int bpfe_flow_find_limits(struct bpfe_vf *vf)
{
	static const uint64_t usual[] = {0,         0xff,       0xffff,    BPFE_MAX_FRAME,
					 INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
	const struct bpfe_image *image = vf->image;
	struct bpfe_flow *flow = vf->flow;
	uint32_t n = sizeof(usual) / sizeof(usual[0]), kept = 0;

	for (uint32_t i = 0; i < image->n_insns; i++)
		n += compares_with_constant(image, i);
	flow->limits = malloc(n * sizeof(*flow->limits));
	if (!flow->limits)
		return bpfe_vf_no_memory(vf);
	memcpy(flow->limits, usual, sizeof(usual));
	n = sizeof(usual) / sizeof(usual[0]);
	for (uint32_t i = 0; i < image->n_insns; i++) {
		if (compares_with_constant(image, i))
			flow->limits[n++] = (uint32_t)image->insns[i].imm;
	}
	qsort(flow->limits, n, sizeof(*flow->limits), by_value);
	for (uint32_t k = 0; k < n; k++) {
		if (!kept || flow->limits[k] != flow->limits[kept - 1])
			flow->limits[kept++] = flow->limits[k];
	}
	flow->n_limits = kept;
	return 0;
}

/* The least threshold from @max on. */
static uint64_t next_limit(const struct bpfe_flow *flow, uint64_t max)
{
	uint32_t lo = 0, hi = flow->n_limits - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (flow->limits[mid] < max)
			lo = mid + 1;
		else
			hi = mid;
	}
	return flow->limits[lo];
}

static uint64_t widened_max(const struct bpfe_flow *flow, uint64_t max, unsigned width)
{
	uint64_t limit = next_limit(flow, max);

	return limit < bpfe_width_mask(width) ? limit : bpfe_width_mask(width);
}

static int64_t widened_smin(int64_t min, int64_t lowest)
{
	if (min >= 0)
		return 0;
	return min >= -0x10000 && lowest < -0x10000 ? -0x10000 : lowest;
}

/* A word that covers both, with each bound of @old that @cur passed let go. */
static struct bpfe_word widen_word(const struct bpfe_flow *flow, const struct bpfe_word *old,
				   const struct bpfe_word *cur, unsigned width)
{
	struct bpfe_word w = bpfe_word_union(*old, *cur), any = bpfe_word_unknown(width);

	if (cur->umin < old->umin)
		w.umin = 0;
	if (cur->umax > old->umax)
		w.umax = widened_max(flow, cur->umax, width);
	if (cur->smin < old->smin)
		w.smin = widened_smin(cur->smin, any.smin);
	if (cur->smax > old->smax)
		w.smax = cur->smax < 0 ? -1
				       : (int64_t)widened_max(flow, (uint64_t)cur->smax, width - 1);
	if (!bpfe_tnum_in(old->bits, cur->bits)) {
		/* Alignment is worth keeping; the ranges give back the leading zeros. */
		uint64_t moved = w.bits.mask & -w.bits.mask;

		w.bits.mask = any.bits.mask & ~(moved - 1);
		w.bits.value &= moved - 1;
	}
	return w;
}

struct bpfe_scalar bpfe_widen(const struct bpfe_vf *vf, const struct bpfe_scalar *old,
			      const struct bpfe_scalar *cur, enum bpfe_join_force force)
{
	struct bpfe_scalar s = bpfe_scalar_union(old, cur);

	if (force == BPFE_JOIN_TIGHT)
		return s;
	if (force == BPFE_JOIN_LOOSE)
		return bpfe_scalar_unknown();
	s = (struct bpfe_scalar){widen_word(vf->flow, &old->x, &cur->x, 64),
				 widen_word(vf->flow, &old->lo, &cur->lo, 32)};
	bpfe_scalar_deduce(&s);
	return s;
}
