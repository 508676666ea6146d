/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A ring of records from many producers to one consumer, in plain bytes: see ring.c. */
#ifndef BPFE_RING_H
#define BPFE_RING_H

#include "bpf_engine.h"

#define BPFE_RING_HEADER 8u /* bytes before each record */

/* Positions only grow; what lies at one of them is at data[position % size]. */
struct bpfe_ring {
	uint64_t size;             /* bytes, a power of two */
	_Atomic uint64_t lost;     /* records that found no room */
	_Atomic uint64_t producer; /* end of what is reserved */
	uint64_t own_line[7];      /* producers and the consumer write different cache lines */
	_Atomic uint64_t consumer; /* end of what was consumed */
	uint64_t other_line[7];
	uint8_t data[]; /* twice @size: a record that passes the end goes on behind it */
};

/* Bytes that a ring of @size takes, and making one of so many zeroed bytes, 8-byte aligned. */
static inline size_t bpfe_ring_bytes(uint64_t size)
{
	return sizeof(struct bpfe_ring) + 2 * (size_t)size;
}

static inline void bpfe_ring_init(struct bpfe_ring *ring, uint64_t size)
{
	ring->size = size;
}

/*
 * Room for a record of @size bytes, all zero and 8-byte aligned, or NULL, counted as lost, if there
 * is none. @cpu: who writes it. Any number of threads at a time; takes no lock.
 */
void *bpfe_ring_reserve(struct bpfe_ring *ring, uint64_t size, uint32_t cpu);

/* Bytes of a reserved record. */
uint32_t bpfe_ring_record_size(const void *record);

/* Hand a reserved record to the consumer, or, with @discard, pass it over. Returns whether the
 * consumer waits for this very record. */
bool bpfe_ring_commit(struct bpfe_ring *ring, void *record, bool discard);

/*
 * As bpfe_map_consume() for one ring. Ends at a record that is reserved and not committed. *@stop
 * becomes true when @fn wants no more. One consumer at a time.
 */
uint32_t bpfe_ring_consume(struct bpfe_ring *ring, uint32_t max, bpfe_record_fn fn, void *opaque,
			   bool *stop);

#endif
