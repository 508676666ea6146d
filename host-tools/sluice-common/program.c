// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "program.h"
#include "error.h"

#define LOG_SIZE         (64u << 10)
#define LOG_SIZE_VERBOSE (16u << 20)

const char *program_name(const struct program *program)
{
	return bpfe_object_program_name(program->file->object, program->index);
}

const char *program_section(const struct program *program)
{
	return bpfe_object_program_section(program->file->object, program->index);
}

uint32_t program_n_maps(const struct program *program)
{
	return bpfe_object_n_maps(program->file->object);
}

static gboolean load(struct program *program, uint32_t flags, gboolean verbose, GError **error)
{
	const struct bpfe_load_attr attr = {.flags = flags};
	size_t size = verbose ? LOG_SIZE_VERBOSE : LOG_SIZE;
	struct bpfe_log log = {.size = size, .level = verbose ? 2 : 0};
	int ret;

	program->log = g_malloc0(size);
	log.buf = program->log;
	ret = bpfe_object_load(program->file->object, program->index, &attr, &program->loaded,
			       &program->maps, &log);
	if (!ret)
		return TRUE;
	g_strchomp(log.buf);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: program %s is refused:\n%s",
		    program->file->path, program_name(program),
		    log.buf[0] ? log.buf : g_strerror(-ret));
	return FALSE;
}

struct program *program_open(const char *path, const char *name, uint32_t flags, gboolean verbose,
			     GError **error)
{
	struct program *program = g_new0(struct program, 1);
	gboolean ok;

	program->file = object_file_open(path, error);
	ok = program->file && (name ? object_file_find(program->file, name, &program->index, error)
				    : object_file_find_xdp(program->file, &program->index, error));
	if (ok && load(program, flags, verbose, error))
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
	if (program->maps)
		object_maps_put(program->file->object, program->maps);
	object_file_close(program->file);
	g_free(program->log);
	g_free(program);
}
