/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY: a ring for each processor, at the index of its number. In Linux
 * the control plane opens an event for each; here all of attr.cpus that max_entries has room for
 * are open from the start, with BPFE_PERF_RING bytes each.
 */
#include <errno.h>
#include <string.h>
#include "maps/perf_event_array.h"
#include "maps/ring.h"

#define PERF_RING 65536u

static uint32_t n_rings(const struct bpfe_map_attr *attr)
{
	uint32_t cpus = attr->cpus ? attr->cpus : BPFE_DEFAULT_CPUS;

	return cpus < attr->max_entries ? cpus : attr->max_entries;
}

static struct bpfe_ring *ring_at(const struct bpfe_map *map, uint32_t index)
{
	return (struct bpfe_ring *)((uint8_t *)map->data + index * bpfe_ring_bytes(PERF_RING));
}

static int perf_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1,
				       BPFE_MAP_MAX_ENTRIES);

	if (!err && attr->cpus)
		err = bpfe_map_check_range(log, "cpus", attr->cpus, 1, BPFE_MAX_CPUS);
	if (!err && (attr->key_size != sizeof(uint32_t) || attr->value_size != sizeof(uint32_t)))
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map key size %u and value size %u are not 4 and 4, which a perf "
				  "event array needs",
				  attr->key_size, attr->value_size);
	return err ? err
		   : bpfe_map_check_flags(attr, BPFE_MAP_OBJECT_FLAGS | BPF_F_PRESERVE_ELEMS, log);
}

static size_t perf_size(const struct bpfe_map_attr *attr)
{
	return n_rings(attr) * bpfe_ring_bytes(PERF_RING);
}

static int perf_init(struct bpfe_map *map)
{
	for (uint32_t i = 0; i < n_rings(&map->attr); i++)
		bpfe_ring_init(ring_at(map, i), PERF_RING);
	return 0;
}

int bpfe_perf_event_output(struct bpfe_map *map, uint64_t index, uint32_t cpu, const void *data,
			   size_t data_size, const void *frame, size_t frame_size)
{
	struct bpfe_ring *ring;
	uint8_t *record;

	if (index == BPF_F_CURRENT_CPU)
		index = cpu;
	if (index >= map->attr.max_entries)
		return -E2BIG;
	if (index >= n_rings(&map->attr))
		return -ENOENT;
	if (index != cpu)
		return -EOPNOTSUPP;
	ring = ring_at(map, (uint32_t)index);
	record = bpfe_ring_reserve(ring, data_size + frame_size, cpu);
	if (!record)
		return -ENOSPC;
	if (data_size)
		memcpy(record, data, data_size);
	memcpy(record + data_size, frame, frame_size);
	if (bpfe_ring_commit(ring, record, false))
		bpfe_map_data_ready(map);
	return 0;
}

static int perf_consume(struct bpfe_map *map, uint32_t max, bpfe_record_fn fn, void *opaque)
{
	uint32_t n = 0;
	bool stop = false;

	for (uint32_t i = 0; i < n_rings(&map->attr) && !stop && (!max || n < max); i++)
		n += bpfe_ring_consume(ring_at(map, i), max ? max - n : 0, fn, opaque, &stop);
	return (int)n;
}

static uint64_t perf_lost(const struct bpfe_map *map)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < n_rings(&map->attr); i++)
		lost += atomic_load_explicit(&ring_at(map, i)->lost, memory_order_relaxed);
	return lost;
}

static uint32_t perf_count(const struct bpfe_map *map)
{
	return n_rings(&map->attr);
}

static void perf_destroy(struct bpfe_map *map)
{
}

const struct bpfe_map_ops bpfe_perf_event_array_ops = {
	.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	.check = perf_check,
	.storage_size = perf_size,
	.init = perf_init,
	.get_next_key = bpfe_array_get_next_key,
	.consume = perf_consume,
	.lost = perf_lost,
	.count = perf_count,
	.destroy = perf_destroy,
};
