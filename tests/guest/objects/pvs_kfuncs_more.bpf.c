// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The kfuncs that tell the host of another CPU, of times and of what is new, called once when the
 * task "pvs_caller" gives its CPU away: that is 2, which is vCPU 3. And who is called when the host
 * answers. checks_pvsched_kfuncs.py reads the answers and the pages.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "pvs_kfuncs.h"
#include "sluice/pvsched.h"

#define CPUS 4

struct {
	__s64 pending_other, pending_same, pending_bits, pending_no_cpu, deadline, deadline_order,
		deadline_period, next_event, notify, notify_bits, emit, doorbell, doorbell_no_cpu,
		ticket, kick, kick_no_cpu, host_present, host_large, host_no_cpu, reads_own,
		reads_other, generations;
} answers;

__u32 done, notified[CPUS];

static __always_inline const volatile struct pvs_guest_page *hint_page(__u32 cpu)
{
	return (const volatile struct pvs_guest_page *)sluice_pvs_hint_page(cpu, 256);
}

/* Flags of CPU 0, beside what it says itself: stored once, whoever says it twice. */
static __always_inline void pending(void)
{
	const volatile struct pvs_guest_page *page = hint_page(0);
	__u64 before = page ? page->intent >> PVS_INTENT_GEN_SHIFT : 0;

	answers.pending_other = sluice_pvs_set_pending(
		0, PVS_PENDING_RT_WAITER | PVS_PENDING_IRQ_OFF, PVS_PENDING_IRQ_OFF);
	answers.pending_same = sluice_pvs_set_pending(0, PVS_PENDING_RT_WAITER, PVS_PENDING_LOCK);
	answers.pending_bits = sluice_pvs_set_pending(0, PVS_PENDING_ALL + 1, 0);
	answers.pending_no_cpu = sluice_pvs_set_pending(1 << 20, PVS_PENDING_LOCK, 0);
	answers.generations = page ? (__s64)((page->intent >> PVS_INTENT_GEN_SHIFT) - before) : -1;
}

static __always_inline void times(void)
{
	answers.deadline = sluice_pvs_set_deadline(1000, 2000, 3000);
	answers.deadline_order = sluice_pvs_set_deadline(2001, 2000, 3000);
	answers.deadline_period = sluice_pvs_set_deadline(1000, 3001, 3000);
	answers.next_event = sluice_pvs_set_next_event(123456789);
}

/* What it knows of others is asked for by `reads`, of itself it is not. */
static __always_inline void host_pages(__u32 cpu)
{
	const volatile struct pvs_guest_page *own = hint_page(cpu);
	const struct pvs_host_page *host;
	__u32 reads = own ? own->reads : 0;

	host = (const struct pvs_host_page *)sluice_pvs_host_page(cpu, 64);
	answers.host_present =
		host ? (__s64)(host->state >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_PRESENT) : -1;
	answers.reads_own = own ? (__s64)(own->reads - reads) : -1;
	sluice_pvs_host_page(0, 64);
	answers.reads_other = own ? (__s64)(own->reads - reads) : -1;
	answers.host_large = !!sluice_pvs_host_page(cpu, PVS_PAGE_STRIDE + 1);
	answers.host_no_cpu = !!sluice_pvs_host_page(1 << 20, 64);
}

static __always_inline void told(__u32 cpu)
{
	answers.notify = sluice_pvs_set_notify(PVS_NOTIFY_TICKET);
	answers.notify_bits = sluice_pvs_set_notify(PVS_NOTIFY_ALL + 1);
	answers.emit = sluice_pvs_emit(PVS_RING_MARK, 77);
	answers.doorbell = sluice_pvs_doorbell(cpu);
	answers.doorbell_no_cpu = sluice_pvs_doorbell(1 << 20);
	answers.ticket = (__s64)sluice_pvs_ticket();
	answers.kick = sluice_pvs_kick(cpu);
	answers.kick_no_cpu = sluice_pvs_kick(1 << 20);
}

static __always_inline _Bool is_the_caller(void)
{
	static const char name[] = "pvs_caller";
	char comm[16] = "";

	bpf_get_current_comm(comm, sizeof(comm));
	for (unsigned i = 0; i < sizeof(name); i++)
		if (comm[i] != name[i])
			return 0;
	return 1;
}

SEC("tp_btf/sched_switch")
int at_switch(void *ctx)
{
	const __u32 cpu = bpf_get_smp_processor_id();

	if (done || cpu != 2 || !is_the_caller())
		return 0;
	pending();
	times();
	host_pages(cpu);
	told(cpu);
	done = 1;
	return 0;
}

SEC("fentry/sluice_pvs_notified")
int at_answer(const __u64 *args)
{
	__sync_fetch_and_add(&notified[args[0] & (CPUS - 1)], 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
