/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What runs a program, as options that several tools have. */
#ifndef SLUICE_COMMON_ENGINE_OPTIONS_H
#define SLUICE_COMMON_ENGINE_OPTIONS_H

#include <bpf_engine.h>
#include <glib.h>

struct engine_options {
	char *engine; /* as given; NULL: what the engine chooses */
	char *harden; /* as given; NULL: on */
	gboolean checked;
	/* For struct bpfe_load_attr; set by engine_options_parse(), the caller may add flags. */
	uint32_t flags;
	uint32_t relax;
	uint8_t kind;
};

#define ENGINE_OPTION(options)                                                               \
	{"engine",                                                                           \
	 'e',                                                                                \
	 0,                                                                                  \
	 G_OPTION_ARG_STRING,                                                                \
	 &(options)->engine,                                                                 \
	 "jit (default where it works), interp, or checked: the interpreter looks at every " \
	 "memory access at run time too",                                                    \
	 "ENGINE"}

#define HARDEN_OPTION(options)                                                       \
	{"harden",                                                                   \
	 0,                                                                          \
	 0,                                                                          \
	 G_OPTION_ARG_STRING,                                                        \
	 &(options)->harden,                                                         \
	 "Hardening of compiled code: on (default), off, or these alone: blinding, " \
	 "random-start, masks, packet, fences (a,b)",                                \
	 "LIST"}

/* The short form of --engine checked. */
#define CHECKED_OPTION(options) \
	{"checked", 'c', 0, G_OPTION_ARG_NONE, &(options)->checked, "As --engine checked", NULL}

/* Check what was given. FALSE with @error, a usage error that names tool and subcommand @tool. */
gboolean engine_options_parse(struct engine_options *options, const char *tool, GError **error);
void engine_options_apply(const struct engine_options *options, struct bpfe_load_attr *attr);
void engine_options_clear(struct engine_options *options);

/* "jit, 412 bytes of machine code in 85 us" or "interp"; the caller frees it. */
char *engine_describe(const struct bpfe_program *program);

#endif
