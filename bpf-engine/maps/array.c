/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PERCPU_ARRAY: values one after the other, all present from
 * the start, updated in place. The per-CPU one is such an array for each processor, one after the
 * other, and no two processors write to one cache line.
 */
#include <errno.h>
#include <string.h>
#include "maps/map.h"

static const struct bpfe_map_rules array_rules = {
	.what = "an array",
	.min_key = sizeof(uint32_t),
	.max_key = sizeof(uint32_t),
	.max_value = BPFE_MAP_MAX_ARRAY,
	.flags = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_INNER_MAP | BPFE_MAP_ACCESS_FLAGS,
	.spin_lock = true,
};

static const struct bpfe_map_rules percpu_rules = {
	.what = "a per-CPU array",
	.min_key = sizeof(uint32_t),
	.max_key = sizeof(uint32_t),
	.max_value = BPFE_MAP_MAX_CPU_VALUE,
	.flags = BPFE_MAP_ACCESS_FLAGS,
};

static int array_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &array_rules, log);
}

static int percpu_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &percpu_rules, log);
}

static size_t array_data_size(const struct bpfe_map_attr *attr)
{
	return bpfe_value_stride(attr) * attr->max_entries;
}

static size_t percpu_data_size(const struct bpfe_map_attr *attr)
{
	return bpfe_array_cpu_stride(attr) * bpfe_attr_cpus(attr);
}

static int array_init(struct bpfe_map *map)
{
	return 0;
}

static void *value_at(const struct bpfe_map *map, uint32_t index, uint32_t cpu)
{
	return (uint8_t *)map->data + cpu * bpfe_array_cpu_stride(&map->attr) +
	       index * bpfe_value_stride(&map->attr);
}

static uint32_t index_of(const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index;
}

static void *array_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	uint32_t index = index_of(key);

	return index < map->attr.max_entries ? value_at(map, index, 0) : NULL;
}

static void *percpu_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	uint32_t index = index_of(key);

	return index < map->attr.max_entries ? value_at(map, index, cpu % map->attr.cpus) : NULL;
}

/* What there is to say against an update with @flags, in Linux's order; BPF_F_LOCK aside. */
static int check_update(const struct bpfe_map *map, uint32_t index, uint64_t flags)
{
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (index >= map->attr.max_entries)
		return -E2BIG;
	return flags == BPF_NOEXIST ? -EEXIST : 0;
}

static int array_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
			uint32_t cpu)
{
	uint32_t index = index_of(key);
	bool lock = flags & BPF_F_LOCK;
	int err = check_update(map, index, flags & ~(uint64_t)BPF_F_LOCK);

	if (err)
		return err;
	if (lock && !map->attr.has_spin_lock)
		return -EINVAL;
	if (lock)
		bpfe_map_value_store_locked(map, value_at(map, index, 0), value);
	else
		bpfe_map_value_store(map, value_at(map, index, 0), value);
	return 0;
}

static int percpu_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
			 uint32_t cpu)
{
	uint32_t index = index_of(key);
	int err = check_update(map, index, flags);

	if (!err)
		bpfe_value_store(value_at(map, index, cpu % map->attr.cpus), value,
				 map->attr.value_size);
	return err;
}

static int percpu_read(struct bpfe_map *map, const void *key, void *value)
{
	size_t stride = bpfe_value_stride(&map->attr);
	uint32_t index = index_of(key);

	if (index >= map->attr.max_entries)
		return -ENOENT;
	for (uint32_t cpu = 0; cpu < map->attr.cpus; cpu++)
		bpfe_value_load((uint8_t *)value + cpu * stride, value_at(map, index, cpu), stride);
	return 0;
}

/* What pads a value is kept too, as in Linux; programs never see it. */
static int percpu_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	size_t stride = bpfe_value_stride(&map->attr);
	uint32_t index = index_of(key);
	int err = check_update(map, index, flags);

	for (uint32_t cpu = 0; !err && cpu < map->attr.cpus; cpu++)
		bpfe_value_store(value_at(map, index, cpu), (const uint8_t *)value + cpu * stride,
				 stride);
	return err;
}

static int array_remove(struct bpfe_map *map, const void *key)
{
	return -EINVAL;
}

int bpfe_array_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	uint32_t index = key ? index_of(key) : UINT32_MAX;

	if (index >= map->attr.max_entries)
		index = 0;
	else if (++index == map->attr.max_entries)
		return -ENOENT;
	memcpy(next, &index, sizeof(index));
	return 0;
}

static uint32_t array_for_each(struct bpfe_map *map, uint32_t cpu, bpfe_visit_fn visit,
			       void *opaque)
{
	uint32_t on = map->ops->per_cpu ? cpu % map->attr.cpus : 0;

	for (uint32_t index = 0; index < map->attr.max_entries; index++) {
		uint32_t key = index;

		if (!visit(opaque, &key, value_at(map, index, on)))
			return index + 1;
	}
	return map->attr.max_entries;
}

static uint32_t array_count(const struct bpfe_map *map)
{
	return map->attr.max_entries;
}

static bool array_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	size_t stride = bpfe_value_stride(&map->attr);
	uintptr_t offset = address - (uintptr_t)map->data;

	if (offset >= map->data_size)
		return false;
	offset %= bpfe_array_cpu_stride(&map->attr);
	if (offset >= array_data_size(&map->attr))
		return false;
	offset %= stride;
	return offset <= map->attr.value_size && size <= map->attr.value_size - offset;
}

static void array_destroy(struct bpfe_map *map)
{
}

const struct bpfe_map_ops bpfe_array_ops = {
	.type = BPF_MAP_TYPE_ARRAY,
	.check = array_check,
	.storage_size = array_data_size,
	.init = array_init,
	.lookup = array_lookup,
	.update = array_update,
	.remove = array_remove,
	.get_next_key = bpfe_array_get_next_key,
	.for_each = array_for_each,
	.count = array_count,
	.contains = array_contains,
	.destroy = array_destroy,
};

const struct bpfe_map_ops bpfe_percpu_array_ops = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.per_cpu = true,
	.check = percpu_check,
	.storage_size = percpu_data_size,
	.init = array_init,
	.lookup = percpu_lookup,
	.update = percpu_update,
	.read = percpu_read,
	.write = percpu_write,
	.remove = array_remove,
	.get_next_key = bpfe_array_get_next_key,
	.for_each = array_for_each,
	.count = array_count,
	.contains = array_contains,
	.destroy = array_destroy,
};
