/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The nodes of an LPM trie: free, in use, and waiting for a grace period, in batches. Intermediate
 * nodes always have two children, so there are fewer of them than of prefixes.
 */
#include "maps/lpm_trie.h"

#define MIN_SPARE 1024u /* a burst of so many changes finds nodes */
#define MAX_SPARE 65536u

uint32_t bpfe_lpm_node_count(const struct bpfe_map_attr *attr)
{
	uint32_t eighth = attr->max_entries / 8;

	return 2 * attr->max_entries + MIN_SPARE + (eighth < MAX_SPARE ? eighth : MAX_SPARE);
}

uint32_t bpfe_lpm_take(struct bpfe_map *map)
{
	struct lpm_header *h = map->data;
	uint32_t number = h->free;

	if (number) {
		h->free = lpm_node(map, number)->link;
		return number;
	}
	return h->used < h->n_nodes ? ++h->used : 0;
}

static void zero(struct bpfe_map *map, struct lpm_node *node)
{
	node->child[0] = node->child[1] = 0;
	node->intermediate = 0;
	node->prefixlen = 0;
	bpfe_value_zero(node->words, lpm_stride(&map->attr) - sizeof(*node));
}

void bpfe_lpm_give_back(struct bpfe_map *map, uint32_t number)
{
	struct lpm_header *h = map->data;

	zero(map, lpm_node(map, number));
	lpm_node(map, number)->link = h->free;
	h->free = number;
}

static void start_recycling(struct bpfe_map *map);

/* Zero the batch whose grace period is over and return it to the free list. */
static void recycle(struct bpfe_rcu_head *head)
{
	struct bpfe_map *map =
		(struct bpfe_map *)((uint8_t *)head - offsetof(struct bpfe_map, recycle_rcu));
	struct lpm_header *h = map->data;
	uint32_t first, last = 0;

	pthread_mutex_lock(&map->lock);
	first = h->waiting;
	pthread_mutex_unlock(&map->lock);
	/* Nobody but this callback knows the batch, so zeroing needs no lock. It is never empty. */
	for (uint32_t n = first; n; n = lpm_node(map, n)->link) {
		zero(map, lpm_node(map, n));
		last = n;
	}
	pthread_mutex_lock(&map->lock);
	lpm_node(map, last)->link = h->free;
	h->free = first;
	h->waiting = 0;
	h->recycling = false;
	if (h->retired)
		start_recycling(map);
	pthread_mutex_unlock(&map->lock);
	bpfe_map_release(map);
}

/* Under the lock, with something retired and no grace period under way. */
static void start_recycling(struct bpfe_map *map)
{
	struct lpm_header *h = map->data;

	h->waiting = h->retired;
	h->retired = 0;
	h->recycling = true;
	bpfe_map_hold(map);
	bpfe_rcu_call(&map->recycle_rcu, recycle);
}

void bpfe_lpm_retire(struct bpfe_map *map, uint32_t number)
{
	struct lpm_header *h = map->data;

	lpm_node(map, number)->link = h->retired;
	h->retired = number;
	if (!h->recycling)
		start_recycling(map);
}
