// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The public face of the loader: bpf_elf.h says what each function promises.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_license(struct bpfe_object *obj, struct bpfe_log *log)
{
	const struct elf_section *section = elf_file_section(&obj->file, "license");

	obj->license = "";
	if (!section || !section->size)
		return 0;
	if (section->data[section->size - 1])
		return object_refuse(log, "section license: the string is not terminated");
	obj->license = (const char *)section->data;
	return 0;
}

static int read_object(struct bpfe_object *obj, const void *data, size_t size, struct bpfe_log *log)
{
	int ret = elf_file_open(&obj->file, data, size, log);

	if (!ret)
		ret = read_license(obj, log);
	if (!ret)
		ret = object_read_code(obj, log);
	if (!ret)
		ret = object_read_maps(obj, log);
	if (!ret)
		ret = object_read_externs(obj);
	if (!ret)
		ret = object_relocate(obj, log);
	if (!ret)
		ret = object_read_lines(obj, log);
	if (!ret)
		ret = object_read_func_info(obj, log);
	if (!ret)
		ret = object_read_core_relos(obj, log);
	if (!ret)
		object_sort_blockers(obj);
	if (!ret)
		ret = object_link(obj, log);
	return ret;
}

int bpfe_object_open(const void *data, size_t size, struct bpfe_object **obj, struct bpfe_log *log)
{
	struct bpfe_object *opened = calloc(1, sizeof(*opened));
	int ret = -ENOMEM;

	*obj = NULL;
	if (opened)
		ret = read_object(opened, data, size, log);
	if (ret == -ENOMEM)
		bpfe_refuse(log, ret, BPFE_NO_MEMORY, 0, "out of memory");
	if (ret)
		bpfe_object_close(opened);
	else
		*obj = opened;
	return ret;
}

void bpfe_object_close(struct bpfe_object *obj)
{
	if (!obj)
		return;
	object_free_programs(obj);
	object_free_code(obj);
	object_free_maps(obj);
	free(obj->externs);
	btf__free(obj->btf);
	elf_file_close(&obj->file);
	free(obj);
}

const char *bpfe_object_license(const struct bpfe_object *obj)
{
	return obj->license;
}

uint32_t bpfe_object_n_maps(const struct bpfe_object *obj)
{
	return obj->n_maps;
}

const struct bpfe_map_attr *bpfe_object_map(const struct bpfe_object *obj, uint32_t i)
{
	return i < obj->n_maps ? &obj->maps[i].attr : NULL;
}

const struct btf *bpfe_object_map_types(const struct bpfe_object *obj, uint32_t i, uint32_t *key,
					uint32_t *value)
{
	*key = i < obj->n_maps ? obj->maps[i].key_type_id : 0;
	*value = i < obj->n_maps ? obj->maps[i].value_type_id : 0;
	return obj->btf;
}

uint32_t bpfe_object_n_programs(const struct bpfe_object *obj)
{
	return obj->n_programs;
}

const char *bpfe_object_program_name(const struct bpfe_object *obj, uint32_t i)
{
	return i < obj->n_programs ? obj->functions[obj->programs[i].function].name : NULL;
}

const char *bpfe_object_program_section(const struct bpfe_object *obj, uint32_t i)
{
	if (i >= obj->n_programs)
		return NULL;
	return object_section_text(obj->code[obj->functions[obj->programs[i].function].code].name);
}

int bpfe_object_program(const struct bpfe_object *obj, uint32_t i, const struct bpf_insn **insns,
			uint32_t *n_insns)
{
	if (i >= obj->n_programs)
		return -ENOENT;
	*insns = obj->programs[i].insns;
	*n_insns = obj->programs[i].n_insns;
	return 0;
}

/* ---- Loading -------------------------------------------------------------------------------- */

struct source {
	const struct bpfe_object *obj;
	uint32_t program;
};

static const char *source_line(void *opaque, uint32_t insn)
{
	const struct source *source = opaque;

	return bpfe_object_source_line(source->obj, source->program, insn);
}

static void put_maps(struct bpfe_map **maps, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (maps[i])
			bpfe_map_put(maps[i]);
	}
	free(maps);
}

/* Global data: its contents, and constants made constant. */
static int fill_map(const struct map_def *def, struct bpfe_map *map, struct bpfe_log *log)
{
	uint32_t key = 0;
	int ret = 0;

	if (def->contents)
		ret = bpfe_map_update(map, &key, def->contents, BPF_ANY);
	if (!ret && def->contents && def->attr.flags & BPF_F_RDONLY_PROG)
		ret = bpfe_map_freeze(map);
	if (ret)
		bpfe_log(log, "map '%s' of the object cannot be filled: %s\n", def->name,
			 strerror(-ret));
	return ret;
}

static int create_maps(const struct bpfe_object *obj, const struct bpfe_allocator *alloc,
		       struct bpfe_map **maps, struct bpfe_map_binding *bindings,
		       struct bpfe_log *log)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		int ret = bpfe_map_create(&obj->maps[i].attr, alloc, &maps[i], log);

		if (ret) {
			maps[i] = NULL;
			bpfe_log(log, "map '%s' of the object cannot be created: %s\n",
				 obj->maps[i].name, strerror(-ret));
			return ret;
		}
		bindings[i].id = i;
		bindings[i].map = maps[i];
		ret = fill_map(&obj->maps[i], maps[i], log);
		if (ret)
			return ret;
	}
	return 0;
}

int bpfe_object_load(const struct bpfe_object *obj, uint32_t i, const struct bpfe_load_attr *attr,
		     struct bpfe_program **prog, struct bpfe_map ***maps, struct bpfe_log *log)
{
	struct source source = {.obj = obj, .program = i};
	struct bpfe_map_binding *bindings;
	struct bpfe_load_attr load = *attr;
	struct bpfe_map **created;
	int ret = -ENOMEM;

	if (i >= obj->n_programs)
		return bpfe_refuse(log, -ENOENT, BPFE_BAD_ENCODING, 0,
				   "program %u of an object that has %u", i, obj->n_programs);
	ret = object_check_section(obj, i, attr->type != BPF_PROG_TYPE_UNSPEC, log);
	if (!ret)
		ret = object_check_blockers(obj, i, log);
	if (ret)
		return ret;
	ret = -ENOMEM;
	created = calloc((size_t)obj->n_maps + 1, sizeof(struct bpfe_map *));
	bindings = calloc((size_t)obj->n_maps + 1, sizeof(*bindings));
	if (created && bindings)
		ret = create_maps(obj, attr->alloc, created, bindings, log);
	if (!ret) {
		bpfe_object_program(obj, i, &load.insns, &load.n_insns);
		if (!load.type)
			load.type = bpfe_object_program_type(obj, i);
		load.maps = bindings;
		load.n_maps = obj->n_maps;
		load.funcs = obj->programs[i].funcs;
		load.n_funcs = obj->programs[i].n_placements;
		load.source_line = source_line;
		load.source_opaque = &source;
		if (!load.name)
			load.name = bpfe_object_program_name(obj, i);
		ret = bpfe_program_load(&load, prog, log);
	}
	free(bindings);
	if (!ret)
		*maps = created;
	else if (created)
		put_maps(created, obj->n_maps);
	return ret;
}
