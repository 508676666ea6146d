/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH over the buckets and elements of
 * maps/hash.h. A key that is present is updated by linking a new element in the old one's place, so
 * that readers see one or the other whole; per-CPU values are written in place.
 */
#include <errno.h>
#include "maps/hash_writer.h"

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

static void *hash_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	return hash_private(map)->look_up(map, key, cpu);
}

/* Not taken for use. */
static void *hash_find(struct bpfe_map *map, const void *key)
{
	struct hash_key k;
	uint32_t number;

	hash_key_read(map, key, &k);
	number = bpfe_hash_find(map, &k);
	return number ? hash_value(map, number, 0) : NULL;
}

static int percpu_read(struct bpfe_map *map, const void *key, void *value)
{
	size_t stride = bpfe_value_stride(&map->attr);
	struct hash_key k;
	uint32_t number;

	hash_key_read(map, key, &k);
	number = bpfe_hash_find(map, &k);
	if (!number)
		return -ENOENT;
	for (uint32_t cpu = 0; cpu < map->attr.cpus; cpu++)
		bpfe_value_load((uint8_t *)value + cpu * stride, hash_value(map, number, cpu),
				stride);
	return 0;
}

/* ---- Changes -------------------------------------------------------------------------------- */

static void use(struct bpfe_map *map, uint32_t number)
{
	struct hash_element *e = hash_element(map->data, number);

	if (!atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, 1, memory_order_relaxed);
}

static void set_live(struct bpfe_map *map, uint32_t number, bool live)
{
	atomic_store_explicit(&hash_element(map->data, number)->live, live, memory_order_relaxed);
}

/* The value of the element at @place, which has the key. Under the bucket's lock. */
static void change(struct bpfe_map *map, const struct hash_place *place, const struct hash_key *k,
		   const struct hash_write *w, bool locked)
{
	uint32_t number = place->number, new = 0;

	if (locked) {
		bpfe_map_value_store_locked(map, hash_value(map, number, 0), w->value);
		return;
	}
	if (!map->ops->per_cpu)
		new = bpfe_hash_exchange_begin(map, number);
	if (!new) {
		bpfe_hash_write(map, number, w);
		use(map, number);
		return;
	}
	bpfe_hash_fill(map, new, k, w);
	use(map, new);
	set_live(map, new, true);
	bpfe_hash_replace(map, place, new);
	set_live(map, number, false);
	bpfe_hash_exchange_end(map, number);
}

/*
 * Once, under the bucket's lock. *@held: an element to insert, or 0; 0 again if it went into the
 * map. -EAGAIN: first make room.
 */
static int try_update(struct bpfe_map *map, struct hash_bucket *home, const struct hash_key *k,
		      const struct hash_write *w, uint64_t flags, uint32_t *held)
{
	struct hash_place place = hash_place_of(map, home, k);

	if (place.number && flags & BPF_NOEXIST)
		return -EEXIST;
	if (!place.number && flags & BPF_EXIST)
		return -ENOENT;
	if (place.number) {
		change(map, &place, k, w, flags & BPF_F_LOCK);
		return 0;
	}
	if (!*held)
		*held = bpfe_hash_take(map, bpfe_hash_pool_for(map, w->cpu));
	if (!*held)
		return is_lru(map->attr.type) ? -EAGAIN : -E2BIG;
	bpfe_hash_fill(map, *held, k, w);
	bpfe_hash_insert(map, home, k->hash, *held);
	set_live(map, *held, true);
	*held = 0;
	return 0;
}

static int update(struct bpfe_map *map, const struct hash_key *k, const struct hash_write *w,
		  uint64_t flags)
{
	uint32_t held = 0;
	int err;

	hash_prefetch(map, k->hash);
	for (;;) {
		struct hash_bucket *home = hash_lock(map, k->hash);

		err = try_update(map, home, k, w, flags, &held);
		hash_unlock_bucket(home);
		if (err != -EAGAIN)
			break;
		/* Another bucket's lock is needed: not with this one held. */
		held = bpfe_hash_evict(map, bpfe_hash_pool_for(map, w->cpu));
	}
	if (held)
		bpfe_hash_give_back(map, held);
	if (hash_wants_growth(map))
		bpfe_hash_grow(map);
	return err;
}

static int check_flags(const struct bpfe_map *map, uint64_t flags)
{
	if ((flags & ~(uint64_t)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	return flags & BPF_F_LOCK && !map->attr.has_spin_lock ? -EINVAL : 0;
}

static int checked_update(struct bpfe_map *map, const void *key, const struct hash_write *w,
			  uint64_t flags)
{
	int err = check_flags(map, flags);
	struct hash_key k;

	if (err)
		return err;
	hash_key_read(map, key, &k);
	return update(map, &k, w, flags);
}

static int hash_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
		       uint32_t cpu)
{
	const struct hash_write w = {.value = value, .cpu = cpu};

	return checked_update(map, key, &w, flags);
}

static bpfe_direct_update_fn direct_update(const struct bpfe_map *map)
{
	return map->ops->update;
}

/*
 * A processor that changes its own value of a key that is there writes to no line that another one
 * does: like a program that looks it up and writes to it, inside the read section that it is in.
 */
static int percpu_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
			 uint32_t cpu)
{
	const struct hash_write w = {.value = value, .cpu = cpu};
	int err = check_flags(map, flags);
	struct hash_key k;
	uint32_t number;

	if (err)
		return err;
	hash_key_read(map, key, &k);
	number = bpfe_hash_find(map, &k);
	if (!number)
		return update(map, &k, &w, flags);
	if (flags & BPF_NOEXIST)
		return -EEXIST;
	bpfe_hash_write(map, number, &w);
	use(map, number);
	return 0;
}

static int percpu_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	const struct hash_write w = {.value = value, .all_cpus = true};

	return checked_update(map, key, &w, flags);
}

static int hash_remove(struct bpfe_map *map, const void *key)
{
	struct hash_bucket *home;
	struct hash_place place;
	struct hash_key k;

	hash_key_read(map, key, &k);
	hash_prefetch(map, k.hash);
	home = hash_lock(map, k.hash);
	place = hash_place_of(map, home, &k);
	if (place.number) {
		bpfe_hash_remove(map, &place);
		set_live(map, place.number, false);
	}
	hash_unlock_bucket(home);
	if (!place.number)
		return -ENOENT;
	bpfe_hash_retire(map, place.number);
	return 0;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static uint32_t hash_count(const struct bpfe_map *map)
{
	const struct hash_header *h = map->data;
	uint32_t count = 0;

	for (uint32_t i = 0; i < h->n_pools; i++)
		count += hash_pool(h, i)->count;
	return count;
}

/* Is @offset, from the first of @n values that lie @stride apart, in one of them, and @size bytes
 * more? */
static bool in_value(const struct bpfe_map *map, uint64_t offset, uint64_t n, uint64_t stride,
		     size_t size)
{
	if (offset / stride >= n)
		return false;
	offset %= stride;
	return offset <= map->attr.value_size && size <= map->attr.value_size - offset;
}

static bool hash_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	const struct hash_header *h = map->data;
	const uint64_t n = (uint64_t)h->n_pools * h->pool_elements;
	/* Numbers begin at 1. Below the first, what is left is more than all of them. */
	uint64_t offset = address - (uintptr_t)hash_value(map, 1, 0);

	if (!map->ops->per_cpu)
		return in_value(map, offset, n, h->stride, size);
	return offset < h->cpu_stride * map->attr.cpus &&
	       in_value(map, offset % h->cpu_stride, n, bpfe_value_stride(&map->attr), size);
}

/* What all four have in common. */
#define HASH_OPS                                                                        \
	.storage_size = bpfe_hash_data_size, .private_size = bpfe_hash_private_size,    \
	.init = bpfe_hash_init, .find = hash_find, .lookup = hash_lookup,               \
	.direct_lookup = bpfe_hash_direct_lookup, .direct_update = direct_update,       \
	.remove = hash_remove, .get_next_key = bpfe_hash_get_next_key,                  \
	.for_each = bpfe_hash_for_each, .count = hash_count, .contains = hash_contains, \
	.destroy = bpfe_hash_destroy

const struct bpfe_map_ops bpfe_hash_ops = {
	.type = BPF_MAP_TYPE_HASH,
	.check = hash_check,
	.update = hash_update,
	HASH_OPS,
};

const struct bpfe_map_ops bpfe_percpu_hash_ops = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.per_cpu = true,
	.check = percpu_check,
	.update = percpu_update,
	.read = percpu_read,
	.write = percpu_write,
	HASH_OPS,
};

const struct bpfe_map_ops bpfe_lru_hash_ops = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.check = lru_check,
	.update = hash_update,
	HASH_OPS,
};

const struct bpfe_map_ops bpfe_lru_percpu_hash_ops = {
	.type = BPF_MAP_TYPE_LRU_PERCPU_HASH,
	.per_cpu = true,
	.check = lru_check,
	.update = percpu_update,
	.read = percpu_read,
	.write = percpu_write,
	HASH_OPS,
};
