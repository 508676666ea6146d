/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_HASH_OF_MAPS: a hash of its own whose values are references. The hash publishes and
 * recycles its elements; what is added here is who holds what.
 */
#include <errno.h>
#include <string.h>
#include "maps/map_in_map.h"

/* Start and all of map->data. */
struct hash_of_maps {
	struct bpfe_map_attr template;
	struct bpfe_map *hash;
};

/* Value of the hash. */
struct reference {
	_Atomic(struct bpfe_map *) inner;
	uint64_t id; /* what the control plane knows it by */
};

static struct bpfe_map_attr hash_attr(const struct bpfe_map_attr *attr)
{
	return (struct bpfe_map_attr){
		.type = BPF_MAP_TYPE_HASH,
		.key_size = attr->key_size,
		.value_size = sizeof(struct reference),
		.max_entries = attr->max_entries,
		.flags = attr->flags & BPF_F_NO_PREALLOC,
	};
}

static int hash_of_maps_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "key size", attr->key_size, 1, BPFE_MAP_MAX_KEY);

	if (!err)
		err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1,
					   BPFE_MAP_MAX_ENTRIES);

	if (!err)
		err = bpfe_map_check_flags(attr, BPF_F_NO_PREALLOC | BPFE_MAP_OBJECT_FLAGS, log);
	return err ? err : bpfe_map_in_map_check(attr, log);
}

static size_t hash_of_maps_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct hash_of_maps);
}

static size_t hash_of_maps_extra_size(const struct bpfe_map_attr *attr)
{
	const struct bpfe_map_attr hash = hash_attr(attr);

	return bpfe_map_storage_size(&hash);
}

static int hash_of_maps_init(struct bpfe_map *map)
{
	const struct bpfe_map_attr attr = hash_attr(&map->attr);
	struct hash_of_maps *h = map->data;

	bpfe_map_in_map_keep_template(map, &h->template);
	return bpfe_map_create(&attr, &map->alloc, &h->hash, NULL);
}

static struct bpfe_map *hash_of(const struct bpfe_map *map)
{
	const struct hash_of_maps *h = map->data;

	return h->hash;
}

/* Inside a read section, or under the lock. */
static struct reference *find(const struct bpfe_map *map, const void *key)
{
	return bpfe_map_lookup(hash_of(map), key);
}

static void *hash_of_maps_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	struct reference *ref = find(map, key);

	/* Acquire: an element overwritten in place is not published as a new one is. */
	return ref ? atomic_load_explicit(&ref->inner, memory_order_acquire) : NULL;
}

/* Under the lock, for an id that belongs to the map. */
static int hash_of_maps_read(struct bpfe_map *map, const void *key, void *value)
{
	const struct reference *ref;
	uint32_t id = 0;

	pthread_mutex_lock(&map->lock);
	ref = find(map, key);
	if (ref)
		id = (uint32_t)ref->id;
	pthread_mutex_unlock(&map->lock);
	if (!ref)
		return -ENOENT;
	memcpy(value, &id, sizeof(id));
	return 0;
}

static int hash_of_maps_remove(struct bpfe_map *map, const void *key)
{
	struct bpfe_map *old = NULL;
	struct reference *ref;
	int err;

	pthread_mutex_lock(&map->lock);
	ref = find(map, key);
	if (ref)
		old = ref->inner;
	err = bpfe_map_delete(hash_of(map), key);
	pthread_mutex_unlock(&map->lock);
	bpfe_map_release(old);
	return err;
}

int bpfe_hash_of_maps_set(struct bpfe_map *map, const void *key, struct bpfe_map *inner,
			  uint32_t id, uint64_t flags)
{
	struct reference new = {.inner = inner, .id = id};
	struct bpfe_map *old = NULL;
	struct reference *ref;
	int err;

	if (!inner)
		return hash_of_maps_remove(map, key);
	pthread_mutex_lock(&map->lock);
	ref = find(map, key);
	if (ref)
		old = ref->inner;
	atomic_thread_fence(memory_order_release);
	err = bpfe_map_update(hash_of(map), key, &new, flags);
	if (!err)
		bpfe_map_hold(inner);
	pthread_mutex_unlock(&map->lock);
	if (!err)
		bpfe_map_release(old);
	return err;
}

static int hash_of_maps_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	return bpfe_map_get_next_key(hash_of(map), key, next);
}

static uint32_t hash_of_maps_count(const struct bpfe_map *map)
{
	return bpfe_map_count(hash_of(map));
}

static void hash_of_maps_destroy(struct bpfe_map *map)
{
	struct bpfe_map *hash = hash_of(map);
	uint8_t keys[2][BPFE_MAP_MAX_KEY];
	unsigned i = 0;
	int err;

	if (!hash)
		return;
	/* Each time from the start, it would go through all that is empty by then. */
	err = bpfe_map_get_next_key(hash, NULL, keys[i]);
	while (!err) {
		err = bpfe_map_get_next_key(hash, keys[i], keys[!i]);
		hash_of_maps_remove(map, keys[i]);
		i = !i;
	}
	bpfe_map_put(hash);
}

const struct bpfe_map_ops bpfe_hash_of_maps_ops = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.check = hash_of_maps_check,
	.storage_size = hash_of_maps_size,
	.extra_size = hash_of_maps_extra_size,
	.init = hash_of_maps_init,
	.lookup = hash_of_maps_lookup,
	.read = hash_of_maps_read,
	.remove = hash_of_maps_remove,
	.get_next_key = hash_of_maps_get_next_key,
	.count = hash_of_maps_count,
	.contains = bpfe_map_in_map_contains,
	.destroy = hash_of_maps_destroy,
};
