/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Array-of-maps and hash-of-maps: what they share. */
#ifndef BPFE_MAP_IN_MAP_H
#define BPFE_MAP_IN_MAP_H

#include "maps/map.h"

static inline bool bpfe_is_map_in_map(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/*
 * Put @inner, or with NULL nothing, at @key: what bpfe_map_set_inner() does once it knows that it
 * fits. The map takes its reference itself. Errors as there.
 */
int bpfe_array_of_maps_set(struct bpfe_map *map, const void *key, struct bpfe_map *inner,
			   uint32_t id, uint64_t flags);
int bpfe_hash_of_maps_set(struct bpfe_map *map, const void *key, struct bpfe_map *inner,
			  uint32_t id, uint64_t flags);

/* bpfe_map_ops.check, less what is up to one type: the value size and the template. */
int bpfe_map_in_map_check(const struct bpfe_map_attr *attr, struct bpfe_log *log);

/* bpfe_map_ops.init of both, less the rest: keep a copy of the template at @copy. */
void bpfe_map_in_map_keep_template(struct bpfe_map *map, struct bpfe_map_attr *copy);

/* bpfe_map_ops.contains of both. Slow: asks each map there is. */
bool bpfe_map_in_map_contains(const struct bpfe_map *map, uintptr_t address, size_t size);

/* Is @inner one of @map's values now? For the checked interpreter; false for any other map. */
bool bpfe_map_in_map_has(const struct bpfe_map *map, const struct bpfe_map *inner);

#endif
