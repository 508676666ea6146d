// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * How many instructions a run executes at most.
 *
 * Followed path by path, a run is a path through the steps that were followed: from each to the
 * next, and from a state that is covered to the one that covers it. That one was followed to its
 * end before, so nothing leads back, and the longest path through all of them bounds every run.
 * Each kept state knows it from there on; it is final when the last path through it has ended.
 *
 * Where a round of a callback, an iterator or may_goto begins, a state may be covered by one that
 * lies on the same path; and joined states are a fixed point, not a path. Nothing is known then.
 *
 * A global function was followed on its own. A call of one counts as itself and as the longest run
 * of any that can be called from there; calls are counted as instructions are.
 */
#include "verifier/flow.h"

static uint64_t more(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void lengthen(struct bpfe_length *longest, const struct bpfe_length *head,
		     const struct bpfe_length *tail)
{
	longest->insns = more(longest->insns, head->insns + tail->insns);
	longest->calls = more(longest->calls, head->calls + tail->calls);
}

static struct bpfe_length *longest_from(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint)
{
	return checkpoint ? &checkpoint->longest : &vf->longest;
}

void bpfe_length_begin(struct bpfe_vf *vf)
{
	vf->longest = vf->since = (struct bpfe_length){0};
}

void bpfe_length_keep(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint)
{
	checkpoint->before = vf->since;
	vf->since = (struct bpfe_length){0};
}

void bpfe_length_covered(struct bpfe_vf *vf, const struct bpfe_checkpoint *by)
{
	if (by->branches)
		vf->endless = true;
	lengthen(longest_from(vf, vf->parent), &vf->since, &by->longest);
}

void bpfe_length_end(struct bpfe_vf *vf)
{
	static const struct bpfe_length nothing;

	lengthen(longest_from(vf, vf->parent), &vf->since, &nothing);
}

void bpfe_length_complete(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint)
{
	lengthen(longest_from(vf, checkpoint->parent), &checkpoint->before, &checkpoint->longest);
}

/* ---- Global functions ---------------------------------------------------------------------- */

void bpfe_length_function(struct bpfe_vf *vf, uint32_t function)
{
	vf->flow->longest[function] = vf->longest;
}

static uint64_t total(const struct bpfe_length *own, uint64_t callee)
{
	uint64_t calls;

	if (__builtin_mul_overflow(own->calls, callee, &calls) ||
	    __builtin_add_overflow(own->insns, calls, &calls))
		return UINT64_MAX;
	return calls;
}

uint64_t bpfe_longest_run(const struct bpfe_vf *vf)
{
	const struct bpfe_flow *flow = vf->flow;
	uint64_t callee = 0;

	if (vf->endless || vf->image->has_tail_call)
		return UINT64_MAX;
	/* Callers come first; a function calls only what comes behind it. */
	for (uint32_t k = flow->n_order; k > 1; k--) {
		if (flow->global[flow->order[k - 1]] == BPFE_GLOBAL_VERIFIED)
			callee = more(callee, total(&flow->longest[flow->order[k - 1]], callee));
	}
	return total(&flow->longest[0], callee);
}
