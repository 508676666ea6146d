// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What maps are to hold when a program is loaded: maps in maps, and programs in prog arrays.
 * `.values = { [2] = &map }` leaves a relocation behind the structure of the definition.
 */
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

int object_add_slot(const struct bpfe_object *obj, struct map_def *map, uint32_t index,
		    uint32_t target, struct bpfe_log *log)
{
	struct map_slot *grown;

	if (map->attr.type != BPF_MAP_TYPE_HASH_OF_MAPS && index >= map->attr.max_entries)
		return object_refuse(log,
				     "section %s, symbol '%s': initial value [%u], the map has %u "
				     "entries",
				     obj->file.sections[map->section].name, map->name, index,
				     map->attr.max_entries);
	if (map->attr.key_size != sizeof(uint32_t))
		return object_refuse(
			log,
			"section %s, symbol '%s': initial values of a map with keys of "
			"%u bytes, they need 4",
			obj->file.sections[map->section].name, map->name, map->attr.key_size);
	if (map->n_slots == map->max_slots) {
		uint32_t max = map->max_slots ? 2 * map->max_slots : 8;

		grown = reallocarray(map->slots, max, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		map->slots = grown;
		map->max_slots = max;
	}
	map->slots[map->n_slots].index = index;
	map->slots[map->n_slots++].target = target;
	return 0;
}

/* The definition that byte @offset of section @section belongs to, or NULL. */
static struct map_def *definition_at(struct bpfe_object *obj, uint32_t section, uint64_t offset)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		struct map_def *map = &obj->maps[i];

		if (map->section == section && offset >= map->offset &&
		    offset - map->offset < map->size)
			return map;
	}
	return NULL;
}

/* The map @at in the section of maps @section, or the program in one of code: its index, or -1. */
static int64_t find_target(const struct bpfe_object *obj, bool program, uint32_t section,
			   uint64_t at)
{
	const uint64_t slot = sizeof(struct bpf_insn);

	for (uint32_t i = 0; !program && i < obj->n_maps; i++) {
		if (obj->maps[i].section == section && obj->maps[i].offset == at)
			return i;
	}
	for (uint32_t i = 0; program && i < obj->n_code; i++) {
		const struct function *function = obj->code[i].section == section && at % slot == 0
							  ? object_function_at(obj, i, at / slot)
							  : NULL;

		if (function && function->is_program)
			return function - obj->functions;
	}
	return -1;
}

static int read_value(struct bpfe_object *obj, uint32_t section, const struct reloc *reloc,
		      struct bpfe_log *log)
{
	const struct elf_section *maps = &obj->file.sections[section];
	const unsigned long long offset = reloc->offset;
	const char *name = object_symbol_name(obj, reloc->symbol);
	struct map_def *map = definition_at(obj, section, offset);
	uint64_t addend, behind;
	int64_t target;
	bool programs;

	if (!map || !map->has_values || offset - map->offset < map->values_offset ||
	    (offset - map->offset - map->values_offset) % sizeof(addend) ||
	    maps->size - offset < sizeof(addend))
		return object_refuse(log,
				     "section %s, offset %#llx: the address of '%s' is at no place "
				     "for an initial value of a map",
				     maps->name, offset, name);
	if (reloc->type != R_BPF_64_64 && reloc->type != R_BPF_64_ABS64)
		return object_refuse(log,
				     "section %s, offset %#llx: relocation type %u of symbol '%s', "
				     "expected %u (R_BPF_64_ABS64)",
				     maps->name, offset, reloc->type, name, R_BPF_64_ABS64);
	memcpy(&addend, maps->data + offset, sizeof(addend));
	programs = map->attr.type == BPF_MAP_TYPE_PROG_ARRAY;
	target = elf_symbol_is_placed(reloc->symbol)
			 ? find_target(obj, programs, reloc->symbol->section,
				       reloc->symbol->value + addend)
			 : -1;
	if (target < 0)
		return object_refuse(
			log,
			"section %s, offset %#llx: initial value '%s' of map '%s' is no "
			"%s of the object",
			maps->name, offset, name, map->name, programs ? "program" : "map");
	behind = offset - map->offset - map->values_offset;
	return object_add_slot(obj, map, behind / sizeof(addend), target, log);
}

int object_read_map_values(struct bpfe_object *obj, struct bpfe_log *log)
{
	for (uint32_t i = 1; i < obj->file.n_sections; i++) {
		struct reloc_table table = {0};
		int ret;

		if (strcmp(obj->file.sections[i].name, ".maps") || !obj->file.sections[i].data)
			continue;
		ret = reloc_table_read(obj, i, &table, log);
		for (uint32_t r = 0; r < table.n && !ret; r++)
			ret = read_value(obj, i, &table.relocs[r], log);
		free(table.relocs);
		if (ret)
			return ret;
	}
	return 0;
}
