// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The public face of the loader: bpf_elf.h says what each function promises.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void object_note(struct bpfe_log *log, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (!log || !log->level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	bpfe_log(log, "%s\n", text);
}

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
