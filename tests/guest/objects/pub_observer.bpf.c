// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What is on a CPU's page in the midst of what the publisher publishes: attached after it, to the
 * same tracepoints, so that each event finds what it has stored a moment before. Interrupts are
 * over before anybody else could look. checks_publisher.py reads the counts.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "pvs_kfuncs.h"
#include "sluice/pvsched.h"

/* Of the lock tracepoints' flags. */
#define LOCK_SPIN  0x01u
#define LOCK_MUTEX 0x20u

/* How often the page said what it should, and how often it did not. */
struct {
	__u64 irq_in, irq_in_missed, irq_out, irq_out_left, softirq_in, softirq_in_missed,
		softirq_out, softirq_out_left, mutex_wait, mutex_wait_missed, owner_marked,
		wait_over, wait_over_left;
} seen;

#define COUNT(what) __sync_fetch_and_add(&seen.what, 1)

static __always_inline const volatile struct pvs_guest_page *page_of(__u32 cpu)
{
	return (const volatile struct pvs_guest_page *)sluice_pvs_hint_page(cpu, 256);
}

static __always_inline _Bool shows(const volatile struct pvs_guest_page *page, __u32 pending)
{
	return page->intent >> PVS_INTENT_FLAGS_SHIFT & pending;
}

SEC("tp_btf/irq_handler_entry")
int irq_in(void *ctx)
{
	const volatile struct pvs_guest_page *page = page_of(bpf_get_smp_processor_id());

	if (!page)
		return 0;
	if (shows(page, PVS_PENDING_HARDIRQ))
		COUNT(irq_in);
	else
		COUNT(irq_in_missed);
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int irq_out(void *ctx)
{
	const volatile struct pvs_guest_page *page = page_of(bpf_get_smp_processor_id());

	if (!page)
		return 0;
	if (shows(page, PVS_PENDING_HARDIRQ))
		COUNT(irq_out_left);
	else
		COUNT(irq_out);
	return 0;
}

SEC("tp_btf/softirq_entry")
int softirq_in(void *ctx)
{
	const volatile struct pvs_guest_page *page = page_of(bpf_get_smp_processor_id());

	if (!page)
		return 0;
	if (shows(page, PVS_PENDING_SOFTIRQ))
		COUNT(softirq_in);
	else
		COUNT(softirq_in_missed);
	return 0;
}

SEC("tp_btf/softirq_exit")
int softirq_out(void *ctx)
{
	const volatile struct pvs_guest_page *page = page_of(bpf_get_smp_processor_id());

	if (!page)
		return 0;
	if (shows(page, PVS_PENDING_SOFTIRQ))
		COUNT(softirq_out_left);
	else
		COUNT(softirq_out);
	return 0;
}

SEC("tp_btf/contention_begin")
int wait_begins(const __u64 *args)
{
	const volatile struct pvs_guest_page *page = page_of(bpf_get_smp_processor_id());
	const __u32 flags = (__u32)args[1];
	__u64 wait;
	int owner;

	if (!page || !(flags & LOCK_SPIN) || !(flags & LOCK_MUTEX))
		return 0;
	wait = page->wait;
	if (wait >> 32 != PVS_WAIT_MUTEX) {
		COUNT(mutex_wait_missed);
		return 0;
	}
	COUNT(mutex_wait);
	owner = sluice_pvs_cpu_of((__u32)wait);
	page = owner >= 0 ? page_of((__u32)owner) : 0;
	if (page && shows(page, PVS_PENDING_LOCK))
		COUNT(owner_marked);
	return 0;
}

SEC("tp_btf/contention_end")
int wait_ends(void *ctx)
{
	const volatile struct pvs_guest_page *page = page_of(bpf_get_smp_processor_id());

	if (!page)
		return 0;
	if (page->wait >> 32 == PVS_WAIT_NONE)
		COUNT(wait_over);
	else
		COUNT(wait_over_left);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
