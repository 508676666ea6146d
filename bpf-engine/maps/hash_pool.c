/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The elements of a hash map on their way from free to the map to retired and back (maps/hash.h).
 * A batch, not each element, waits for a grace period: while one batch waits, the next collects.
 *
 * A pool has room for all that may be in the map, all that may be in their grace period, and one
 * for each bucket lock, which is how many can be on their way at one time: so whoever may add a key
 * finds an element.
 */
#include <errno.h>
#include <sched.h>
#include <sys/random.h>
#include "maps/hash.h"

#define MIN_SPARE 64u
#define MAX_SPARE 65536u /* on top: bounds what eviction may have to pass over */

/* Elements in use that eviction looks at for one that is not, before it takes any. */
#define MAX_SECOND_CHANCES 1024u

static size_t round_up_8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static uint32_t bucket_count(uint32_t max_entries)
{
	return max_entries <= 1 ? 1 : 1u << (32 - __builtin_clz(max_entries - 1));
}

static void lay_out(const struct bpfe_map_attr *attr, struct hash_header *h)
{
	const bool per_cpu = bpfe_map_ops(attr->type)->per_cpu;
	uint32_t eighth = attr->max_entries / 8;

	h->n_buckets = bucket_count(attr->max_entries);
	h->n_pools = attr->flags & BPF_F_NO_COMMON_LRU ? bpfe_attr_cpus(attr) : 1;
	h->pool_max = (attr->max_entries + h->n_pools - 1) / h->n_pools;
	h->pool_spare = MIN_SPARE + (eighth < MAX_SPARE ? eighth : MAX_SPARE) / h->n_pools;
	h->pool_elements = h->pool_max + h->pool_spare + HASH_LOCKS;
	h->stride = sizeof(struct hash_element) + round_up_8(attr->key_size) +
		    bpfe_value_stride(attr) * (per_cpu ? bpfe_attr_cpus(attr) : 1);
	h->buckets_offset = sizeof(*h) + h->n_pools * sizeof(struct hash_pool);
	h->elements_offset =
		round_up_8(h->buckets_offset + (size_t)h->n_buckets * sizeof(uint32_t));
	h->size = h->elements_offset + h->stride * h->n_pools * h->pool_elements;
}

size_t bpfe_hash_data_size(const struct bpfe_map_attr *attr)
{
	struct hash_header h;

	lay_out(attr, &h);
	return h.size;
}

size_t bpfe_hash_private_size(const struct bpfe_map_attr *attr)
{
	struct hash_header h;

	lay_out(attr, &h);
	return sizeof(struct hash_locks) + h.n_pools * sizeof(pthread_mutex_t);
}

static struct hash_locks *locks_of(struct bpfe_map *map)
{
	return (struct hash_locks *)map->private;
}

int bpfe_hash_init(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	lay_out(&map->attr, h);
	for (uint32_t i = 0; i < HASH_LOCKS; i++)
		pthread_mutex_init(&locks_of(map)->buckets[i], NULL);
	for (uint32_t i = 0; i < h->n_pools; i++)
		pthread_mutex_init(&locks_of(map)->pools[i], NULL);
	if (getrandom(h->secret, sizeof(h->secret), 0) != (ssize_t)sizeof(h->secret))
		return -EIO;
	return 0;
}

void bpfe_hash_destroy(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	for (uint32_t i = 0; i < HASH_LOCKS; i++)
		pthread_mutex_destroy(&locks_of(map)->buckets[i]);
	for (uint32_t i = 0; i < h->n_pools; i++)
		pthread_mutex_destroy(&locks_of(map)->pools[i]);
	explicit_bzero(h->secret, sizeof(h->secret));
}

/* ---- Pools ---------------------------------------------------------------------------------- */

static uint32_t pool_index(const struct bpfe_map *map, uint32_t number)
{
	const struct hash_header *h = map->data;

	return (number - 1) / h->pool_elements;
}

static struct hash_pool *pool_of(struct bpfe_map *map, uint32_t number)
{
	struct hash_header *h = map->data;

	return &h->pools[pool_index(map, number)];
}

struct hash_pool *bpfe_hash_pool_for(struct bpfe_map *map, uint32_t cpu)
{
	struct hash_header *h = map->data;

	return &h->pools[cpu % h->n_pools];
}

/* Number of the element before the first of @pool. */
static uint32_t pool_base(struct bpfe_map *map, const struct hash_pool *pool)
{
	struct hash_header *h = map->data;

	return (uint32_t)(pool - h->pools) * h->pool_elements;
}

static pthread_mutex_t *pool_lock(struct bpfe_map *map, const struct hash_pool *pool)
{
	struct hash_header *h = map->data;

	return &locks_of(map)->pools[pool - h->pools];
}

/* Under the pool's lock. */
static void add_free(struct bpfe_map *map, struct hash_pool *pool, uint32_t number)
{
	hash_element(map, number)->link = 0;
	if (pool->free_last)
		hash_element(map, pool->free_last)->link = number;
	else
		pool->free_first = number;
	pool->free_last = number;
}

/* Under the pool's lock: an element that no list holds, or 0. */
static uint32_t take_free(struct bpfe_map *map, struct hash_pool *pool)
{
	const struct hash_header *h = map->data;
	uint32_t number = pool->free_first;

	if (number) {
		pool->free_first = hash_element(map, number)->link;
		if (!pool->free_first)
			pool->free_last = 0;
		return number;
	}
	return pool->used < h->pool_elements ? pool_base(map, pool) + ++pool->used : 0;
}

static uint32_t take(struct bpfe_map *map, struct hash_pool *pool)
{
	uint32_t number;

	pthread_mutex_lock(pool_lock(map, pool));
	number = take_free(map, pool);
	pthread_mutex_unlock(pool_lock(map, pool));
	return number;
}

uint32_t bpfe_hash_take(struct bpfe_map *map, struct hash_pool *pool)
{
	const struct hash_header *h = map->data;
	uint32_t count = pool->count, number;

	do {
		if (count >= h->pool_max)
			return 0;
	} while (!atomic_compare_exchange_weak(&pool->count, &count, count + 1));
	number = take(map, pool);
	if (!number)
		pool->count--;
	return number;
}

uint32_t bpfe_hash_take_for(struct bpfe_map *map, uint32_t old)
{
	const struct hash_header *h = map->data;
	struct hash_pool *pool = pool_of(map, old);
	uint32_t number;

	pthread_mutex_lock(pool_lock(map, pool));
	number = pool->in_grace < h->pool_spare ? take_free(map, pool) : 0;
	pthread_mutex_unlock(pool_lock(map, pool));
	return number;
}

void bpfe_hash_give_back(struct bpfe_map *map, uint32_t number)
{
	struct hash_pool *pool = pool_of(map, number);

	pthread_mutex_lock(pool_lock(map, pool));
	add_free(map, pool, number);
	pthread_mutex_unlock(pool_lock(map, pool));
	pool->count--;
}

/* ---- Recycling ------------------------------------------------------------------------------ */

static void start_recycling(struct bpfe_map *map);

/* Zero the batch whose grace period is over and return it to the free lists. */
static void recycle(struct bpfe_rcu_head *head)
{
	struct bpfe_map *map =
		(struct bpfe_map *)((uint8_t *)head - offsetof(struct bpfe_map, recycle_rcu));
	struct hash_header *h = map->data;
	uint32_t number;

	pthread_mutex_lock(&map->lock);
	number = h->waiting;
	pthread_mutex_unlock(&map->lock);
	/* Nobody but this callback knows the batch, so zeroing needs no lock. */
	while (number) {
		struct hash_element *e = hash_element(map, number);
		struct hash_pool *pool = pool_of(map, number);
		uint32_t next = e->link;

		bpfe_value_zero(e->key, h->stride - sizeof(*e));
		pthread_mutex_lock(pool_lock(map, pool));
		add_free(map, pool, number);
		pool->in_grace--;
		pthread_mutex_unlock(pool_lock(map, pool));
		number = next;
	}
	pthread_mutex_lock(&map->lock);
	h->waiting = 0;
	h->recycling = false;
	if (h->retired)
		start_recycling(map);
	pthread_mutex_unlock(&map->lock);
	bpfe_map_release(map);
}

/* Under map->lock, with something retired and no grace period under way. */
static void start_recycling(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	h->waiting = h->retired;
	h->retired = 0;
	h->recycling = true;
	bpfe_map_hold(map);
	bpfe_rcu_call(&map->recycle_rcu, recycle);
}

void bpfe_hash_retire(struct bpfe_map *map, uint32_t number, bool gone)
{
	struct hash_header *h = map->data;
	struct hash_pool *pool = pool_of(map, number);
	bool wait;

	pthread_mutex_lock(pool_lock(map, pool));
	wait = pool->in_grace < h->pool_spare;
	if (wait)
		pool->in_grace++;
	else
		add_free(map, pool, number);
	pthread_mutex_unlock(pool_lock(map, pool));
	if (wait) {
		pthread_mutex_lock(&map->lock);
		hash_element(map, number)->link = h->retired;
		h->retired = number;
		if (!h->recycling)
			start_recycling(map);
		pthread_mutex_unlock(&map->lock);
	}
	if (gone)
		pool->count--;
}

/* ---- Contents ------------------------------------------------------------------------------- */

static void write_values(struct bpfe_map *map, struct hash_element *e, const struct hash_write *w,
			 bool new)
{
	const size_t stride = bpfe_value_stride(&map->attr);

	if (!map->ops->per_cpu) {
		bpfe_map_value_store(map, hash_value(map, e, 0), w->value);
		return;
	}
	for (uint32_t cpu = 0; cpu < map->attr.cpus; cpu++) {
		void *in_map = hash_value(map, e, cpu);

		/* The control plane's padding is kept, as in Linux; a new key starts without. */
		if (w->all_cpus)
			bpfe_value_store(in_map, (const uint8_t *)w->value + cpu * stride, stride);
		else if (new)
			bpfe_value_zero(in_map, stride);
		if (!w->all_cpus && cpu == w->cpu % map->attr.cpus)
			bpfe_value_store(in_map, w->value, map->attr.value_size);
	}
}

void bpfe_hash_write(struct bpfe_map *map, uint32_t number, const struct hash_write *w)
{
	write_values(map, hash_element(map, number), w, false);
}

void bpfe_hash_fill(struct bpfe_map *map, uint32_t number, const struct hash_key *k,
		    const struct hash_write *w)
{
	struct hash_element *e = hash_element(map, number);
	uint16_t generation = (uint16_t)(e->generation + 1);

	/* A reader may stand here if the element is reused at once: the order matters. */
	atomic_store_explicit(&e->next, HASH_MOVED, memory_order_relaxed);
	atomic_store_explicit(&e->generation, generation, memory_order_release);
	atomic_store_explicit(&e->hash, k->hash, memory_order_release);
	for (uint32_t i = 0; i < k->n_words; i++)
		__atomic_store_n(&e->key[i], k->words[i], __ATOMIC_RELEASE);
	write_values(map, e, w, true);
	e->used = false;
	atomic_store_explicit(&e->generation, (uint16_t)(generation + 1), memory_order_release);
}

/* ---- Eviction ------------------------------------------------------------------------------- */

static bool unlink_if_live(struct bpfe_map *map, uint32_t number)
{
	struct hash_element *e = hash_element(map, number);
	pthread_mutex_t *lock = hash_bucket_lock(map, e->hash);
	bool live;

	pthread_mutex_lock(lock);
	/* Meanwhile it may have become another key's, in a bucket of another lock. */
	live = e->live && hash_bucket_lock(map, e->hash) == lock;
	if (live)
		bpfe_hash_unlink(map, number);
	pthread_mutex_unlock(lock);
	return live;
}

/*
 * CLOCK, which approximates LRU without a list: the hand goes round the elements and takes the
 * first that was not used since it last came by. New ones come in behind it.
 */
static uint32_t find_victim(struct bpfe_map *map, struct hash_pool *pool)
{
	const struct hash_header *h = map->data;
	uint32_t base = pool_base(map, pool), chances = 0;

	for (uint32_t step = 1;; step++) {
		uint32_t used = pool->used;
		uint32_t number = base + 1 + (used ? pool->hand++ % used : 0);
		struct hash_element *e = hash_element(map, number);

		/* All that may be in the map are about to be put in by others: let them. */
		if (step % h->pool_elements == 0)
			sched_yield();
		if (!e->live)
			continue;
		if (e->used && chances++ < MAX_SECOND_CHANCES)
			e->used = false;
		else if (unlink_if_live(map, number))
			return number;
	}
}

uint32_t bpfe_hash_evict(struct bpfe_map *map, struct hash_pool *pool)
{
	uint32_t victim = find_victim(map, pool);
	uint32_t number = take(map, pool);

	if (!number)
		return victim;
	bpfe_hash_retire(map, victim, false);
	return number;
}
