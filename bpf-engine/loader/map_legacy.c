// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Maps defined without BTF (section maps), which libbpf dropped in 1.0 but iproute2 and many
 * samples still have: each symbol is a structure of 32-bit numbers. Three are about, told apart by
 * size and, where there is BTF, by name:
 *
 *   struct bpf_map_def   type, key_size, value_size, max_entries, map_flags          (libbpf)
 *                        ... and inner_map_idx, numa_node                      (Linux's samples)
 *   struct bpf_elf_map   ... and id, pinning, inner_id, inner_idx, the last two newer  (iproute2)
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIBBPF_WORDS = 5,
	SAMPLE_WORDS = 7,
	IPROUTE2_WORDS = 9,
};

#define NO_INDEX UINT32_MAX

static bool is_iproute2(const struct bpfe_object *obj, const struct map_def *map)
{
	int32_t id = obj->btf ? btf__find_by_name_kind(obj->btf, map->name, BTF_KIND_VAR) : -1;
	const struct btf_type *type =
		id < 0 ? NULL : object_btf_type(obj->btf, btf__type_by_id(obj->btf, id)->type);
	const char *name = type ? btf__name_by_offset(obj->btf, type->name_off) : NULL;

	if (name && name[0])
		return !strcmp(name, "bpf_elf_map");
	return map->size == IPROUTE2_WORDS * sizeof(uint32_t) ||
	       (map->size == SAMPLE_WORDS * sizeof(uint32_t) && !object_holds_maps(map->attr.type));
}

static int check_rest(const struct map_def *map, const uint8_t *data, uint64_t known,
		      struct bpfe_log *log)
{
	for (uint64_t i = known; i < map->size; i++) {
		if (data[i])
			return object_refuse(log,
					     "section maps, symbol '%s': byte %llu is set, beyond "
					     "the members known; use BTF-defined maps (.maps)",
					     map->name, (unsigned long long)i);
	}
	return 0;
}

int object_read_legacy_map(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log)
{
	const uint8_t *data = obj->file.sections[map->section].data + map->offset;
	uint32_t words[IPROUTE2_WORDS] = {0};
	uint64_t known = LIBBPF_WORDS * sizeof(uint32_t);

	if (map->size < known)
		return object_refuse(log,
				     "section maps, symbol '%s': %llu bytes, a struct bpf_map_def "
				     "has %llu",
				     map->name, (unsigned long long)map->size,
				     (unsigned long long)known);
	memcpy(words, data, map->size < sizeof(words) ? map->size : sizeof(words));
	map->attr.type = words[0];
	map->attr.key_size = words[1];
	map->attr.value_size = words[2];
	map->attr.max_entries = words[3];
	map->attr.flags = words[4];
	map->legacy.inner_index = NO_INDEX;
	map->legacy.place = NO_INDEX;
	if (is_iproute2(obj, map)) {
		known = sizeof(words);
		map->legacy.id = words[5];
		map->legacy.inner_id = words[7];
		map->legacy.place = words[8];
	} else if (map->size == SAMPLE_WORDS * sizeof(uint32_t)) {
		known = map->size;
		map->legacy.inner_index = words[5];
	}
	object_adjust_map(map);
	return check_rest(map, data, known, log);
}

/* ---- What refers to other maps -------------------------------------------------------------- */

/* The map that shows what @map's maps look like, or NULL. */
static struct map_def *find_inner(struct bpfe_object *obj, const struct map_def *map)
{
	uint32_t index = 0;

	for (uint32_t i = 0; i < obj->n_maps; i++) {
		struct map_def *other = &obj->maps[i];

		if (other->section != map->section)
			continue;
		if (map->legacy.inner_id ? other->legacy.id == map->legacy.inner_id
					 : index == map->legacy.inner_index)
			return other;
		index++;
	}
	return NULL;
}

static int connect_inner(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log)
{
	struct map_def *inner;

	if (!map->legacy.inner_id && map->legacy.inner_index == NO_INDEX)
		return 0;
	inner = find_inner(obj, map);
	if (!inner || object_holds_maps(inner->attr.type))
		return object_refuse(log,
				     "section maps, symbol '%s': %s %u names no map that it could "
				     "hold",
				     map->name, map->legacy.inner_id ? "inner_id" : "inner_map_idx",
				     map->legacy.inner_id ? map->legacy.inner_id
							  : map->legacy.inner_index);
	map->attr.inner = &inner->attr;
	if (!map->legacy.inner_id || inner->legacy.place == NO_INDEX)
		return 0;
	return object_add_slot(obj, map, inner->legacy.place, inner - obj->maps, log);
}

/* Numbers "ID/INDEX" of the section iproute2 takes a program from for a prog array. */
static bool parse_tail_section(const char *name, uint32_t *id, uint32_t *index)
{
	unsigned long long number[2];
	char *end = NULL;

	if (name[0] < '0' || name[0] > '9')
		return false;
	number[0] = strtoull(name, &end, 0);
	if (*end != '/' || end[1] < '0' || end[1] > '9')
		return false;
	number[1] = strtoull(end + 1, &end, 0);
	if (*end || number[0] > UINT32_MAX || number[1] > UINT32_MAX)
		return false;
	*id = number[0];
	*index = number[1];
	return true;
}

static int connect_tails(struct bpfe_object *obj, const struct function *function,
			 struct bpfe_log *log)
{
	uint32_t id, index;

	if (!function->is_program ||
	    !parse_tail_section(obj->code[function->code].name, &id, &index))
		return 0;
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		struct map_def *map = &obj->maps[i];

		if (map->attr.type == BPF_MAP_TYPE_PROG_ARRAY && map->legacy.id == id && id)
			return object_add_slot(obj, map, index, function - obj->functions, log);
	}
	return 0;
}

int object_connect_legacy_maps(struct bpfe_object *obj, struct bpfe_log *log)
{
	int ret = 0;

	for (uint32_t i = 0; i < obj->n_maps && !ret; i++) {
		if (object_holds_maps(obj->maps[i].attr.type) && !obj->maps[i].has_values)
			ret = connect_inner(obj, &obj->maps[i], log);
	}
	for (uint32_t i = 0; i < obj->n_functions && !ret; i++)
		ret = connect_tails(obj, &obj->functions[i], log);
	return ret;
}
