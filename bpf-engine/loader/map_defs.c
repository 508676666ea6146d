// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 3: maps, as libbpf defines them.
 *
 * Section .maps: each symbol is a variable whose BTF type is a structure; integer attributes are
 * encoded as the length of an array a member points to, types as what a member points to. Section
 * maps (before BTF): each symbol is a struct bpf_map_def.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The older definition, which libbpf dropped in 1.0 but iproute2 and many objects still have. */
struct legacy_map_def {
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t map_flags;
};

/* Deepest chain of typedefs and qualifiers followed; a loop ends here. */
#define BTF_MAX_DEPTH 32

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

/* Value of a member declared with __uint(): int (*member)[value]. */
static int member_uint(const struct btf *btf, const struct btf_member *member, uint32_t *value)
{
	const struct btf_type *type = object_btf_type(btf, member->type);

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
		       uint32_t *size)
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

/* A size given twice, by key_size and by key, must agree. */
static int set_size(struct bpfe_log *log, const struct map_def *map, const char *what,
		    uint32_t *size, uint32_t value)
{
	if (*size && *size != value)
		return object_refuse(log, "section .maps, symbol '%s': %s size is %u and %u",
				     map->name, what, *size, value);
	*size = value;
	return 0;
}

static int read_member(struct bpfe_object *obj, struct map_def *map,
		       const struct btf_member *member, struct bpfe_log *log)
{
	const char *name = btf__name_by_offset(obj->btf, member->name_off);
	struct bpfe_map_attr *attr = &map->attr;
	uint32_t value = 0;
	int ret;

	if (!name)
		name = "";
	if (!strcmp(name, "key") || !strcmp(name, "value")) {
		bool key = name[0] == 'k';

		ret = member_type(obj->btf, member, key ? &map->key_type_id : &map->value_type_id,
				  &value);
		if (!ret)
			return set_size(log, map, name, key ? &attr->key_size : &attr->value_size,
					value);
	} else {
		ret = member_uint(obj->btf, member, &value);
	}
	if (ret)
		return object_refuse(log,
				     "section .maps, symbol '%s': member '%s' is not declared with "
				     "__uint() or __type()",
				     map->name, name);
	if (!strcmp(name, "key") || !strcmp(name, "value"))
		return 0;
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
	else if (strcmp(name, "pinning") && strcmp(name, "numa_node"))
		return object_refuse(log,
				     "section .maps, symbol '%s': member '%s' is unknown; known "
				     "are type, key, value, key_size, value_size, max_entries and "
				     "map_flags",
				     map->name, name);
	return 0;
}

static int read_btf_map(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log)
{
	const char *name = map->name;
	const struct btf_type *type;
	int32_t id;

	if (!obj->btf)
		return object_refuse(log,
				     "section .maps, symbol '%s': the object has no BTF; build it "
				     "with clang -g",
				     name);
	id = btf__find_by_name_kind(obj->btf, name, BTF_KIND_VAR);
	if (id < 0)
		return object_refuse(log, "section .maps, symbol '%s': BTF has no such variable",
				     name);
	type = object_btf_type(obj->btf, btf__type_by_id(obj->btf, id)->type);
	if (!type || !btf_is_struct(type))
		return object_refuse(log, "section .maps, symbol '%s': its type is not a structure",
				     name);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		int ret = read_member(obj, map, &btf_members(type)[i], log);

		if (ret)
			return ret;
	}
	return 0;
}

static int read_legacy_map(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log)
{
	const uint8_t *data = obj->file.sections[map->section].data + map->offset;
	struct legacy_map_def def;

	if (map->size < sizeof(def))
		return object_refuse(log,
				     "section maps, symbol '%s': %llu bytes, a struct bpf_map_def "
				     "has %zu",
				     map->name, (unsigned long long)map->size, sizeof(def));
	memcpy(&def, data, sizeof(def));
	for (uint64_t i = sizeof(def); i < map->size; i++) {
		if (data[i])
			return object_refuse(log,
					     "section maps, symbol '%s': byte %llu is set, beyond "
					     "the members known; use BTF-defined maps (.maps)",
					     map->name, (unsigned long long)i);
	}
	map->attr.type = def.type;
	map->attr.key_size = def.key_size;
	map->attr.value_size = def.value_size;
	map->attr.max_entries = def.max_entries;
	map->attr.flags = def.map_flags;
	return 0;
}

int object_add_map(struct bpfe_object *obj, const char *name, uint32_t section,
		   struct map_def **map, struct bpfe_log *log)
{
	if (obj->n_maps == ELF_MAX_MAPS)
		return object_refuse(log, "section %s, symbol '%s': more than %u maps",
				     obj->file.sections[section].name, name, ELF_MAX_MAPS);
	*map = &obj->maps[obj->n_maps++];
	(*map)->name = name;
	(*map)->section = section;
	/* Longer names are cut, as libbpf does for the kernel. */
	memcpy((*map)->attr.name, name, strnlen(name, sizeof((*map)->attr.name) - 1));
	return 0;
}

static int read_map(struct bpfe_object *obj, const struct elf_symbol *symbol, bool legacy,
		    struct bpfe_log *log)
{
	struct map_def *map;
	int ret = object_add_map(obj, symbol->name, symbol->section, &map, log);

	if (ret)
		return ret;
	map->offset = symbol->value;
	map->size = symbol->size;
	return legacy ? read_legacy_map(obj, map, log) : read_btf_map(obj, map, log);
}

static int compare_maps(const void *a, const void *b)
{
	const struct map_def *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int check_overlap(const struct bpfe_object *obj, struct bpfe_log *log)
{
	for (uint32_t i = 1; i < obj->n_maps; i++) {
		const struct map_def *a = &obj->maps[i - 1], *b = &obj->maps[i];

		if (a->section == b->section &&
		    (a->offset == b->offset || b->offset - a->offset < a->size))
			return object_refuse(log,
					     "section %s: maps '%s' and '%s' overlap at offset "
					     "%#llx",
					     obj->file.sections[a->section].name, a->name, b->name,
					     (unsigned long long)b->offset);
	}
	return 0;
}

/* The symbols in the sections of maps. */
static int read_definitions(struct bpfe_object *obj, struct bpfe_log *log)
{
	for (uint32_t i = 0; i < obj->file.n_symbols; i++) {
		const struct elf_symbol *symbol = &obj->file.symbols[i];
		const struct elf_section *section;
		bool legacy;
		int ret;

		if (!elf_symbol_is_placed(symbol) || symbol->type != STT_OBJECT)
			continue;
		section = &obj->file.sections[symbol->section];
		legacy = !strcmp(section->name, "maps");
		if (!section->data || (!legacy && strcmp(section->name, ".maps")))
			continue;
		ret = read_map(obj, symbol, legacy, log);
		if (ret)
			return ret;
	}
	qsort(obj->maps, obj->n_maps, sizeof(*obj->maps), compare_maps);
	return check_overlap(obj, log);
}

int object_read_maps(struct bpfe_object *obj, struct bpfe_log *log)
{
	const struct elf_section *btf = elf_file_section(&obj->file, ".BTF");
	int ret;

	if (btf) {
		obj->btf = btf__new(btf->data, btf->size);
		if (!obj->btf)
			return errno == ENOMEM ? -ENOMEM
					       : object_refuse(log, "section .BTF: malformed (%s)",
							       strerror(errno));
	}
	obj->maps = calloc(ELF_MAX_MAPS, sizeof(*obj->maps));
	if (!obj->maps)
		return -ENOMEM;
	ret = read_definitions(obj, log);
	if (!ret)
		ret = object_read_globals(obj, log);
	return ret;
}

void object_free_maps(struct bpfe_object *obj)
{
	for (uint32_t i = 0; i < obj->n_maps; i++)
		free(obj->maps[i].contents);
	free(obj->maps);
}
