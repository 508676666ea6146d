// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "program.h"
#include "error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_SIZE         (64u << 10)
#define LOG_SIZE_VERBOSE (16u << 20)

static gboolean is_xdp_section(const char *section)
{
	return !strcmp(section, "xdp") || g_str_has_prefix(section, "xdp/") ||
	       g_str_has_prefix(section, "xdp.") || g_str_has_prefix(section, "xdp_");
}

const char *program_name(const struct program *program)
{
	return bpfe_object_program_name(program->object, program->index);
}

const char *program_section(const struct program *program)
{
	return bpfe_object_program_section(program->object, program->index);
}

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

static gboolean choose_by_name(struct program *program, const char *path, const char *name,
			       GError **error)
{
	g_autofree char *list = NULL;

	for (uint32_t i = 0; i < bpfe_object_n_programs(program->object); i++) {
		program->index = i;
		if (!strcmp(program_name(program), name))
			return TRUE;
	}
	list = list_programs(program->object, bpfe_object_program_name);
	g_set_error(error, RUN_ERROR, RUN_ERROR_FAILED, "%s: no program '%s'; programs found: %s",
		    path, name, list);
	return FALSE;
}

static gboolean choose(struct program *program, const char *path, const char *name, GError **error)
{
	uint32_t found = 0, chosen = 0;
	g_autofree char *list = NULL;

	if (name)
		return choose_by_name(program, path, name, error);
	for (uint32_t i = 0; i < bpfe_object_n_programs(program->object); i++) {
		program->index = i;
		if (!is_xdp_section(program_section(program)))
			continue;
		chosen = i;
		found++;
	}
	program->index = chosen;
	if (found == 1)
		return TRUE;
	if (found) {
		list = list_programs(program->object, bpfe_object_program_name);
		g_set_error(error, RUN_ERROR, RUN_ERROR_FAILED,
			    "%s: %u programs in sections xdp; choose one with --program: %s", path,
			    found, list);
	} else {
		list = list_programs(program->object, bpfe_object_program_section);
		g_set_error(error, RUN_ERROR, RUN_ERROR_FAILED,
			    "%s: no program in section xdp; sections found: %s", path, list);
	}
	return FALSE;
}

static gboolean load(struct program *program, const char *path, uint32_t flags,
		     struct bpfe_log *log, GError **error)
{
	const struct bpfe_load_attr attr = {.flags = flags};
	int ret = bpfe_object_load(program->object, program->index, &attr, &program->loaded,
				   &program->maps, log);

	if (!ret)
		return TRUE;
	g_strchomp(log->buf);
	g_set_error(error, RUN_ERROR, RUN_ERROR_FAILED, "%s: program %s is refused:\n%s", path,
		    program_name(program), log->buf[0] ? log->buf : g_strerror(-ret));
	return FALSE;
}

static gboolean open_object(struct program *program, const char *path, struct bpfe_log *log,
			    GError **error)
{
	g_autoptr(GError) cause = NULL;
	gsize size;
	int ret;

	if (!g_file_get_contents(path, &program->bytes, &size, &cause)) {
		g_set_error(error, RUN_ERROR, RUN_ERROR_FAILED, "%s", cause->message);
		return FALSE;
	}
	ret = bpfe_object_open(program->bytes, size, &program->object, log);
	if (ret) {
		g_strchomp(log->buf);
		g_set_error(error, RUN_ERROR, RUN_ERROR_FAILED, "%s: %s", path,
			    log->buf[0] ? log->buf : g_strerror(-ret));
	}
	return !ret;
}

struct program *program_open(const char *path, const char *name, uint32_t flags, gboolean verbose,
			     GError **error)
{
	struct program *program = g_new0(struct program, 1);
	size_t size = verbose ? LOG_SIZE_VERBOSE : LOG_SIZE;
	struct bpfe_log log = {.size = size, .level = verbose ? 2 : 0};

	program->log = g_malloc0(size);
	log.buf = program->log;
	if (open_object(program, path, &log, error) && choose(program, path, name, error) &&
	    load(program, path, flags, &log, error))
		return program;
	program_close(program);
	return NULL;
}

void program_close(struct program *program)
{
	if (!program)
		return;
	if (program->loaded)
		bpfe_program_put(program->loaded);
	for (uint32_t i = 0; program->maps && i < bpfe_object_n_maps(program->object); i++)
		bpfe_map_put(program->maps[i]);
	free(program->maps); /* by bpf_elf.h's contract */
	bpfe_object_close(program->object);
	g_free(program->bytes);
	g_free(program->log);
	g_free(program);
}
