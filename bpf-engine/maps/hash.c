/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_HASH: chained buckets over a pool of elements, all linked by element number.
 *
 * Readers walk a chain without a lock. Writers hold the map's lock. A key that is present is
 * updated by linking a new element in the old one's place, so readers see one or the other whole;
 * what was unlinked is retired, and zeroed and reused only after a grace period. The pool therefore
 * has spare elements beyond max_entries. A burst of writes may outrun the grace period and retire
 * them all:
 *  - updating a present key then overwrites its value in place (8-byte words stay whole), because
 *    it must not fail;
 *  - inserting a key then fails with -E2BIG, as if the map were full.
 * A batch, not each element, waits for a grace period: while one batch waits, the next collects.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "maps/map.h"
#include "siphash.h"

/* Element numbers start at 1; 0 ends a list. */
struct hash_element {
	_Atomic uint32_t next; /* in its bucket; kept when unlinked, a reader may stand here */
	uint32_t hash;
	uint32_t link; /* in the free, retired or waiting list */
	uint32_t reserved;
	/* Key, padded to 8 bytes; value, padded to 8 bytes. */
};

/* Start of map->data; the buckets follow, then the elements. */
struct hash_header {
	uint64_t secret[2];
	uint32_t n_buckets; /* a power of two */
	uint32_t n_elements;
	uint32_t n_used;  /* elements beyond this number were never used */
	uint32_t free;    /* list of zeroed elements */
	uint32_t retired; /* list that will wait for the next grace period */
	uint32_t waiting; /* list that waits for one now */
	bool recycling;   /* a grace period is under way */
	_Atomic uint32_t count;
	uint64_t elements_offset;
	_Atomic uint32_t buckets[];
};

#define HASH_MIN_SPARE 64u

static const struct bpfe_map_rules hash_rules = {
	.what = "a hash",
	.min_key = 1,
	.max_key = BPFE_MAP_MAX_KEY,
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | BPFE_MAP_ACCESS_FLAGS,
};

static int hash_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &hash_rules, log);
}

static uint32_t hash_spare(uint32_t max_entries)
{
	return HASH_MIN_SPARE + max_entries / 8;
}

static size_t round_up_8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static size_t element_stride(const struct bpfe_map_attr *attr)
{
	return sizeof(struct hash_element) + round_up_8(attr->key_size) + bpfe_value_stride(attr);
}

static uint32_t bucket_count(uint32_t max_entries)
{
	return max_entries <= 1 ? 1 : 1u << (32 - __builtin_clz(max_entries - 1));
}

static size_t elements_offset(const struct bpfe_map_attr *attr)
{
	return round_up_8(sizeof(struct hash_header) +
			  (size_t)bucket_count(attr->max_entries) * sizeof(uint32_t));
}

static size_t hash_data_size(const struct bpfe_map_attr *attr)
{
	size_t n = (size_t)attr->max_entries + hash_spare(attr->max_entries);
	size_t size;

	if (__builtin_mul_overflow(n, element_stride(attr), &size) ||
	    __builtin_add_overflow(size, elements_offset(attr), &size))
		return 0;
	return size;
}

static int hash_init(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	if (getrandom(h->secret, sizeof(h->secret), 0) != (ssize_t)sizeof(h->secret))
		return -EIO;
	h->n_buckets = bucket_count(map->attr.max_entries);
	h->n_elements = map->attr.max_entries + hash_spare(map->attr.max_entries);
	h->elements_offset = elements_offset(&map->attr);
	return 0;
}

static struct hash_element *element(const struct bpfe_map *map, uint32_t number)
{
	const struct hash_header *h = map->data;

	return (struct hash_element *)((uint8_t *)map->data + h->elements_offset +
				       (number - 1) * element_stride(&map->attr));
}

static void *element_key(struct hash_element *e)
{
	return e + 1;
}

static void *element_value(const struct bpfe_map *map, struct hash_element *e)
{
	return (uint8_t *)(e + 1) + round_up_8(map->attr.key_size);
}

static uint32_t hash_key(const struct bpfe_map *map, const void *key)
{
	const struct hash_header *h = map->data;

	return (uint32_t)bpfe_siphash(h->secret, key, map->attr.key_size);
}

static _Atomic uint32_t *bucket(const struct bpfe_map *map, uint32_t hash)
{
	struct hash_header *h = map->data;

	return &h->buckets[hash & (h->n_buckets - 1)];
}

/* Number of the element with @key, 0 if there is none. Inside a read section or under the lock. */
static uint32_t find(const struct bpfe_map *map, const void *key, uint32_t hash)
{
	uint32_t number = atomic_load_explicit(bucket(map, hash), memory_order_acquire);

	while (number) {
		struct hash_element *e = element(map, number);

		if (e->hash == hash && memcmp(element_key(e), key, map->attr.key_size) == 0)
			return number;
		number = atomic_load_explicit(&e->next, memory_order_acquire);
	}
	return 0;
}

static void *hash_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	uint32_t number = find(map, key, hash_key(map, key));

	return number ? element_value(map, element(map, number)) : NULL;
}

/* The link that leads to element @number, which is in the map. Under the lock. */
static _Atomic uint32_t *link_to(struct bpfe_map *map, uint32_t number)
{
	_Atomic uint32_t *link = bucket(map, element(map, number)->hash);

	while (atomic_load_explicit(link, memory_order_relaxed) != number)
		link = &element(map, atomic_load_explicit(link, memory_order_relaxed))->next;
	return link;
}

static void start_recycling(struct bpfe_map *map);

/* Zero the batch whose grace period is over and return it to the free list. */
static void recycle(struct bpfe_rcu_head *head)
{
	struct bpfe_map *map =
		(struct bpfe_map *)((uint8_t *)head - offsetof(struct bpfe_map, recycle_rcu));
	struct hash_header *h = map->data;
	size_t payload = element_stride(&map->attr) - sizeof(struct hash_element);
	struct hash_element *last;
	uint32_t first = h->waiting, number = first;

	/* Nobody but this callback knows the batch, so zeroing needs no lock. It is never empty. */
	do {
		last = element(map, number);
		memset(last + 1, 0, payload);
		number = last->link;
	} while (number);
	pthread_mutex_lock(&map->lock);
	last->link = h->free;
	h->free = first;
	h->waiting = 0;
	h->recycling = false;
	if (h->retired)
		start_recycling(map);
	pthread_mutex_unlock(&map->lock);
	bpfe_map_release(map);
}

/* Under the lock, with something retired and no grace period under way. */
static void start_recycling(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	h->waiting = h->retired;
	h->retired = 0;
	h->recycling = true;
	bpfe_map_hold(map);
	bpfe_rcu_call(&map->recycle_rcu, recycle);
}

/* Under the lock: an element all zeroes that no list holds, or 0. */
static uint32_t take_element(struct bpfe_map *map)
{
	struct hash_header *h = map->data;
	uint32_t number = h->free;

	if (number) {
		h->free = element(map, number)->link;
		return number;
	}
	return h->n_used < h->n_elements ? ++h->n_used : 0;
}

/* Under the lock: element @number was just unlinked. */
static void retire(struct bpfe_map *map, uint32_t number)
{
	struct hash_header *h = map->data;

	element(map, number)->link = h->retired;
	h->retired = number;
	if (!h->recycling)
		start_recycling(map);
}

static uint32_t new_element(struct bpfe_map *map, const void *key, uint32_t hash, const void *value)
{
	uint32_t number = take_element(map);
	struct hash_element *e;

	if (!number)
		return 0;
	e = element(map, number);
	e->hash = hash;
	memcpy(element_key(e), key, map->attr.key_size);
	memcpy(element_value(map, e), value, map->attr.value_size);
	return number;
}

static void replace(struct bpfe_map *map, uint32_t old, const void *value)
{
	struct hash_element *e = element(map, old);
	uint32_t number = new_element(map, element_key(e), e->hash, value);

	if (!number) {
		bpfe_value_store(element_value(map, e), value, map->attr.value_size);
		return;
	}
	atomic_store_explicit(&element(map, number)->next, e->next, memory_order_relaxed);
	atomic_store_explicit(link_to(map, old), number, memory_order_release);
	retire(map, old);
}

static int insert(struct bpfe_map *map, const void *key, uint32_t hash, const void *value)
{
	struct hash_header *h = map->data;
	_Atomic uint32_t *head = bucket(map, hash);
	uint32_t number;

	if (h->count >= map->attr.max_entries)
		return -E2BIG;
	number = new_element(map, key, hash, value);
	if (!number)
		return -E2BIG;
	atomic_store_explicit(&element(map, number)->next, *head, memory_order_relaxed);
	atomic_store_explicit(head, number, memory_order_release);
	h->count++;
	return 0;
}

static int hash_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
		       uint32_t cpu)
{
	uint32_t hash = hash_key(map, key);
	uint32_t number;
	int err = 0;

	if (flags > BPF_EXIST)
		return -EINVAL;
	pthread_mutex_lock(&map->lock);
	number = find(map, key, hash);
	if (number && flags == BPF_NOEXIST)
		err = -EEXIST;
	else if (!number && flags == BPF_EXIST)
		err = -ENOENT;
	else if (number)
		replace(map, number, value);
	else
		err = insert(map, key, hash, value);
	pthread_mutex_unlock(&map->lock);
	return err;
}

static int hash_remove(struct bpfe_map *map, const void *key)
{
	struct hash_header *h = map->data;
	uint32_t hash = hash_key(map, key);
	uint32_t number;

	pthread_mutex_lock(&map->lock);
	number = find(map, key, hash);
	if (number) {
		atomic_store_explicit(link_to(map, number), element(map, number)->next,
				      memory_order_release);
		h->count--;
		retire(map, number);
	}
	pthread_mutex_unlock(&map->lock);
	return number ? 0 : -ENOENT;
}

/* Inside a read section. */
static int hash_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	struct hash_header *h = map->data;
	uint32_t hash = key ? hash_key(map, key) : 0;
	uint32_t number = key ? find(map, key, hash) : 0;
	uint32_t b = 0;

	if (number) {
		b = (hash & (h->n_buckets - 1)) + 1;
		number = atomic_load_explicit(&element(map, number)->next, memory_order_acquire);
	}
	while (!number && b < h->n_buckets)
		number = atomic_load_explicit(&h->buckets[b++], memory_order_acquire);
	if (!number)
		return -ENOENT;
	memcpy(next, element_key(element(map, number)), map->attr.key_size);
	return 0;
}

static uint32_t hash_count(const struct bpfe_map *map)
{
	const struct hash_header *h = map->data;

	return h->count;
}

static bool hash_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	const struct hash_header *h = map->data;
	size_t value_offset = sizeof(struct hash_element) + round_up_8(map->attr.key_size);
	uintptr_t offset = address - (uintptr_t)map->data - h->elements_offset;

	if (address < (uintptr_t)map->data + h->elements_offset ||
	    offset >= map->data_size - h->elements_offset)
		return false;
	offset %= element_stride(&map->attr);
	if (offset < value_offset)
		return false;
	offset -= value_offset;
	return offset <= map->attr.value_size && size <= map->attr.value_size - offset;
}

static void hash_destroy(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	explicit_bzero(h->secret, sizeof(h->secret));
}

const struct bpfe_map_ops bpfe_hash_ops = {
	.type = BPF_MAP_TYPE_HASH,
	.check = hash_check,
	.storage_size = hash_data_size,
	.init = hash_init,
	.lookup = hash_lookup,
	.update = hash_update,
	.remove = hash_remove,
	.get_next_key = hash_get_next_key,
	.count = hash_count,
	.contains = hash_contains,
	.destroy = hash_destroy,
};
