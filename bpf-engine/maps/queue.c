/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: a ring of values without keys. Taking a value changes
 * the ring, so every operation holds the map's lock, as Linux's do, for one copy at most. A slot is
 * only ever read after it was written whole, so that none needs zeroing.
 */
#include <errno.h>
#include <string.h>
#include "maps/map.h"

/* Start of map->data; the values follow. */
struct queue_header {
	uint32_t oldest; /* slot */
	uint32_t count;
};

static const struct bpfe_map_rules queue_rules = {
	.what = "a queue",
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = BPF_F_NUMA_NODE | BPFE_MAP_ACCESS_FLAGS,
};

static const struct bpfe_map_rules stack_rules = {
	.what = "a stack",
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = BPF_F_NUMA_NODE | BPFE_MAP_ACCESS_FLAGS,
};

static int queue_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &queue_rules, log);
}

static int stack_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &stack_rules, log);
}

static size_t queue_data_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct queue_header) + bpfe_value_stride(attr) * attr->max_entries;
}

static int queue_init(struct bpfe_map *map)
{
	return 0;
}

/* The value that is @age steps younger than the oldest. Under the lock. */
static void *value_at(const struct bpfe_map *map, uint32_t age)
{
	const struct queue_header *h = map->data;
	size_t slot = ((size_t)h->oldest + age) % map->attr.max_entries;

	return (uint8_t *)map->data + sizeof(*h) + slot * bpfe_value_stride(&map->attr);
}

static int queue_push(struct bpfe_map *map, const void *value, uint64_t flags)
{
	struct queue_header *h = map->data;
	int err = 0;

	if (flags & BPF_NOEXIST || flags > BPF_EXIST)
		return -EINVAL;
	pthread_mutex_lock(&map->lock);
	if (h->count == map->attr.max_entries && flags == BPF_EXIST) {
		h->oldest = (h->oldest + 1) % map->attr.max_entries;
		h->count--;
	}
	if (h->count == map->attr.max_entries)
		err = -E2BIG;
	else
		memcpy(value_at(map, h->count++), value, map->attr.value_size);
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* Copy the next value: the oldest of a queue, the youngest of a stack. */
static int take(struct bpfe_map *map, void *value, bool stack, bool keep)
{
	struct queue_header *h = map->data;
	int err = 0;

	pthread_mutex_lock(&map->lock);
	if (h->count) {
		memcpy(value, value_at(map, stack ? h->count - 1 : 0), map->attr.value_size);
		if (!keep) {
			h->count--;
			if (!stack)
				h->oldest = (h->oldest + 1) % map->attr.max_entries;
		}
	} else {
		memset(value, 0, map->attr.value_size);
		err = -ENOENT;
	}
	pthread_mutex_unlock(&map->lock);
	return err;
}

static int queue_pop(struct bpfe_map *map, void *value)
{
	return take(map, value, false, false);
}

static int queue_peek(struct bpfe_map *map, void *value)
{
	return take(map, value, false, true);
}

static int stack_pop(struct bpfe_map *map, void *value)
{
	return take(map, value, true, false);
}

static int stack_peek(struct bpfe_map *map, void *value)
{
	return take(map, value, true, true);
}

/* ---- Linux's element system calls, which mean the same without a key ---- */

static int queue_read(struct bpfe_map *map, const void *key, void *value)
{
	return map->ops->peek(map, value);
}

static int queue_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	return queue_push(map, value, flags);
}

static int queue_remove(struct bpfe_map *map, const void *key)
{
	return -EINVAL;
}

static int queue_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	return -EINVAL;
}

static uint32_t queue_count(const struct bpfe_map *map)
{
	const struct queue_header *h = map->data;

	return __atomic_load_n(&h->count, __ATOMIC_RELAXED);
}

static void queue_destroy(struct bpfe_map *map)
{
}

const struct bpfe_map_ops bpfe_queue_ops = {
	.type = BPF_MAP_TYPE_QUEUE,
	.check = queue_check,
	.storage_size = queue_data_size,
	.init = queue_init,
	.read = queue_read,
	.write = queue_write,
	.remove = queue_remove,
	.get_next_key = queue_get_next_key,
	.push = queue_push,
	.pop = queue_pop,
	.peek = queue_peek,
	.count = queue_count,
	.destroy = queue_destroy,
};

const struct bpfe_map_ops bpfe_stack_ops = {
	.type = BPF_MAP_TYPE_STACK,
	.check = stack_check,
	.storage_size = queue_data_size,
	.init = queue_init,
	.read = queue_read,
	.write = queue_write,
	.remove = queue_remove,
	.get_next_key = queue_get_next_key,
	.push = queue_push,
	.pop = stack_pop,
	.peek = stack_peek,
	.count = queue_count,
	.destroy = queue_destroy,
};
