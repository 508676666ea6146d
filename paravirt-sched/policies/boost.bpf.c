/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Boost a vCPU while its guest says why: a critical section or an interrupt for a short time, a
 * real-time task for as long as it runs. A vCPU that halts with a real-time task asleep on it is
 * boosted while it is halted, so that its wake-up is served at once. One that is preempted with
 * QEMU's lock is boosted for the others. Between boosts it may have a short slice, which takes
 * nothing from anybody but lets it, and the threads that deliver its timers, have their share when
 * they wake; and it may have less than a fair share then, for the boosts.
 */
#include "policy.h"

const char pvs_policy_name[] = "boost";
const unsigned int pvs_policy_version = 1;

const volatile __u32 cs_us = 500;      /* a critical section's boost lasts, and... */
const volatile __u32 cs_max_us = 2000; /* ...one that is older gets none */
const volatile __u32 irq_us = 300;     /* an interrupt's; 0: interrupts alone get none */
const volatile __u32 held_us = 200;    /* while others of the VM wait for what it holds */
const volatile __u32 rt_us = 20000;    /* renewed while the task runs */
const volatile __u32 near_us = 1000;   /* a next event that close is waited for with a boost... */
const volatile __u32 late_us = 10000;  /* ...and so long over, as it was not served yet */
const volatile __u32 grace_us = 1000;  /* from wake-up to what the guest says of it */
const volatile __s8 cs_nice = -10;
const volatile __s8 rt_nice = -20;
const volatile __u32 cs_slice_us = 5000;
const volatile __u32 rt_slice_us = 200;
const volatile __u32 base_slice_us = 0; /* between boosts; 0: the baseline's */
const volatile __u8 base_nice = 0;      /* between boosts: so others get back what these took */
const volatile __u8 fifo = 1;           /* FIFO for real-time tasks where it is permitted */
const volatile __u8 service = 1;        /* and threads that deliver timers get the same */

struct given {
	__u64 at;
	__u32 why; /* enum pvs_boost */
	__u32 preempted;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_VCPUS_OF_ALL);
	__type(key, __u64);
	__type(value, struct given);
} vcpus SEC(".maps");

#define PENDING_CS \
	(PVS_PENDING_PREEMPT_OFF | PVS_PENDING_IRQ_OFF | PVS_PENDING_LOCK | PVS_PENDING_RCU)
#define PENDING_IRQ (PVS_PENDING_NMI | PVS_PENDING_HARDIRQ | PVS_PENDING_SOFTIRQ)

static __always_inline _Bool is_idle(const struct pvs_ctx *ctx)
{
	return ctx->event == PVS_EVENT_HALT || ctx->run_state == PVS_RUN_HALTED ||
	       ctx->class == PVS_CLASS_IDLE;
}

static __always_inline _Bool event_is_near(const struct pvs_ctx *ctx)
{
	return ctx->next_event && ctx->next_event <= ctx->now_ns + near_us * US &&
	       ctx->next_event + late_us * US >= ctx->now_ns;
}

/* A kick of a vCPU that does not run is an interrupt for it, where those are heard of. */
static __always_inline _Bool is_injection(const struct pvs_ctx *ctx)
{
	return ctx->event == PVS_EVENT_KICK && (ctx->sources & PVS_SRC_INJECT) &&
	       (ctx->run_state == PVS_RUN_PREEMPTED || ctx->run_state == PVS_RUN_HALTED);
}

/* Is, or is soon to be, a real-time task on it? */
static __always_inline _Bool wants_rt(const struct pvs_ctx *ctx)
{
	if (ctx->class == PVS_CLASS_RT || ctx->class == PVS_CLASS_DEADLINE)
		return 1;
	if (event_is_near(ctx))
		return 1;
	if (!(ctx->pending & PVS_PENDING_RT_WAITER))
		return 0;
	/* Whose interrupt it is, is known if its time is; then it is early enough to boost. */
	if (ctx->next_event)
		return is_idle(ctx) && !(ctx->sources & PVS_SRC_INJECT);
	return is_idle(ctx) || is_injection(ctx);
}

/* Why the vCPU is to be boosted, enum pvs_boost. */
static __always_inline __u32 reason(const struct pvs_ctx *ctx)
{
	if (ctx->hint_status == PVS_HINT_OK) {
		if (wants_rt(ctx))
			return PVS_BOOST_RT;
		if (held_us && ctx->held)
			return PVS_BOOST_LOCK;
		if (ctx->class != PVS_CLASS_IDLE && (ctx->cs || (ctx->pending & PENDING_CS)) &&
		    cs_age(ctx) <= cs_max_us * US)
			return PVS_BOOST_CS;
		if (irq_us && (ctx->pending & PENDING_IRQ))
			return PVS_BOOST_IRQ;
	}
	return irq_us && is_injection(ctx) ? PVS_BOOST_IRQ : PVS_BOOST_NONE;
}

/* A slice that changes costs a thread that runs its turn, so the one between boosts stays. */
static __always_inline __u64 short_slice(void)
{
	return (base_slice_us && base_slice_us < rt_slice_us ? base_slice_us : rt_slice_us) * US;
}

static __always_inline int apply_for(struct pvs_ctx *ctx, __u32 why)
{
	struct strength want = {.nice = cs_nice, .slice_ns = cs_slice_us * US};
	__u64 hold_ns = cs_us * US;
	int verdict;

	if (why == PVS_BOOST_RT) {
		want.nice = rt_nice;
		want.slice_ns = short_slice();
		want.prio = fifo ? (ctx->rt_prio ? ctx->rt_prio : 1) : 0;
		/* While it is halted, the next event of it ends this. */
		hold_ns = is_idle(ctx) ? 0 : rt_us * US;
	} else if (why == PVS_BOOST_LOCK) {
		want.nice = rt_nice;
		want.slice_ns = short_slice();
		want.prio = fifo;
		hold_ns = held_us * US;
	} else if (why == PVS_BOOST_IRQ) {
		hold_ns = irq_us * US;
	}
	verdict = apply_boost(ctx, why, hold_ns, &want);
	if (verdict == PVS_APPLY && why == PVS_BOOST_RT && service)
		ctx->out.set |= PVS_SET_SERVICE;
	return verdict;
}

/* It woke with a boost a moment ago, and the guest has not had the time to say what for. A timer
 * that is yet to come is the next one: what it woke for is over. */
static __always_inline _Bool in_grace(const struct pvs_ctx *ctx)
{
	if (ctx->next_event > ctx->now_ns)
		return 0;
	return ctx->boost == PVS_BOOST_RT && ctx->run_state != PVS_RUN_HALTED &&
	       ctx->event != PVS_EVENT_HALT && ctx->hint_status == PVS_HINT_OK &&
	       (ctx->event == PVS_EVENT_VCPU_RUN || ctx->state_ns < grace_us * US);
}

static __always_inline __u64 half_of_hold(__u32 why)
{
	switch (why) {
	case PVS_BOOST_RT:
		return rt_us * US / 2;
	case PVS_BOOST_LOCK:
		return held_us * US / 2;
	case PVS_BOOST_CS:
		return cs_us * US / 2;
	default:
		return irq_us * US / 2;
	}
}

/* No boost, but what takes nothing from anybody: a short slice, and less than a fair share. The
 * same again is no change. */
static __always_inline int between(struct pvs_ctx *ctx)
{
	const __u32 may = permitted(ctx);
	struct pvs_decision *out = &ctx->out;

	if (ctx->hint_status != PVS_HINT_OK)
		return no_boost(ctx);
	out->set = 0;
	if (base_slice_us && (may & PVS_ACT_SLICE)) {
		out->set |= PVS_SET_SLICE;
		out->slice_ns = clamp_u64(base_slice_us * US, 100 * US, 100 * MS);
	}
	if (base_nice && (may & PVS_ACT_NICE_UP)) {
		out->set |= PVS_SET_NICE;
		out->nice = base_nice < 19 ? base_nice : 19;
	}
	if (!out->set)
		return no_boost(ctx);
	if (service)
		out->set |= PVS_SET_SERVICE;
	return PVS_APPLY;
}

static __noinline int look(struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);
	struct given *given = bpf_map_lookup_elem(&vcpus, &key), now = {.at = ctx->now_ns};
	const __u32 why = reason(ctx);

	if (why == PVS_BOOST_NONE)
		return in_grace(ctx) ? PVS_KEEP : between(ctx);
	/* What is in effect for the same reason is renewed in the middle of its time. */
	if (given && given->why == why && ctx->boost == why &&
	    (is_idle(ctx) || ctx->now_ns - given->at < half_of_hold(why)))
		return PVS_KEEP;
	now.why = why;
	bpf_map_update_elem(&vcpus, &key, &now, BPF_ANY);
	return apply_for(ctx, why);
}

PVS_SEC("vcpu_run") int boost_vcpu_run(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("vcpu_stop") int boost_vcpu_stop(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("halt") int boost_halt(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("kick") int boost_kick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("hint") int boost_hint(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("tick") int boost_tick(struct pvs_ctx *ctx)
{
	return look(ctx);
}

PVS_SEC("exit") int boost_exit(struct pvs_ctx *ctx)
{
	const __u64 key = key_of(ctx, ctx->vcpu);

	bpf_map_delete_elem(&vcpus, &key);
	return PVS_KEEP;
}
