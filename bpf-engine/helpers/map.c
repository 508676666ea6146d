/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Map helpers: bpf_map_lookup_elem, bpf_map_update_elem, bpf_map_delete_elem. */
#include "helpers/helpers.h"

BPFE_HELPER(bpfe_helper_map_lookup_elem)
{
	return (uintptr_t)bpfe_map_lookup((struct bpfe_map *)(uintptr_t)r1,
					  (const void *)(uintptr_t)r2);
}

BPFE_HELPER(bpfe_helper_map_update_elem)
{
	return (uint64_t)(int64_t)bpfe_map_update((struct bpfe_map *)(uintptr_t)r1,
						  (const void *)(uintptr_t)r2,
						  (const void *)(uintptr_t)r3, r4);
}

BPFE_HELPER(bpfe_helper_map_delete_elem)
{
	return (uint64_t)(int64_t)bpfe_map_delete((struct bpfe_map *)(uintptr_t)r1,
						  (const void *)(uintptr_t)r2);
}
