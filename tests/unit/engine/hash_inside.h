/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* For tests that look into the table of the hash maps: keys of 8 bytes, whose value is ~key. */
#ifndef TEST_ENGINE_HASH_INSIDE_H
#define TEST_ENGINE_HASH_INSIDE_H

#include "harness.h"
#include "maps/hash.h"

/* Values have 8 bytes, whatever keys have. */
struct bpfe_map *create(uint32_t type, uint32_t key_size, uint32_t entries);
const struct hash_header *header(const struct bpfe_map *map);
uint32_t n_buckets(const struct bpfe_map *map);
uint64_t hash_of(const struct bpfe_map *map, const void *key);

int insert(struct bpfe_map *map, uint64_t key);
bool present(struct bpfe_map *map, uint64_t key);
/* As compiled code looks it up. */
bool present_to_programs(struct bpfe_map *map, uint64_t key);

/* @n keys that are at home in one bucket of @map, whatever its size: what nobody can choose who
 * does not know the secret. */
void find_crowd(const struct bpfe_map *map, uint64_t *keys, uint32_t n);

int with_aes(void **state);
int without_aes(void **state);

/* The test with the hash of this processor and with the portable one. */
#define BOTH(name)                                                  \
	{#name, name, with_aes, NULL, NULL},                        \
	{                                                           \
		#name " without AES", name, without_aes, NULL, NULL \
	}

#endif
