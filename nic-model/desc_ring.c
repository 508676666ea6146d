/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "desc_ring.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <sluice/nic_desc.h>

void desc_ring_init(struct desc_ring *ring, uint64_t base, uint32_t size, uint32_t entry_size)
{
	ring->base = base;
	ring->size = size;
	ring->entry_size = entry_size;
	desc_ring_reset(ring);
}

void desc_ring_reset(struct desc_ring *ring)
{
	ring->producer = 0;
	ring->fetched = 0;
	ring->consumer = 0;
}

void desc_ring_forget(struct desc_ring *ring)
{
	ring->fetched = ring->consumer;
}

uint32_t desc_ring_available(const struct desc_ring *ring)
{
	return ring->producer - ring->consumer;
}

int desc_ring_doorbell(struct desc_ring *ring, uint32_t producer)
{
	uint32_t room = ring->size - desc_ring_available(ring);

	/* Relative to the last index, so that a retreat shows as a huge advance. */
	if (producer - ring->producer > room)
		return -EINVAL;
	ring->producer = producer;
	return 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int desc_ring_fetch(struct desc_ring *ring, const struct nic_host_ops *ops, void *opaque)
{
	uint32_t slot = ring->fetched & (ring->size - 1);
	uint32_t cached = ring->fetched & (DESC_RING_CACHE - 1);
	uint32_t n = min_u32(ring->producer - ring->fetched, DESC_RING_BATCH);
	uint8_t batch[DESC_RING_BATCH * DESC_RING_MAX_ENTRY];

	n = min_u32(n, ring->size - slot);
	n = min_u32(n, DESC_RING_CACHE - cached);
	n = min_u32(n, DESC_RING_CACHE - (ring->fetched - ring->consumer));
	if (ops->dma_read(opaque, ring->base + (uint64_t)slot * ring->entry_size, batch,
			  (size_t)n * ring->entry_size))
		return -EFAULT;
	for (uint32_t i = 0; i < n; i++)
		memcpy(ring->cache[cached + i], batch + (size_t)i * ring->entry_size,
		       ring->entry_size);
	ring->fetched += n;
	return 0;
}

int desc_ring_peek(struct desc_ring *ring, uint32_t ahead, const struct nic_host_ops *ops,
		   void *opaque, const void **entry)
{
	if (ahead >= desc_ring_available(ring))
		return 0;
	while (ahead >= ring->fetched - ring->consumer) {
		int ret = desc_ring_fetch(ring, ops, opaque);

		if (ret)
			return ret;
	}
	*entry = ring->cache[(ring->consumer + ahead) & (DESC_RING_CACHE - 1)];
	return 1;
}

void desc_ring_advance(struct desc_ring *ring, uint32_t n)
{
	ring->consumer += n;
}

void cpl_ring_init(struct cpl_ring *ring, uint64_t base, uint32_t size)
{
	ring->base = base;
	ring->size = size;
	cpl_ring_reset(ring);
}

void cpl_ring_reset(struct cpl_ring *ring)
{
	ring->producer = 0;
	ring->consumer = 0;
	ring->armed = false;
}

bool cpl_ring_has_room(const struct cpl_ring *ring)
{
	return ring->producer - ring->consumer < ring->size;
}

int cpl_ring_post(struct cpl_ring *ring, uint8_t entry[CPL_RING_ENTRY],
		  const struct nic_host_ops *ops, void *opaque)
{
	const size_t head = CPL_RING_ENTRY - sizeof(uint64_t);
	uint64_t addr = ring->base + (uint64_t)(ring->producer & (ring->size - 1)) * CPL_RING_ENTRY;
	uint64_t word;

	/* First lap 1, then alternating. */
	entry[CPL_RING_ENTRY - 1] = ring->producer & ring->size ? 0 : SLUICE_PHASE;
	memcpy(&word, entry + head, sizeof(word));
	if (ops->dma_write(opaque, addr, entry, head) ||
	    ops->dma_publish(opaque, addr + head, le64toh(word)))
		return -EFAULT;
	ring->producer++;
	return 0;
}

int cpl_ring_doorbell(struct cpl_ring *ring, uint32_t consumer, bool arm)
{
	if (consumer - ring->consumer > ring->producer - ring->consumer)
		return -EINVAL;
	ring->consumer = consumer;
	/* A doorbell without ARM does not take back an earlier one. */
	ring->armed |= arm;
	return 0;
}

bool cpl_ring_take_interrupt(struct cpl_ring *ring)
{
	if (!ring->armed || ring->producer == ring->consumer)
		return false;
	ring->armed = false;
	return true;
}
