/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Tells user space when a thread it named gets a host CPU, loses it, or waits. Runs at every
 * switch of the host, with two lookups for threads that nobody named, and at every timer, with one.
 *
 * What the listener itself does to a thread is not told: an event wakes the listener, which may
 * take the CPU of a thread that it is told of, which would be an event. A thread is said to have
 * stopped only when somebody else runs after the listener.
 *
 * A switch may not pass the tracepoint, and an event may find no room: that a thread runs is told
 * at the latest by the next timer that interrupts it, or when it stops. So run and the end of
 * running take turns, from the first event on.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sluice/pvsched_policy.h"

#include "switches.h"
#include "task.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PVS_SWITCHES_MAX_THREADS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __s32);
	__type(value, struct switches_thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PVS_SWITCHES_RING_BYTES);
} events SEC(".maps");

/* The thread whose CPU the listener took, 0: none. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s32);
} beneath SEC(".maps");

struct switches_globals globals;

/* Whether to wake the listener. Lazy: for stops, and when such a thread runs again. Silent: not at
 * all, it looks by itself. */
static __u64 wakeup(struct switches_thread *thread, enum pvs_event event, __u64 now)
{
	const __u32 was_stopped = thread->stopped;

	thread->stopped = event == PVS_EVENT_VCPU_STOP;
	if (globals.lazy == SWITCHES_EAGER)
		return 0;
	if (globals.lazy == SWITCHES_SILENT)
		return BPF_RB_NO_WAKEUP;
	if (globals.lazy == SWITCHES_WAS_LAZY) {
		globals.lazy = SWITCHES_EAGER;
		return BPF_RB_FORCE_WAKEUP;
	}
	if (!was_stopped && !thread->stopped && now - globals.woken < PVS_SWITCHES_LAZY_NS)
		return BPF_RB_NO_WAKEUP;
	globals.woken = now;
	return BPF_RB_FORCE_WAKEUP;
}

static void tell(__s32 tid, struct switches_thread *thread, enum pvs_event event, __u64 now)
{
	struct switches_event *entry;

	entry = bpf_ringbuf_reserve(&events, sizeof(*entry), 0);
	thread->running = entry && event == PVS_EVENT_VCPU_RUN;
	thread->owed = 0;
	if (!entry) {
		thread->owed_ns = now;
		thread->owed_cpu = bpf_get_smp_processor_id();
		barrier(); /* a reader that sees what is owed sees since when */
		if (event != PVS_EVENT_VCPU_RUN)
			thread->owed = event;
		__sync_fetch_and_add(&globals.lost, 1);
		return;
	}
	entry->ns = now;
	entry->tid = tid;
	entry->vm = thread->vm;
	entry->vcpu = thread->vcpu;
	entry->cpu = bpf_get_smp_processor_id();
	entry->event = event;
	entry->reserved = 0;
	bpf_ringbuf_submit(entry, wakeup(thread, event, now));
}

/* Was it hidden? It is not any more; of two CPUs that ask one is told so. */
static int take_hidden(struct switches_thread *thread)
{
	return __sync_lock_test_and_set(&thread->hidden, 0) != 0;
}

/* @tid loses its CPU; @to_listener: to the listener. */
static void leave(__s32 tid, int runnable, int to_listener, __u64 now)
{
	struct switches_thread *thread = bpf_map_lookup_elem(&threads, &tid);
	const __u32 zero = 0;
	__s32 *under;

	if (!thread)
		return;
	if (!thread->running)
		tell(tid, thread, PVS_EVENT_VCPU_RUN, now);
	under = bpf_map_lookup_elem(&beneath, &zero);
	if (to_listener && runnable && under) {
		thread->hidden = 1;
		*under = tid;
		return;
	}
	tell(tid, thread, runnable ? PVS_EVENT_VCPU_STOP : PVS_EVENT_HALT, now);
}

/* The listener leaves its CPU to @next: the thread beneath it has stopped, unless it is that. */
static void reveal(__s32 next, __u64 now)
{
	const __u32 zero = 0;
	__s32 *under = bpf_map_lookup_elem(&beneath, &zero), tid;
	struct switches_thread *thread;

	if (!under || !*under)
		return;
	tid = *under;
	*under = 0;
	if (tid == next)
		return;
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (thread && take_hidden(thread))
		tell(tid, thread, PVS_EVENT_VCPU_STOP, now);
}

static void enter(__s32 tid, __u64 now)
{
	struct switches_thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (thread && !take_hidden(thread))
		tell(tid, thread, PVS_EVENT_VCPU_RUN, now);
}

SEC("tp_btf/sched_switch")
int on_switch(unsigned long long *ctx)
{
	const __u64 now = bpf_ktime_get_ns();
	const __s32 prev = switch_prev(ctx)->pid, next = switch_next(ctx)->pid;
	const __s32 listener = globals.listener;

	if (listener && prev == listener)
		reveal(next, now);
	leave(prev, switch_still_runnable(ctx), listener && next == listener, now);
	enter(next, now);
	return 0;
}

/* Whom a timer interrupts has the CPU: hardly ever news. */
SEC("tp_btf/hrtimer_expire_entry")
int on_timer(void *ctx)
{
	const __s32 tid = (__s32)bpf_get_current_pid_tgid();
	struct switches_thread *thread = bpf_map_lookup_elem(&threads, &tid);

	(void)ctx;
	if (thread && !thread->running)
		tell(tid, thread, PVS_EVENT_VCPU_RUN, bpf_ktime_get_ns());
	return 0;
}
