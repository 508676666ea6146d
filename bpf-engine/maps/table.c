/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The map types built in. */
#include "maps/map.h"

static const struct bpfe_map_ops *const map_types[] = {
	/* clang-format off */
	&bpfe_array_ops,
	&bpfe_percpu_array_ops,
	&bpfe_hash_ops,
	&bpfe_percpu_hash_ops,
	&bpfe_lru_hash_ops,
	&bpfe_lru_percpu_hash_ops,
	&bpfe_lpm_trie_ops,
	&bpfe_queue_ops,
	&bpfe_stack_ops,
	&bpfe_bloom_ops,
	&bpfe_prog_array_ops,
	&bpfe_array_of_maps_ops,
	&bpfe_hash_of_maps_ops,
	&bpfe_ringbuf_ops,
	&bpfe_perf_event_array_ops,
	&bpfe_devmap_ops,
	&bpfe_devmap_hash_ops,
	&bpfe_cpumap_ops,
	&bpfe_xskmap_ops,
	/* clang-format on */
};

const struct bpfe_map_ops *bpfe_map_ops(uint32_t type)
{
	for (size_t i = 0; i < sizeof(map_types) / sizeof(map_types[0]); i++) {
		if (map_types[i]->type == type)
			return map_types[i];
	}
	return NULL;
}

bool bpfe_map_type_supported(uint32_t type)
{
	return bpfe_map_ops(type) != NULL;
}
