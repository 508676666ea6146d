/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the engine's own columns and the native one share: maps and a frame in memory. */
#ifndef SLUICE_BENCH_COLUMN_SLUICE_H
#define SLUICE_BENCH_COLUMN_SLUICE_H

#include "column.h"

/* A program loaded, its maps filled. */
struct loaded {
	struct bpfe_program *program;
	struct bpfe_map **maps;
};

gboolean loaded_open(struct loaded *loaded, const struct column *column,
		     struct bench_program *program, uint32_t n, GError **error);
void loaded_close(struct loaded *loaded, const struct bench_program *program);

/* Memory around a frame. */
struct frame_memory {
	_Alignas(64) uint8_t bytes[BENCH_HEADROOM + BENCH_MAX_FRAME + BENCH_TAILROOM];
};

/* Put the program's frame there as it first was; returns its first byte. */
uint8_t *frame_memory_set(struct frame_memory *memory, const struct bench_program *program);

#endif
