/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What of a decision may be in effect at once, before the VM has judged it: the kernel knows of the
 * VM's limits and budgets what it was told last, so that it grants as decide.c would have then, and
 * never more. What it cannot grant is left to the VM.
 */
#ifndef PVS_KERNEL_IN_PLACE_H
#define PVS_KERNEL_IN_PLACE_H

#include <stdbool.h>

#include "decision_range.h"

#include "scx.h"

/* What a context does not have. */
struct in_place_limits {
	__s32 nice_min;  /* lowest that this VM may be given */
	__s32 base_nice; /* of the thread */
	__u32 throttled; /* IN_PLACE_NO_*: budgets that have to fill up first */
	__u32 boosted;   /* vCPUs of the VM that are, now */
};

#define IN_PLACE_NO_CS    0x1u
#define IN_PLACE_NO_BOOST 0x2u

static inline bool in_place_short(__u32 boost)
{
	return boost == PVS_BOOST_CS || boost == PVS_BOOST_IRQ;
}

/* ns that @boost may yet last; 0: it may not be had. */
static inline __u64 in_place_budget(const struct pvs_ctx *ctx, const struct in_place_limits *limits,
				    __u32 boost)
{
	if (ctx->hint_status == PVS_HINT_MALFORMED)
		return 0;
	if (!ctx->boost && limits->boosted >= ctx->vm_cap)
		return 0;
	if (in_place_short(boost))
		return limits->throttled & IN_PLACE_NO_CS ? 0 : ctx->budget_cs;
	return limits->throttled & IN_PLACE_NO_BOOST ? 0 : ctx->budget_boost;
}

static inline __u64 in_place_prio(const struct pvs_ctx *ctx, const struct pvs_decision *out)
{
	__u32 prio = out->prio;

	if (!(ctx->ceiling & PVS_ACT_FIFO))
		return 0;
	if (prio > ctx->prio_max)
		prio = ctx->prio_max;
	/* One is left for the threads that it waits for. */
	if (out->set & PVS_SET_SERVICE && prio == ctx->prio_max && prio > 1)
		prio--;
	return grant_of_prio(prio);
}

static inline __u64 in_place_nice(const struct pvs_ctx *ctx, const struct in_place_limits *limits,
				  const struct pvs_decision *out)
{
	const __s32 nice = out->nice < limits->nice_min ? limits->nice_min : out->nice;

	if (nice == limits->base_nice)
		return 0;
	if (!(ctx->ceiling & (nice < limits->base_nice ? PVS_ACT_NICE_DOWN : PVS_ACT_NICE_UP)))
		return 0;
	return grant_of_nice(nice);
}

static inline __u64 in_place_slice(const struct pvs_ctx *ctx, const struct pvs_decision *out)
{
	return ctx->ceiling & PVS_ACT_SLICE ? grant_of_slice(out->slice_ns) : 0;
}

/* Of nice, slice and priority, what limits allow. */
static inline __u64 in_place_sched(const struct pvs_ctx *ctx, const struct in_place_limits *limits,
				   const struct pvs_decision *out)
{
	__u64 word = 0;

	if (out->set & PVS_SET_FIFO)
		word = in_place_prio(ctx, out);
	if (word)
		return word;
	if (out->set & PVS_SET_NICE)
		word = in_place_nice(ctx, limits, out);
	if (out->set & PVS_SET_SLICE)
		word |= in_place_slice(ctx, out);
	return word;
}

/* Does @out, of which @word is had here, gain time? Then somebody has to pay for it. */
static inline bool in_place_gains(const struct pvs_ctx *ctx, const struct in_place_limits *limits,
				  const struct pvs_decision *out, __u64 word)
{
	if (out->set & PVS_SET_WEIGHT && ctx->ceiling & PVS_ACT_WEIGHT &&
	    out->weight > PVS_WEIGHT_NORMAL)
		return true;
	return grant_prio(word) || (word & GRANT_NICE && grant_nice(word) < limits->base_nice);
}

/*
 * GRANT_SCHED bits for @out, which the policy answered to @ctx, and in @lasts how long they may
 * last, ns. 0: nothing is granted here.
 */
static inline __u64 in_place_grant(const struct pvs_ctx *ctx, const struct in_place_limits *limits,
				   const struct pvs_decision *out, __u64 *lasts)
{
	__u64 word, budget = SCX_LONGEST_NS;

	if (!decision_in_range(out) || out->set & PVS_SET_DEADLINE)
		return 0;
	word = in_place_sched(ctx, limits, out);
	if (out->boost)
		budget = in_place_budget(ctx, limits, out->boost);
	else if (in_place_gains(ctx, limits, out, word))
		budget = 0;
	*lasts = budget < SCX_LONGEST_NS ? budget : SCX_LONGEST_NS;
	if (out->hold_ns && out->hold_ns < *lasts)
		*lasts = out->hold_ns;
	return budget ? word : 0;
}

#endif
