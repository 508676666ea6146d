/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The host's end of a vCPU's event ring. The guest owns head and the entries, the host owns tail,
 * which is private: the copy in the host's page only tells the guest how much room there is.
 */
#include "pvs.h"

/* An entry as it is now; the guest may be writing it. */
static struct pvs_ring_entry load_entry(const struct pvs_ring_entry *from)
{
	return (struct pvs_ring_entry){
		.ts = __atomic_load_n(&from->ts, __ATOMIC_RELAXED),
		.type = __atomic_load_n(&from->type, __ATOMIC_RELAXED),
		.arg = __atomic_load_n(&from->arg, __ATOMIC_RELAXED),
	};
}

unsigned pvs_ring_take(struct pvs_ring *ring, const struct pvs_guest_page *page,
		       struct pvs_ring_entry *out, unsigned max)
{
	const uint32_t head = __atomic_load_n(&page->ring_head, __ATOMIC_ACQUIRE);
	unsigned n = 0;

	if (head - ring->tail > PVS_RING_ENTRIES) {
		ring->overruns++;
		ring->tail = head;
		return 0;
	}
	while (ring->tail != head && n < max) {
		out[n] = load_entry(&page->ring[ring->tail++ % PVS_RING_ENTRIES]);
		if (out[n].type > PVS_RING_NONE && out[n].type < PVS_RING_MAX)
			n++;
		else
			ring->refused++;
	}
	ring->taken += n;
	return n;
}

bool pvs_guest_ring_put(struct pvs_guest_page *page, uint32_t tail,
			const struct pvs_ring_entry *entry)
{
	const uint32_t head = __atomic_load_n(&page->ring_head, __ATOMIC_RELAXED);
	struct pvs_ring_entry *to = &page->ring[head % PVS_RING_ENTRIES];

	if (head - tail >= PVS_RING_ENTRIES)
		return false;
	__atomic_store_n(&to->ts, entry->ts, __ATOMIC_RELAXED);
	__atomic_store_n(&to->type, entry->type, __ATOMIC_RELAXED);
	__atomic_store_n(&to->arg, entry->arg, __ATOMIC_RELAXED);
	__atomic_store_n(&page->ring_head, head + 1, __ATOMIC_RELEASE);
	return true;
}
