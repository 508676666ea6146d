/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF_MAP_TYPE_ARRAY_OF_MAPS: a slot holds a map or nothing; what was in it goes by RCU. */
#include <errno.h>
#include <string.h>
#include "maps/map_in_map.h"

struct map_slot {
	_Atomic(struct bpfe_map *) inner;
	uint32_t id; /* what the control plane knows it by */
};

/* Start of map->data; the slots follow. */
struct array_of_maps {
	struct bpfe_map_attr template;
	_Atomic uint32_t count;
	struct map_slot slots[];
};

static int array_of_maps_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1,
				       BPFE_MAP_MAX_ENTRIES);

	if (!err && attr->key_size != sizeof(uint32_t))
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map key size %u is not 4, which an array of maps needs",
				  attr->key_size);
	if (!err)
		err = bpfe_map_check_flags(attr, BPFE_MAP_OBJECT_FLAGS, log);
	return err ? err : bpfe_map_in_map_check(attr, log);
}

static size_t array_of_maps_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct array_of_maps) + (size_t)attr->max_entries * sizeof(struct map_slot);
}

static int array_of_maps_init(struct bpfe_map *map)
{
	struct array_of_maps *array = map->data;

	bpfe_map_in_map_keep_template(map, &array->template);
	return 0;
}

/* The slot of @key, NULL beyond the last. */
static struct map_slot *slot_of(const struct bpfe_map *map, const void *key)
{
	struct array_of_maps *array = map->data;
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index < map->attr.max_entries ? &array->slots[index] : NULL;
}

static void *array_of_maps_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	struct map_slot *slot = slot_of(map, key);

	return slot ? atomic_load_explicit(&slot->inner, memory_order_acquire) : NULL;
}

static int array_of_maps_read(struct bpfe_map *map, const void *key, void *value)
{
	const struct map_slot *slot = slot_of(map, key);
	int err = -ENOENT;

	pthread_mutex_lock(&map->lock);
	if (slot && slot->inner) {
		memcpy(value, &slot->id, sizeof(slot->id));
		err = 0;
	}
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* Put @inner, a reference of the slot's own, in place of what is there. -ENOENT: both are NULL. */
static int replace(struct bpfe_map *map, struct map_slot *slot, struct bpfe_map *inner, uint32_t id)
{
	struct array_of_maps *array = map->data;
	struct bpfe_map *old;

	pthread_mutex_lock(&map->lock);
	old = atomic_exchange_explicit(&slot->inner, inner, memory_order_acq_rel);
	slot->id = id;
	array->count += (inner != NULL) - (old != NULL);
	pthread_mutex_unlock(&map->lock);
	bpfe_map_release(old);
	return inner || old ? 0 : -ENOENT;
}

int bpfe_array_of_maps_set(struct bpfe_map *map, const void *key, struct bpfe_map *inner,
			   uint32_t id, uint64_t flags)
{
	struct map_slot *slot = slot_of(map, key);

	if (flags != BPF_ANY)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	return replace(map, slot, inner ? bpfe_map_hold(inner) : NULL, id);
}

static int array_of_maps_remove(struct bpfe_map *map, const void *key)
{
	return bpfe_array_of_maps_set(map, key, NULL, 0, BPF_ANY);
}

static uint32_t array_of_maps_count(const struct bpfe_map *map)
{
	const struct array_of_maps *array = map->data;

	return array->count;
}

static void array_of_maps_destroy(struct bpfe_map *map)
{
	struct array_of_maps *array = map->data;

	for (uint32_t i = 0; i < map->attr.max_entries; i++)
		bpfe_map_release(array->slots[i].inner);
}

const struct bpfe_map_ops bpfe_array_of_maps_ops = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.check = array_of_maps_check,
	.storage_size = array_of_maps_size,
	.init = array_of_maps_init,
	.lookup = array_of_maps_lookup,
	.read = array_of_maps_read,
	.remove = array_of_maps_remove,
	.get_next_key = bpfe_array_get_next_key,
	.count = array_of_maps_count,
	.contains = bpfe_map_in_map_contains,
	.destroy = array_of_maps_destroy,
};
