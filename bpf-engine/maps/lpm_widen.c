/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Nodes of an LPM trie that become a wide one with those right below them (maps/lpm_trie.h). */
#include "maps/lpm_trie.h"

#define WORTH_IT (LPM_NODE_SLOTS / 2) /* nodes right below */

static bool is_right_below(const struct lpm_level *level, uint64_t child)
{
	return child && !lpm_child_is_entry(child) && !lpm_child_is_wide(child) &&
	       lpm_child_bits(child) == level->pos + level->stride;
}

static bool is_worth_it(const struct lpm_level *level)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < LPM_NODE_SLOTS; i++)
		n += is_right_below(level, level->slots[i].child);
	return n >= WORTH_IT;
}

/* Entry @number becomes one of @wide's. Its own ones do not cover their slots yet. */
static void add_entry(const struct bpfe_map *map, const struct lpm_level *wide, uint32_t number)
{
	const struct lpm_entry *entry = lpm_entry(map, number);
	const uint32_t at = bpfe_lpm_number(wide, entry->words, entry->prefixlen);

	if (at < LPM_WIDE_SLOTS)
		wide->slots[at].own = number;
	else if (lpm_is_own(wide, at))
		wide->slots[at - LPM_WIDE_SLOTS].best = number;
	else
		lpm_slot_at(wide, at)->child = bpfe_lpm_child_behind(
			map, lpm_child(LPM_IS_ENTRY | number, 0, entry->prefixlen),
			wide->pos + wide->stride);
}

static void add_child(const struct bpfe_map *map, const struct lpm_level *wide, uint64_t child)
{
	uint32_t slot;

	if (lpm_child_is_entry(child)) {
		add_entry(map, wide, lpm_child_number(child));
		return;
	}
	slot = lpm_bits(lpm_child_words(map, child), wide->pos, LPM_WIDE_STRIDE);
	wide->slots[slot].child = bpfe_lpm_child_behind(map, child, wide->pos + wide->stride);
}

/* Everything in the node of @level; with @below also in those right below it. */
static uint32_t add_node(const struct bpfe_map *map, const struct lpm_level *wide,
			 const struct lpm_level *level, bool below)
{
	uint32_t n = 0;

	for (uint32_t at = 1; at < 2 * LPM_NODE_SLOTS; at++) {
		const uint32_t own = bpfe_lpm_own(map, level, at);

		if (own)
			add_entry(map, wide, own);
		n += own != 0;
	}
	for (uint32_t i = 0; i < LPM_NODE_SLOTS; i++) {
		const uint64_t child = level->slots[i].child;

		if (below && is_right_below(level, child)) {
			const struct lpm_level next = lpm_level_node(map, child);

			n += add_node(map, wide, &next, false);
		} else if (child) {
			add_child(map, wide, child);
			n++;
		}
	}
	return n;
}

static void cover_slots(const struct lpm_level *wide)
{
	for (uint32_t i = 0; i < LPM_WIDE_SLOTS; i++) {
		if (!wide->slots[i].best)
			wide->slots[i].best = bpfe_lpm_best_above(wide, LPM_WIDE_SLOTS + i);
	}
}

static void retire_nodes(struct bpfe_map *map, const struct lpm_level *level)
{
	for (uint32_t i = 0; i < LPM_NODE_SLOTS; i++) {
		if (is_right_below(level, level->slots[i].child))
			bpfe_lpm_retire(map, LPM_NODE, lpm_child_number(level->slots[i].child));
	}
	bpfe_lpm_retire(map, LPM_NODE, lpm_child_number(level->node));
}

void bpfe_lpm_widen(struct bpfe_map *map, const struct lpm_place *place)
{
	const struct lpm_header *h = map->data;
	const struct lpm_level *level = &place->level;
	struct lpm_level wide;
	uint32_t number;

	/* Its bits are to lie in one word of a key. */
	if (lpm_child_is_wide(level->node) || level->pos % LPM_WIDE_STRIDE || !is_worth_it(level))
		return;
	number = bpfe_lpm_take(map, LPM_WIDE);
	if (!number)
		return;
	wide = lpm_level_node(map, lpm_child(LPM_IS_WIDE | number, 0, level->pos));
	memcpy(lpm_child_words(map, wide.node), lpm_child_words(map, level->node),
	       h->n_words * sizeof(uint64_t));
	lpm_child_node(map, wide.node)->things = add_node(map, &wide, level, true);
	cover_slots(&wide);
	atomic_store_explicit(&place->above->child,
			      bpfe_lpm_child_behind(map, wide.node, place->above_pos),
			      memory_order_release);
	retire_nodes(map, level);
}
