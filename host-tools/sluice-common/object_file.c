// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "object_file.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

#define LOG_SIZE 4096u

static gboolean parse(struct object_file *file, gsize size, GError **error)
{
	char text[LOG_SIZE] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	int ret = bpfe_object_open(file->bytes, size, &file->object, &log);

	if (!ret)
		return TRUE;
	g_strchomp(text);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: %s", file->path,
		    text[0] ? text : g_strerror(-ret));
	return FALSE;
}

struct object_file *object_file_open(const char *path, GError **error)
{
	struct object_file *file = g_new0(struct object_file, 1);
	g_autoptr(GError) cause = NULL;
	gsize size;

	file->path = g_strdup(path);
	if (!g_file_get_contents(path, &file->bytes, &size, &cause))
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s", cause->message);
	else if (parse(file, size, error))
		return file;
	object_file_close(file);
	return NULL;
}

void object_file_close(struct object_file *file)
{
	if (!file)
		return;
	if (file->object)
		bpfe_object_close(file->object);
	g_free(file->bytes);
	g_free(file->path);
	g_free(file);
}

/* ---- Choosing a program --------------------------------------------------------------------- */

/* What there is to choose from, as "a, b". */
static char *list_programs(const struct bpfe_object *object,
			   const char *(*text)(const struct bpfe_object *, uint32_t))
{
	GString *list = g_string_new(NULL);

	for (uint32_t i = 0; i < bpfe_object_n_programs(object); i++)
		g_string_append_printf(list, "%s%s", i ? ", " : "", text(object, i));
	if (!list->len)
		g_string_append(list, "none");
	return g_string_free(list, FALSE);
}

gboolean object_file_find(const struct object_file *file, const char *name, uint32_t *index,
			  GError **error)
{
	g_autofree char *list = NULL;

	for (uint32_t i = 0; i < bpfe_object_n_programs(file->object); i++) {
		if (!strcmp(bpfe_object_program_name(file->object, i), name)) {
			*index = i;
			return TRUE;
		}
	}
	list = list_programs(file->object, bpfe_object_program_name);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: no program '%s'; programs found: %s",
		    file->path, name, list);
	return FALSE;
}

gboolean object_file_find_xdp(const struct object_file *file, uint32_t *index, GError **error)
{
	const struct bpfe_object *object = file->object;
	g_autofree char *list = NULL;
	uint32_t found = 0;

	for (uint32_t i = 0; i < bpfe_object_n_programs(object); i++) {
		if (bpfe_object_program_type(object, i) != BPF_PROG_TYPE_XDP)
			continue;
		*index = i;
		found++;
	}
	if (found == 1)
		return TRUE;
	if (found) {
		list = list_programs(object, bpfe_object_program_name);
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: %u programs in sections xdp; choose one with --program: %s",
			    file->path, found, list);
	} else {
		list = list_programs(object, bpfe_object_program_section);
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: no program in section xdp; sections found: %s", file->path, list);
	}
	return FALSE;
}

/* ---- Maps ----------------------------------------------------------------------------------- */

void object_maps_put(const struct bpfe_object *object, struct bpfe_map **maps)
{
	for (uint32_t i = 0; maps && i < bpfe_object_n_maps(object); i++)
		bpfe_map_put(maps[i]);
	free(maps); /* by bpf_elf.h's contract */
}
