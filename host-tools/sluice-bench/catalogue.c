// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "catalogue.h"
#include "error.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const char *const classes[] = {"map-less", "map-heavy", "real", "maps", "load"};

int bench_class_index(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
		if (!strcmp(classes[i], name))
			return (int)i;
	}
	return -1;
}

static gboolean fail(GError **error, const char *path, const char *why)
{
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: %s", path, why);
	return FALSE;
}

/* ---- One program ---------------------------------------------------------------------------- */

static void fill_free(gpointer data)
{
	struct map_fill *fill = data;

	g_byte_array_unref(fill->keys);
	g_byte_array_unref(fill->values);
	g_free(fill->map);
	g_free(fill);
}

static void program_free(gpointer data)
{
	struct bench_program *program = data;

	bench_program_forget(program);
	object_file_close(program->file);
	if (program->native)
		dlclose(program->native);
	g_free(program->bytes);
	g_free(program->name);
	g_free(program);
}

void bench_program_forget(struct bench_program *program)
{
	g_clear_pointer(&program->fills, g_ptr_array_unref);
}

static gboolean open_native(struct bench_program *program, const char *path, GError **error)
{
	program->native = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!program->native)
		return fail(error, path, dlerror());
	program->info = dlsym(program->native, "bench_info");
	if (!program->info || !dlsym(program->native, "bench"))
		return fail(error, path, "not a benchmark program; bench_info or bench is missing");
	if (bench_class_index(program->info->class) < 0)
		return fail(error, path, "of a class that this tool does not know");
	return TRUE;
}

static struct bench_program *program_open(const char *dir, const char *name, GError **error)
{
	struct bench_program *program = g_new0(struct bench_program, 1);
	g_autofree char *native = g_strdup_printf("%s/%s.so", dir, name);
	g_autofree char *object = g_strdup_printf("%s/%s.bpf.o", dir, name);

	program->name = g_strdup(name);
	program->file = object_file_open(object, error);
	if (program->file && g_file_get_contents(object, &program->bytes, &program->size, error) &&
	    open_native(program, native, error))
		return program;
	program_free(program);
	return NULL;
}

/* ---- What its maps hold --------------------------------------------------------------------- */

static const struct bpfe_map_attr *find_map(const struct bench_program *program, const char *name)
{
	for (uint32_t i = 0; i < bpfe_object_n_maps(program->file->object); i++) {
		const struct bpfe_map_attr *attr = bpfe_object_map(program->file->object, i);

		if (!strcmp(attr->name, name))
			return attr;
	}
	return NULL;
}

static struct map_fill *find_fill(struct bench_program *program, const char *map)
{
	const struct bpfe_map_attr *attr = find_map(program, map);
	struct map_fill *fill;

	for (guint i = 0; i < program->fills->len; i++) {
		fill = g_ptr_array_index(program->fills, i);
		if (!strcmp(fill->map, map))
			return fill;
	}
	if (!attr)
		return NULL;
	fill = g_new0(struct map_fill, 1);
	fill->map = g_strdup(map);
	fill->key_size = attr->key_size;
	fill->value_size = attr->value_size;
	fill->keys = g_byte_array_new();
	fill->values = g_byte_array_new();
	g_ptr_array_add(program->fills, fill);
	return fill;
}

static int add(void *opaque, const char *map, const void *key, const void *value)
{
	struct map_fill *fill = find_fill(opaque, map);

	if (!fill)
		return -ENOENT;
	g_byte_array_append(fill->keys, key, fill->key_size);
	g_byte_array_append(fill->values, value, fill->value_size);
	fill->n++;
	return 0;
}

gboolean bench_program_prepare(struct bench_program *program, GError **error)
{
	int ret;

	if (program->fills)
		return TRUE;
	program->fills = g_ptr_array_new_with_free_func(fill_free);
	program->frame_len = program->info->frame(program->frame);
	ret = program->info->fill ? program->info->fill(add, program) : 0;
	if (!ret)
		return TRUE;
	bench_program_forget(program);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: its maps cannot be filled: %s",
		    program->name, g_strerror(-ret));
	return FALSE;
}

gboolean bench_program_own_map(const struct bench_program *program, const char *map)
{
	g_auto(GStrv) own = g_strsplit(program->info->own ? program->info->own : "", ",", -1);

	return g_strv_contains((const gchar *const *)own, map);
}

/* ---- All ------------------------------------------------------------------------------------ */

static gint order(gconstpointer a, gconstpointer b)
{
	const struct bench_program *x = *(struct bench_program *const *)a;
	const struct bench_program *y = *(struct bench_program *const *)b;
	int by_class = bench_class_index(x->info->class) - bench_class_index(y->info->class);

	return by_class ? by_class : strcmp(x->name, y->name);
}

static gboolean wanted(const struct bench_program *program, char **filters)
{
	for (; filters && *filters; filters++) {
		if (g_pattern_match_simple(*filters, program->name) ||
		    g_pattern_match_simple(*filters, program->info->class))
			return TRUE;
	}
	return FALSE;
}

static gboolean add_program(GPtrArray *programs, const char *dir, const char *file, char **filters,
			    GError **error)
{
	g_autofree char *name = g_strndup(file, strlen(file) - strlen(".bpf.o"));
	struct bench_program *program = program_open(dir, name, error);

	if (!program)
		return FALSE;
	if (!filters || wanted(program, filters))
		g_ptr_array_add(programs, program);
	else
		program_free(program);
	return TRUE;
}

GPtrArray *catalogue_open(const char *dir, char **filters, GError **error)
{
	g_autoptr(GPtrArray) programs = g_ptr_array_new_with_free_func(program_free);
	g_autoptr(GError) cause = NULL;
	g_autoptr(GDir) folder = g_dir_open(dir, 0, &cause);
	const char *file;

	if (!folder) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "no benchmark programs: %s",
			    cause->message);
		return NULL;
	}
	while ((file = g_dir_read_name(folder))) {
		if (g_str_has_suffix(file, ".bpf.o") &&
		    !add_program(programs, dir, file, filters, error))
			return NULL;
	}
	if (!programs->len) {
		g_set_error(error, TOOL_ERROR, filters ? TOOL_ERROR_USAGE : TOOL_ERROR_FAILED,
			    "%s: %s", dir,
			    filters ? "no program or class is of that name; --list shows them"
				    : "no benchmark programs there; they need clang to be built");
		return NULL;
	}
	g_ptr_array_sort(programs, order);
	return g_steal_pointer(&programs);
}

char *catalogue_default_dir(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = g_path_get_dirname(self ? self : ".");

	return g_build_filename(dir, "..", "..", "tests", "bench", "engine", NULL);
}
