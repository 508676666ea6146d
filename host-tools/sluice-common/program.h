/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The program to run, loaded with its maps. */
#ifndef SLUICE_COMMON_PROGRAM_H
#define SLUICE_COMMON_PROGRAM_H

#include "engine_options.h"
#include "object_file.h"

struct program {
	struct object_file *file; /* where it comes from; NULL for a filter */
	uint32_t index;           /* of the program in the object */
	struct bpfe_program *loaded;
	struct bpfe_map **maps; /* bpfe_object_n_maps() of them */
	char *log;              /* the verifier's, if it said something */
};

/*
 * Load a program of object file @path: the one named @name, or (NULL) the only one in a section
 * xdp. @engine: what is to run it. @verbose: the log tells what the verifier saw. NULL with @error
 * that carries the reason, the verifier's included.
 */
struct program *program_open(const char *path, const char *name,
			     const struct engine_options *engine, gboolean verbose, GError **error);

/* The same, with @prepare called on the object before the program is loaded; FALSE with an error
 * stops. */
typedef gboolean (*program_prepare_fn)(void *opaque, struct bpfe_object *object, GError **error);
struct program *program_open_prepared(const char *path, const char *name,
				      const struct engine_options *engine, gboolean verbose,
				      program_prepare_fn prepare, void *opaque, GError **error);

/*
 * The same of a program that passes the frames libpcap filter expression @filter matches and drops
 * all others. It has no maps.
 */
struct program *program_open_filter(const char *filter, const struct engine_options *engine,
				    gboolean verbose, GError **error);
void program_close(struct program *program);

const char *program_name(const struct program *program);
const char *program_section(const struct program *program);

/* Maps the program came with. */
uint32_t program_n_maps(const struct program *program);

#endif
