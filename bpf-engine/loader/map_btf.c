// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Maps defined with BTF (section .maps): each symbol is a variable whose BTF type is a structure.
 * Numbers are encoded as the length of an array a member points to, types as what a member points
 * to, and what the map is to hold as pointers behind the structure.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Deepest chain of typedefs and qualifiers, or of structures, followed; a loop ends here. */
#define BTF_MAX_DEPTH 32

/* Members of a value's type, of those of its members... that are looked at for a lock. */
#define LOCK_MAX_STEPS 65536u

const struct btf_type *object_btf_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int depth = 0; type && (btf_is_mod(type) || btf_is_typedef(type)); depth++) {
		if (depth == BTF_MAX_DEPTH)
			return NULL;
		type = btf__type_by_id(btf, type->type);
	}
	return type;
}

/* ---- Members -------------------------------------------------------------------------------- */

/* Value of a member declared with __uint(), int (*member)[value], or __ulong(), an enumeration. */
static int member_number(const struct btf *btf, const struct btf_member *member, uint64_t *value)
{
	const struct btf_type *type = object_btf_type(btf, member->type);

	if (type && btf_is_enum(type) && btf_vlen(type) == 1) {
		*value = (uint32_t)btf_enum(type)->val;
		return 0;
	}
	if (type && btf_is_enum64(type) && btf_vlen(type) == 1) {
		*value = btf_enum64_value(btf_enum64(type));
		return 0;
	}
	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	type = btf__type_by_id(btf, type->type);
	if (!type || !btf_is_array(type))
		return -EINVAL;
	*value = btf_array(type)->nelems;
	return 0;
}

/* Type and size of a member declared with __type(): type *member. */
static int member_type(const struct btf *btf, const struct btf_member *member, uint32_t *type_id,
		       uint64_t *size)
{
	const struct btf_type *type = object_btf_type(btf, member->type);
	int64_t bytes;

	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	bytes = btf__resolve_size(btf, type->type);
	if (bytes < 0 || bytes > UINT32_MAX)
		return -EINVAL;
	*type_id = type->type;
	*size = bytes;
	return 0;
}

/* What a member declared with __array() has pointers to: type *member[]. */
static const struct btf_type *member_array(const struct btf *btf, const struct btf_member *member)
{
	const struct btf_type *type = object_btf_type(btf, member->type);

	if (!type || !btf_is_array(type))
		return NULL;
	type = object_btf_type(btf, btf_array(type)->type);
	return type && btf_is_ptr(type) ? object_btf_type(btf, type->type) : NULL;
}

/* A size given twice, by key_size and by key, must agree. */
static int set_size(struct bpfe_log *log, const struct map_def *map, const char *what,
		    uint32_t *size, uint64_t value)
{
	if (*size && *size != value)
		return object_refuse(log, "section .maps, symbol '%s': %s size is %u and %llu",
				     map->name, what, *size, (unsigned long long)value);
	*size = value;
	return 0;
}

static int read_members(struct bpfe_object *obj, struct map_def *map, const struct btf_type *type,
			bool inner, struct bpfe_log *log);

static int read_values(struct bpfe_object *obj, struct map_def *map,
		       const struct btf_member *member, uint32_t bit_offset, bool inner,
		       struct bpfe_log *log)
{
	const struct btf_type *type = member_array(obj->btf, member);
	bool holds_maps = object_holds_maps(map->attr.type);
	bool holds_programs = map->attr.type == BPF_MAP_TYPE_PROG_ARRAY;

	if (inner || (!holds_maps && !holds_programs))
		return object_refuse(log,
				     "section .maps, symbol '%s': member 'values' is for maps that "
				     "hold maps or programs, and comes behind 'type'",
				     map->name);
	if (!type || (holds_maps ? !btf_is_struct(type) : !btf_is_func_proto(type)))
		return object_refuse(log,
				     "section .maps, symbol '%s': member 'values' is not declared "
				     "with __array() of %s",
				     map->name, holds_maps ? "a map's structure" : "functions");
	map->values_offset = bit_offset / 8;
	map->has_values = true;
	if (holds_programs)
		return 0;
	map->inner = calloc(1, sizeof(*map->inner));
	if (!map->inner)
		return -ENOMEM;
	map->inner->name = map->name;
	memcpy(map->inner->attr.name, map->attr.name, sizeof(map->attr.name));
	map->attr.inner = &map->inner->attr;
	return read_members(obj, map->inner, type, true, log);
}

static int set_number(struct map_def *map, const char *name, uint64_t value, struct bpfe_log *log)
{
	struct bpfe_map_attr *attr = &map->attr;

	if (!strcmp(name, "map_extra")) {
		attr->map_extra = value;
		return 0;
	}
	if (value > UINT32_MAX)
		return object_refuse(log,
				     "section .maps, symbol '%s': member '%s' is %llu, which "
				     "needs more than 32 bits",
				     map->name, name, (unsigned long long)value);
	if (!strcmp(name, "type"))
		attr->type = value;
	else if (!strcmp(name, "max_entries"))
		attr->max_entries = value;
	else if (!strcmp(name, "map_flags"))
		attr->flags = value;
	else if (!strcmp(name, "key_size"))
		return set_size(log, map, "key", &attr->key_size, value);
	else if (!strcmp(name, "value_size"))
		return set_size(log, map, "value", &attr->value_size, value);
	else if (!strcmp(name, "pinning") || !strcmp(name, "numa_node"))
		object_note(log, "map '%s': '%s' means nothing in the NIC and is ignored",
			    map->name, name);
	else
		return object_refuse(log,
				     "section .maps, symbol '%s': member '%s' is unknown; known "
				     "are type, key, value, key_size, value_size, max_entries, "
				     "map_flags, map_extra, pinning, numa_node and values",
				     map->name, name);
	return 0;
}

static int read_member(struct bpfe_object *obj, struct map_def *map,
		       const struct btf_member *member, struct bpfe_log *log)
{
	const char *name = btf__name_by_offset(obj->btf, member->name_off);
	struct bpfe_map_attr *attr = &map->attr;
	uint64_t value = 0;

	if (!name)
		name = "";
	if (!strcmp(name, "key") && !member_type(obj->btf, member, &map->key_type_id, &value))
		return set_size(log, map, name, &attr->key_size, value);
	if (!strcmp(name, "value") && !member_type(obj->btf, member, &map->value_type_id, &value))
		return set_size(log, map, name, &attr->value_size, value);
	if (!strcmp(name, "key") || !strcmp(name, "value") ||
	    member_number(obj->btf, member, &value))
		return object_refuse(log,
				     "section .maps, symbol '%s': member '%s' is not declared with "
				     "__uint() or __type()",
				     map->name, name);
	return set_number(map, name, value, log);
}

/* ---- Values --------------------------------------------------------------------------------- */

struct lock_search {
	const struct btf *btf;
	uint32_t steps;  /* members looked at: structures in structures multiply */
	uint32_t n;      /* locks found */
	uint32_t offset; /* of the first */
};

static void find_locks(struct lock_search *search, uint32_t type_id, uint64_t base, int depth)
{
	const struct btf_type *type = object_btf_type(search->btf, type_id);
	const char *name = type ? btf__name_by_offset(search->btf, type->name_off) : NULL;

	if (!type || !btf_is_struct(type) || depth == BTF_MAX_DEPTH)
		return;
	if (name && !strcmp(name, "bpf_spin_lock")) {
		if (!search->n++)
			search->offset = base;
		return;
	}
	for (uint32_t i = 0; i < btf_vlen(type) && search->steps < LOCK_MAX_STEPS; i++) {
		search->steps++;
		find_locks(search, btf_members(type)[i].type,
			   base + btf_member_bit_offset(type, i) / 8, depth + 1);
	}
}

static int find_lock(const struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log)
{
	struct bpfe_map_attr *attr = &map->attr;
	struct lock_search search = {.btf = obj->btf};

	find_locks(&search, map->value_type_id, 0, 0);
	if (search.steps == LOCK_MAX_STEPS)
		return object_refuse(log,
				     "section .maps, symbol '%s': the type of its value has more "
				     "than %u members",
				     map->name, LOCK_MAX_STEPS);
	attr->spin_lock_off = search.offset;
	if (search.n > 1)
		return object_refuse(log,
				     "section .maps, symbol '%s': its value has several struct "
				     "bpf_spin_lock, at most one is accepted",
				     map->name);
	if (search.n && (attr->spin_lock_off % 4 || attr->value_size < 4 ||
			 attr->spin_lock_off > attr->value_size - 4))
		return object_refuse(log,
				     "section .maps, symbol '%s': its struct bpf_spin_lock at "
				     "offset %u does not lie in the value or is not aligned",
				     map->name, attr->spin_lock_off);
	attr->has_spin_lock = search.n;
	return 0;
}

/* ---- Definitions ---------------------------------------------------------------------------- */

static int read_members(struct bpfe_object *obj, struct map_def *map, const struct btf_type *type,
			bool inner, struct bpfe_log *log)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *name = btf__name_by_offset(obj->btf, member->name_off);
		int ret;

		if (name && !strcmp(name, "values"))
			ret = read_values(obj, map, member, btf_member_bit_offset(type, i), inner,
					  log);
		else
			ret = read_member(obj, map, member, log);
		if (ret)
			return ret;
	}
	/* What maps that hold maps or programs have for values are 4-byte ids. */
	if (map->has_values && !map->attr.value_size)
		map->attr.value_size = sizeof(uint32_t);
	object_adjust_map(map);
	return find_lock(obj, map, log);
}

/* The variable in section .maps: static ones of several files may share a name, not a place. */
static const struct btf_type *find_variable(const struct btf *btf, const struct map_def *map)
{
	int32_t id = btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, id), *found = NULL;

	for (uint32_t i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(section)[i];
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		const char *name = variable ? btf__name_by_offset(btf, variable->name_off) : NULL;

		if (!name || !btf_is_var(variable) || strcmp(name, map->name))
			continue;
		if (!found || info->offset == map->offset)
			found = variable;
	}
	if (found)
		return found;
	id = btf__find_by_name_kind(btf, map->name, BTF_KIND_VAR); /* gcc lists no sections */
	return id < 0 ? NULL : btf__type_by_id(btf, id);
}

int object_read_btf_map(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log)
{
	const struct btf_type *type;

	if (!obj->btf)
		return object_refuse(log,
				     "section .maps, symbol '%s': the object has no BTF; build it "
				     "with clang -g",
				     map->name);
	type = find_variable(obj->btf, map);
	if (!type)
		return object_refuse(log, "section .maps, symbol '%s': BTF has no such variable",
				     map->name);
	type = object_btf_type(obj->btf, type->type);
	if (!type || !btf_is_struct(type))
		return object_refuse(log, "section .maps, symbol '%s': its type is not a structure",
				     map->name);
	return read_members(obj, map, type, false, log);
}
