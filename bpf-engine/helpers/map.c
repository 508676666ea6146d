/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Map helpers: bpf_map_lookup_elem, bpf_map_update_elem, bpf_map_delete_elem. */
#include <errno.h>
#include "helpers/helpers.h"
#include "maps/map.h"

static BPFE_HELPER(map_lookup_elem)
{
	return (uintptr_t)bpfe_map_lookup_cpu((struct bpfe_map *)(uintptr_t)r1,
					      (const void *)(uintptr_t)r2, env->cpu);
}

static BPFE_HELPER(map_update_elem)
{
	struct bpfe_map *map = (struct bpfe_map *)(uintptr_t)r1;

	if (!map->ops->update)
		return bpfe_helper_error(-EOPNOTSUPP);
	return (uint64_t)(int64_t)map->ops->update(map, (const void *)(uintptr_t)r2,
						   (const void *)(uintptr_t)r3, r4, env->cpu);
}

static BPFE_HELPER(map_delete_elem)
{
	struct bpfe_map *map = (struct bpfe_map *)(uintptr_t)r1;

	return bpfe_helper_error(map->ops->remove
					 ? map->ops->remove(map, (const void *)(uintptr_t)r2)
					 : -EOPNOTSUPP);
}

const struct bpfe_helper bpfe_map_helpers[] = {
	{.id = BPF_FUNC_map_lookup_elem,
	 .name = "bpf_map_lookup_elem",
	 .fn = map_lookup_elem,
	 .ret = BPFE_RET_MAP_VALUE_OR_NULL,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY}},
	{.id = BPF_FUNC_map_update_elem,
	 .name = "bpf_map_update_elem",
	 .fn = map_update_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY, BPFE_ARG_MAP_VALUE, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_map_delete_elem,
	 .name = "bpf_map_delete_elem",
	 .fn = map_delete_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY}},
	{0},
};
