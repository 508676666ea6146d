/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a run of a program left: the same in all engines, or the bench fails. */
#ifndef SLUICE_BENCH_OUTCOME_H
#define SLUICE_BENCH_OUTCOME_H

#include "catalogue.h"

struct map_digest {
	char name[BPFE_NAME_LEN];
	uint32_t entries;
	uint64_t sum; /* over keys and values, in no order */
};

#define OUTCOME_MAX_MAPS 16

struct outcome {
	uint32_t retval;
	uint8_t frame[BENCH_MAX_FRAME + 320];
	uint32_t frame_len;
	struct map_digest maps[OUTCOME_MAX_MAPS];
	uint32_t n_maps;
};

/* Add an element: @values bytes at @value; of a per-CPU map @cpus values of 8-byte words, which are
 * added up, since engines number processors in their own ways. */
void map_digest_add(struct map_digest *digest, const void *key, size_t key_size, const void *value,
		    size_t value_size, unsigned cpus);

/* Digests of the engine's maps, by the object's order, without those that are not compared. */
gboolean outcome_add_maps(struct outcome *outcome, const struct bench_program *program,
			  struct bpfe_map **maps, GError **error);

/* The bytes of a frame; FALSE with @error if they are too many. */
gboolean outcome_set_frame(struct outcome *outcome, const void *data, size_t size, GError **error);

/* FALSE with @error, which says what differs between @a of column @name_a and @b. */
gboolean outcome_equal(const struct outcome *a, const char *name_a, const struct outcome *b,
		       const char *name_b, GError **error);

/* Does this type keep a value for each processor? */
gboolean map_is_per_cpu(uint32_t type);

#endif
