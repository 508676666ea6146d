/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the shipped policies share: whose state something is, and a boost made of what the host may
 * do here and this VM may get.
 */
#ifndef PVS_POLICIES_POLICY_H
#define PVS_POLICIES_POLICY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/pvsched_policy.h"

/* The host's kernel gives its tracing programs what they need only under the GPL. */
char _license[] SEC("license") = "Dual BSD/GPL";

#define US 1000ull
#define MS 1000000ull

#define MAX_VCPUS_OF_ALL 8192 /* entries of maps that hold something for each vCPU of all VMs */

/* Key of a vCPU in maps: one policy may serve several VMs. */
static __always_inline __u64 key_of(const struct pvs_ctx *ctx, __u32 vcpu)
{
	return (__u64)ctx->vm << 32 | vcpu;
}

static __always_inline __u64 min_u64(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __always_inline __u64 clamp_u64(__u64 value, __u64 low, __u64 high)
{
	return value < low ? low : value > high ? high : value;
}

/*
 * How long the guest says that it must not be preempted. Where a pending flag alone says it,
 * nothing else may have changed since. Barriers, because the kernel's verifier takes no pointer
 * into the context that the compiler chose from two.
 */
static __always_inline __u64 cs_age(const struct pvs_ctx *ctx)
{
	__u64 age = ctx->cs_age_ns, hint_age = ctx->hint_age_ns;

	barrier_var(age);
	barrier_var(hint_age);
	return ctx->cs ? age : hint_age;
}

/* Actuators that work here and that this VM may get. */
static __always_inline __u32 permitted(const struct pvs_ctx *ctx)
{
	return ctx->actuators & ctx->ceiling;
}

/* How strongly a vCPU is to be preferred. Slices, under EEVDF: a short one is served sooner, a long
 * one is preempted later. */
struct strength {
	__s32 nice;
	__u64 slice_ns;
	__u32 prio; /* FIFO where it is permitted; 0: not wanted */
};

/*
 * Ask for @want on ctx->out.target, paid as @why, for @hold_ns. All that is permitted is asked for:
 * the host takes the strongest that works. PVS_KEEP where nothing is.
 */
static __always_inline int apply_boost(struct pvs_ctx *ctx, __u32 why, __u64 hold_ns,
				       const struct strength *want)
{
	const __u32 may = permitted(ctx);
	struct pvs_decision *out = &ctx->out;

	out->set = 0;
	if (want->prio && (may & PVS_ACT_FIFO) && ctx->prio_max) {
		out->set |= PVS_SET_FIFO;
		out->prio = want->prio < ctx->prio_max ? want->prio : ctx->prio_max;
	}
	if (may & PVS_ACT_NICE_DOWN) {
		out->set |= PVS_SET_NICE;
		out->nice = want->nice;
	}
	if (may & PVS_ACT_SLICE) {
		out->set |= PVS_SET_SLICE;
		out->slice_ns = clamp_u64(want->slice_ns, 100 * US, 100 * MS);
	}
	if (!out->set)
		return PVS_KEEP;
	out->boost = why;
	out->hold_ns = hold_ns;
	return PVS_APPLY;
}

/* Nothing asks for a boost: undo the one in effect, if there is one. */
static __always_inline int no_boost(const struct pvs_ctx *ctx)
{
	return ctx->boost == PVS_BOOST_NONE ? PVS_KEEP : PVS_BASELINE;
}

#endif
