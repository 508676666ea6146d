/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A policy's host in the kernel: at each switch of a vCPU thread its hints are read, its policy is
 * asked, and what that answers goes to user space, which may change how a thread is scheduled where
 * a program like this may not. Where the host's scheduler is scx.bpf.c, it follows the answer at
 * once.
 *
 * The policy's callbacks are not here: kernel_splice.c puts them in the place of the functions
 * callback_*() before the program is loaded. Without a policy it only tells of switches.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "hint_parse.h"

#include "host.h"
#include "scx_again.h"
#include "scx_maps.h"
#include "task.h"

/* The host's scheduler is scx.bpf.c. Constant, so that a kernel without sched_ext does not see what
 * is only for it. */
const volatile __u32 has_scheduler;

char _license[] SEC("license") = "Dual BSD/GPL";

/* The number of entries of the first three is set before they are made. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pvs_guest_page);
} pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct host_told);
} told_of SEC(".maps");

/* What was seen of a vCPU; one CPU at a time has it, as the vCPU's thread is on one. */
struct host_seen {
	struct pvs_hint hint;
	__u64 hint_at, cs_at; /* when this was first seen */
	__u32 run_state;
	__u32 reserved;
	__u64 state_at;
	__u64 run_ns, wait_ns;
	struct pvs_decision told; /* last decision that was told, and... */
	__s32 verdict;
	__u32 reserved1;
	__u64 told_at; /* ...when it was */
	__u64 sorted_at;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct host_seen);
} seen_of SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PVS_MAX_VCPUS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __s32);
	__type(value, __u32);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HOST_RING_BYTES);
} events SEC(".maps");

/* What the policy gets to write into: in a map of its own, so that the verifier sees its end. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pvs_ctx);
} asked_of SEC(".maps");

struct host_scratch {
	struct pvs_ctx ctx;
	struct pvs_hint hint;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct host_scratch);
} scratch SEC(".maps");

/* The number of the program that acts in this switch, by CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} turn_of SEC(".maps");

struct host_globals globals;

/* ---- The policy's callbacks ------------------------------------------------------------------ */

#define CALLBACK(name, event)                                \
	__noinline int name(struct pvs_ctx *ctx)             \
	{                                                    \
		int verdict = HOST_CALLBACK + (event);       \
                                                             \
		asm volatile("" : "+r"(verdict) : "r"(ctx)); \
		return verdict;                              \
	}

CALLBACK(callback_vcpu_run, PVS_EVENT_VCPU_RUN)
CALLBACK(callback_vcpu_stop, PVS_EVENT_VCPU_STOP)
CALLBACK(callback_halt, PVS_EVENT_HALT)
CALLBACK(callback_hint, PVS_EVENT_HINT)

static __u32 own_serial(void)
{
	__u32 serial = HOST_SERIAL;

	asm volatile("" : "+r"(serial));
	return serial;
}

static int ask(struct pvs_ctx *ctx)
{
	switch (ctx->event) {
	case PVS_EVENT_VCPU_RUN:
		return callback_vcpu_run(ctx);
	case PVS_EVENT_VCPU_STOP:
		return callback_vcpu_stop(ctx);
	case PVS_EVENT_HALT:
		return callback_halt(ctx);
	default:
		return callback_hint(ctx);
	}
}

/* ---- What is seen ---------------------------------------------------------------------------- */

static void see_switch(struct host_seen *seen, __u32 event, __u64 now)
{
	const __u32 state = event == PVS_EVENT_VCPU_RUN    ? PVS_RUN_RUNNING
			    : event == PVS_EVENT_VCPU_STOP ? PVS_RUN_PREEMPTED
							   : PVS_RUN_HALTED;

	if (seen->run_state == PVS_RUN_RUNNING)
		seen->run_ns += now - seen->state_at;
	else if (seen->run_state == PVS_RUN_PREEMPTED)
		seen->wait_ns += now - seen->state_at;
	seen->run_state = state;
	seen->state_at = now;
}

/* True if the hints are others than at the last event. */
static bool see_hint(struct host_seen *seen, const struct pvs_hint *hint, __u64 now)
{
	if (!hint_differs(hint, &seen->hint))
		return false;
	if (hint_enters_cs(hint, &seen->hint))
		seen->cs_at = now;
	seen->hint_at = now;
	seen->hint = *hint;
	return true;
}

/* ---- The context ----------------------------------------------------------------------------- */

static __u64 since(__u64 now, __u64 then)
{
	return now > then ? now - then : 0;
}

static void fill_hint(struct pvs_ctx *ctx, const struct host_seen *seen, __s64 clock_offset,
		      __u64 now)
{
	const struct pvs_hint *hint = &seen->hint;

	ctx->hint_status = hint->status;
	ctx->hint_age_ns = now - seen->hint_at;
	ctx->class = hint->class;
	ctx->nice = hint->nice;
	ctx->rt_prio = hint->rt_prio;
	ctx->pending = hint->pending;
	ctx->cs = hint->cs;
	ctx->cs_count = hint->cs_count;
	ctx->cs_age_ns = hint->cs ? now - seen->cs_at : 0;
	ctx->dl_runtime = hint->dl_runtime;
	ctx->dl_deadline = hint->dl_deadline;
	ctx->dl_period = hint->dl_period;
	ctx->next_event = hint_host_time(hint->next_event, clock_offset);
	ctx->wait_vcpu = hint->wait_vcpu;
	ctx->wait_reason = hint->wait_reason;
}

/* The guest's line of this vCPU, behind all vCPUs' pages. */
static void fill_opaque(struct pvs_ctx *ctx)
{
	const __u32 behind = ctx->n_vcpus;
	const struct pvs_opaque_page *page = NULL;
	const struct pvs_opaque_line *line;

	if (ctx->features & PVS_F_OPAQUE)
		page = bpf_map_lookup_elem(&pages, &behind);
	if (!page) {
		__builtin_memset(ctx->opaque, 0, sizeof(ctx->opaque));
		return;
	}
	line = &page->line[ctx->vcpu % PVS_OPAQUE_LINES];
#pragma unroll
	for (__u32 i = 0; i < PVS_OPAQUE_WORDS; i++)
		ctx->opaque[i] = hint_load64(&line->word[i]);
}

/* All but what is answered. */
static void fill(struct pvs_ctx *ctx, const struct host_told *told, const struct host_seen *seen,
		 __u64 now)
{
	__builtin_memcpy(ctx, &told->ctx, __builtin_offsetof(struct pvs_ctx, opaque));
	ctx->now_ns = now;
	fill_hint(ctx, seen, told->clock_offset, now);
	/* told: the last one answered */
	ctx->ticket = seen->hint.ticket == told->ctx.ticket ? 0 : seen->hint.ticket;
	ctx->run_state = seen->run_state;
	/* told: what it was at INIT */
	ctx->run_ns = since(seen->run_ns, told->ctx.run_ns);
	ctx->wait_ns = since(seen->wait_ns, told->ctx.wait_ns);
	ctx->state_ns = now - seen->state_at;
	fill_opaque(ctx);
}

/* ---- Putting a decision into effect where it was taken --------------------------------------- */

/* What it shares; NULL: it is not the host's scheduler any more. */
static struct scx_shared *scheduler(void)
{
	const __u32 first = 0;
	struct scx_shared *shared = bpf_map_lookup_elem(&scx_of, &first);

	return shared && !*(volatile __u32 *)&shared->end_kind ? shared : NULL;
}

/* Grant @sched for @lasts ns. The word with its number; 0: nothing was changed. */
static __u64 replace_grant(struct scx_grant *grant, __u64 old, __u64 sched, __u64 now, __u64 lasts)
{
	__u64 until = *(volatile __u64 *)&grant->until;
	const __u64 word = grant_replaced(old, sched, now, lasts, &until);

	if (!word || __sync_val_compare_and_swap(&grant->word, old, word) != old)
		return 0;
	*(volatile __u64 *)&grant->until = until;
	return word;
}

/* GRANT_SCHED bits for what the policy answered to @ctx about a vCPU of which @told is known. */
static __u64 find_grant(const struct pvs_ctx *ctx, const struct host_told *told, bool own,
			__u64 *lasts)
{
	const struct pvs_ctx *about = own ? ctx : &told->ctx;
	struct in_place_limits limits = told->limits;
	__u64 sched;

	limits.boosted = *(volatile __u32 *)&globals.vm_boosted;
	sched = in_place_grant(about, &limits, &ctx->out, lasts);
	if (sched && ctx->out.boost && !about->boost)
		__sync_fetch_and_add(&globals.vm_boosted, 1);
	return sched;
}

/* A thread that waits is to be queued by its new grant. The scheduler has queued one before we hear
 * that it stops. */
static void sort_again(struct host_seen *seen, const struct pvs_ctx *ctx, __s32 tid, bool own,
		       __u64 old, __u64 now)
{
	if (own && ctx->run_state != PVS_RUN_PREEMPTED)
		return;
	if (now - seen->sorted_at < HOST_SORT_NS)
		return;
	seen->sorted_at = now;
	if (own)
		scx_queue_again(old);
	else
		scx_look_again(tid, old);
}

/* Give work->ctx.out.target what its policy answered, if that can be had. */
static void put_in_place(struct host_event *what, const struct host_scratch *work,
			 struct host_seen *seen)
{
	const struct pvs_ctx *ctx = &work->ctx;
	const __u32 target = ctx->out.target;
	const struct host_told *told = bpf_map_lookup_elem(&told_of, &target);
	const bool own = target == what->vcpu;
	__u64 sched = 0, old, lasts = 0;
	struct scx_shared *shared = scheduler();
	struct scx_grant *grant;
	__s32 tid;

	if (!told || !shared)
		return;
	tid = own ? what->tid : *(volatile __s32 *)&told->tid;
	grant = bpf_map_lookup_elem(&grants, &tid);
	if (!grant)
		return;
	if (what->verdict == PVS_APPLY)
		sched = find_grant(ctx, told, own, &lasts);
	old = *(volatile __u64 *)&grant->word;
	what->granted = replace_grant(grant, old, sched, what->ns, lasts);
	if (!what->granted)
		return;
	__sync_fetch_and_add(&shared->in_place, 1);
	sort_again(seen, ctx, tid, own, old, what->ns);
}

/* ---- Telling user space ---------------------------------------------------------------------- */

static void count_lost(void)
{
	__sync_fetch_and_add(&globals.lost, 1);
}

static void put_head(struct host_event *head, const struct host_event *what, __u32 kind)
{
	*head = *what;
	head->kind = kind;
	head->cpu = bpf_get_smp_processor_id();
}

/*
 * Nobody has to act on a switch that a policy has seen, or about which none is to be asked (@calls
 * is false): it waits for whatever comes next. A vCPU thread of TCG may switch often.
 */
static void tell_switch(const struct host_event *what, bool calls)
{
	struct host_event *entry = bpf_ringbuf_reserve(&events, sizeof(*entry), 0);

	if (!entry) {
		count_lost();
		return;
	}
	put_head(entry, what, HOST_SWITCH);
	bpf_ringbuf_submit(entry, calls ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static bool same_decision(const struct pvs_decision *a, const struct pvs_decision *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	for (__u32 i = 0; i < sizeof(*a) / sizeof(*x); i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/*
 * The loop takes a CPU from somebody to apply a decision. If that is a vCPU, its policy is asked,
 * decides as before, and so on for ever: so what is the same again is told in no hurry if it is in
 * effect, and else only so often. The loop has a hold begin anew when it hears of it.
 */
static bool is_again(struct host_seen *seen, __u32 boost, __s32 verdict,
		     const struct pvs_decision *out, __u64 now)
{
	const __u32 wanted = verdict == PVS_APPLY  ? out->boost
			     : verdict == PVS_KEEP ? boost
						   : PVS_BOOST_NONE;

	if (seen->verdict == verdict && same_decision(&seen->told, out) &&
	    (boost == wanted || now - seen->told_at < HOST_AGAIN_NS))
		return true;
	seen->verdict = verdict;
	seen->told = *out;
	seen->told_at = now;
	return false;
}

/*
 * Ask about work->ctx, with the event of @what, and tell the answer if there is one. What nobody
 * could be told of has no effect.
 */
static bool decide(struct host_event *what, struct host_scratch *work, struct host_seen *seen)
{
	const __u32 first = 0;
	struct pvs_ctx *asked = bpf_map_lookup_elem(&asked_of, &first);
	struct host_decision *entry;

	if (!asked)
		return false;
	what->again = 0;
	what->granted = 0;
	work->ctx.event = what->event;
	__builtin_memcpy(asked, &work->ctx, __builtin_offsetof(struct pvs_ctx, out));
	__builtin_memset(&asked->out, 0, sizeof(asked->out));
	asked->out.target = what->vcpu;
	what->verdict = ask(asked);
	/* Words for the guest are told whatever the verdict. */
	if (what->verdict == PVS_KEEP && !(asked->out.set & PVS_SET_OPAQUE))
		return false;
	entry = bpf_ringbuf_reserve(&events, sizeof(*entry), 0);
	if (!entry) {
		count_lost();
		return true;
	}
	work->ctx.out = asked->out;
	if (has_scheduler && what->verdict != PVS_KEEP)
		put_in_place(what, work, seen);
	what->again = is_again(seen, work->ctx.boost, what->verdict, &work->ctx.out, what->ns);
	put_head(&entry->head, what, HOST_DECISION);
	entry->ctx = work->ctx;
	entry->answered_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(entry, what->again ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP);
	return true;
}

/* ---- A switch -------------------------------------------------------------------------------- */

static __noinline int on_vcpu(struct host_event *what)
{
	const struct host_told *told = bpf_map_lookup_elem(&told_of, &what->vcpu);
	const struct pvs_guest_page *page = bpf_map_lookup_elem(&pages, &what->vcpu);
	struct host_seen *seen = bpf_map_lookup_elem(&seen_of, &what->vcpu);
	const __u32 event = what->event, first = 0;
	struct host_scratch *work = bpf_map_lookup_elem(&scratch, &first);
	bool news;

	if (!told || !page || !seen || !work)
		return 0;
	see_switch(seen, event, what->ns);
	if (!what->serial || !told->active) {
		what->serial = 0;
		tell_switch(what, told->active);
		return 0;
	}
	hint_parse(page, told->ctx.features, told->ctx.n_vcpus, &work->hint);
	news = see_hint(seen, &work->hint, what->ns);
	fill(&work->ctx, told, seen, what->ns);
	if (news) {
		what->event = PVS_EVENT_HINT;
		decide(what, work, seen);
		what->event = event;
	}
	if (!decide(what, work, seen))
		tell_switch(what, false);
	return 0;
}

static void on_thread(__s32 tid, __u32 event, __u32 serial, __u64 now)
{
	const __u32 *vcpu = bpf_map_lookup_elem(&threads, &tid);
	struct host_event what = {.ns = now, .tid = tid, .event = event, .serial = serial};

	if (!vcpu)
		return;
	what.vcpu = *vcpu;
	on_vcpu(&what);
}

/*
 * Whose turn a switch is. Programs at a tracepoint run in the order in which they were attached,
 * and the one without a policy was first: it looks once, for all that come after it on this CPU, so
 * that each switch is one program's however often another one is made active meanwhile.
 */
static bool is_my_turn(__u32 serial)
{
	const __u32 first = 0;
	__u32 *turn = bpf_map_lookup_elem(&turn_of, &first);

	if (!turn)
		return false;
	if (!serial)
		*turn = *(volatile __u32 *)&globals.active_serial;
	return *turn == serial;
}

SEC("tp_btf/sched_switch")
int on_switch(unsigned long long *ctx)
{
	const __u32 serial = own_serial();
	__u64 now;

	if (!is_my_turn(serial))
		return 0;
	now = bpf_ktime_get_ns();
	on_thread(switch_prev(ctx)->pid,
		  switch_still_runnable(ctx) ? PVS_EVENT_VCPU_STOP : PVS_EVENT_HALT, serial, now);
	on_thread(switch_next(ctx)->pid, PVS_EVENT_VCPU_RUN, serial, now);
	return 0;
}
