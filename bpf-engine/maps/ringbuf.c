/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF_MAP_TYPE_RINGBUF: one ring of max_entries bytes that all processors write to. */
#include <errno.h>
#include "maps/ringbuf.h"

#define PAGE_SIZE  4096u
#define MAX_SIZE   (1u << 30)
#define MAX_RECORD (UINT32_MAX / 4) /* Linux's */

static int ringbuf_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	uint32_t size = attr->max_entries;

	if (attr->key_size || attr->value_size)
		return bpfe_refuse(
			log, -EINVAL, BPFE_BAD_MAP, 0,
			"map key size %u and value size %u are not 0 and 0, which a ring "
			"buffer needs",
			attr->key_size, attr->value_size);
	if (size < PAGE_SIZE || size > MAX_SIZE || size & (size - 1))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map max_entries %u is not a ring buffer's size, a power of two "
				   "from %u to %u",
				   size, PAGE_SIZE, MAX_SIZE);
	return bpfe_map_check_flags(attr, BPF_F_NUMA_NODE, log);
}

static size_t ringbuf_size(const struct bpfe_map_attr *attr)
{
	return bpfe_ring_bytes(attr->max_entries);
}

static int ringbuf_init(struct bpfe_map *map)
{
	bpfe_ring_init(map->data, map->attr.max_entries);
	return 0;
}

void *bpfe_ringbuf_reserve(struct bpfe_map *map, uint64_t size, uint32_t cpu)
{
	return bpfe_ring_reserve(map->data, size <= MAX_RECORD ? size : UINT64_MAX, cpu);
}

static void commit(struct bpfe_map *map, void *record, uint64_t flags, bool discard)
{
	bool awaited = bpfe_ring_commit(map->data, record, discard);

	if (flags & BPF_RB_FORCE_WAKEUP || (awaited && !(flags & BPF_RB_NO_WAKEUP)))
		bpfe_map_data_ready(map);
}

void bpfe_ringbuf_submit(struct bpfe_map *map, void *record, uint64_t flags)
{
	commit(map, record, flags, false);
}

void bpfe_ringbuf_discard(struct bpfe_map *map, void *record, uint64_t flags)
{
	commit(map, record, flags, true);
}

uint64_t bpfe_ringbuf_query(const struct bpfe_map *map, uint64_t what)
{
	const struct bpfe_ring *ring = map->data;
	uint64_t consumer = atomic_load_explicit(&ring->consumer, memory_order_acquire);
	uint64_t producer = atomic_load_explicit(&ring->producer, memory_order_acquire);

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return producer - consumer;
	case BPF_RB_RING_SIZE:
		return ring->size;
	case BPF_RB_CONS_POS:
		return consumer;
	case BPF_RB_PROD_POS:
		return producer;
	default:
		return 0;
	}
}

/* ---- On behalf of a run -------------------------------------------------------------------- */

void *bpfe_run_reserve(struct bpfe_run_env *env, struct bpfe_map *map, uint64_t size)
{
	void *record;

	if (env->n_held == BPFE_MAX_HELD)
		return NULL;
	record = bpfe_ringbuf_reserve(map, size, env->cpu);
	if (record)
		env->held[env->n_held++] = (struct bpfe_held_record){.map = map, .record = record};
	return record;
}

void bpfe_run_commit(struct bpfe_run_env *env, void *record, uint64_t flags, bool discard)
{
	for (uint32_t i = 0; i < env->n_held; i++) {
		struct bpfe_map *map = env->held[i].map;

		if (env->held[i].record != record)
			continue;
		env->held[i] = env->held[--env->n_held];
		commit(map, record, flags, discard);
		return;
	}
}

void bpfe_run_drop_held(struct bpfe_run_env *env)
{
	while (env->n_held)
		bpfe_run_commit(env, env->held[0].record, 0, true);
}

bool bpfe_run_holds(const struct bpfe_run_env *env, uintptr_t address, size_t size)
{
	for (uint32_t i = 0; i < env->n_held; i++) {
		uintptr_t offset = address - (uintptr_t)env->held[i].record;
		uint32_t record_size = bpfe_ring_record_size(env->held[i].record);

		if (offset <= record_size && size <= record_size - offset)
			return true;
	}
	return false;
}

/* ---- Control plane ------------------------------------------------------------------------- */

static int ringbuf_consume(struct bpfe_map *map, uint32_t max, bpfe_record_fn fn, void *opaque)
{
	bool stop = false;

	return (int)bpfe_ring_consume(map->data, max, fn, opaque, &stop);
}

static uint64_t ringbuf_lost(const struct bpfe_map *map)
{
	const struct bpfe_ring *ring = map->data;

	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

static uint32_t ringbuf_count(const struct bpfe_map *map)
{
	return 0; /* it has records, not elements */
}

static void ringbuf_destroy(struct bpfe_map *map)
{
}

const struct bpfe_map_ops bpfe_ringbuf_ops = {
	.type = BPF_MAP_TYPE_RINGBUF,
	.check = ringbuf_check,
	.storage_size = ringbuf_size,
	.init = ringbuf_init,
	.consume = ringbuf_consume,
	.lost = ringbuf_lost,
	.count = ringbuf_count,
	.destroy = ringbuf_destroy,
};
