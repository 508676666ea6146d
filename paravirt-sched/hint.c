/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A guest page: how the host reads it (hint_parse.h), and how a guest writes it. */
#include "hint_parse.h"
#include "pvs.h"

void pvs_hint_read(const struct pvs_guest_page *page, uint64_t features, uint32_t n_vcpus,
		   struct pvs_hint *hint)
{
	hint_parse(page, features, n_vcpus, hint);
}

void pvs_guest_set_intent(struct pvs_guest_page *page, enum pvs_class class, int nice,
			  unsigned rt_prio, unsigned pending)
{
	const uint64_t generation = (hint_load64(&page->intent) >> PVS_INTENT_GEN_SHIFT) + 1;
	const uint64_t word = (uint64_t)class << PVS_INTENT_CLASS_SHIFT |
			      (uint64_t)(nice + 20) << PVS_INTENT_NICE_SHIFT |
			      (uint64_t)rt_prio << PVS_INTENT_PRIO_SHIFT |
			      (uint64_t)pending << PVS_INTENT_FLAGS_SHIFT |
			      generation << PVS_INTENT_GEN_SHIFT;

	__atomic_store_n(&page->intent, word, __ATOMIC_RELEASE);
}

void pvs_guest_set_deadline(struct pvs_guest_page *page, uint64_t runtime, uint64_t deadline,
			    uint64_t period, uint64_t next_event)
{
	const uint32_t seq = hint_load32(&page->seq);

	__atomic_store_n(&page->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&page->dl_runtime, runtime, __ATOMIC_RELAXED);
	__atomic_store_n(&page->dl_deadline, deadline, __ATOMIC_RELAXED);
	__atomic_store_n(&page->dl_period, period, __ATOMIC_RELAXED);
	__atomic_store_n(&page->next_event, next_event, __ATOMIC_RELAXED);
	__atomic_store_n(&page->seq, seq + 2, __ATOMIC_RELEASE);
}

void pvs_guest_set_cs(struct pvs_guest_page *page, unsigned why, uint64_t now)
{
	const uint64_t word = hint_load64(&page->cs);
	const uint64_t count = word >> 32;

	if (!why) {
		__atomic_store_n(&page->cs, count << 32, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&page->cs_enter, now, __ATOMIC_RELAXED);
	__atomic_store_n(&page->cs, (uint64_t)(uint32_t)(count + 1) << 32 | 1u << 8 | why,
			 __ATOMIC_RELEASE);
}

void pvs_guest_set_wait(struct pvs_guest_page *page, uint32_t vcpu, enum pvs_wait_reason reason)
{
	__atomic_store_n(&page->wait, (uint64_t)reason << 32 | vcpu, __ATOMIC_RELEASE);
}
