/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Give back what a vCPU lost: who waited for a host CPU longer than the average of its VM has a
 * credit, and runs with a boost until that is paid; who waited less owes. A vCPU whose guest always
 * asks for a boost is served after the others. Once in a window for each vCPU; needs run and wait
 * times (schedstat).
 */
#include "policy.h"

const char pvs_policy_name[] = "fair-budget";
const unsigned int pvs_policy_version = 1;

const volatile __u32 window_ms = 20;
const volatile __u32 credit_max_ms = 100; /* the most a vCPU can be owed, and owe */
const volatile __u32 credit_min_ms = 2;   /* below this nothing is done */
const volatile __u8 nice_max = 8;         /* strongest nice, negated, at credit_max_ms */
const volatile __u32 slice_us = 500;
const volatile __u32 hog_pct = 90;  /* asks for a boost in so many of its ticks... */
const volatile __u32 hog_ticks = 8; /* ...of at least so many: an always-booster */
const volatile __u8 hog_nice = 5;
const volatile __u32 hog_slice_us = 20000; /* where nice cannot be raised */

struct account {
	__u64 begin;           /* of the window; 0: none yet */
	__u64 run_ns, wait_ns; /* at its begin */
	__s64 credit_ns;
	__u32 ticks, asked; /* in the window */
	__u32 is_hog;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_VCPUS_OF_ALL);
	__type(key, __u64);
	__type(value, struct account);
} vcpus SEC(".maps");

/* Of a VM: share of the time that a vCPU that wanted to run waited, ppm, averaged over vCPUs and
 * windows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} vms SEC(".maps");

static __always_inline struct account *account_of(const struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);
	const struct account none = {0};
	struct account *account = bpf_map_lookup_elem(&vcpus, &key);

	if (account)
		return account;
	bpf_map_update_elem(&vcpus, &key, &none, BPF_ANY);
	return bpf_map_lookup_elem(&vcpus, &key);
}

static __always_inline _Bool asks(const struct pvs_ctx *ctx)
{
	return ctx->hint_status == PVS_HINT_OK &&
	       (ctx->cs || ctx->class == PVS_CLASS_RT || ctx->class == PVS_CLASS_DEADLINE ||
		(ctx->pending & ~PVS_PENDING_RT_WAITER));
}

/* The VM's average, this vCPU's window counted in with a weight of one in 2 * n. */
static __always_inline __u64 average(const struct pvs_ctx *ctx, __u64 ppm)
{
	const __u32 key = ctx->vm;
	const __u64 weight = 2ull * (ctx->n_online ? ctx->n_online : 1);
	__u64 *vm = bpf_map_lookup_elem(&vms, &key);

	if (!vm) {
		bpf_map_update_elem(&vms, &key, &ppm, BPF_ANY);
		return ppm;
	}
	*vm = (*vm * (weight - 1) + ppm) / weight;
	return *vm;
}

/* A window is over: what it gained or lost against the others of its VM. */
static __always_inline void settle(const struct pvs_ctx *ctx, struct account *account)
{
	const __u64 run = ctx->run_ns - account->run_ns, wait = ctx->wait_ns - account->wait_ns;
	const __s64 max = (__s64)(credit_max_ms * MS);
	const __u64 wanted = run + wait;
	__u64 fair;

	if (wanted) {
		fair = wanted / 1000 * average(ctx, wait * 1000 / (wanted / 1000 + 1)) / 1000;
		account->credit_ns += (__s64)wait - (__s64)fair;
	}
	if (account->credit_ns > max)
		account->credit_ns = max;
	if (account->credit_ns < -max)
		account->credit_ns = -max;
	account->is_hog = account->ticks >= hog_ticks &&
			  account->asked * 100ull >= account->ticks * (__u64)hog_pct;
}

static __always_inline void begin(const struct pvs_ctx *ctx, struct account *account)
{
	account->begin = ctx->now_ns;
	account->run_ns = ctx->run_ns;
	account->wait_ns = ctx->wait_ns;
	account->ticks = 0;
	account->asked = 0;
}

/* No gain, so no budget pays for it. */
static __always_inline int hold_back(struct pvs_ctx *ctx)
{
	const __u32 may = permitted(ctx);

	if (may & PVS_ACT_NICE_UP) {
		ctx->out.set = PVS_SET_NICE;
		ctx->out.nice = hog_nice < 19 ? hog_nice : 19;
	} else if (may & PVS_ACT_SLICE) {
		ctx->out.set = PVS_SET_SLICE;
		ctx->out.slice_ns = clamp_u64(hog_slice_us * US, 100 * US, 100 * MS);
	} else {
		return PVS_KEEP;
	}
	ctx->out.hold_ns = 2 * window_ms * MS;
	return PVS_APPLY;
}

static __always_inline int pay(struct pvs_ctx *ctx, __u64 credit)
{
	const __u64 max = credit_max_ms * MS;
	const __u64 level = max ? credit * (nice_max < 20 ? nice_max : 20) / max : 0;
	const struct strength want = {.nice = -(__s32)(level ? level : 1),
				      .slice_ns = slice_us * US};

	/* For as long as it is owed, and at most until the window after this one. */
	return apply_boost(ctx, PVS_BOOST_FAIR, min_u64(credit, 2 * window_ms * MS), &want);
}

static __noinline int look(struct pvs_ctx *ctx)
{
	struct account *account = account_of(ctx);
	__u32 held_back;

	if (!account || !(ctx->sources & PVS_SRC_SCHEDSTAT))
		return PVS_KEEP;
	if (!account->begin)
		begin(ctx, account);
	account->ticks++;
	account->asked += asks(ctx);
	if (ctx->now_ns - account->begin < window_ms * MS)
		return PVS_KEEP;
	held_back = account->is_hog;
	settle(ctx, account);
	begin(ctx, account);
	if (account->is_hog)
		return hold_back(ctx);
	if (account->credit_ns >= (__s64)(credit_min_ms * MS))
		return pay(ctx, (__u64)account->credit_ns);
	return held_back ? PVS_BASELINE : no_boost(ctx);
}

PVS_SEC("tick") int fair_budget_tick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("exit") int fair_budget_exit(struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);

	bpf_map_delete_elem(&vcpus, &key);
	return PVS_KEEP;
}
