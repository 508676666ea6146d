// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "linux_object.h"
#include "error.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The end of what libbpf said. */
static char words[1024];

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[4096];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	g_strlcpy(words, strlen(line) < sizeof(words) ? line : line + strlen(line) - 1000,
		  sizeof(words));
	return 0;
}

void linux_object_quiet(void)
{
	libbpf_set_print(keep);
}

static gboolean fail(const struct bench_program *program, GError **error)
{
	const int err = errno;

	g_strchomp(words);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: Linux: %s%s%s", program->name,
		    g_strerror(err), words[0] ? ": " : "", words);
	words[0] = '\0';
	return FALSE;
}

/* Where variable @name lies in .rodata, or -1. */
static int rodata_offset(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);

	for (int i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(section)[i];
		const struct btf_type *variable = btf__type_by_id(btf, info->type);

		if (!strcmp(btf__name_by_offset(btf, variable->name_off), name))
			return (int)info->offset;
	}
	return -1;
}

static gboolean set_n(struct bpf_object *object, uint32_t n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	int offset = rodata_offset(bpf_object__btf(object), "bench_n");
	size_t size = 0;
	const void *initial = map ? bpf_map__initial_value(map, &size) : NULL;
	g_autofree uint8_t *bytes = NULL;

	if (!initial || offset < 0 || (size_t)offset + sizeof(n) > size)
		return FALSE;
	bytes = g_malloc(size);
	memcpy(bytes, initial, size);
	memcpy(bytes + offset, &n, sizeof(n));
	return !bpf_map__set_initial_value(map, bytes, size);
}

struct bpf_object *linux_object_open(const struct bench_program *program, uint32_t n,
				     GError **error)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = program->name);
	struct bpf_object *object = bpf_object__open_mem(program->bytes, program->size, &opts);

	if (object && set_n(object, n))
		return object;
	fail(program, error);
	bpf_object__close(object);
	return NULL;
}

struct bpf_object *linux_object_load(const struct bench_program *program, uint32_t n,
				     GError **error)
{
	struct bpf_object *object = linux_object_open(program, n, error);

	if (!object)
		return NULL;
	if (!bpf_object__load(object))
		return object;
	fail(program, error);
	bpf_object__close(object);
	return NULL;
}
