/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the parts of map_ops share: what is measured, over which keys, and by whom. */
#ifndef MAP_OPS_H
#define MAP_OPS_H

#include <stdbool.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	PER_ROUND = 8
}; /* as map_ops.bpf.c has it */

enum op {
	OP_EMPTY, /* what the loop costs */
	OP_LOOK_UP,
	OP_UPDATE,
	OP_REPLACE, /* delete the key, then insert it */
	OPS
};

/* A map, and the keys that are visited: all of them in random order, the same for everyone. */
struct work {
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t entries;
	uint8_t *keys; /* n_keys of them, a power of two */
	uint32_t n_keys;
	uint32_t n_ops; /* a multiple of PER_ROUND */
	enum op op;
};

/* ---- map_ops_linux.c ---- */

struct linux_side;

/* The host's kernel with a map of @work's attributes that has the @entries keys at @present; NULL
 * if it has no bpf(), and then why goes to stderr. */
struct linux_side *linux_open(const struct work *work, const uint8_t *present);
void linux_close(struct linux_side *side);

/* Run @op over @keys: ns an operation; the sum of what it found to @found. */
double linux_run(struct linux_side *side, const struct work *work, enum op op, uint64_t *found);

/* ---- map_ops_ours.c ---- */

struct our_side;

/* From now on this thread stays on the last processor, and the engine's own threads do not. */
void our_prepare(void);

struct our_side *our_open(const struct work *work, const uint8_t *present);
void our_close(struct our_side *side);
double our_run(struct our_side *side, const struct work *work, enum op op, uint64_t *found);

/* Look-ups of all @keys by one thread, and by two at a time: millions a second. */
void our_scaling(struct our_side *side, const struct work *work, double *one, double *two);

#endif
