/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Maps of maps. The verifier knows an inner map by its template only, so each map that is put in
 * must be like it in all that the verifier relies on.
 */
#include <errno.h>
#include <string.h>
#include "maps/map_in_map.h"

static int check_template(const struct bpfe_map_attr *inner, struct bpfe_log *log)
{
	if (!inner)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "a map of maps needs a template of its inner maps");
	if (bpfe_is_map_in_map(inner->type))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "a map of maps cannot hold maps of maps");
	if (inner->type == BPF_MAP_TYPE_PROG_ARRAY)
		return bpfe_refuse(log, -EOPNOTSUPP, BPFE_BAD_MAP, 0,
				   "a map of maps cannot hold prog arrays");
	return bpfe_map_check(inner, log);
}

int bpfe_map_in_map_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	if (attr->value_size != sizeof(uint32_t))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map value size %u is not 4, which a map of maps needs",
				   attr->value_size);
	return check_template(attr->inner, log);
}

void bpfe_map_in_map_keep_template(struct bpfe_map *map, struct bpfe_map_attr *copy)
{
	*copy = *map->attr.inner;
	copy->inner = NULL;
	/* As they have it once they are made. */
	if (bpfe_map_ops(copy->type)->rdonly_prog)
		copy->flags |= BPF_F_RDONLY_PROG;
	map->attr.inner = copy;
}

static bool same_lock(const struct bpfe_map_attr *a, const struct bpfe_map_attr *b)
{
	return a->has_spin_lock == b->has_spin_lock &&
	       (!a->has_spin_lock || a->spin_lock_off == b->spin_lock_off);
}

/* As Linux's map_meta_equal of each type. */
static bool fits(const struct bpfe_map_attr *template, const struct bpfe_map_attr *attr)
{
	if (attr->type != template->type || attr->key_size != template->key_size ||
	    attr->value_size != template->value_size || attr->flags != template->flags ||
	    !same_lock(attr, template))
		return false;
	switch (attr->type) {
	case BPF_MAP_TYPE_ARRAY:
		return template->flags & BPF_F_INNER_MAP ||
		       attr->max_entries == template->max_entries;
	case BPF_MAP_TYPE_XSKMAP:
		return attr->max_entries == template->max_entries;
	default:
		return true;
	}
}

int bpfe_map_set_inner(struct bpfe_map *map, const void *key, struct bpfe_map *inner, uint32_t id,
		       uint64_t flags)
{
	int err = bpfe_map_may_write(map);

	if (err)
		return err;
	if (!bpfe_is_map_in_map(map->attr.type))
		return -EINVAL;
	if (inner && !fits(map->attr.inner, &inner->attr))
		return -EINVAL;
	return map->attr.type == BPF_MAP_TYPE_ARRAY_OF_MAPS
		       ? bpfe_array_of_maps_set(map, key, inner, id, flags)
		       : bpfe_hash_of_maps_set(map, key, inner, id, flags);
}

/* Call @fn for each inner map until it says true. Inside a read section. */
static bool any_inner(const struct bpfe_map *map,
		      bool (*fn)(const struct bpfe_map *inner, uintptr_t address, size_t size),
		      uintptr_t address, size_t size)
{
	struct bpfe_map *outer = (struct bpfe_map *)(uintptr_t)map;
	uint8_t key[BPFE_MAP_MAX_KEY];
	const void *previous = NULL;

	while (map->ops->get_next_key(outer, previous, key) == 0) {
		const struct bpfe_map *inner = map->ops->lookup(outer, key, 0);

		if (inner && fn(inner, address, size))
			return true;
		previous = key;
	}
	return false;
}

static bool value_of(const struct bpfe_map *inner, uintptr_t address, size_t size)
{
	return inner->ops->contains && inner->ops->contains(inner, address, size);
}

static bool is_at(const struct bpfe_map *inner, uintptr_t address, size_t size)
{
	return (uintptr_t)inner == address;
}

bool bpfe_map_in_map_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	return any_inner(map, value_of, address, size);
}

bool bpfe_map_in_map_has(const struct bpfe_map *map, const struct bpfe_map *inner)
{
	return bpfe_is_map_in_map(map->attr.type) && any_inner(map, is_at, (uintptr_t)inner, 0);
}
