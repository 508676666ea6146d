/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The hash maps' common ground: chained buckets over pools of elements, linked by element number.
 *
 * Readers walk a chain without a lock. Writers hold one of a few locks that share the buckets among
 * them. What is unlinked is retired, and zeroed and reused after a grace period, for as long as the
 * elements suffice that a pool has beyond those it may have in the map (its spare). A burst that
 * outruns the grace period then changes a present key's value in place, and reuses what was removed
 * at once, the longest removed first. Reuse at once is safe because
 *  - a link at the end of a chain names its bucket: a reader whose element moved into another
 *    chain under its feet ends there, notices, and starts over;
 *  - the first thing that changes in a reused element is its link, to one that ends everywhere, so
 *    a reader that saw anything of the new element also sees that it must start over;
 *  - a key counts as found only if the element's generation did not change while it was compared.
 * A program that still holds a value it looked up may then see it become another key's value of the
 * same map, words of both mixed: what Linux's preallocated hashes always show. Of another map, or
 * of what is no value, it sees nothing.
 */
#ifndef BPFE_MAPS_HASH_H
#define BPFE_MAPS_HASH_H

#include <string.h>
#include "maps/map.h"
#include "siphash.h"

#define HASH_LOCKS 16u         /* that writers of different buckets share */
#define HASH_END   0x80000000u /* with the bucket: the link at the end of a chain */
#define HASH_MOVED 0xffffffffu /* the end of no bucket's chain */

/* Element numbers start at 1; 0 ends a list, and is the link to an empty bucket's chain. */
struct hash_element {
	_Atomic uint32_t next; /* in its bucket; kept when unlinked, a reader may stand here */
	_Atomic uint32_t hash;
	uint32_t link;               /* in the free, retired or waiting list */
	_Atomic uint16_t generation; /* odd while key and value are being written */
	_Atomic uint8_t live;        /* is in its bucket's chain */
	_Atomic uint8_t used;        /* LRU: looked up since the hand last passed */
	uint64_t key[]; /* padded with zeros; then the value or values, each padded to 8 bytes */
};

/* Elements that serve the whole map or, with BPF_F_NO_COMMON_LRU, one processor. */
struct hash_pool {
	_Atomic uint32_t used; /* those after so many were never used */
	uint32_t free_first;   /* list, longest free first */
	uint32_t free_last;
	uint32_t in_grace;      /* retired or waiting */
	_Atomic uint32_t count; /* in the map, or about to be */
	_Atomic uint32_t hand;  /* LRU: where eviction goes on */
};

/* Start of map->data; buckets and elements follow. */
struct hash_header {
	uint64_t secret[2];
	uint32_t n_buckets; /* a power of two */
	uint32_t n_pools;
	uint32_t pool_max;      /* elements of a pool that may be in the map */
	uint32_t pool_spare;    /* that may be in their grace period */
	uint32_t pool_elements; /* that there are */
	uint32_t retired;       /* list that will wait for the next grace period */
	uint32_t waiting;       /* list that waits for one now */
	bool recycling;         /* a grace period is under way */
	uint64_t stride;        /* bytes of an element */
	uint64_t buckets_offset;
	uint64_t elements_offset;
	uint64_t size;
	struct hash_pool pools[];
};

/* map->private. Order: a bucket's lock, a pool's, map->lock (of retired and waiting). */
struct hash_locks {
	pthread_mutex_t buckets[HASH_LOCKS];
	pthread_mutex_t pools[];
};

/* A key, read once: the caller's memory may change meanwhile. */
struct hash_key {
	uint32_t hash;
	uint32_t n_words;
	uint64_t words[BPFE_MAP_MAX_KEY / 8];
};

/* Whose value is written: of per-CPU maps one processor's, or all. */
struct hash_write {
	const void *value;
	uint32_t cpu;
	bool all_cpus;
};

static inline uint32_t hash_key_words(const struct bpfe_map *map)
{
	return (map->attr.key_size + 7) / 8;
}

static inline struct hash_element *hash_element(const struct bpfe_map *map, uint32_t number)
{
	const struct hash_header *h = map->data;

	return (struct hash_element *)((uint8_t *)map->data + h->elements_offset +
				       (size_t)(number - 1) * h->stride);
}

static inline void *hash_value(const struct bpfe_map *map, struct hash_element *e, uint32_t cpu)
{
	uint8_t *first = (uint8_t *)&e->key[hash_key_words(map)];

	return map->ops->per_cpu
		       ? first + (size_t)(cpu % map->attr.cpus) * bpfe_value_stride(&map->attr)
		       : first;
}

static inline uint32_t hash_bucket_of(const struct bpfe_map *map, uint32_t hash)
{
	const struct hash_header *h = map->data;

	return hash & (h->n_buckets - 1);
}

static inline _Atomic uint32_t *hash_bucket(const struct bpfe_map *map, uint32_t bucket)
{
	const struct hash_header *h = map->data;

	return (_Atomic uint32_t *)((uint8_t *)map->data + h->buckets_offset) + bucket;
}

static inline bool hash_is_end(uint32_t link)
{
	return !link || link & HASH_END;
}

static inline pthread_mutex_t *hash_bucket_lock(struct bpfe_map *map, uint32_t hash)
{
	struct hash_locks *locks = (struct hash_locks *)map->private;

	return &locks->buckets[hash_bucket_of(map, hash) % HASH_LOCKS];
}

static inline void hash_key_read(const struct bpfe_map *map, const void *key, struct hash_key *k)
{
	const struct hash_header *h = map->data;

	k->n_words = hash_key_words(map);
	k->words[k->n_words - 1] = 0;
	memcpy(k->words, key, map->attr.key_size);
	k->hash = (uint32_t)bpfe_siphash(h->secret, k->words, map->attr.key_size);
}

/* ---- hash_chain.c ---- */

/* Number of the element with key @k, 0 if there is none. Inside a read section or under the lock.
 */
uint32_t bpfe_hash_find(const struct bpfe_map *map, const struct hash_key *k);

/* Put element @number, filled and in no chain, into its bucket's. Under the bucket's lock. */
void bpfe_hash_link(struct bpfe_map *map, uint32_t number);

/* Put it in the place of element @old. Under the bucket's lock. */
void bpfe_hash_link_for(struct bpfe_map *map, uint32_t old, uint32_t number);

/* Take element @number out of its chain. Under the bucket's lock. */
void bpfe_hash_unlink(struct bpfe_map *map, uint32_t number);

/* ---- hash_pool.c ---- */

/* Bytes of map->data, and of map->private. */
size_t bpfe_hash_data_size(const struct bpfe_map_attr *attr);
size_t bpfe_hash_private_size(const struct bpfe_map_attr *attr);

/* Lay out map->data, which is zeroed. -EIO: no random numbers. */
int bpfe_hash_init(struct bpfe_map *map);
void bpfe_hash_destroy(struct bpfe_map *map);

/* The pool that processor @cpu inserts from. */
struct hash_pool *bpfe_hash_pool_for(struct bpfe_map *map, uint32_t cpu);

/*
 * An element of @pool for a new key, counted as in the map; 0 when as many as may be there are.
 * What it holds of its last use must be overwritten (bpfe_hash_fill()).
 */
uint32_t bpfe_hash_take(struct bpfe_map *map, struct hash_pool *pool);

/* An element to replace @old, which stays counted for it; 0 when the grace period is outrun. */
uint32_t bpfe_hash_take_for(struct bpfe_map *map, uint32_t old);

/* Element @number was unlinked: reuse it when no reader stands on it. Not counted any more if
 * @gone; otherwise another took its place. */
void bpfe_hash_retire(struct bpfe_map *map, uint32_t number, bool gone);

/* Element @number, counted and in no chain, is not needed after all. */
void bpfe_hash_give_back(struct bpfe_map *map, uint32_t number);

/* Write key and value into an element that is in no chain. */
void bpfe_hash_fill(struct bpfe_map *map, uint32_t number, const struct hash_key *k,
		    const struct hash_write *w);

/* Write the value of an element that is in a chain, or may be. */
void bpfe_hash_write(struct bpfe_map *map, uint32_t number, const struct hash_write *w);

/*
 * LRU: remove an element of @pool that was not used lately, and return one for a new key, counted
 * already. Always finds one. Without any lock held.
 */
uint32_t bpfe_hash_evict(struct bpfe_map *map, struct hash_pool *pool);

#endif
