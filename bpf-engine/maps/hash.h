/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The hash maps' common ground: a table of buckets of one cache line over pools of elements, linked
 * by number. docs/maps.md draws it and argues why it is right; in short:
 *
 * A bucket has for each of its slots a tag, which is a byte of the key's hash, and the number of
 * the element that holds the key. What finds no slot goes to overflow buckets behind it. The table
 * grows one bucket at a time (linear hashing): bucket n comes into use when half of bucket n - 2^k
 * moves there.
 *
 * Readers take no lock. Each change to a bucket is a single store that leaves it right; whenever
 * something was taken out of a chain, its home's version goes up before it can become anything
 * else, and a reader whose home's version changed under it looks again. A key that moves is in its
 * new place before it leaves the old.
 *
 * What is unlinked is retired, and reused after a grace period, for as long as the elements suffice
 * that a pool has beyond those it may have in the map (its spare). A burst that outruns the grace
 * period then changes a present key's value in place, and reuses what was removed at once, the
 * longest removed first. A program that still holds a value it looked up may then see it become
 * another key's value of the same map, words of both mixed: what Linux's preallocated hashes always
 * show. Of another map, or of what is no value, it sees nothing.
 */
#ifndef BPFE_MAPS_HASH_H
#define BPFE_MAPS_HASH_H

#include <string.h>
#include "maps/hash_function.h"
#include "maps/map.h"

#define HASH_SLOTS 11u /* of a bucket */

#define HASH_LOCKED 1u /* in a bucket's version; the rest counts in steps of 2 */

/* A home bucket or one of its overflow buckets. A slot with tag 0 is empty. */
struct hash_bucket {
	_Atomic uint8_t tags[HASH_SLOTS];
	uint8_t unused;
	_Atomic uint32_t version;             /* of a home bucket */
	_Atomic uint32_t overflow;            /* index of the next bucket of the chain, or 0 */
	_Atomic uint32_t numbers[HASH_SLOTS]; /* of elements; kept when the tag is taken away */
};

_Static_assert(sizeof(struct hash_bucket) == BPFE_CACHE_LINE, "a bucket is a cache line");

/* Element numbers start at 1; 0 ends a list. */
struct hash_element {
	uint32_t link;        /* in the free, retired or waiting list */
	_Atomic uint8_t live; /* is in a bucket; for eviction, which may be mistaken */
	_Atomic uint8_t used; /* LRU: looked up since the hand last passed */
	uint16_t unused;
	uint64_t key[]; /* padded with zeros; then the value padded to 8 bytes, if not per CPU */
};

/* Elements that serve the whole map or, with BPF_F_NO_COMMON_LRU, one processor. */
struct hash_pool {
	_Alignas(BPFE_CACHE_LINE) uint32_t lock;
	_Atomic uint32_t used; /* those after so many were never used */
	uint32_t free_first;   /* list, longest free first */
	uint32_t free_last;
	uint32_t retired_first; /* list that will wait for the next grace period */
	uint32_t retired_last;
	uint32_t n_retired;
	uint32_t waiting_first; /* list that waits for one now */
	uint32_t waiting_last;
	_Atomic uint32_t in_grace; /* retired or waiting */
	_Atomic uint32_t count;    /* in the map, or about to be */
	_Atomic uint32_t hand;     /* LRU: where eviction goes on */
	bool recycling;            /* a grace period is under way */
};

/* Start of map->data; buckets, pools, elements and per-CPU values follow. */
struct hash_header {
	struct hash_secret secret;
	/* Buckets in use << 32 | the mask that a hash's bucket is found with. */
	_Alignas(BPFE_CACHE_LINE) _Atomic uint64_t shape;
	_Atomic uint32_t wanted; /* buckets that the elements in use call for */
	uint32_t aes;            /* bool: what the hash is made with */
	uint32_t stride;         /* bytes of an element */
	uint32_t value_offset;   /* of its value in it */
	uint64_t pools_offset;
	uint64_t elements_offset; /* where element 0 would be, which there is not */
	/* Per-CPU values: each processor has an array of them by element number. */
	uint64_t values_offset;
	uint64_t cpu_stride;
	/* What does not change: */
	_Alignas(BPFE_CACHE_LINE) uint32_t max_buckets; /* a power of two */
	uint32_t n_overflow;                            /* buckets behind them */
	uint32_t n_pools;
	uint32_t pool_max;      /* elements of a pool that may be in the map */
	uint32_t pool_spare;    /* that may be in their grace period */
	uint32_t pool_elements; /* that there are */
	uint64_t size;
	/* Growth and overflow: */
	_Alignas(BPFE_CACHE_LINE) _Atomic uint32_t growing;
	uint32_t overflow_lock;
	uint32_t overflow_free; /* list by index, linked by overflow */
	uint32_t overflow_used;
	_Alignas(BPFE_CACHE_LINE) struct hash_bucket buckets[];
};

_Static_assert(offsetof(struct hash_header, buckets) % BPFE_CACHE_LINE == 0,
	       "a bucket is one cache line, not parts of two");

/* Locks are taken in this order: a bucket's, that of the bucket it is split into, a pool's or the
 * overflow buckets'. */

/* A pool's part in grace periods. */
struct hash_recycler {
	struct bpfe_rcu_head rcu;
	struct bpfe_map *map;
	struct hash_pool *pool;
};

/* map->private. */
struct hash_private {
	bpfe_direct_lookup_fn look_up;    /* for programs, what bpfe_hash_direct_lookup() chose */
	struct hash_recycler recyclers[]; /* of each pool */
};

static inline struct hash_private *hash_private(const struct bpfe_map *map)
{
	return (struct hash_private *)(uintptr_t)map->private;
}

/* A key, read once: the caller's memory may change meanwhile. */
struct hash_key {
	uint64_t hash;
	uint32_t n_words;
	_Alignas(16) uint64_t words[BPFE_MAP_MAX_KEY / 8]; /* up to a multiple of 16 bytes */
};

/* Where an element's number is. */
struct hash_place {
	struct hash_bucket *home;
	struct hash_bucket *bucket;
	uint32_t slot;
	uint32_t number; /* of the element there; 0: there is no such place */
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

static inline struct hash_bucket *hash_bucket(const struct hash_header *h, uint32_t index)
{
	return (struct hash_bucket *)(uintptr_t)h->buckets + index;
}

static inline struct hash_pool *hash_pool(const struct hash_header *h, uint32_t index)
{
	return (struct hash_pool *)((uintptr_t)h + h->pools_offset) + index;
}

static inline struct hash_element *hash_element(const struct hash_header *h, uint32_t number)
{
	return (struct hash_element *)((uintptr_t)h + h->elements_offset +
				       (uint64_t)number * h->stride);
}

static inline void *hash_value(const struct bpfe_map *map, uint32_t number, uint32_t cpu)
{
	const struct hash_header *h = map->data;

	if (!map->ops->per_cpu)
		return (uint8_t *)hash_element(h, number) + h->value_offset;
	if (cpu >= map->attr.cpus)
		cpu %= map->attr.cpus;
	return (uint8_t *)map->data + h->values_offset + cpu * h->cpu_stride +
	       number * bpfe_value_stride(&map->attr);
}

/* ---- Which bucket --------------------------------------------------------------------------- */

static inline uint64_t hash_shape(uint32_t n_buckets)
{
	uint32_t mask = n_buckets == 1 ? 0 : UINT32_MAX >> __builtin_clz(n_buckets - 1);

	return (uint64_t)n_buckets << 32 | mask;
}

static inline uint32_t hash_shape_buckets(uint64_t shape)
{
	return (uint32_t)(shape >> 32);
}

/* Of a bucket that is not yet in use, the keys are in the one it will be split from. */
static inline uint32_t hash_home(uint64_t shape, uint64_t hash)
{
	uint32_t mask = (uint32_t)shape, n = hash_shape_buckets(shape);
	uint32_t index = (uint32_t)hash & mask, before = (uint32_t)hash & mask >> 1;

	return index < n ? index : before;
}

static inline uint8_t hash_tag(uint64_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 32);

	return tag ? tag : 1;
}

static inline uint64_t hash_of_key(const struct bpfe_map *map, const struct hash_key *k)
{
	const struct hash_header *h = map->data;

	return bpfe_hash_words(&h->secret, h->aes, k->words, map->attr.key_size);
}

/* The words of a key, the last block of 16 bytes whole. The usual sizes by way of registers. */
static inline void hash_key_copy(uint64_t *words, uint32_t n_words, const void *key, uint32_t size)
{
	uint64_t first, second = 0;
	uint32_t half;

	switch (size) {
	case 4:
		memcpy(&half, key, 4);
		first = half;
		break;
	case 8:
		first = bpfe_key_word(key);
		break;
	case 16:
		first = bpfe_key_word(key);
		second = bpfe_key_word((const uint8_t *)key + 8);
		break;
	default:
		words[n_words - 1] = 0;
		words[(n_words - 1) | 1] = 0;
		memcpy(words, key, size);
		return;
	}
	words[0] = first;
	words[1] = second;
}

static inline void hash_key_read(const struct bpfe_map *map, const void *key, struct hash_key *k)
{
	k->n_words = hash_key_words(map);
	hash_key_copy(k->words, k->n_words, key, map->attr.key_size);
	k->hash = hash_of_key(map, k);
}

/* ---- hash_find.c ---- */

/*
 * Number of the element with key @k, 0 if there is none. Inside a read section or under the lock of
 * its bucket. Lock-free: goes round again only if a writer changed the bucket meanwhile.
 */
uint32_t bpfe_hash_find(const struct bpfe_map *map, const struct hash_key *k);

/* bpfe_map_ops.lookup of all hash types, whatever the key. */
void *bpfe_hash_look_up(struct bpfe_map *map, const void *key, uint32_t cpu);

/* bpfe_map_ops.direct_lookup of all hash types; hash_aes.c has the second part. */
bpfe_direct_lookup_fn bpfe_hash_direct_lookup(const struct bpfe_map *map);
bpfe_direct_lookup_fn bpfe_hash_aes_lookup(const struct bpfe_map *map);

/* ---- hash_bucket.c: changes to buckets, all under the home bucket's lock ---- */

/* Where element @number is, whose key has @hash. */
struct hash_place bpfe_hash_place_of_element(const struct bpfe_map *map, struct hash_bucket *home,
					     uint64_t hash, uint32_t number);

/* Put in element @number, filled and in no bucket. */
void bpfe_hash_insert(struct bpfe_map *map, struct hash_bucket *home, uint64_t hash,
		      uint32_t number);

/* The same, false if it needs an overflow bucket and none is free. */
bool bpfe_hash_try_insert(struct bpfe_map *map, struct hash_bucket *home, uint64_t hash,
			  uint32_t number);

/* Put element @number, which has the same key, in @place instead of what is there. */
void bpfe_hash_replace(struct bpfe_map *map, const struct hash_place *place, uint32_t number);

/* Take out what is at @place. What is last in the chain may take its place. */
void bpfe_hash_remove(struct bpfe_map *map, const struct hash_place *place);

/* ---- hash_grow.c ---- */

/* Buckets a map of @max_entries has once it is full, a power of two. */
uint32_t bpfe_hash_max_buckets(uint32_t max_entries);

/* Buckets it begins with. */
uint32_t bpfe_hash_first_buckets(uint32_t max_buckets);

/* Grow the table by a few buckets if its elements call for it. Without any lock held. */
void bpfe_hash_grow(struct bpfe_map *map);

static inline bool hash_wants_growth(const struct bpfe_map *map)
{
	const struct hash_header *h = map->data;

	return atomic_load_explicit(&h->wanted, memory_order_relaxed) >
	       hash_shape_buckets(atomic_load_explicit(&h->shape, memory_order_relaxed));
}

/* ---- hash_layout.c ---- */

/* Bytes of map->data, and of map->private. */
size_t bpfe_hash_data_size(const struct bpfe_map_attr *attr);
size_t bpfe_hash_private_size(const struct bpfe_map_attr *attr);

/* Lay out map->data, which is zeroed. -EIO: no random numbers. */
int bpfe_hash_init(struct bpfe_map *map);
void bpfe_hash_destroy(struct bpfe_map *map);

/* ---- hash_pool.c ---- */

/* The pool that processor @cpu inserts from. */
struct hash_pool *bpfe_hash_pool_for(struct bpfe_map *map, uint32_t cpu);

/* Number of the element before the first of @pool. */
uint32_t bpfe_hash_pool_base(const struct bpfe_map *map, const struct hash_pool *pool);

/*
 * An element of @pool for a new key, counted as in the map; 0 when as many as may be there are.
 * What it holds of its last use must be overwritten (bpfe_hash_fill()).
 */
uint32_t bpfe_hash_take(struct bpfe_map *map, struct hash_pool *pool);

/* Element @old of @pool was unlinked for a new key: retire it and return another in its place,
 * which takes over its count, or the same one if none is free. */
uint32_t bpfe_hash_exchange(struct bpfe_map *map, struct hash_pool *pool, uint32_t old);

/*
 * An element to replace @old, which stays counted for it. The pool stays locked until
 * bpfe_hash_exchange_end(), which retires @old. 0, and no lock, when the grace period is outrun.
 */
uint32_t bpfe_hash_exchange_begin(struct bpfe_map *map, uint32_t old);
void bpfe_hash_exchange_end(struct bpfe_map *map, uint32_t old);

/* Element @number was unlinked, and its key is gone: reuse it when no reader stands on it. */
void bpfe_hash_retire(struct bpfe_map *map, uint32_t number);

/* Element @number, counted and in no bucket, is not needed after all. */
void bpfe_hash_give_back(struct bpfe_map *map, uint32_t number);

/* ---- hash_contents.c ---- */

/* Write key and value into an element that is in no bucket. */
void bpfe_hash_fill(struct bpfe_map *map, uint32_t number, const struct hash_key *k,
		    const struct hash_write *w);

/* Write the value of an element that is in a bucket, or may be. */
void bpfe_hash_write(struct bpfe_map *map, uint32_t number, const struct hash_write *w);

/* Read the key of an element, and hash it: of one that is in no bucket it may be no key at all. */
void bpfe_hash_key_of(const struct bpfe_map *map, uint32_t number, struct hash_key *k);

/* ---- hash_evict.c ---- */

/*
 * LRU: remove an element of @pool that was not used lately, and return one for a new key, counted
 * already. Always finds one. Without any lock held.
 */
uint32_t bpfe_hash_evict(struct bpfe_map *map, struct hash_pool *pool);

/* ---- hash_walk.c: bpfe_map_ops of all hash types ---- */

int bpfe_hash_get_next_key(struct bpfe_map *map, const void *key, void *next);
uint32_t bpfe_hash_for_each(struct bpfe_map *map, uint32_t cpu, bpfe_visit_fn visit, void *opaque);

#endif
