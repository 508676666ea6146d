/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The benchmark programs: pairs NAME.bpf.o and NAME.so in one folder. */
#ifndef SLUICE_BENCH_CATALOGUE_H
#define SLUICE_BENCH_CATALOGUE_H

#include <abi.h>
#include <glib.h>
#include <object_file.h>

#define BENCH_PROGRAM "bench" /* the function in each object */

/* What a map holds before the first iteration. */
struct map_fill {
	char *map;
	uint32_t key_size, value_size;
	uint32_t n;
	GByteArray *keys, *values; /* n of each, one after another */
};

struct bench_program {
	char *name;
	struct object_file *file;
	gchar *bytes; /* of the object, for libbpf */
	gsize size;
	void *native; /* of dlopen() */
	const struct bench_info *info;
	uint8_t frame[BENCH_MAX_FRAME];
	uint32_t frame_len;
	GPtrArray *fills; /* struct map_fill; made by bench_program_prepare() */
};

/*
 * Open the programs in @dir whose name or class fits one of @filters (patterns with * and ?, or
 * NULL for all), by class and then by name. NULL with @error.
 */
GPtrArray *catalogue_open(const char *dir, char **filters, GError **error);

/* Where the programs lie beside this tool. */
char *catalogue_default_dir(void);

/* Work out what the maps hold and the frame; before the program goes to an engine. */
gboolean bench_program_prepare(struct bench_program *program, GError **error);
void bench_program_forget(struct bench_program *program); /* what maps hold, again */

/* Is @map among those whose contents are an engine's own affair? */
gboolean bench_program_own_map(const struct bench_program *program, const char *map);

/* Index of the class in the order of reports, or -1: a class this tool does not know. */
int bench_class_index(const char *name);

#endif
