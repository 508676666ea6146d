/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Keep a vCPU that holds a lock on its CPU until it has released it: while its guest says so, and
 * when another vCPU says that it waits for it. What the host learns of a waiter becomes a decision
 * about the one it waits for.
 */
#include "policy.h"

const char pvs_policy_name[] = "lock-holder";
const unsigned int pvs_policy_version = 1;

const volatile __u32 hold_us = 2000;     /* of a boost; renewed while the lock is held */
const volatile __u32 held_max_us = 5000; /* a lock held for longer gets none... */
const volatile __u32 wanted_us = 1500;   /* ...unless somebody said so recently that he waits */
const volatile __s8 nice = -15;
const volatile __u32 slice_us = 10000;
const volatile __u8 others = 1; /* boost those that others wait for */

struct holder {
	__u64 boosted_at; /* 0: not */
	__u64 wanted_at;  /* when a waiter last named it; 0: never */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_VCPUS_OF_ALL);
	__type(key, __u64);
	__type(value, struct holder);
} vcpus SEC(".maps");

static __always_inline _Bool holds_lock(const struct pvs_ctx *ctx)
{
	return ctx->hint_status == PVS_HINT_OK && cs_age(ctx) <= held_max_us * US &&
	       ((ctx->cs & PVS_CS_LOCK) || (ctx->pending & PVS_PENDING_LOCK));
}

static __always_inline _Bool is_wanted(const struct pvs_ctx *ctx, const struct holder *holder)
{
	return holder->wanted_at && ctx->now_ns - holder->wanted_at < wanted_us * US;
}

static __always_inline int apply_lock_boost(struct pvs_ctx *ctx, struct holder *holder)
{
	const struct strength want = {.nice = nice, .slice_ns = slice_us * US};

	holder->boosted_at = ctx->now_ns;
	return apply_boost(ctx, PVS_BOOST_LOCK, hold_us * US, &want);
}

static __always_inline _Bool is_fresh(const struct pvs_ctx *ctx, const struct holder *holder)
{
	return holder->boosted_at && ctx->now_ns - holder->boosted_at < hold_us * US / 2;
}

/* Made for a vCPU that the host tells of, and deleted when it goes: so there are no more of them
 * than vCPUs, whomever a guest says that it waits for. */
static __always_inline struct holder *own_holder(const struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);
	const struct holder none = {0};
	struct holder *holder = bpf_map_lookup_elem(&vcpus, &key);

	if (holder)
		return holder;
	bpf_map_update_elem(&vcpus, &key, &none, BPF_ANY);
	return bpf_map_lookup_elem(&vcpus, &key);
}

/* The vCPU waits: a decision about the one it waits for. */
static __noinline int boost_other(struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->wait_vcpu);
	struct holder *holder;

	if (!others || ctx->hint_status != PVS_HINT_OK || ctx->wait_vcpu >= ctx->n_vcpus ||
	    ctx->wait_vcpu == ctx->vcpu)
		return PVS_KEEP;
	holder = bpf_map_lookup_elem(&vcpus, &key);
	if (!holder)
		return PVS_KEEP;
	holder->wanted_at = ctx->now_ns;
	if (is_fresh(ctx, holder))
		return PVS_KEEP;
	ctx->out.target = ctx->wait_vcpu;
	return apply_lock_boost(ctx, holder);
}

static __noinline int look(struct pvs_ctx *ctx)
{
	struct holder *holder = own_holder(ctx);

	if (!holder)
		return PVS_KEEP;
	if (holds_lock(ctx) || is_wanted(ctx, holder)) {
		if (ctx->boost != PVS_BOOST_LOCK || !is_fresh(ctx, holder))
			return apply_lock_boost(ctx, holder);
	} else if (ctx->boost != PVS_BOOST_NONE) {
		holder->boosted_at = 0;
		return PVS_BASELINE;
	}
	return boost_other(ctx);
}

PVS_SEC("vcpu_run") int lock_holder_vcpu_run(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("vcpu_stop") int lock_holder_vcpu_stop(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("halt") int lock_holder_halt(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("kick") int lock_holder_kick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("hint") int lock_holder_hint(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("tick") int lock_holder_tick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("exit") int lock_holder_exit(struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);

	bpf_map_delete_elem(&vcpus, &key);
	return PVS_KEEP;
}
