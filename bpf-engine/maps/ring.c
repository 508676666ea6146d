/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A ring of records. A producer takes room by moving @producer on, then writes the record's header,
 * which says that the record is busy until it is committed. The consumer stops at the first busy
 * record, so order is the order of reservation.
 *
 * The consumer zeroes what it consumed before it gives the room back. So reserving costs the same
 * whatever the size, a record shows nothing of earlier ones, and a header that a producer has yet
 * to write is zero, which the consumer takes for busy.
 *
 * A program needs its record in one piece. One that passes the end of the ring goes on behind it,
 * in bytes that stand for those at the start: they belong to the same record, and at most one
 * record passes the end at a time.
 */
#include <string.h>
#include "maps/ring.h"

/* A header: the record's size below, the processor above it, and what is known of it. */
#define HEADER_WRITTEN (1ull << 63) /* a record of 0 bytes is not a header yet to be written */
#define HEADER_BUSY    (1ull << 62)
#define HEADER_DISCARD (1ull << 61)
#define HEADER_CPU     32
#define CPU_MASK       0xffffu

static uint8_t *record_at(struct bpfe_ring *ring, uint64_t position)
{
	return ring->data + (position & (ring->size - 1)) + BPFE_RING_HEADER;
}

static _Atomic uint64_t *header_of(void *record)
{
	return (_Atomic uint64_t *)record - 1;
}

/* Bytes that a record takes, header and padding included. */
static uint64_t room(uint64_t size)
{
	return (BPFE_RING_HEADER + size + 7) & ~(uint64_t)7;
}

static void *no_room(struct bpfe_ring *ring)
{
	atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
	return NULL;
}

void *bpfe_ring_reserve(struct bpfe_ring *ring, uint64_t size, uint32_t cpu)
{
	uint64_t consumer, producer;
	void *record;

	if (size > ring->size || room(size) > ring->size)
		return no_room(ring);
	do {
		/* In this order the consumer's position cannot be ahead of the producers'. */
		consumer = atomic_load_explicit(&ring->consumer, memory_order_acquire);
		producer = atomic_load_explicit(&ring->producer, memory_order_acquire);
		if (producer + room(size) - consumer > ring->size)
			return no_room(ring);
	} while (!atomic_compare_exchange_weak_explicit(&ring->producer, &producer,
							producer + room(size), memory_order_acq_rel,
							memory_order_relaxed));
	record = record_at(ring, producer);
	atomic_store_explicit(header_of(record),
			      HEADER_WRITTEN | HEADER_BUSY |
				      (uint64_t)(cpu & CPU_MASK) << HEADER_CPU | size,
			      memory_order_release);
	return record;
}

uint32_t bpfe_ring_record_size(const void *record)
{
	return (uint32_t)atomic_load_explicit((const _Atomic uint64_t *)record - 1,
					      memory_order_relaxed);
}

bool bpfe_ring_commit(struct bpfe_ring *ring, void *record, bool discard)
{
	_Atomic uint64_t *header = header_of(record);
	uint64_t consumer = atomic_load_explicit(&ring->consumer, memory_order_relaxed);
	uint64_t value = atomic_load_explicit(header, memory_order_relaxed) & ~HEADER_BUSY;
	bool awaited = record_at(ring, consumer) == record;

	atomic_store_explicit(header, discard ? value | HEADER_DISCARD : value,
			      memory_order_release);
	return awaited;
}

uint32_t bpfe_ring_consume(struct bpfe_ring *ring, uint32_t max, bpfe_record_fn fn, void *opaque,
			   bool *stop)
{
	uint64_t end = atomic_load_explicit(&ring->producer, memory_order_acquire);
	uint64_t position = atomic_load_explicit(&ring->consumer, memory_order_relaxed);
	uint32_t n = 0;

	while (position < end && !*stop && (!max || n < max)) {
		uint8_t *record = record_at(ring, position);
		uint64_t value = atomic_load_explicit(header_of(record), memory_order_acquire);
		uint32_t size = (uint32_t)value;

		if (!(value & HEADER_WRITTEN) || value & HEADER_BUSY)
			break;
		if (!(value & HEADER_DISCARD)) {
			*stop = fn(opaque, value >> HEADER_CPU & CPU_MASK, record, size) != 0;
			n++;
		}
		memset(record - BPFE_RING_HEADER, 0, room(size));
		position += room(size);
		atomic_store_explicit(&ring->consumer, position, memory_order_release);
	}
	return n;
}
