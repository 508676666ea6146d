// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "program.h"
#include "error.h"
#include "expression.h"

#include <bpf_classic.h>
#include <stdlib.h>

#define LOG_SIZE         (64u << 10)
#define LOG_SIZE_VERBOSE (16u << 20)

const char *program_name(const struct program *program)
{
	return program->file ? bpfe_object_program_name(program->file->object, program->index)
			     : "filter";
}

const char *program_section(const struct program *program)
{
	return program->file ? bpfe_object_program_section(program->file->object, program->index)
			     : "xdp";
}

uint32_t program_n_maps(const struct program *program)
{
	return program->file ? bpfe_object_n_maps(program->file->object) : 0;
}

static struct bpfe_log log_begin(struct program *program, gboolean verbose)
{
	size_t size = verbose ? LOG_SIZE_VERBOSE : LOG_SIZE;

	program->log = g_malloc0(size);
	return (struct bpfe_log){.buf = program->log, .size = size, .level = verbose ? 2 : 0};
}

static void refuse(const struct program *program, const char *source, int err, GError **error)
{
	g_strchomp(program->log);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: program %s is refused:\n%s", source,
		    program_name(program), program->log[0] ? program->log : g_strerror(-err));
}

static gboolean load(struct program *program, const struct engine_options *engine, gboolean verbose,
		     GError **error)
{
	struct bpfe_log log = log_begin(program, verbose);
	struct bpfe_load_attr attr = {0};
	int ret;

	engine_options_apply(engine, &attr);
	ret = bpfe_object_load(program->file->object, program->index, &attr, &program->loaded,
			       &program->maps, &log);

	if (ret)
		refuse(program, program->file->path, ret, error);
	return !ret;
}

/* One named on the command line may be of any type. */
static gboolean check_type(const struct program *program, GError **error)
{
	if (bpfe_object_program_type(program->file->object, program->index) == BPF_PROG_TYPE_XDP)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
		    "%s: program %s is for section %s; frames are received by XDP programs",
		    program->file->path, program_name(program), program_section(program));
	return FALSE;
}

struct program *program_open(const char *path, const char *name,
			     const struct engine_options *engine, gboolean verbose, GError **error)
{
	return program_open_prepared(path, name, engine, verbose, NULL, NULL, error);
}

struct program *program_open_prepared(const char *path, const char *name,
				      const struct engine_options *engine, gboolean verbose,
				      program_prepare_fn prepare, void *opaque, GError **error)
{
	struct program *program = g_new0(struct program, 1);
	gboolean ok;

	program->file = object_file_open(path, error);
	ok = program->file && (name ? object_file_find(program->file, name, &program->index, error)
				    : object_file_find_xdp(program->file, &program->index, error));
	if (ok && prepare)
		ok = prepare(opaque, program->file->object, error);
	if (ok && check_type(program, error) && load(program, engine, verbose, error))
		return program;
	program_close(program);
	return NULL;
}

static gboolean load_filter(struct program *program, const char *filter,
			    const struct engine_options *engine, gboolean verbose, GError **error)
{
	struct expression expression;
	struct bpfe_classic_attr classic = {.match = XDP_PASS, .no_match = XDP_DROP};
	struct bpfe_load_attr attr = {.name = "filter"};
	struct bpfe_log log = log_begin(program, verbose);
	struct bpf_insn *insns = NULL;
	int ret;

	if (!expression_compile(&expression, filter, NULL, TRUE, error))
		return FALSE;
	engine_options_apply(engine, &attr);
	classic.insns = expression.insns;
	classic.n_insns = expression.n_insns;
	ret = bpfe_classic_convert(&classic, &insns, &attr.n_insns, &log);
	attr.insns = insns;
	if (!ret)
		ret = bpfe_program_load(&attr, &program->loaded, &log);
	free(insns);
	expression_clear(&expression);
	if (ret)
		refuse(program, filter, ret, error);
	return !ret;
}

struct program *program_open_filter(const char *filter, const struct engine_options *engine,
				    gboolean verbose, GError **error)
{
	struct program *program = g_new0(struct program, 1);

	if (load_filter(program, filter, engine, verbose, error))
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
