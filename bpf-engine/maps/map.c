/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Maps of any type: creation, references, and the operations as the control plane calls them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "alloc.h"
#include "maps/map.h"

#define MAP_FLAGS (BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)

static const char *flag_name(uint32_t flag)
{
	static const char *const names[] = {
		"BPF_F_NO_PREALLOC",  "BPF_F_NO_COMMON_LRU",
		"BPF_F_NUMA_NODE",    "BPF_F_RDONLY",
		"BPF_F_WRONLY",       "BPF_F_STACK_BUILD_ID",
		"BPF_F_ZERO_SEED",    "BPF_F_RDONLY_PROG",
		"BPF_F_WRONLY_PROG",  "BPF_F_CLONE",
		"BPF_F_MMAPABLE",     "BPF_F_PRESERVE_ELEMS",
		"BPF_F_INNER_MAP",    "BPF_F_LINK",
		"BPF_F_PATH_FD",      "BPF_F_VTYPE_BTF_OBJ_FD",
		"BPF_F_TOKEN_FD",     "BPF_F_SEGV_ON_FAULT",
		"BPF_F_NO_USER_CONV",
	};
	unsigned bit = (unsigned)__builtin_ctz(flag);

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : "unknown flag";
}

int bpfe_map_check_flags(const struct bpfe_map_attr *attr, uint32_t allowed, struct bpfe_log *log)
{
	uint32_t bad = attr->flags & ~allowed;

	if (bad)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flag %s (0x%x) is not supported", flag_name(bad),
				   bad & -bad);
	if ((attr->flags & BPF_F_RDONLY_PROG) && (attr->flags & BPF_F_WRONLY_PROG))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flags BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude "
				   "each other");
	return 0;
}

int bpfe_map_check_range(struct bpfe_log *log, const char *what, uint32_t value, uint32_t min,
			 uint32_t max)
{
	if (value >= min && value <= max)
		return 0;
	return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0, "map %s %u is out of range, %u to %u",
			   what, value, min, max);
}

int bpfe_map_check_common(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "key size", attr->key_size, 1, BPFE_MAP_MAX_KEY);

	if (!err)
		err = bpfe_map_check_range(log, "value size", attr->value_size, 1,
					   BPFE_MAP_MAX_VALUE);
	if (!err)
		err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1,
					   BPFE_MAP_MAX_ENTRIES);
	if (!err)
		err = bpfe_map_check_flags(attr, MAP_FLAGS, log);
	return err;
}

int bpfe_map_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	const struct bpfe_map_ops *ops = bpfe_map_ops(attr->type);

	if (!ops)
		return bpfe_refuse(log, -EOPNOTSUPP, BPFE_BAD_MAP, 0,
				   "map type %u is not supported, only array (%d) and hash (%d)",
				   attr->type, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH);
	return ops->check ? ops->check(attr, log) : bpfe_map_check_common(attr, log);
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
	    __builtin_add_overflow(size, sizeof(struct bpfe_map), &size))
		return 0;
	return size;
}

static void map_free(struct bpfe_map *map)
{
	const struct bpfe_allocator alloc = map->alloc;

	map->ops->destroy(map);
	pthread_mutex_destroy(&map->lock);
	bpfe_free(&alloc, map->data, map->data_size);
	bpfe_free(&alloc, map, sizeof(*map));
}

static struct bpfe_map *map_alloc(const struct bpfe_map_attr *attr,
				  const struct bpfe_allocator *alloc, size_t data_size)
{
	struct bpfe_map *map = bpfe_alloc(alloc, sizeof(*map), _Alignof(struct bpfe_map));

	if (!map)
		return NULL;
	map->ops = bpfe_map_ops(attr->type);
	map->attr = *attr;
	map->attr.name[BPFE_NAME_LEN - 1] = '\0';
	map->alloc = *alloc;
	map->data_size = data_size;
	map->refs = 1;
	map->users = 1;
	pthread_mutex_init(&map->lock, NULL);
	map->data = bpfe_alloc(alloc, data_size, 8);
	if (!map->data) {
		pthread_mutex_destroy(&map->lock);
		bpfe_free(alloc, map, sizeof(*map));
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

uint32_t bpfe_map_count(const struct bpfe_map *map)
{
	return map->ops->count(map);
}

void *bpfe_map_lookup(struct bpfe_map *map, const void *key)
{
	return bpfe_map_lookup_cpu(map, key, 0);
}

void *bpfe_map_lookup_cpu(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	return map->ops->lookup ? map->ops->lookup(map, key, cpu) : NULL;
}

size_t bpfe_map_value_bytes(const struct bpfe_map *map)
{
	return map->ops->per_cpu ? bpfe_value_stride(&map->attr) * map->attr.cpus
				 : map->attr.value_size;
}

int bpfe_map_lookup_copy(struct bpfe_map *map, const void *key, void *value)
{
	const void *in_map;
	int err;

	if (!map->ops->read && !map->ops->lookup)
		return -EOPNOTSUPP;
	bpfe_rcu_read_lock();
	if (map->ops->read) {
		err = map->ops->read(map, key, value);
		bpfe_rcu_read_unlock();
		return err;
	}
	in_map = map->ops->lookup(map, key, 0);
	if (in_map)
		bpfe_value_load(value, in_map, map->attr.value_size);
	bpfe_rcu_read_unlock();
	return in_map ? 0 : -ENOENT;
}

int bpfe_map_freeze(struct bpfe_map *map)
{
	return atomic_exchange(&map->frozen, true) ? -EBUSY : 0;
}

bool bpfe_map_is_frozen(const struct bpfe_map *map)
{
	return atomic_load(&map->frozen);
}

int bpfe_map_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	if (bpfe_map_is_frozen(map))
		return -EPERM;
	if (map->ops->write)
		return map->ops->write(map, key, value, flags);
	if (!map->ops->update)
		return -EOPNOTSUPP;
	return map->ops->update(map, key, value, flags, 0);
}

int bpfe_map_delete(struct bpfe_map *map, const void *key)
{
	if (bpfe_map_is_frozen(map))
		return -EPERM;
	return map->ops->remove ? map->ops->remove(map, key) : -EOPNOTSUPP;
}

int bpfe_map_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	int err;

	if (!map->ops->get_next_key)
		return -EOPNOTSUPP;
	bpfe_rcu_read_lock();
	err = map->ops->get_next_key(map, key, next);
	bpfe_rcu_read_unlock();
	return err;
}

int bpfe_map_consume(struct bpfe_map *map, uint32_t max, bpfe_record_fn fn, void *opaque)
{
	return map->ops->consume ? map->ops->consume(map, max, fn, opaque) : -EINVAL;
}

uint64_t bpfe_map_lost(const struct bpfe_map *map)
{
	return map->ops->lost ? map->ops->lost(map) : 0;
}

void bpfe_value_store(void *in_map, const void *src, size_t size)
{
	uint64_t *to = in_map;
	const uint8_t *from = src;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), from += sizeof(word)) {
		memcpy(&word, from, sizeof(word));
		__atomic_store_n(to++, word, __ATOMIC_RELAXED);
	}
	if (size)
		memcpy(to, from, size);
}

void bpfe_value_load(void *dst, const void *in_map, size_t size)
{
	const uint64_t *from = in_map;
	uint8_t *to = dst;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), to += sizeof(word)) {
		word = __atomic_load_n(from++, __ATOMIC_RELAXED);
		memcpy(to, &word, sizeof(word));
	}
	if (size)
		memcpy(to, from, size);
}
