// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 3: maps. Section .maps has definitions with BTF (map_btf.c), section maps those from before
 * (map_legacy.c); what they are to hold is read when all are known (map_values.c).
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define RINGBUF_PAGE 4096u

bool object_holds_maps(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static uint32_t ring_buffer_size(uint32_t wanted)
{
	uint32_t size = RINGBUF_PAGE;

	while (size < wanted && size <= UINT32_MAX / 2)
		size *= 2;
	return size < wanted ? wanted : size;
}

/* What libbpf does to definitions before the kernel sees them. */
void object_adjust_map(struct map_def *map)
{
	struct bpfe_map_attr *attr = &map->attr;

	attr->flags &= ~(uint32_t)BPF_F_NUMA_NODE; /* there is one node */
	if (attr->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !attr->max_entries)
		attr->max_entries = BPFE_DEFAULT_CPUS;
	if (attr->type == BPF_MAP_TYPE_RINGBUF && attr->max_entries)
		attr->max_entries = ring_buffer_size(attr->max_entries);
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
	return legacy ? object_read_legacy_map(obj, map, log) : object_read_btf_map(obj, map, log);
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
		ret = object_read_map_values(obj, log);
	if (!ret)
		ret = object_connect_legacy_maps(obj, log);
	if (!ret)
		ret = object_read_globals(obj, log);
	return ret;
}

void object_free_maps(struct bpfe_object *obj)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		free(obj->maps[i].contents);
		free(obj->maps[i].inner);
		free(obj->maps[i].slots);
	}
	free(obj->maps);
}
