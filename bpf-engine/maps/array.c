/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF_MAP_TYPE_ARRAY: values one after the other, all present from the start, updated in place. */
#include <errno.h>
#include <string.h>
#include "maps/map.h"

static int array_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	struct bpfe_map_attr common = *attr;
	int err;

	/* Says only that inner maps need not have as many entries as each other. */
	common.flags &= ~(uint32_t)BPF_F_INNER_MAP;
	err = bpfe_map_check_common(&common, log);

	if (!err && (attr->flags & BPF_F_NO_PREALLOC))
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map flag BPF_F_NO_PREALLOC (0x1) does not apply to an array");
	if (!err && attr->key_size != sizeof(uint32_t))
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map key size %u is not 4, which an array needs", attr->key_size);
	return err;
}

static size_t array_data_size(const struct bpfe_map_attr *attr)
{
	size_t size;

	if (__builtin_mul_overflow(bpfe_value_stride(attr), (size_t)attr->max_entries, &size))
		return 0;
	return size;
}

static int array_init(struct bpfe_map *map)
{
	return 0;
}

static void *array_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	if (index >= map->attr.max_entries)
		return NULL;
	return (uint8_t *)map->data + index * bpfe_value_stride(&map->attr);
}

static int array_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
			uint32_t cpu)
{
	void *in_map = array_lookup(map, key, cpu);

	if (flags > BPF_EXIST)
		return -EINVAL;
	if (!in_map)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	bpfe_value_store(in_map, value, map->attr.value_size);
	return 0;
}

static int array_remove(struct bpfe_map *map, const void *key)
{
	return -EINVAL;
}

int bpfe_array_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	uint32_t index = UINT32_MAX;

	if (key)
		memcpy(&index, key, sizeof(index));
	if (index >= map->attr.max_entries)
		index = 0;
	else if (++index == map->attr.max_entries)
		return -ENOENT;
	memcpy(next, &index, sizeof(index));
	return 0;
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
	.count = array_count,
	.contains = array_contains,
	.destroy = array_destroy,
};
