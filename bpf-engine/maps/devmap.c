/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_DEVMAP and BPF_MAP_TYPE_DEVMAP_HASH: interfaces, which are ports of the NIC. Whether
 * a port exists is seen when a frame goes there. The hash is one of its own that holds the values.
 */
#include <errno.h>
#include <string.h>
#include <linux/bpf.h>
#include "maps/targets.h"

static int devmap_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_targets_check(attr, "a devmap", sizeof(struct bpf_devmap_val), log);
}

/* Interface 0 is none: the entry goes. */
static int devmap_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	struct bpfe_target target;
	uint32_t index;
	int err;

	memcpy(&index, key, sizeof(index));
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (index >= map->attr.max_entries)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	err = bpfe_target_parse(map, value, &target);
	if (!err)
		bpfe_targets_set(map, index, target.first ? &target : NULL);
	return err;
}

const struct bpfe_map_ops bpfe_devmap_ops = {
	.type = BPF_MAP_TYPE_DEVMAP,
	.rdonly_prog = true,
	.check = devmap_check,
	.storage_size = bpfe_targets_size,
	.init = bpfe_targets_init,
	.lookup = bpfe_targets_lookup,
	.write = devmap_write,
	.remove = bpfe_targets_remove,
	.get_next_key = bpfe_array_get_next_key,
	.count = bpfe_targets_count,
	.contains = bpfe_targets_contains,
	.destroy = bpfe_targets_destroy,
};

/* ---- By any key ---------------------------------------------------------------------------- */

/* Start and all of map->data. */
struct devmap_hash {
	struct bpfe_map *hash;
};

static struct bpfe_map_attr hash_attr(const struct bpfe_map_attr *attr)
{
	return (struct bpfe_map_attr){
		.type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct bpfe_target),
		.max_entries = attr->max_entries,
	};
}

static size_t devmap_hash_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct devmap_hash);
}

static size_t devmap_hash_extra_size(const struct bpfe_map_attr *attr)
{
	const struct bpfe_map_attr hash = hash_attr(attr);

	return bpfe_map_storage_size(&hash);
}

static int devmap_hash_init(struct bpfe_map *map)
{
	const struct bpfe_map_attr attr = hash_attr(&map->attr);
	struct devmap_hash *h = map->data;

	return bpfe_map_create(&attr, &map->alloc, &h->hash, NULL);
}

static struct bpfe_map *hash_of(const struct bpfe_map *map)
{
	const struct devmap_hash *h = map->data;

	return h->hash;
}

static void *devmap_hash_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	return bpfe_map_lookup(hash_of(map), key);
}

/* Like Linux's it overwrites nothing under BPF_NOEXIST, and under BPF_EXIST adds all the same. */
static int devmap_hash_write(struct bpfe_map *map, const void *key, const void *value,
			     uint64_t flags)
{
	struct bpfe_target target;
	int err;

	if (flags > BPF_EXIST)
		return -EINVAL;
	err = bpfe_target_parse(map, value, &target);
	if (err)
		return err;
	if (!target.first)
		return -EINVAL;
	return bpfe_map_update(hash_of(map), key, &target,
			       flags == BPF_NOEXIST ? BPF_NOEXIST : BPF_ANY);
}

static int devmap_hash_remove(struct bpfe_map *map, const void *key)
{
	return bpfe_map_delete(hash_of(map), key);
}

static int devmap_hash_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	return bpfe_map_get_next_key(hash_of(map), key, next);
}

static uint32_t devmap_hash_count(const struct bpfe_map *map)
{
	return bpfe_map_count(hash_of(map));
}

static bool devmap_hash_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	const struct bpfe_map *hash = hash_of(map);

	return size <= map->attr.value_size && hash->ops->contains(hash, address, size);
}

static void devmap_hash_destroy(struct bpfe_map *map)
{
	bpfe_map_put(hash_of(map));
}

const struct bpfe_map_ops bpfe_devmap_hash_ops = {
	.type = BPF_MAP_TYPE_DEVMAP_HASH,
	.rdonly_prog = true,
	.check = devmap_check,
	.storage_size = devmap_hash_size,
	.extra_size = devmap_hash_extra_size,
	.init = devmap_hash_init,
	.lookup = devmap_hash_lookup,
	.write = devmap_hash_write,
	.remove = devmap_hash_remove,
	.get_next_key = devmap_hash_get_next_key,
	.count = devmap_hash_count,
	.contains = devmap_hash_contains,
	.destroy = devmap_hash_destroy,
};
