/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The two kinds of ring every queue has, receive and transmit alike: one the guest fills with
 * descriptors, one the device fills with completions. docs/device-spec, "Rings".
 *
 * Indices are free-running 32-bit counters; sizes are powers of two. Nothing here knows a queue,
 * a frame or a counter: errors are returned and the queue decides.
 */
#ifndef SLUICE_DESC_RING_H
#define SLUICE_DESC_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "host_ops.h"

#define DESC_RING_CACHE     32u /* descriptors copied and not yet used, at most */
#define DESC_RING_BATCH     16u /* descriptors one DMA read fetches at most */
#define DESC_RING_MAX_ENTRY 32u /* bytes */
#define CPL_RING_ENTRY      32u /* bytes */

struct desc_ring {
	uint64_t base;
	uint32_t size;       /* entries */
	uint32_t entry_size; /* bytes, at most DESC_RING_MAX_ENTRY */
	uint32_t producer;   /* as last heard by doorbell */
	uint32_t fetched;    /* descriptors before this index were copied to the cache */
	uint32_t consumer;   /* descriptors before this index are used up */
	/* Each descriptor is read from guest memory once; what was validated is what is used. */
	_Alignas(8) uint8_t cache[DESC_RING_CACHE][DESC_RING_MAX_ENTRY];
};

void desc_ring_init(struct desc_ring *ring, uint64_t base, uint32_t size, uint32_t entry_size);

/* Back to index 0. */
void desc_ring_reset(struct desc_ring *ring);

/* Forget copies of descriptors not used yet: the guest may change them while the queue is off. */
void desc_ring_forget(struct desc_ring *ring);

/* The guest's producer index. -EINVAL: it retreats, or names more entries than the ring has. */
int desc_ring_doorbell(struct desc_ring *ring, uint32_t producer);

/* Descriptors the guest has handed over and the device has not used up. */
uint32_t desc_ring_available(const struct desc_ring *ring);

/*
 * The @ahead-th unused descriptor (0: the next), ahead < DESC_RING_CACHE, to *entry, valid until
 * the ring is advanced past it. 1; 0: the guest has not handed over so many; -EFAULT: the ring
 * could not be read.
 */
int desc_ring_peek(struct desc_ring *ring, uint32_t ahead, const struct nic_host_ops *ops,
		   void *opaque, const void **entry);

/* Use up @n descriptors, which must be available. */
void desc_ring_advance(struct desc_ring *ring, uint32_t n);

struct cpl_ring {
	uint64_t base;
	uint32_t size;     /* entries */
	uint32_t producer; /* completions written */
	uint32_t consumer; /* as last heard by doorbell */
	bool armed;        /* the next completion interrupts */
};

void cpl_ring_init(struct cpl_ring *ring, uint64_t base, uint32_t size);
void cpl_ring_reset(struct cpl_ring *ring);

/* Is there room for a completion? */
bool cpl_ring_has_room(const struct cpl_ring *ring);

/*
 * Write a completion and publish it: first 24 bytes, then the last 8 with the phase bit in one
 * store. @entry's last byte is set here. There must be room. -EFAULT: not written.
 */
int cpl_ring_post(struct cpl_ring *ring, uint8_t entry[CPL_RING_ENTRY],
		  const struct nic_host_ops *ops, void *opaque);

/*
 * The guest's consumer index, and whether it wants an interrupt for what comes after it.
 * -EINVAL: the index retreats or lies beyond what was produced.
 */
int cpl_ring_doorbell(struct cpl_ring *ring, uint32_t consumer, bool arm);

/*
 * Must the device interrupt now? True once per arming, when completions the guest has not consumed
 * are there; the ring is disarmed then.
 */
bool cpl_ring_take_interrupt(struct cpl_ring *ring);

#endif
