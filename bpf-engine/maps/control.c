/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The operations on maps as the control plane calls them: Linux's bpf() on a map. */
#include <errno.h>
#include <string.h>
#include "maps/map.h"

int bpfe_map_may_write(const struct bpfe_map *map)
{
	return map->attr.flags & BPF_F_RDONLY || atomic_load(&map->frozen) ? -EPERM : 0;
}

static int may_read(const struct bpfe_map *map)
{
	return map->attr.flags & BPF_F_WRONLY ? -EPERM : 0;
}

int bpfe_map_freeze(struct bpfe_map *map)
{
	if (map->attr.has_spin_lock)
		return -EOPNOTSUPP;
	if (map->attr.flags & BPF_F_RDONLY)
		return -EPERM;
	return atomic_exchange(&map->frozen, true) ? -EPERM : 0;
}

bool bpfe_map_is_frozen(const struct bpfe_map *map)
{
	return atomic_load(&map->frozen);
}

uint32_t bpfe_map_count(const struct bpfe_map *map)
{
	return map->ops->count(map);
}

void *bpfe_map_lookup(struct bpfe_map *map, const void *key)
{
	return map->ops->find ? map->ops->find(map, key) : bpfe_map_lookup_cpu(map, key, 0);
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

static int copy_out(struct bpfe_map *map, const void *key, void *value, bool lock)
{
	void *in_map;

	if (map->ops->read)
		return map->ops->read(map, key, value);
	in_map = bpfe_map_lookup(map, key);
	if (!in_map)
		return -ENOENT;
	if (lock)
		bpfe_map_value_load_locked(map, value, in_map);
	else
		bpfe_map_value_load(map, value, in_map);
	return 0;
}

int bpfe_map_lookup_copy_flags(struct bpfe_map *map, const void *key, void *value, uint64_t flags)
{
	int err = flags & ~(uint64_t)BPF_F_LOCK ? -EINVAL : may_read(map);

	if (err)
		return err;
	if (flags && !map->attr.has_spin_lock)
		return -EINVAL;
	if (!map->ops->read && !map->ops->lookup)
		return -EOPNOTSUPP;
	bpfe_rcu_read_lock();
	err = copy_out(map, key, value, flags & BPF_F_LOCK);
	bpfe_rcu_read_unlock();
	return err;
}

int bpfe_map_lookup_copy(struct bpfe_map *map, const void *key, void *value)
{
	return bpfe_map_lookup_copy_flags(map, key, value, 0);
}

int bpfe_map_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	int err = bpfe_map_may_write(map);

	if (err)
		return err;
	if (flags & BPF_F_LOCK && !map->attr.has_spin_lock)
		return -EINVAL;
	if (map->ops->write)
		return map->ops->write(map, key, value, flags);
	return map->ops->update ? map->ops->update(map, key, value, flags, 0) : -EOPNOTSUPP;
}

int bpfe_map_delete(struct bpfe_map *map, const void *key)
{
	int err = bpfe_map_may_write(map);

	if (err)
		return err;
	return map->ops->remove ? map->ops->remove(map, key) : -EOPNOTSUPP;
}

int bpfe_map_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	int err = may_read(map);

	if (err)
		return err;
	if (!map->ops->get_next_key)
		return -EOPNOTSUPP;
	bpfe_rcu_read_lock();
	err = map->ops->get_next_key(map, key, next);
	bpfe_rcu_read_unlock();
	return err;
}

int bpfe_map_push(struct bpfe_map *map, const void *value, uint64_t flags)
{
	int err = bpfe_map_may_write(map);

	if (err)
		return err;
	return map->ops->push ? map->ops->push(map, value, flags) : -EOPNOTSUPP;
}

int bpfe_map_pop(struct bpfe_map *map, void *value)
{
	int err = bpfe_map_may_write(map);

	if (!err)
		err = may_read(map);
	if (err)
		return err;
	return map->ops->pop ? map->ops->pop(map, value) : -EOPNOTSUPP;
}

int bpfe_map_peek(struct bpfe_map *map, void *value)
{
	int err = may_read(map);

	if (err)
		return err;
	return map->ops->peek ? map->ops->peek(map, value) : -EOPNOTSUPP;
}

int bpfe_map_consume(struct bpfe_map *map, uint32_t max, bpfe_record_fn fn, void *opaque)
{
	return map->ops->consume ? map->ops->consume(map, max, fn, opaque) : -EINVAL;
}

uint64_t bpfe_map_lost(const struct bpfe_map *map)
{
	return map->ops->lost ? map->ops->lost(map) : 0;
}
