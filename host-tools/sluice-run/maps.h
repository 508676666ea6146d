/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Keys and values of maps as people write and read them. */
#ifndef SLUICE_RUN_MAPS_H
#define SLUICE_RUN_MAPS_H

#include <bpf_elf.h>
#include <glib.h>

/*
 * Set one element of one of @object's @maps. @preset is NAME:KEY=VALUE; KEY and VALUE are an
 * integer, an IP address or hex:BYTES. FALSE with @error naming what does not fit.
 */
gboolean maps_preset(const struct bpfe_object *object, struct bpfe_map **maps, const char *preset,
		     GError **error);

/* Set a global variable of @object, which is not loaded yet. @preset is NAME=VALUE. */
gboolean globals_preset(struct bpfe_object *object, const char *preset, GError **error);

/* @size bytes at @data as BTF type @type_id (0: unknown) of @btf describes them, else as hex. */
char *maps_format(const struct btf *btf, uint32_t type_id, const void *data, size_t size);

/* Type of @map as bpftool names it: "array". */
const char *maps_type(const struct bpfe_map *map);

gboolean maps_is_zero(const uint8_t *bytes, size_t size);

/*
 * Called for each element, of a per-CPU map for each processor @cpu that wrote it (-1: not per
 * CPU); FALSE ends the walk. Maps whose elements have no keys have none to visit.
 */
typedef gboolean (*maps_visit_fn)(void *opaque, int cpu, const void *key, const void *value);
void maps_foreach(struct bpfe_map *map, maps_visit_fn visit, void *opaque);

#endif
