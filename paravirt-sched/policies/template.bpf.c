/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* To start from: a boost while a real-time task runs; docs/pvsched/policies.md says more. Build:
 * clang -O2 -g -target bpf -mcpu=v3 -Iinclude -I/usr/include/$(gcc -print-multiarch) -c my.bpf.c */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "sluice/pvsched_policy.h"

char _license[] SEC("license") = "Dual BSD/GPL"; /* for the kernel as a host */
const char pvs_policy_name[] = "template";

/* Tunables, set by name: --set hold_us=5000 */
const volatile __u32 hold_us = 10000;
const volatile __s32 boost_nice = -10;
__u64 boosts; /* state that all callbacks share; maps work as well */

/* Tell what should hold for ctx->vcpu from now on, by what ctx says of guest and host. */
static __always_inline int decide(struct pvs_ctx *ctx)
{
	if (ctx->hint_status != PVS_HINT_OK || ctx->class != PVS_CLASS_RT)
		return ctx->boost ? PVS_BASELINE : PVS_KEEP; /* no reason, or no longer one */
	if (ctx->boost == PVS_BOOST_RT || !(ctx->actuators & ctx->ceiling & PVS_ACT_NICE_DOWN))
		return PVS_KEEP; /* has it, or cannot have it */
	ctx->out.set = PVS_SET_NICE;
	ctx->out.nice = boost_nice;
	ctx->out.boost = PVS_BOOST_RT; /* which budget pays */
	ctx->out.hold_ns = hold_us * 1000ull;
	boosts++;
	return PVS_APPLY;
}

/* Every "tick" the pages are sampled; a "hint" is heard of at once where the guest kicks. */
PVS_SEC("tick") int on_tick(struct pvs_ctx *ctx)
{
	return decide(ctx);
}

PVS_SEC("hint") int on_hint(struct pvs_ctx *ctx)
{
	return decide(ctx);
}
