/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH over the elements and chains of
 * maps/hash.h. A key that is present is updated by linking a new element in the old one's place, so
 * that readers see one or the other whole; per-CPU values are written in place.
 */
#include <errno.h>
#include "maps/hash.h"

#define HASH_FLAGS (BPF_F_ZERO_SEED | BPFE_MAP_ACCESS_FLAGS)

static bool is_lru(uint32_t type)
{
	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static const struct bpfe_map_rules hash_rules = {
	.what = "a hash",
	.min_key = 1,
	.max_key = BPFE_MAP_MAX_KEY,
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = HASH_FLAGS | BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE,
	.spin_lock = true,
};

static const struct bpfe_map_rules percpu_rules = {
	.what = "a per-CPU hash",
	.min_key = 1,
	.max_key = BPFE_MAP_MAX_KEY,
	.max_value = BPFE_MAP_MAX_CPU_VALUE,
	.flags = HASH_FLAGS | BPF_F_NO_PREALLOC,
};

static const struct bpfe_map_rules lru_rules = {
	.what = "an LRU hash",
	.min_key = 1,
	.max_key = BPFE_MAP_MAX_KEY,
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = HASH_FLAGS | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE,
};

static const struct bpfe_map_rules lru_percpu_rules = {
	.what = "an LRU per-CPU hash",
	.min_key = 1,
	.max_key = BPFE_MAP_MAX_KEY,
	.max_value = BPFE_MAP_MAX_CPU_VALUE,
	.flags = HASH_FLAGS | BPF_F_NO_COMMON_LRU,
};

static int hash_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &hash_rules, log);
}

static int percpu_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &percpu_rules, log);
}

static int lru_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	const struct bpfe_map_rules *rules =
		attr->type == BPF_MAP_TYPE_LRU_HASH ? &lru_rules : &lru_percpu_rules;

	/* Linux looks for flags that no hash has first. */
	if (attr->flags & BPF_F_NO_PREALLOC &&
	    !bpfe_map_check_flags(
		    attr, HASH_FLAGS | BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE,
		    NULL))
		return bpfe_refuse(log, -EOPNOTSUPP, BPFE_BAD_MAP, 0,
				   "map flag BPF_F_NO_PREALLOC (0x1) does not go with LRU, whose "
				   "elements exist from the start");
	if (attr->flags & BPF_F_NO_COMMON_LRU && attr->flags & BPF_F_NUMA_NODE)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flags BPF_F_NO_COMMON_LRU and BPF_F_NUMA_NODE exclude each "
				   "other");
	return bpfe_map_check_rules(attr, rules, log);
}

/* ---- Look-up -------------------------------------------------------------------------------- */

static struct hash_element *look_up(struct bpfe_map *map, const void *key)
{
	struct hash_key k;
	uint32_t number;

	hash_key_read(map, key, &k);
	number = bpfe_hash_find(map, &k);
	return number ? hash_element(map, number) : NULL;
}

static void *hash_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	struct hash_element *e = look_up(map, key);

	return e ? hash_value(map, e, cpu) : NULL;
}

static void *lru_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	struct hash_element *e = look_up(map, key);

	if (!e)
		return NULL;
	/* Written only when it changes: it is in many processors' caches. */
	if (!atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, true, memory_order_relaxed);
	return hash_value(map, e, cpu);
}

static bpfe_direct_lookup_fn direct_lookup(const struct bpfe_map *map)
{
	return map->ops->lookup;
}

static void *lru_find(struct bpfe_map *map, const void *key)
{
	return hash_lookup(map, key, 0);
}

static int percpu_read(struct bpfe_map *map, const void *key, void *value)
{
	size_t stride = bpfe_value_stride(&map->attr);
	struct hash_element *e = look_up(map, key);

	if (!e)
		return -ENOENT;
	for (uint32_t cpu = 0; cpu < map->attr.cpus; cpu++)
		bpfe_value_load((uint8_t *)value + cpu * stride, hash_value(map, e, cpu), stride);
	return 0;
}

/* ---- Changes -------------------------------------------------------------------------------- */

/* The value of element @number, which has the key. Under the bucket's lock. */
static void change(struct bpfe_map *map, uint32_t number, const struct hash_key *k,
		   const struct hash_write *w, bool locked)
{
	uint32_t new = 0;

	if (locked) {
		bpfe_map_value_store_locked(map, hash_value(map, hash_element(map, number), 0),
					    w->value);
		return;
	}
	if (!map->ops->per_cpu)
		new = bpfe_hash_take_for(map, number);
	if (!new) {
		bpfe_hash_write(map, number, w);
		hash_element(map, number)->used = true;
		return;
	}
	bpfe_hash_fill(map, new, k, w);
	hash_element(map, new)->used = true;
	bpfe_hash_link_for(map, number, new);
	bpfe_hash_retire(map, number, false);
}

/*
 * Once, under the bucket's lock. *@held: an element to insert, or 0; 0 again if it went into the
 * map. -EAGAIN: first make room.
 */
static int try_update(struct bpfe_map *map, const struct hash_key *k, const struct hash_write *w,
		      uint64_t flags, uint32_t *held)
{
	uint32_t number = bpfe_hash_find(map, k);

	if (number && flags & BPF_NOEXIST)
		return -EEXIST;
	if (!number && flags & BPF_EXIST)
		return -ENOENT;
	if (number) {
		change(map, number, k, w, flags & BPF_F_LOCK);
		return 0;
	}
	if (!*held)
		*held = bpfe_hash_take(map, bpfe_hash_pool_for(map, w->cpu));
	if (!*held)
		return is_lru(map->attr.type) ? -EAGAIN : -E2BIG;
	bpfe_hash_fill(map, *held, k, w);
	bpfe_hash_link(map, *held);
	*held = 0;
	return 0;
}

static int update(struct bpfe_map *map, const void *key, const struct hash_write *w, uint64_t flags)
{
	uint32_t held = 0;
	struct hash_key k;
	int err;

	if ((flags & ~(uint64_t)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (flags & BPF_F_LOCK && !map->attr.has_spin_lock)
		return -EINVAL;
	hash_key_read(map, key, &k);
	for (;;) {
		pthread_mutex_t *lock = hash_bucket_lock(map, k.hash);

		pthread_mutex_lock(lock);
		err = try_update(map, &k, w, flags, &held);
		pthread_mutex_unlock(lock);
		if (err != -EAGAIN)
			break;
		/* Another bucket's lock is needed: not with this one held. */
		held = bpfe_hash_evict(map, bpfe_hash_pool_for(map, w->cpu));
	}
	if (held)
		bpfe_hash_give_back(map, held);
	return err;
}

static int hash_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
		       uint32_t cpu)
{
	return update(map, key, &(struct hash_write){.value = value, .cpu = cpu}, flags);
}

static bpfe_direct_update_fn direct_update(const struct bpfe_map *map)
{
	return hash_update;
}

static int percpu_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	return update(map, key, &(struct hash_write){.value = value, .all_cpus = true}, flags);
}

static int hash_remove(struct bpfe_map *map, const void *key)
{
	pthread_mutex_t *lock;
	struct hash_key k;
	uint32_t number;

	hash_key_read(map, key, &k);
	lock = hash_bucket_lock(map, k.hash);
	pthread_mutex_lock(lock);
	number = bpfe_hash_find(map, &k);
	if (number) {
		bpfe_hash_unlink(map, number);
		bpfe_hash_retire(map, number, true);
	}
	pthread_mutex_unlock(lock);
	return number ? 0 : -ENOENT;
}

/* ---- All of them ---------------------------------------------------------------------------- */

/*
 * Copy the key of the first element of @bucket, or of the one after key @k. Under the bucket's
 * lock, so that the chain holds still: a walk takes one step in a bucket and goes on to the next.
 */
static bool key_in_bucket(struct bpfe_map *map, uint32_t bucket, const struct hash_key *k,
			  void *next, bool *found)
{
	pthread_mutex_t *lock = hash_bucket_lock(map, bucket);
	uint32_t link;

	pthread_mutex_lock(lock);
	link = k ? bpfe_hash_find(map, k) : *hash_bucket(map, bucket);
	if (k && link) {
		*found = true;
		link = hash_element(map, link)->next;
	}
	if (!hash_is_end(link))
		memcpy(next, hash_element(map, link)->key, map->attr.key_size);
	pthread_mutex_unlock(lock);
	return !hash_is_end(link);
}

static int hash_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	const struct hash_header *h = map->data;
	uint32_t bucket = 0;
	bool found = false;

	if (key) {
		struct hash_key k;

		hash_key_read(map, key, &k);
		bucket = hash_bucket_of(map, k.hash);
		if (key_in_bucket(map, bucket, &k, next, &found))
			return 0;
		bucket = found ? bucket + 1 : 0;
	}
	for (; bucket < h->n_buckets; bucket++) {
		if (!hash_is_end(*hash_bucket(map, bucket)) &&
		    key_in_bucket(map, bucket, NULL, next, &found))
			return 0;
	}
	return -ENOENT;
}

/* Inside a read section: an element is visited at most once unless it is reused meanwhile. */
static uint32_t hash_for_each(struct bpfe_map *map, uint32_t cpu, bpfe_visit_fn visit, void *opaque)
{
	const struct hash_header *h = map->data;
	uint32_t visited = 0;

	for (uint32_t bucket = 0; bucket < h->n_buckets; bucket++) {
		uint32_t link =
			atomic_load_explicit(hash_bucket(map, bucket), memory_order_acquire);

		while (!hash_is_end(link)) {
			struct hash_element *e = hash_element(map, link);
			uint32_t next = atomic_load_explicit(&e->next, memory_order_acquire);

			/* It moved to another chain: that one has its turn. */
			if (hash_bucket_of(map, e->hash) != bucket)
				break;
			visited++;
			if (!visit(opaque, e->key, hash_value(map, e, cpu)))
				return visited;
			link = next;
		}
	}
	return visited;
}

static uint32_t hash_count(const struct bpfe_map *map)
{
	const struct hash_header *h = map->data;
	uint32_t count = 0;

	for (uint32_t i = 0; i < h->n_pools; i++)
		count += h->pools[i].count;
	return count;
}

static bool hash_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	const struct hash_header *h = map->data;
	size_t before = sizeof(struct hash_element) + hash_key_words(map) * sizeof(uint64_t);
	uintptr_t offset = address - (uintptr_t)map->data - h->elements_offset;

	if (address < (uintptr_t)map->data + h->elements_offset ||
	    offset >= map->data_size - h->elements_offset)
		return false;
	offset %= h->stride;
	if (offset < before)
		return false;
	offset = (offset - before) % bpfe_value_stride(&map->attr);
	return offset <= map->attr.value_size && size <= map->attr.value_size - offset;
}

/* What all four have in common. */
#define HASH_OPS                                                                                  \
	.storage_size = bpfe_hash_data_size, .private_size = bpfe_hash_private_size,              \
	.init = bpfe_hash_init, .direct_lookup = direct_lookup, .update = hash_update,            \
	.direct_update = direct_update, .remove = hash_remove, .get_next_key = hash_get_next_key, \
	.for_each = hash_for_each, .count = hash_count, .contains = hash_contains,                \
	.destroy = bpfe_hash_destroy

const struct bpfe_map_ops bpfe_hash_ops = {
	.type = BPF_MAP_TYPE_HASH,
	.check = hash_check,
	.lookup = hash_lookup,
	HASH_OPS,
};

const struct bpfe_map_ops bpfe_percpu_hash_ops = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.per_cpu = true,
	.check = percpu_check,
	.lookup = hash_lookup,
	.read = percpu_read,
	.write = percpu_write,
	HASH_OPS,
};

const struct bpfe_map_ops bpfe_lru_hash_ops = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.check = lru_check,
	.find = lru_find,
	.lookup = lru_lookup,
	HASH_OPS,
};

const struct bpfe_map_ops bpfe_lru_percpu_hash_ops = {
	.type = BPF_MAP_TYPE_LRU_PERCPU_HASH,
	.per_cpu = true,
	.check = lru_check,
	.find = lru_find,
	.lookup = lru_lookup,
	.read = percpu_read,
	.write = percpu_write,
	HASH_OPS,
};
