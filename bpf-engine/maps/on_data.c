/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Telling the consumer of a ring buffer or perf event array that there is something to consume. */
#include <errno.h>
#include "maps/map.h"

int bpfe_map_on_data(struct bpfe_map *map, bpfe_data_fn fn, void *opaque)
{
	if (!map->ops->consume)
		return -EINVAL;
	atomic_store_explicit(&map->on_data, NULL, memory_order_relaxed);
	/* Nobody is still calling the old one with what becomes the new one's argument. */
	bpfe_rcu_synchronize();
	map->on_data_opaque = opaque;
	atomic_store_explicit(&map->on_data, fn, memory_order_release);
	return 0;
}

void bpfe_map_data_ready(struct bpfe_map *map)
{
	bpfe_data_fn fn = atomic_load_explicit(&map->on_data, memory_order_acquire);

	if (fn)
		fn(map->on_data_opaque, map);
}
