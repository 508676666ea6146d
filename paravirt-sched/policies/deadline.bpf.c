/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A vCPU whose guest says that it needs RUNTIME within DEADLINE of each PERIOD gets it: as
 * SCHED_DEADLINE where that is permitted, else a slice and a nice value made of them. What all
 * vCPUs of a VM ask for together is bounded; who would exceed it gets nothing.
 */
#include "policy.h"

const char pvs_policy_name[] = "deadline";
const unsigned int pvs_policy_version = 1;

const volatile __u32 headroom_pct =
	20;                         /* more runtime than the guest says: its host has work too */
const volatile __u32 vcpu_pct = 60; /* of a CPU that a vCPU may ask for... */
const volatile __u32 vm_pct = 120;  /* ...and all vCPUs of a VM */
const volatile __u32 min_period_us = 500;
const volatile __u32 stale_ms = 2000;   /* hints older than this are not followed; 0: never stale */
const volatile __u8 deadline_class = 1; /* SCHED_DEADLINE where it is permitted */
const volatile __u8 service = 1;        /* threads that deliver timers get a share, too */

#define MIN_RUNTIME_NS 1024 /* sched_setattr(2)'s least */

struct reserved {
	__u64 runtime, deadline, period; /* as the guest asked; 0: nothing */
	__u64 ppm;                       /* of a CPU, of vm_total */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_VCPUS_OF_ALL);
	__type(key, __u64);
	__type(value, struct reserved);
} vcpus SEC(".maps");

/* Sum of ppm over a VM's vCPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} vms SEC(".maps");

static __always_inline struct reserved *reserved_of(const struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);
	const struct reserved none = {0};
	struct reserved *reserved = bpf_map_lookup_elem(&vcpus, &key);

	if (reserved)
		return reserved;
	bpf_map_update_elem(&vcpus, &key, &none, BPF_ANY);
	return bpf_map_lookup_elem(&vcpus, &key);
}

static __always_inline __u64 *total_of(const struct pvs_ctx *ctx)
{
	const __u32 key = ctx->vm;
	const __u64 none = 0;
	__u64 *total = bpf_map_lookup_elem(&vms, &key);

	if (total)
		return total;
	bpf_map_update_elem(&vms, &key, &none, BPF_ANY);
	return bpf_map_lookup_elem(&vms, &key);
}

/* What the guest asks for, ns per period; 0: nothing, or nothing that could be. */
static __always_inline __u64 wanted_runtime(const struct pvs_ctx *ctx)
{
	__u64 runtime;

	if (ctx->hint_status != PVS_HINT_OK || !ctx->dl_runtime || !ctx->dl_deadline ||
	    ctx->dl_runtime > ctx->dl_deadline || ctx->dl_deadline > ctx->dl_period ||
	    ctx->dl_period < min_period_us * US || ctx->dl_period > 4000 * MS)
		return 0;
	if (stale_ms && ctx->hint_age_ns > stale_ms * MS)
		return 0;
	runtime = ctx->dl_runtime + ctx->dl_runtime * headroom_pct / 100;
	if (runtime < MIN_RUNTIME_NS)
		return 0;
	return min_u64(runtime, ctx->dl_deadline);
}

static __always_inline int give_back(struct pvs_ctx *ctx, struct reserved *reserved, __u64 *total)
{
	*total -= min_u64(*total, reserved->ppm);
	*reserved = (struct reserved){0};
	return no_boost(ctx);
}

/* Is there room for @ppm instead of what the vCPU has? Then it is taken. */
static __always_inline _Bool reserve(const struct pvs_ctx *ctx, struct reserved *reserved,
				     __u64 *total, __u64 ppm)
{
	const __u64 rest = *total - min_u64(*total, reserved->ppm);

	if (ppm > vcpu_pct * 10000ull || rest + ppm > vm_pct * 10000ull)
		return 0;
	*total = rest + ppm;
	*reserved = (struct reserved){ctx->dl_runtime, ctx->dl_deadline, ctx->dl_period, ppm};
	return 1;
}

/* The shorter the time in which it must be served, the stronger. */
static __always_inline __s32 nice_for(__u64 deadline)
{
	return deadline <= 5 * MS     ? -20
	       : deadline <= 20 * MS  ? -15
	       : deadline <= 100 * MS ? -10
				      : -5;
}

static __always_inline int apply_reservation(struct pvs_ctx *ctx, __u64 runtime)
{
	/* A slice of its runtime: EEVDF's virtual deadline is then before the guest's. */
	const struct strength want = {.nice = nice_for(ctx->dl_deadline),
				      .slice_ns = min_u64(runtime, ctx->dl_deadline / 2)};
	int verdict = apply_boost(ctx, PVS_BOOST_DEADLINE, 0, &want);

	if (deadline_class && (permitted(ctx) & PVS_ACT_DEADLINE)) {
		ctx->out.set |= PVS_SET_DEADLINE;
		ctx->out.dl_runtime = runtime;
		ctx->out.dl_deadline = ctx->dl_deadline;
		ctx->out.dl_period = ctx->dl_period;
		ctx->out.boost = PVS_BOOST_DEADLINE;
		verdict = PVS_APPLY;
	}
	if (verdict == PVS_APPLY && service)
		ctx->out.set |= PVS_SET_SERVICE;
	return verdict;
}

static __noinline int look(struct pvs_ctx *ctx)
{
	struct reserved *reserved = reserved_of(ctx);
	const __u64 runtime = wanted_runtime(ctx);
	__u64 *total = total_of(ctx);

	if (!reserved || !total)
		return PVS_KEEP;
	if (!runtime)
		return give_back(ctx, reserved, total);
	if (ctx->boost == PVS_BOOST_DEADLINE && reserved->runtime == ctx->dl_runtime &&
	    reserved->deadline == ctx->dl_deadline && reserved->period == ctx->dl_period)
		return PVS_KEEP;
	if (!reserve(ctx, reserved, total, runtime * 1000000 / ctx->dl_period))
		return give_back(ctx, reserved, total);
	return apply_reservation(ctx, runtime);
}

PVS_SEC("vcpu_run") int deadline_vcpu_run(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("halt") int deadline_halt(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("kick") int deadline_kick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("hint") int deadline_hint(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("tick") int deadline_tick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("exit") int deadline_exit(struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);
	struct reserved *reserved = reserved_of(ctx);
	__u64 *total = total_of(ctx);

	if (reserved && total)
		give_back(ctx, reserved, total);
	bpf_map_delete_elem(&vcpus, &key);
	return PVS_KEEP;
}
