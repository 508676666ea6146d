/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Prog arrays as tail calls and the load of a program see them. */
#ifndef BPFE_PROG_ARRAY_H
#define BPFE_PROG_ARRAY_H

#include "maps/map.h"

struct bpfe_prog_slot {
	_Atomic(struct bpfe_program *) prog; /* NULL: empty */
	uint32_t id;                         /* what the control plane knows it by */
};

/* Start of map->data; the slots follow. */
struct bpfe_prog_array {
	/* What its programs are, fixed by the first that is put in or that refers to the map. */
	bool bound;
	uint32_t type;
	uint32_t mem_size;
	bool compiled;
	_Atomic uint32_t count;
	struct bpfe_prog_slot slots[];
};

/*
 * The program at @index of a prog array, NULL if there is none or the index is out of range. Inside
 * a read section, which is how long it stays valid; takes no lock and no reference.
 */
static inline const struct bpfe_program *bpfe_prog_array_get(const struct bpfe_map *map,
							     uint32_t index)
{
	const struct bpfe_prog_array *array = (const struct bpfe_prog_array *)map->data;

	if (index >= map->attr.max_entries)
		return NULL;
	return atomic_load_explicit(&array->slots[index].prog, memory_order_acquire);
}

/*
 * A program of type @type with r1 pointing to @mem_size bytes (BPFE_PROG_MEM; 0 otherwise) is going
 * to tail call through the map, or be called. -EINVAL: others use it that are unlike, or that are
 * compiled and this one is not, or the reverse.
 */
int bpfe_prog_array_bind(struct bpfe_map *map, uint32_t type, uint32_t mem_size, bool compiled);

#endif
