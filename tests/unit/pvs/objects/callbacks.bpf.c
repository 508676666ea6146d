// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Policies for tests of their host: one that is right, and with a macro defined one that is not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/pvsched_policy.h"

#ifdef LONG_NAME
const char pvs_policy_name[] = "much-too-long-for-it";
#elif defined(BAD_NAME)
const char pvs_policy_name[] = "two words";
#elif !defined(NO_NAME)
const char pvs_policy_name[] = "callbacks";
#endif

#ifdef BAD_VERSION
const __u64 pvs_policy_version = 1;
#else
const unsigned int pvs_policy_version = 7;
#endif

#ifndef NO_TUNABLES
const volatile unsigned char limit = 200;
const volatile short step = -3;
const volatile _Bool stop_at_limit;
const volatile __u32 spins = 10;
const volatile __s64 offset_ns = -5000000000ll;
const volatile __u64 period_ns = 1000000;
#endif
const volatile __u64 table[2] = {1, 2}; /* no tunable: an array */
const int plain = 3;                    /* nor this: the compiler has it in the code */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

__u64 ticks;
__s32 last_target = -1;

#ifndef NO_TUNABLES
PVS_SEC("init") int on_init(struct pvs_ctx *ctx)
{
	__u32 key = ctx->vcpu;
	__u64 value = 100;

	bpf_map_update_elem(&seen, &key, &value, BPF_ANY);
	return PVS_KEEP;
}

PVS_SEC("tick") int on_tick(struct pvs_ctx *ctx)
{
	__u32 key = ctx->vcpu;
	__u64 *value = bpf_map_lookup_elem(&seen, &key);

	ticks++;
	if (!value)
		return PVS_BASELINE;
	*value += step;
	ctx->out.set = PVS_SET_SLICE;
	ctx->out.slice_ns = *value * 1000 + limit + (stop_at_limit ? 1 : 0);
	ctx->out.hold_ns = period_ns + offset_ns + table[ctx->vcpu & 1] + plain;
	last_target = ctx->out.target;
	return PVS_APPLY;
}

/* As many rounds as a tunable says, so that a budget can end it. */
PVS_SEC("hint") int on_hint(struct pvs_ctx *ctx)
{
	__u32 i;

	for (i = 0; i < (spins & 0xffff); i++) {
		asm volatile("" : "+r"(i));
		ticks++;
	}
	return PVS_KEEP;
}

/* Overwrites what it was told, and answers. */
PVS_SEC("kick") int on_kick(struct pvs_ctx *ctx)
{
	ctx->vcpu = 77;
	ctx->now_ns = 0;
	ctx->out.set = PVS_SET_YIELD;
	return PVS_APPLY;
}

/* No verdict. */
PVS_SEC("halt") int on_halt(struct pvs_ctx *ctx)
{
	ctx->out.set = PVS_SET_ALL;
	return 3;
}
#else
PVS_SEC("tick") int on_tick(struct pvs_ctx *ctx)
{
	return PVS_KEEP;
}
#endif

#ifdef UNKNOWN_CALLBACK
PVS_SEC("boot") int on_boot(struct pvs_ctx *ctx)
{
	return PVS_KEEP;
}
#endif

#ifdef TWO_OF_A_KIND
PVS_SEC("tick") int on_tick_too(struct pvs_ctx *ctx)
{
	return PVS_KEEP;
}
#endif

#ifdef ELSEWHERE
SEC("xdp") int in_xdp(struct pvs_ctx *ctx)
{
	return PVS_KEEP;
}
#endif

#ifdef BEYOND
PVS_SEC("exit") int on_exit(struct pvs_ctx *ctx)
{
	return ((__u32 *)(ctx + 1))[0];
}
#endif

#ifdef BEFORE
PVS_SEC("exit") int on_exit(struct pvs_ctx *ctx)
{
	return ((__u32 *)ctx)[-1];
}
#endif
