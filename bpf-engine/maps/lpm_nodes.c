/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The storage of an LPM trie, and its nodes and entries on their way from free to the trie to
 * retired and back, in batches: while one waits for its grace period, the next collects.
 */
#include "maps/lpm_trie.h"

#define MIN_SPARE 64u
#define MAX_SPARE 65536u

#define ZEROED_AT_ONCE 32u /* less than MIN_SPARE */

#define PREFIXES_PER_WIDE 64u /* of these there may be one wide node */

#define TWO_TABLES_FROM                                                           \
	4096u /* prefixes: their nodes and entries are larger than the table then \
	       */

static uint64_t round_up(uint64_t size, uint64_t to)
{
	return (size + to - 1) / to * to;
}

void bpfe_lpm_lay_out(const struct bpfe_map_attr *attr, struct lpm_header *h)
{
	const uint32_t eighth = attr->max_entries / 8;
	const uint32_t spare = MIN_SPARE + (eighth < MAX_SPARE ? eighth : MAX_SPARE);
	uint64_t slots = LPM_ROOT_SLOTS, words;

	h->key_bits = (uint16_t)((attr->key_size - sizeof(uint32_t)) * 8);
	h->n_words = (h->key_bits + 63u) / 64;
	words = h->n_words * sizeof(uint64_t);
	h->two_tables = h->key_bits > LPM_ROOT_STRIDE && attr->max_entries >= TWO_TABLES_FROM;
	if (h->two_tables)
		slots += (uint64_t)LPM_ROOT_SLOTS * LPM_ROOT_SLOTS;
	/* A new prefix's node and entry are taken before anything else is given up. */
	h->pools[LPM_NODE].n = h->pools[LPM_ENTRY].n = attr->max_entries + spare;
	if (h->two_tables)
		h->pools[LPM_WIDE].n = attr->max_entries / PREFIXES_PER_WIDE;
	h->nodes = LPM_TABLES + slots * sizeof(struct lpm_slot);
	h->node_stride =
		round_up(sizeof(struct lpm_node) + LPM_NODE_SLOTS * sizeof(struct lpm_slot) + words,
			 sizeof(struct lpm_slot));
	h->wides = h->nodes + h->node_stride * h->pools[LPM_NODE].n;
	h->wide_stride =
		round_up(sizeof(struct lpm_node) + LPM_WIDE_SLOTS * sizeof(struct lpm_slot) + words,
			 sizeof(struct lpm_slot));
	h->entries = h->wides + h->wide_stride * h->pools[LPM_WIDE].n;
	h->entry_stride = sizeof(struct lpm_entry) + words + bpfe_value_stride(attr);
	h->size = h->entries + h->entry_stride * h->pools[LPM_ENTRY].n;
}

static uint32_t *link_of(struct bpfe_map *map, enum lpm_kind kind, uint32_t number)
{
	switch (kind) {
	case LPM_ENTRY:
		return &lpm_entry(map, number)->link;
	case LPM_NODE:
		return &lpm_node(map, number)->link;
	default:
		return &lpm_wide(map, number)->link;
	}
}

static void append(struct bpfe_map *map, enum lpm_kind kind, struct lpm_list *list, uint32_t number)
{
	*link_of(map, kind, number) = 0;
	if (list->last)
		*link_of(map, kind, list->last) = number;
	else
		list->first = number;
	list->last = number;
}

/* The first of @list, which is taken out of it; 0: it is empty. */
static uint32_t take_first(struct bpfe_map *map, enum lpm_kind kind, struct lpm_list *list)
{
	uint32_t number = list->first;

	if (!number)
		return 0;
	list->first = *link_of(map, kind, number);
	if (!list->first)
		list->last = 0;
	return number;
}

static void zero(struct bpfe_map *map, enum lpm_kind kind, uint32_t number)
{
	const struct lpm_header *h = map->data;

	switch (kind) {
	case LPM_ENTRY:
		bpfe_value_zero(lpm_entry(map, number), h->entry_stride);
		break;
	case LPM_NODE:
		bpfe_value_zero(lpm_node(map, number), h->node_stride);
		break;
	default:
		bpfe_value_zero(lpm_wide(map, number), h->wide_stride);
	}
}

uint32_t bpfe_lpm_take(struct bpfe_map *map, enum lpm_kind kind)
{
	struct lpm_header *h = map->data;
	struct lpm_pool *pool = &h->pools[kind];
	uint32_t number = pool->free;

	if (number) {
		pool->free = *link_of(map, kind, number);
		*link_of(map, kind, number) = 0;
		return number;
	}
	return pool->used < pool->n ? ++pool->used : 0;
}

uint32_t bpfe_lpm_take_any(struct bpfe_map *map, enum lpm_kind kind)
{
	struct lpm_header *h = map->data;
	uint32_t number = bpfe_lpm_take(map, kind);

	if (number)
		return number;
	number = take_first(map, kind, &h->pools[kind].waiting);
	if (!number)
		number = take_first(map, kind, &h->pools[kind].retired);
	/* Before anything in it changes: who reads a changed word then reads this too. And behind
	 * what unlinked it: who begins with the new count does not come to it. */
	atomic_fetch_add_explicit(&h->reuses, 1, memory_order_release);
	atomic_thread_fence(memory_order_release);
	zero(map, kind, number);
	return number;
}

static void start_recycling(struct bpfe_map *map);

/* Up to ZEROED_AT_ONCE of those whose grace period is over go to @numbers; how many. */
static uint32_t take_waiting(struct bpfe_map *map, enum lpm_kind kind, uint32_t *numbers)
{
	struct lpm_header *h = map->data;
	uint32_t n = 0;

	pthread_mutex_lock(&map->lock);
	while (n < ZEROED_AT_ONCE) {
		numbers[n] = take_first(map, kind, &h->pools[kind].waiting);
		if (!numbers[n])
			break;
		n++;
	}
	pthread_mutex_unlock(&map->lock);
	return n;
}

/*
 * Zero some of those whose grace period is over, and make them free. False: there was none. While
 * it zeroes, nobody has them, and there are as many spare ones.
 */
static bool recycle_some(struct bpfe_map *map, enum lpm_kind kind)
{
	struct lpm_header *h = map->data;
	uint32_t numbers[ZEROED_AT_ONCE], n = take_waiting(map, kind, numbers);

	for (uint32_t i = 0; i < n; i++)
		zero(map, kind, numbers[i]);
	pthread_mutex_lock(&map->lock);
	for (uint32_t i = 0; i < n; i++) {
		*link_of(map, kind, numbers[i]) = h->pools[kind].free;
		h->pools[kind].free = numbers[i];
	}
	pthread_mutex_unlock(&map->lock);
	return n;
}

static void recycle(struct bpfe_rcu_head *head)
{
	struct bpfe_map *map =
		(struct bpfe_map *)((uint8_t *)head - offsetof(struct bpfe_map, recycle_rcu));
	struct lpm_header *h = map->data;

	for (enum lpm_kind kind = 0; kind < LPM_KINDS; kind++) {
		while (recycle_some(map, kind))
			;
	}
	pthread_mutex_lock(&map->lock);
	h->recycling = false;
	for (enum lpm_kind kind = 0; kind < LPM_KINDS && !h->recycling; kind++) {
		if (h->pools[kind].retired.first)
			start_recycling(map);
	}
	pthread_mutex_unlock(&map->lock);
	bpfe_map_release(map);
}

/* Under the lock, with something retired and no grace period under way. */
static void start_recycling(struct bpfe_map *map)
{
	struct lpm_header *h = map->data;

	for (enum lpm_kind kind = 0; kind < LPM_KINDS; kind++) {
		h->pools[kind].waiting = h->pools[kind].retired;
		h->pools[kind].retired = (struct lpm_list){0};
	}
	h->recycling = true;
	bpfe_map_hold(map);
	bpfe_rcu_call(&map->recycle_rcu, recycle);
}

void bpfe_lpm_retire(struct bpfe_map *map, enum lpm_kind kind, uint32_t number)
{
	struct lpm_header *h = map->data;

	append(map, kind, &h->pools[kind].retired, number);
	if (!h->recycling)
		start_recycling(map);
}
