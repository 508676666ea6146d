// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int scratch_make(void **state)
{
	*state = g_dir_make_tmp("sluice-run-XXXXXX", NULL);
	return *state ? 0 : -1;
}

int scratch_remove(void **state)
{
	GDir *dir = g_dir_open(*state, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(*state, name, NULL);

		g_unlink(path);
	}
	if (dir)
		g_dir_close(dir);
	g_rmdir(*state);
	g_free(*state);
	return 0;
}

char *scratch_path(void **state, const char *name)
{
	return g_build_filename(*state, name, NULL);
}

gboolean skip_without_objects(void)
{
	const char *folder = g_getenv("BPF_OBJECTS");

	if (folder && folder[0])
		return FALSE;
	puts("1..0 # SKIP no clang to make XDP programs with (apt install clang)");
	return TRUE;
}

char *example(const char *name)
{
	g_autofree char *file = g_strconcat(name, ".bpf.o", NULL);

	return g_build_filename(g_getenv("BPF_OBJECTS"), file, NULL);
}

static struct run run_list(const char *variable, GPtrArray *argv)
{
	struct run run;
	GError *error = NULL;
	int status;

	assert_non_null(g_getenv(variable));
	g_ptr_array_insert(argv, 0, (gpointer)(uintptr_t)g_getenv(variable));
	g_ptr_array_add(argv, NULL);
	if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &run.out,
			  &run.err, &status, &error))
		fail_msg("%s: %s", g_getenv(variable), error->message);
	if (!WIFEXITED(status))
		fail_msg("%s was ended by signal %d: %s", g_getenv(variable), WTERMSIG(status),
			 run.err);
	run.status = WEXITSTATUS(status);
	g_ptr_array_unref(argv);
	return run;
}

struct run run_tool(const char *variable, ...)
{
	GPtrArray *argv = g_ptr_array_new();
	va_list args;
	char *arg;

	va_start(args, variable);
	while ((arg = va_arg(args, char *)))
		g_ptr_array_add(argv, arg);
	va_end(args);
	return run_list(variable, argv);
}

void run_clear(struct run *run)
{
	g_free(run->out);
	g_free(run->err);
}

char *make_capture(void **state, ...)
{
	char *path = scratch_path(state, "in.pcap");
	GPtrArray *argv = g_ptr_array_new();
	struct run run;
	va_list args;
	char *arg;

	va_start(args, state);
	while ((arg = va_arg(args, char *)))
		g_ptr_array_add(argv, arg);
	va_end(args);
	g_ptr_array_add(argv, path);
	run = run_list("SLUICE_MKPCAP", argv);
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, 0);
	run_clear(&run);
	return path;
}

void expect_failure(struct run run, int status, const char *message)
{
	g_autofree char *expected = g_strdup_printf("sluice-run: %s\n", message);

	assert_string_equal(run.err, expected);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, status);
	run_clear(&run);
}

struct json_object *expect_json(struct run run)
{
	struct json_object *json;

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	json = json_tokener_parse(run.out);
	if (!json)
		fail_msg("not JSON: %s", run.out);
	run_clear(&run);
	return json;
}

static struct json_object *member_of(struct json_object *json, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, name, &value))
		fail_msg("the JSON has no member %s", name);
	return value;
}

uint64_t json_number(struct json_object *json, const char *member, const char *name)
{
	struct json_object *value = member_of(member_of(json, member), name);

	assert_true(json_object_is_type(value, json_type_int));
	return json_object_get_uint64(value);
}

const char *json_text(struct json_object *json, const char *member, const char *name)
{
	struct json_object *value = member_of(member_of(json, member), name);

	assert_true(json_object_is_type(value, json_type_string));
	return json_object_get_string(value);
}

GHashTable *json_map(struct json_object *json, const char *name)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct json_object *maps = member_of(json, "maps");

	for (size_t i = 0; i < json_object_array_length(maps); i++) {
		struct json_object *map = json_object_array_get_idx(maps, i), *entries;

		if (strcmp(json_object_get_string(member_of(map, "name")), name))
			continue;
		entries = member_of(map, "entries");
		for (size_t j = 0; j < json_object_array_length(entries); j++) {
			struct json_object *entry = json_object_array_get_idx(entries, j);

			g_hash_table_insert(
				table, g_strdup(json_object_get_string(member_of(entry, "key"))),
				g_strdup(json_object_get_string(member_of(entry, "value"))));
		}
		return table;
	}
	fail_msg("the JSON has no map %s", name);
	return table;
}
