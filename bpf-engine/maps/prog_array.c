/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_PROG_ARRAY: the targets of tail calls.
 *
 * A slot holds a reference to its program, and a program to its maps: one that stands in a prog
 * array it refers to would live for ever. As in Linux, the array is emptied when its last user goes
 * (programs are none), whatever programs still run with it: their tail calls then fall through.
 */
#include <errno.h>
#include <string.h>
#include "interp/interp.h"
#include "maps/prog_array.h"

static int prog_array_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1,
				       BPFE_MAP_MAX_ENTRIES);

	if (!err && (attr->key_size != sizeof(uint32_t) || attr->value_size != sizeof(uint32_t)))
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map key size %u and value size %u are not 4 and 4, which a prog "
				  "array needs",
				  attr->key_size, attr->value_size);
	return err ? err : bpfe_map_check_flags(attr, BPFE_MAP_OBJECT_FLAGS, log);
}

static size_t prog_array_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct bpfe_prog_array) +
	       (size_t)attr->max_entries * sizeof(struct bpfe_prog_slot);
}

static int prog_array_init(struct bpfe_map *map)
{
	return 0;
}

int bpfe_prog_array_bind(struct bpfe_map *map, uint32_t type, uint32_t mem_size, bool compiled)
{
	struct bpfe_prog_array *array = map->data;
	int err = 0;

	pthread_mutex_lock(&map->lock);
	if (!array->bound) {
		array->bound = true;
		array->type = type;
		array->mem_size = mem_size;
		array->compiled = compiled;
	} else if (array->type != type || array->mem_size != mem_size ||
		   array->compiled != compiled) {
		err = -EINVAL;
	}
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* Put @prog, a reference of the slot's own, in place of what is there. -ENOENT: both are NULL. */
static int replace(struct bpfe_map *map, uint32_t index, struct bpfe_program *prog, uint32_t id)
{
	struct bpfe_prog_array *array = map->data;
	struct bpfe_prog_slot *slot = &array->slots[index];
	struct bpfe_program *old;

	pthread_mutex_lock(&map->lock);
	old = atomic_exchange_explicit(&slot->prog, prog, memory_order_acq_rel);
	slot->id = id;
	array->count += (prog != NULL) - (old != NULL);
	pthread_mutex_unlock(&map->lock);
	bpfe_program_put(old);
	return prog || old ? 0 : -ENOENT;
}

int bpfe_map_set_program(struct bpfe_map *map, uint32_t index, struct bpfe_program *prog,
			 uint32_t id)
{
	int err = bpfe_map_may_write(map);

	if (err)
		return err;
	if (map->attr.type != BPF_MAP_TYPE_PROG_ARRAY)
		return -EINVAL;
	if (index >= map->attr.max_entries)
		return -E2BIG;
	if (!prog)
		return replace(map, index, NULL, 0);
	err = bpfe_prog_array_bind(map, prog->type, prog->mem_size, prog->jit != NULL);
	return err ? err : replace(map, index, bpfe_program_get(prog), id);
}

static int prog_array_remove(struct bpfe_map *map, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return bpfe_map_set_program(map, index, NULL, 0);
}

static int prog_array_read(struct bpfe_map *map, const void *key, void *value)
{
	struct bpfe_prog_array *array = map->data;
	uint32_t index;
	int err = -ENOENT;

	memcpy(&index, key, sizeof(index));
	if (index >= map->attr.max_entries)
		return -ENOENT;
	pthread_mutex_lock(&map->lock);
	if (array->slots[index].prog) {
		memcpy(value, &array->slots[index].id, sizeof(array->slots[index].id));
		err = 0;
	}
	pthread_mutex_unlock(&map->lock);
	return err;
}

static uint32_t prog_array_count(const struct bpfe_map *map)
{
	const struct bpfe_prog_array *array = map->data;

	return array->count;
}

static void prog_array_clear(struct bpfe_map *map)
{
	for (uint32_t index = 0; index < map->attr.max_entries; index++)
		replace(map, index, NULL, 0);
}

const struct bpfe_map_ops bpfe_prog_array_ops = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.check = prog_array_check,
	.storage_size = prog_array_size,
	.init = prog_array_init,
	.unused = prog_array_clear,
	.read = prog_array_read,
	.remove = prog_array_remove,
	.get_next_key = bpfe_array_get_next_key,
	.count = prog_array_count,
	.destroy = prog_array_clear,
};
