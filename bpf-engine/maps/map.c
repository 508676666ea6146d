/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Maps of any type: creation, storage and references. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "alloc.h"
#include "maps/map.h"

int bpfe_map_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	const struct bpfe_map_ops *ops = bpfe_map_ops(attr->type);

	if (!ops)
		return bpfe_map_refuse_type(attr->type, log);
	return ops->check ? ops->check(attr, log) : bpfe_map_check_common(attr, log);
}

/* Bytes of struct bpfe_map and what the type keeps beside the data. */
static size_t map_struct_size(const struct bpfe_map_attr *attr)
{
	const struct bpfe_map_ops *ops = bpfe_map_ops(attr->type);

	return sizeof(struct bpfe_map) + (ops->private_size ? ops->private_size(attr) : 0);
}

size_t bpfe_map_storage_size(const struct bpfe_map_attr *attr)
{
	const struct bpfe_map_ops *ops = bpfe_map_ops(attr->type);
	size_t size;

	if (bpfe_map_check(attr, NULL))
		return 0;
	size = ops->storage_size(attr);
	if (!size ||
	    __builtin_add_overflow(size, ops->extra_size ? ops->extra_size(attr) : 0, &size) ||
	    __builtin_add_overflow(size, map_struct_size(attr), &size))
		return 0;
	return size;
}

static void map_free(struct bpfe_map *map)
{
	const struct bpfe_allocator alloc = map->alloc;

	map->ops->destroy(map);
	pthread_mutex_destroy(&map->lock);
	bpfe_free(&alloc, map->data, map->data_size);
	bpfe_free(&alloc, map, map->struct_size);
}

static struct bpfe_map *map_alloc(const struct bpfe_map_attr *attr,
				  const struct bpfe_allocator *alloc, size_t data_size)
{
	size_t struct_size = map_struct_size(attr);
	struct bpfe_map *map = bpfe_alloc(alloc, struct_size, _Alignof(struct bpfe_map));

	if (!map)
		return NULL;
	map->struct_size = struct_size;
	map->ops = bpfe_map_ops(attr->type);
	map->attr = *attr;
	if (map->ops->rdonly_prog)
		map->attr.flags |= BPF_F_RDONLY_PROG;
	map->attr.name[BPFE_NAME_LEN - 1] = '\0';
	if (map->ops->per_cpu)
		map->attr.cpus = bpfe_attr_cpus(attr);
	map->alloc = *alloc;
	map->data_size = data_size;
	map->refs = 1;
	map->users = 1;
	pthread_mutex_init(&map->lock, NULL);
	map->data = bpfe_alloc(alloc, data_size, BPFE_CACHE_LINE);
	if (!map->data) {
		pthread_mutex_destroy(&map->lock);
		bpfe_free(alloc, map, struct_size);
		return NULL;
	}
	return map;
}

int bpfe_map_create(const struct bpfe_map_attr *attr, const struct bpfe_allocator *alloc,
		    struct bpfe_map **result, struct bpfe_log *log)
{
	size_t size = bpfe_map_storage_size(attr);
	int err = bpfe_map_check(attr, log);
	struct bpfe_map *map;

	if (err)
		return err;
	bpfe_rcu_prepare();
	map = size ? map_alloc(attr, bpfe_allocator_or_heap(alloc),
			       bpfe_map_ops(attr->type)->storage_size(attr))
		   : NULL;
	err = map ? map->ops->init(map) : -ENOMEM;
	if (err) {
		if (map)
			map_free(map);
		if (err == -ENOMEM)
			return bpfe_refuse(log, err, BPFE_NO_MEMORY, 0,
					   "no memory for the map's %zu bytes", size);
		return bpfe_refuse(log, err, BPFE_NO_MEMORY, 0, "the map cannot be initialised");
	}
	/* The caller's template is its own; who needs one keeps a copy. */
	if (map->attr.inner == attr->inner)
		map->attr.inner = NULL;
	*result = map;
	return 0;
}

struct bpfe_map *bpfe_map_hold(struct bpfe_map *map)
{
	atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
	return map;
}

static void free_deferred(struct bpfe_rcu_head *head)
{
	map_free((struct bpfe_map *)((uint8_t *)head - offsetof(struct bpfe_map, free_rcu)));
}

void bpfe_map_release(struct bpfe_map *map)
{
	if (map && atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) == 1)
		bpfe_rcu_call(&map->free_rcu, free_deferred);
}

/* Who gets a map that only programs refer to, found through one of them, makes it used again. */
struct bpfe_map *bpfe_map_get(struct bpfe_map *map)
{
	if (atomic_fetch_add_explicit(&map->users, 1, memory_order_relaxed) == 0)
		bpfe_map_hold(map);
	return map;
}

void bpfe_map_put(struct bpfe_map *map)
{
	if (!map || atomic_fetch_sub_explicit(&map->users, 1, memory_order_acq_rel) != 1)
		return;
	if (map->ops->unused)
		map->ops->unused(map);
	bpfe_map_release(map);
}

const struct bpfe_map_attr *bpfe_map_attr(const struct bpfe_map *map)
{
	return &map->attr;
}
