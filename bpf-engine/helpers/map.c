/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Map helpers: bpf_map_lookup_elem, bpf_map_update_elem, bpf_map_delete_elem. */
#include "helpers/helpers.h"
#include "maps/map.h"

BPFE_HELPER(bpfe_helper_map_lookup_elem)
{
	return (uintptr_t)bpfe_map_lookup_cpu((struct bpfe_map *)(uintptr_t)r1,
					      (const void *)(uintptr_t)r2, env->cpu);
}

BPFE_HELPER(bpfe_helper_map_update_elem)
{
	struct bpfe_map *map = (struct bpfe_map *)(uintptr_t)r1;

	return (uint64_t)(int64_t)map->ops->update(map, (const void *)(uintptr_t)r2,
						   (const void *)(uintptr_t)r3, r4, env->cpu);
}

BPFE_HELPER(bpfe_helper_map_delete_elem)
{
	return (uint64_t)(int64_t)bpfe_map_delete((struct bpfe_map *)(uintptr_t)r1,
						  (const void *)(uintptr_t)r2);
}
