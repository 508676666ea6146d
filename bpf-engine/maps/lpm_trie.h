/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_LPM_TRIE: prefixes and their values in a binary trie whose nodes skip the bits that
 * all below them share, linked by node number.
 *
 * Readers walk without a lock; writers hold the map's. A node's prefix never changes while readers
 * may stand on it, and prefixes grow along a path, so that every walk ends. A value is replaced by
 * a new node in the old one's place. What was unlinked is zeroed and reused after a grace period;
 * a burst of changes that outruns it finds no node, and then a present prefix's value is
 * overwritten in place and a new prefix refused with -ENOMEM, as in Linux when memory is short.
 */
#ifndef BPFE_MAPS_LPM_TRIE_H
#define BPFE_MAPS_LPM_TRIE_H

#include <string.h>
#include "maps/map.h"

#define LPM_MAX_BITS  2048u
#define LPM_MAX_WORDS (LPM_MAX_BITS / 64)

/* Node numbers start at 1; 0 is none. */
struct lpm_node {
	_Atomic uint32_t child[2]; /* by the first bit after the prefix */
	uint32_t prefixlen;
	uint32_t link;                 /* in the free, retired or waiting list */
	_Atomic uint32_t intermediate; /* has no value, only two children */
	uint32_t reserved;
	uint64_t words[]; /* the key's data, first bit highest; then the value */
};

/* Start of map->data; the nodes follow. */
struct lpm_header {
	_Atomic uint32_t root;
	_Atomic uint32_t count; /* prefixes, intermediate nodes not counted */
	uint32_t n_nodes;
	uint32_t used;    /* nodes beyond this number were never used */
	uint32_t free;    /* list of zeroed nodes */
	uint32_t retired; /* list that will wait for the next grace period */
	uint32_t waiting; /* list that waits for one now */
	uint32_t recycling;
};

/* A key, read once. */
struct lpm_key {
	uint32_t prefixlen;
	uint64_t words[LPM_MAX_WORDS];
};

static inline uint32_t lpm_words(const struct bpfe_map_attr *attr)
{
	return (attr->key_size - (uint32_t)sizeof(uint32_t) + 7) / 8;
}

static inline size_t lpm_stride(const struct bpfe_map_attr *attr)
{
	return sizeof(struct lpm_node) + lpm_words(attr) * sizeof(uint64_t) +
	       bpfe_value_stride(attr);
}

static inline struct lpm_node *lpm_node(const struct bpfe_map *map, uint32_t number)
{
	return (struct lpm_node *)((uint8_t *)map->data + sizeof(struct lpm_header) +
				   (size_t)(number - 1) * lpm_stride(&map->attr));
}

static inline void *lpm_value(const struct bpfe_map *map, struct lpm_node *node)
{
	return &node->words[lpm_words(&map->attr)];
}

/* ---- lpm_nodes.c ---- */

uint32_t bpfe_lpm_node_count(const struct bpfe_map_attr *attr);

/* A zeroed node, or 0. Under the lock. */
uint32_t bpfe_lpm_take(struct bpfe_map *map);

/* Node @number was taken and is not needed: it is zeroed. Under the lock. */
void bpfe_lpm_give_back(struct bpfe_map *map, uint32_t number);

/* Node @number was unlinked. Under the lock. */
void bpfe_lpm_retire(struct bpfe_map *map, uint32_t number);

#endif
