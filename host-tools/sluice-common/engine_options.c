// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "engine_options.h"
#include "error.h"

#include <string.h>

static const struct {
	const char *name;
	uint8_t kind; /* enum bpfe_engine */
	uint32_t flags;
} engines[] = {
	{"jit", BPFE_ENGINE_JIT, 0},
	{"interp", BPFE_ENGINE_INTERP, 0},
	{"checked", BPFE_ENGINE_INTERP, BPFE_LOAD_CHECKED},
};

static const struct {
	const char *name;
	uint32_t relax; /* what leaving it out is */
} mitigations[] = {
	{"blinding", BPFE_RELAX_BLINDING}, {"random-start", BPFE_RELAX_RANDOM_START},
	{"masks", BPFE_RELAX_MASKS},       {"packet", BPFE_RELAX_PACKET},
	{"fences", BPFE_RELAX_FENCES},
};

static gboolean refuse(GError **error, const char *tool, const char *text)
{
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE, "%s; see %s --help", text, tool);
	return FALSE;
}

static gboolean parse_engine(struct engine_options *options, const char *tool, GError **error)
{
	g_autofree char *unknown = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(engines); i++) {
		if (!strcmp(engines[i].name, options->engine)) {
			options->kind = engines[i].kind;
			options->flags |= engines[i].flags;
			return TRUE;
		}
	}
	unknown = g_strdup_printf("--engine %s: the engines are jit, interp and checked",
				  options->engine);
	return refuse(error, tool, unknown);
}

/* One mitigation that stays on. */
static gboolean keep(struct engine_options *options, const char *name, const char *tool,
		     GError **error)
{
	g_autofree char *unknown = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(mitigations); i++) {
		if (!strcmp(mitigations[i].name, name)) {
			options->relax &= ~mitigations[i].relax;
			return TRUE;
		}
	}
	unknown = g_strdup_printf("--harden: '%s' is none of on, off, blinding, random-start, "
				  "masks, packet, fences",
				  name);
	return refuse(error, tool, unknown);
}

static gboolean parse_harden(struct engine_options *options, const char *tool, GError **error)
{
	g_auto(GStrv) names = NULL;

	if (!strcmp(options->harden, "on"))
		return TRUE;
	options->relax = BPFE_RELAX_ALL;
	if (!strcmp(options->harden, "off"))
		return TRUE;
	names = g_strsplit(options->harden, ",", -1);
	for (char **name = names; *name; name++) {
		if (!keep(options, *name, tool, error))
			return FALSE;
	}
	return TRUE;
}

gboolean engine_options_parse(struct engine_options *options, const char *tool, GError **error)
{
	if (options->engine && !parse_engine(options, tool, error))
		return FALSE;
	if (options->harden && !parse_harden(options, tool, error))
		return FALSE;
	if (!options->checked)
		return TRUE;
	if (options->engine && !(options->flags & BPFE_LOAD_CHECKED))
		return refuse(error, tool, "--checked needs the checked engine");
	options->kind = BPFE_ENGINE_INTERP;
	options->flags |= BPFE_LOAD_CHECKED;
	return TRUE;
}

void engine_options_apply(const struct engine_options *options, struct bpfe_load_attr *attr)
{
	attr->engine = options->kind;
	attr->flags |= options->flags;
	attr->relax = options->relax;
}

void engine_options_clear(struct engine_options *options)
{
	g_free(options->engine);
	g_free(options->harden);
}

char *engine_describe(const struct bpfe_program *program)
{
	struct bpfe_program_info info;

	bpfe_program_info(program, &info);
	if (info.engine != BPFE_ENGINE_JIT)
		return g_strdup(bpfe_engine_name(info.engine));
	return g_strdup_printf("%s, %u bytes of machine code in %.0f us",
			       bpfe_engine_name(info.engine), info.jit_bytes,
			       (double)info.jit_ns / 1000.0);
}
