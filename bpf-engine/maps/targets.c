/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Targets of redirection by number. A slot is overwritten in place: its value is one 8-byte word,
 * so that a reader sees the old target or the new one.
 */
#include <errno.h>
#include <string.h>
#include "maps/targets.h"

struct target_slot {
	uint64_t value; /* struct bpfe_target; accessed whole */
	atomic_bool present;
};

/* Start of map->data; the slots follow. */
struct targets {
	_Atomic uint32_t count;
	struct target_slot slots[];
};

int bpfe_targets_check(const struct bpfe_map_attr *attr, const char *what, uint32_t max_value,
		       struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1, BPFE_MAX_TARGETS);

	if (err)
		return err;
	if (attr->key_size != 4)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map key size %u is not 4, which %s needs", attr->key_size,
				   what);
	if (attr->value_size != 4 && attr->value_size != max_value)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map value size %u is not %s, which %s needs", attr->value_size,
				   max_value == 4 ? "4" : "4 or 8", what);
	return bpfe_map_check_flags(attr, BPFE_MAP_OBJECT_FLAGS, log);
}

size_t bpfe_targets_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct targets) + (size_t)attr->max_entries * sizeof(struct target_slot);
}

int bpfe_targets_init(struct bpfe_map *map)
{
	return 0;
}

void bpfe_targets_destroy(struct bpfe_map *map)
{
}

static struct target_slot *slot_of(const struct bpfe_map *map, const void *key)
{
	struct targets *targets = map->data;
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index < map->attr.max_entries ? &targets->slots[index] : NULL;
}

void *bpfe_targets_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	struct target_slot *slot = slot_of(map, key);

	if (!slot || !atomic_load_explicit(&slot->present, memory_order_acquire))
		return NULL;
	return &slot->value;
}

void bpfe_targets_set(struct bpfe_map *map, uint32_t index, const struct bpfe_target *target)
{
	struct targets *targets = map->data;
	struct target_slot *slot = &targets->slots[index];
	uint64_t value = 0;

	if (target)
		memcpy(&value, target, sizeof(value));
	pthread_mutex_lock(&map->lock);
	targets->count += (target != NULL) - slot->present;
	__atomic_store_n(&slot->value, value, __ATOMIC_RELAXED);
	atomic_store_explicit(&slot->present, target != NULL, memory_order_release);
	pthread_mutex_unlock(&map->lock);
}

int bpfe_targets_remove(struct bpfe_map *map, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	if (index >= map->attr.max_entries)
		return -EINVAL;
	bpfe_targets_set(map, index, NULL);
	return 0;
}

uint32_t bpfe_targets_count(const struct bpfe_map *map)
{
	const struct targets *targets = map->data;

	return targets->count;
}

bool bpfe_targets_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	const struct targets *targets = map->data;
	uintptr_t offset = address - (uintptr_t)targets->slots;

	if (offset >= map->attr.max_entries * sizeof(struct target_slot))
		return false;
	offset %= sizeof(struct target_slot);
	return offset <= map->attr.value_size && size <= map->attr.value_size - offset;
}

int bpfe_target_parse(const struct bpfe_map *map, const void *value, struct bpfe_target *target)
{
	*target = (struct bpfe_target){0};
	memcpy(target, value, map->attr.value_size);
	if ((int32_t)target->second > 0)
		return -EOPNOTSUPP;
	target->second = 0;
	return 0;
}
