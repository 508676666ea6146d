/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Tells user space when a thread it named gets a host CPU, loses it, or waits. Runs at every
 * switch of the host: two lookups for threads that nobody named, nothing else.
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

__u64 lost; /* events that found no room */

static void tell(__s32 tid, enum pvs_event event, __u64 now)
{
	const struct switches_thread *thread = bpf_map_lookup_elem(&threads, &tid);
	struct switches_event *entry;

	if (!thread)
		return;
	entry = bpf_ringbuf_reserve(&events, sizeof(*entry), 0);
	if (!entry) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	entry->ns = now;
	entry->tid = tid;
	entry->vm = thread->vm;
	entry->vcpu = thread->vcpu;
	entry->cpu = bpf_get_smp_processor_id();
	entry->event = event;
	entry->reserved = 0;
	bpf_ringbuf_submit(entry, 0);
}

SEC("tp_btf/sched_switch")
int on_switch(unsigned long long *ctx)
{
	const __u64 now = bpf_ktime_get_ns();

	tell(switch_prev(ctx)->pid,
	     switch_still_runnable(ctx) ? PVS_EVENT_VCPU_STOP : PVS_EVENT_HALT, now);
	tell(switch_next(ctx)->pid, PVS_EVENT_VCPU_RUN, now);
	return 0;
}
