// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 3, second half: global data.
 *
 * As in libbpf, each section of variables (.data*, .bss*, .rodata*) becomes an array map with one
 * value, the section's bytes; what an instruction refers to is an offset in it. Constants are
 * read-only to programs and frozen before the program is verified, so the verifier may follow their
 * values; until then bpfe_object_set_global() may change them.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Is @name @base itself or @base with a suffix: .rodata, .rodata.str1.1? */
static bool is_kind(const char *name, const char *base)
{
	size_t length = strlen(base);

	return !strncmp(name, base, length) && (!name[length] || name[length] == '.');
}

static bool is_constant(const struct elf_section *section)
{
	return section->type == SHT_PROGBITS && is_kind(section->name, ".rodata");
}

static bool is_global_data(const struct elf_section *section)
{
	if (!section->size || !(section->flags & SHF_ALLOC))
		return false;
	if (section->type == SHT_NOBITS)
		return is_kind(section->name, ".bss");
	return is_constant(section) ||
	       (section->type == SHT_PROGBITS && is_kind(section->name, ".data"));
}

/* Addresses in data would have to be filled in by a loader that knows where maps lie; a program
 * that found one could also not use it. */
static int refuse_pointers(const struct bpfe_object *obj, uint32_t section, struct bpfe_log *log)
{
	struct reloc_table table = {0};
	int ret = reloc_table_read(obj, section, &table, log);

	if (!ret && table.n)
		ret = object_refuse(log,
				    "section %s, offset %#llx: global data holds the address of "
				    "'%s'; addresses are known to instructions only, so let the "
				    "program choose by an index or a switch",
				    obj->file.sections[section].name,
				    (unsigned long long)table.relocs[0].offset,
				    object_symbol_name(obj, table.relocs[0].symbol));
	free(table.relocs);
	return ret;
}

/* @so_far: bytes of the sections added. */
static int add_section(struct bpfe_object *obj, uint32_t index, uint64_t *so_far,
		       struct bpfe_log *log)
{
	const struct elf_section *section = &obj->file.sections[index];
	struct map_def *map;
	int ret = refuse_pointers(obj, index, log);

	if (ret)
		return ret;
	/* More than a map's value is refused when a program that uses it is loaded. */
	if (section->size > ELF_MAX_DATA)
		return object_refuse(log,
				     "section %s: %llu bytes of global data, at most %u are "
				     "accepted; keep large tables in maps",
				     section->name, (unsigned long long)section->size,
				     BPFE_MAP_MAX_ARRAY);
	if (section->size > ELF_MAX_ALL_DATA - *so_far)
		return object_refuse(
			log,
			"section %s: with it the object has %llu bytes of global data, "
			"at most %u are accepted; keep large tables in maps",
			section->name, (unsigned long long)(*so_far + section->size),
			ELF_MAX_ALL_DATA);
	*so_far += section->size;
	ret = object_add_map(obj, section->name, index, &map, log);
	if (ret)
		return ret;
	map->size = section->size;
	map->attr.type = BPF_MAP_TYPE_ARRAY;
	map->attr.key_size = sizeof(uint32_t);
	map->attr.value_size = section->size;
	map->attr.max_entries = 1;
	map->attr.flags = is_constant(section) ? BPF_F_RDONLY_PROG : 0;
	map->contents = calloc(1, section->size);
	if (!map->contents)
		return -ENOMEM;
	if (section->data)
		memcpy(map->contents, section->data, section->size);
	return 0;
}

int object_read_globals(struct bpfe_object *obj, struct bpfe_log *log)
{
	uint64_t bytes = 0;

	for (uint32_t i = 1; i < obj->file.n_sections; i++) {
		int ret;

		if (!is_global_data(&obj->file.sections[i]))
			continue;
		ret = add_section(obj, i, &bytes, log);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- Variables by name ---------------------------------------------------------------------- */

static struct map_def *data_of_section(const struct bpfe_object *obj, uint32_t section)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		if (obj->maps[i].contents && obj->maps[i].section == section)
			return &obj->maps[i];
	}
	return NULL;
}

/* The variable @name. -ENOENT: none; -ENOTUNIQ: static variables of several files. */
static int find_variable(const struct bpfe_object *obj, const char *name, struct map_def **map,
			 const struct elf_symbol **symbol)
{
	*symbol = NULL;
	for (uint32_t i = 0; i < obj->file.n_symbols; i++) {
		const struct elf_symbol *candidate = &obj->file.symbols[i];
		struct map_def *data;

		if (candidate->type != STT_OBJECT || !elf_symbol_is_placed(candidate) ||
		    !candidate->size || strcmp(candidate->name, name))
			continue;
		data = data_of_section(obj, candidate->section);
		if (!data)
			continue;
		if (*symbol)
			return -ENOTUNIQ;
		*symbol = candidate;
		*map = data;
	}
	return *symbol ? 0 : -ENOENT;
}

int bpfe_object_set_global(struct bpfe_object *obj, const char *name, const void *bytes,
			   size_t size, struct bpfe_log *log)
{
	const struct elf_symbol *symbol;
	struct map_def *map;
	int ret = find_variable(obj, name, &map, &symbol);

	if (ret == -ENOENT)
		return bpfe_refuse(log, ret, BPFE_BAD_MAP, 0,
				   "no global variable '%s' in the object", name);
	if (ret)
		return bpfe_refuse(log, ret, BPFE_BAD_MAP, 0,
				   "several static variables of the object are called '%s'", name);
	if (size != symbol->size)
		return bpfe_refuse(
			log, -EINVAL, BPFE_BAD_MAP, 0,
			"section %s, symbol '%s': %zu bytes given, the variable has %llu",
			map->name, name, size, (unsigned long long)symbol->size);
	memcpy(map->contents + symbol->value, bytes, size);
	return 0;
}

const void *bpfe_object_global(const struct bpfe_object *obj, const char *name, size_t *size)
{
	const struct elf_symbol *symbol;
	struct map_def *map;

	if (find_variable(obj, name, &map, &symbol))
		return NULL;
	*size = symbol->size;
	return map->contents + symbol->value;
}

int bpfe_object_global_offset(const struct bpfe_object *obj, const char *name, size_t *offset)
{
	const struct elf_section *sections = obj->file.sections;
	const struct elf_symbol *symbol;
	struct map_def *map;
	int ret = find_variable(obj, name, &map, &symbol);

	if (ret)
		return ret;
	if (!sections[symbol->section].data)
		return -ENOENT;
	*offset = sections[symbol->section].data - obj->file.image + symbol->value;
	return 0;
}

int bpfe_object_global_place(const struct bpfe_object *obj, const char *name, size_t *offset,
			     size_t *size)
{
	const struct elf_symbol *symbol;
	struct map_def *map;
	int ret = find_variable(obj, name, &map, &symbol);

	if (ret)
		return ret;
	*offset = symbol->value;
	*size = symbol->size;
	return 0;
}
