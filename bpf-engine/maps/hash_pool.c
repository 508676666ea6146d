/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The elements of a hash map on their way from free to the map to retired and back (maps/hash.h).
 * A batch, not each element, waits for a grace period: while one batch waits, the next collects.
 * Passing a batch on is a matter of two lists, so that no other thread than those that use an
 * element ever touches it.
 *
 * A pool has as many elements as may be in the map and in their grace period together: who may add
 * a key finds one.
 */
#include "maps/hash.h"

struct hash_pool *bpfe_hash_pool_for(struct bpfe_map *map, uint32_t cpu)
{
	struct hash_header *h = map->data;

	return hash_pool(h, h->n_pools == 1 ? 0 : cpu % h->n_pools);
}

uint32_t bpfe_hash_pool_base(const struct bpfe_map *map, const struct hash_pool *pool)
{
	const struct hash_header *h = map->data;

	return (uint32_t)(pool - hash_pool(h, 0)) * h->pool_elements;
}

static struct hash_pool *pool_of(struct bpfe_map *map, uint32_t number)
{
	struct hash_header *h = map->data;

	return hash_pool(h, h->n_pools == 1 ? 0 : (number - 1) / h->pool_elements);
}

/* ---- Lists, under the pool's lock ----------------------------------------------------------- */

static void append(struct bpfe_map *map, uint32_t *first, uint32_t *last, uint32_t number)
{
	hash_element(map->data, number)->link = 0;
	if (*last)
		hash_element(map->data, *last)->link = number;
	else
		*first = number;
	*last = number;
}

static void add_free(struct bpfe_map *map, struct hash_pool *pool, uint32_t number)
{
	append(map, &pool->free_first, &pool->free_last, number);
}

/* An element that was never used; the table may have to grow for it. */
static uint32_t take_new(struct bpfe_map *map, struct hash_pool *pool)
{
	struct hash_header *h = map->data;
	uint32_t used = pool->used;
	uint64_t wanted;

	if (used == h->pool_elements)
		return 0;
	atomic_store_explicit(&pool->used, ++used, memory_order_relaxed);
	/* All buckets by the time that seven eighths of the pool's keys are there. */
	wanted = (uint64_t)used * h->max_buckets * 8 / ((uint64_t)h->pool_max * 7);
	if (wanted > h->max_buckets)
		wanted = h->max_buckets;
	if (wanted > atomic_load_explicit(&h->wanted, memory_order_relaxed))
		atomic_store_explicit(&h->wanted, (uint32_t)wanted, memory_order_relaxed);
	return bpfe_hash_pool_base(map, pool) + used;
}

static uint32_t take_any(struct bpfe_map *map, struct hash_pool *pool)
{
	uint32_t number = pool->free_first;

	if (!number)
		return take_new(map, pool);
	pool->free_first = hash_element(map->data, number)->link;
	if (pool->free_first)
		/* It is written next time. */
		__builtin_prefetch(hash_element(map->data, pool->free_first), 1);
	else
		pool->free_last = 0;
	return number;
}

/* ---- Recycling ------------------------------------------------------------------------------ */

static void recycle(struct bpfe_rcu_head *head);

static struct hash_recycler *recycler_of(struct bpfe_map *map, const struct hash_pool *pool)
{
	const struct hash_header *h = map->data;

	return &hash_private(map)->recyclers[pool - hash_pool(h, 0)];
}

/* Is it time for a grace period? Then what is retired waits for it. Under the pool's lock; start()
 * behind it. */
static bool begin_waiting(const struct hash_header *h, struct hash_pool *pool)
{
	if (pool->recycling || pool->n_retired < h->pool_spare / 4)
		return false;
	pool->waiting_first = pool->retired_first;
	pool->waiting_last = pool->retired_last;
	pool->retired_first = pool->retired_last = 0;
	pool->n_retired = 0;
	pool->recycling = true;
	return true;
}

static void start(struct bpfe_map *map, const struct hash_pool *pool)
{
	bpfe_map_hold(map);
	bpfe_rcu_call(&recycler_of(map, pool)->rcu, recycle);
}

/* The grace period of a batch is over: the free list goes on with it. */
static void recycle(struct bpfe_rcu_head *head)
{
	struct hash_recycler *recycler =
		(struct hash_recycler *)((uint8_t *)head - offsetof(struct hash_recycler, rcu));
	struct bpfe_map *map = recycler->map;
	struct hash_pool *pool = recycler->pool;
	bool again;

	bpfe_spin_lock(&pool->lock);
	if (pool->free_last)
		hash_element(map->data, pool->free_last)->link = pool->waiting_first;
	else
		pool->free_first = pool->waiting_first;
	pool->free_last = pool->waiting_last;
	atomic_store_explicit(&pool->in_grace, pool->n_retired, memory_order_relaxed);
	pool->recycling = false;
	again = begin_waiting(map->data, pool);
	bpfe_spin_unlock(&pool->lock);
	if (again)
		start(map, pool);
	bpfe_map_release(map);
}

/* Under the pool's lock: true if start() is to follow. */
static bool retire(struct bpfe_map *map, struct hash_pool *pool, uint32_t number)
{
	const struct hash_header *h = map->data;

	if (pool->in_grace >= h->pool_spare) {
		add_free(map, pool, number);
		return false;
	}
	append(map, &pool->retired_first, &pool->retired_last, number);
	pool->n_retired++;
	atomic_store_explicit(&pool->in_grace, pool->in_grace + 1, memory_order_relaxed);
	return begin_waiting(h, pool);
}

/* ---- From and to the map -------------------------------------------------------------------- */

static void count(struct hash_pool *pool, uint32_t difference)
{
	uint32_t now = atomic_load_explicit(&pool->count, memory_order_relaxed);

	atomic_store_explicit(&pool->count, now + difference, memory_order_relaxed);
}

uint32_t bpfe_hash_take(struct bpfe_map *map, struct hash_pool *pool)
{
	const struct hash_header *h = map->data;
	uint32_t number = 0;

	/* Full, as an LRU map is all the time: no lock is needed to see it. */
	if (atomic_load_explicit(&pool->count, memory_order_relaxed) >= h->pool_max)
		return 0;
	bpfe_spin_lock(&pool->lock);
	if (pool->count < h->pool_max)
		number = take_any(map, pool);
	if (number)
		count(pool, 1);
	bpfe_spin_unlock(&pool->lock);
	return number;
}

uint32_t bpfe_hash_exchange(struct bpfe_map *map, struct hash_pool *pool, uint32_t old)
{
	uint32_t number;
	bool full = false;

	bpfe_spin_lock(&pool->lock);
	number = take_any(map, pool);
	if (number)
		full = retire(map, pool, old);
	bpfe_spin_unlock(&pool->lock);
	if (full)
		start(map, pool);
	return number ? number : old;
}

uint32_t bpfe_hash_exchange_begin(struct bpfe_map *map, uint32_t old)
{
	const struct hash_header *h = map->data;
	struct hash_pool *pool = pool_of(map, old);
	uint32_t number = 0;

	/* In a burst without a lock that would be for nothing. */
	if (atomic_load_explicit(&pool->in_grace, memory_order_relaxed) >= h->pool_spare)
		return 0;
	bpfe_spin_lock(&pool->lock);
	if (pool->in_grace < h->pool_spare)
		number = take_any(map, pool);
	if (!number)
		bpfe_spin_unlock(&pool->lock);
	return number;
}

void bpfe_hash_exchange_end(struct bpfe_map *map, uint32_t old)
{
	struct hash_pool *pool = pool_of(map, old);
	bool full = retire(map, pool, old);

	bpfe_spin_unlock(&pool->lock);
	if (full)
		start(map, pool);
}

void bpfe_hash_retire(struct bpfe_map *map, uint32_t number)
{
	struct hash_pool *pool = pool_of(map, number);
	bool full;

	bpfe_spin_lock(&pool->lock);
	full = retire(map, pool, number);
	count(pool, UINT32_MAX);
	bpfe_spin_unlock(&pool->lock);
	if (full)
		start(map, pool);
}

void bpfe_hash_give_back(struct bpfe_map *map, uint32_t number)
{
	struct hash_pool *pool = pool_of(map, number);

	bpfe_spin_lock(&pool->lock);
	add_free(map, pool, number);
	count(pool, UINT32_MAX);
	bpfe_spin_unlock(&pool->lock);
}
