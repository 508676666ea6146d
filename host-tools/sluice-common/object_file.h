/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* An ELF object with programs, read from a file. */
#ifndef SLUICE_COMMON_OBJECT_FILE_H
#define SLUICE_COMMON_OBJECT_FILE_H

#include <bpf_elf.h>
#include <glib.h>

struct object_file {
	struct bpfe_object *object;
	gchar *path;
	gchar *bytes; /* of the file */
};

/* NULL with @error, the loader's reason in it. */
struct object_file *object_file_open(const char *path, GError **error);
void object_file_close(struct object_file *file);

/* Index of the program called @name; FALSE with @error, which lists those found. */
gboolean object_file_find(const struct object_file *file, const char *name, uint32_t *index,
			  GError **error);

/* Index of the only program in a section xdp; FALSE with @error, which lists what there is. */
gboolean object_file_find_xdp(const struct object_file *file, uint32_t *index, GError **error);

/* Reference counted maps of bpfe_object_load(), all of @object's; NULL is fine. */
void object_maps_put(const struct bpfe_object *object, struct bpfe_map **maps);

#endif
