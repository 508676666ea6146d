/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * How writers get at a bucket of a hash map: its lock, and a search under it. Inlined, because an
 * update is little more.
 */
#ifndef BPFE_MAPS_HASH_WRITER_H
#define BPFE_MAPS_HASH_WRITER_H

#include <sched.h>
#include "maps/hash_search.h"

static inline void hash_wait_turn(unsigned spins)
{
#ifdef __SSE2__
	if (spins < 64) {
		_mm_pause();
		return;
	}
#endif
	sched_yield();
}

/* Lock a home bucket that is known. May wait for another writer. */
static inline void hash_lock_bucket(struct hash_bucket *home)
{
	for (unsigned spins = 0;; spins++) {
		uint32_t version = atomic_load_explicit(&home->version, memory_order_relaxed);

		if (!(version & HASH_LOCKED) &&
		    atomic_compare_exchange_weak_explicit(
			    &home->version, &version, version | HASH_LOCKED, memory_order_acquire,
			    memory_order_relaxed))
			return;
		hash_wait_turn(spins);
	}
}

static inline void hash_unlock_bucket(struct hash_bucket *home)
{
	uint32_t version = atomic_load_explicit(&home->version, memory_order_relaxed);

	atomic_store_explicit(&home->version, version & ~HASH_LOCKED, memory_order_release);
}

/* Lock the home bucket of @hash, whatever the table's growth makes of it meanwhile. */
static inline struct hash_bucket *hash_lock(const struct bpfe_map *map, uint64_t hash)
{
	const struct hash_header *h = map->data;

	for (;;) {
		uint64_t shape = atomic_load_explicit(&h->shape, memory_order_acquire);
		uint32_t index = hash_home(shape, hash);
		struct hash_bucket *home = hash_bucket(h, index);

		hash_lock_bucket(home);
		/* Whoever splits this bucket locks it, so now its keys stay. */
		shape = atomic_load_explicit(&h->shape, memory_order_acquire);
		if (hash_home(shape, hash) == index)
			return home;
		hash_unlock_bucket(home);
	}
}

static inline struct hash_bucket *hash_next_bucket(const struct hash_header *h,
						   const struct hash_bucket *b)
{
	uint32_t next = atomic_load_explicit(&b->overflow, memory_order_relaxed);

	return next ? hash_bucket(h, next) : NULL;
}

/* How many buckets a chain has. */
static inline uint32_t hash_chain_length(const struct hash_header *h,
					 const struct hash_bucket *home)
{
	uint32_t length = 1, next;

	while ((next = atomic_load_explicit(&home->overflow, memory_order_acquire))) {
		home = hash_bucket(h, next);
		length++;
	}
	return length;
}

/* The @depth-th bucket of a chain from 0, or NULL. */
static inline struct hash_bucket *hash_chain_bucket(const struct hash_header *h,
						    struct hash_bucket *home, uint32_t depth)
{
	while (depth--) {
		uint32_t next = atomic_load_explicit(&home->overflow, memory_order_acquire);

		if (!next)
			return NULL;
		home = hash_bucket(h, next);
	}
	return home;
}

/* Where key @k is, number 0 if nowhere. Under the lock. */
static inline struct hash_place hash_place_of(const struct bpfe_map *map, struct hash_bucket *home,
					      const struct hash_key *k)
{
	const struct hash_header *h = map->data;
	struct hash_place place = {.home = home};
	const hash_tags tags = hash_tags_of(k->hash);
	struct hash_found found;

	for (place.bucket = home; place.bucket; place.bucket = hash_next_bucket(h, place.bucket)) {
		place.slot = hash_search_bucket(h, place.bucket, tags, k->words, k->n_words,
						HASH_KEY_WORDS, &found);
		if (place.slot < HASH_SLOTS) {
			place.number = found.number;
			return place;
		}
	}
	place.number = 0;
	return place;
}

/*
 * Have the elements that may have the key fetched: a search under the lock needs them, and taking
 * the lock keeps the processor from reading ahead.
 */
static inline void hash_prefetch(const struct bpfe_map *map, uint64_t hash)
{
	const struct hash_header *h = map->data;
	uint64_t shape = atomic_load_explicit(&h->shape, memory_order_relaxed);
	const struct hash_bucket *home = hash_bucket(h, hash_home(shape, hash));
	uint32_t match = hash_match(home, hash_tags_of(hash));

	if (match) {
		uint32_t slot = (uint32_t)__builtin_ctz(match);

		__builtin_prefetch(hash_element(h, home->numbers[slot]), 1);
	}
}

#endif
