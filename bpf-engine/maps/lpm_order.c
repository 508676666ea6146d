/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The prefixes of an LPM trie in order. A level's own prefixes form a binary tree by their numbers,
 * below the lowest of which hangs what is longer: the order is the left half, the right half, the
 * prefix itself.
 */
#include "maps/lpm_trie.h"

static uint32_t number_above(const struct lpm_level *level, uint32_t at)
{
	return lpm_is_own(level, at) ? at / 2 : at - lpm_level_slots(level);
}

/* Number of the first thing at and below number @at of @level; 0: there is none. */
static uint32_t first_in(const struct bpfe_map *map, const struct lpm_level *level, uint32_t at)
{
	const uint32_t n_slots = lpm_level_slots(level);
	uint32_t first;

	if (!lpm_is_own(level, at))
		return lpm_slot_at(level, at)->child ? at : 0;
	if (at >= n_slots) {
		first = first_in(map, level, at + n_slots);
	} else {
		first = first_in(map, level, 2 * at);
		if (!first)
			first = first_in(map, level, 2 * at + 1);
	}
	return first || !bpfe_lpm_own(map, level, at) ? first : at;
}

/* The first entry at and below number @at of @level, which may be 0: none. */
static uint32_t first_below(const struct bpfe_map *map, struct lpm_level level, uint32_t at)
{
	while (at) {
		struct lpm_slot *slot;
		uint64_t child;

		if (lpm_is_own(&level, at))
			return bpfe_lpm_own(map, &level, at);
		slot = lpm_slot_at(&level, at);
		child = slot->child;
		if (lpm_level_leads_to_block(map, &level))
			level = lpm_level_block(map, (uint32_t)(slot - level.slots));
		else if (lpm_child_is_entry(child))
			return lpm_child_number(child);
		else
			level = lpm_level_node(map, child);
		at = first_in(map, &level, 1);
	}
	return 0;
}

/* The first entry behind number @at of @level; 0: none in this level and below it. */
static uint32_t first_behind(const struct bpfe_map *map, const struct lpm_level *level, uint32_t at)
{
	while (at > 1) {
		const bool is_left = lpm_is_own(level, at) && at % 2 == 0;
		uint32_t right = is_left ? first_in(map, level, at + 1) : 0, own;

		if (right)
			return first_below(map, *level, right);
		at = number_above(level, at);
		own = bpfe_lpm_own(map, level, at);
		if (own)
			return own;
	}
	return 0;
}

/* The first entry behind @k, which is at @place; @levels on the way to it, the last included. */
static uint32_t next_of(const struct bpfe_map *map, const struct lpm_key *k,
			const struct lpm_level *levels, uint32_t n, uint32_t at)
{
	while (n--) {
		const struct lpm_level *level = &levels[n];
		uint32_t next = first_behind(map, level, at);

		if (next || !n)
			return next;
		level = &levels[n - 1];
		at = 2 * lpm_level_slots(level) + lpm_bits(k->words, level->pos, level->stride);
	}
	return 0;
}

/* The levels on the way to the last, @place's, which is there; their number. */
static uint32_t way_to(const struct bpfe_map *map, const struct lpm_key *k,
		       const struct lpm_place *place, struct lpm_level *levels)
{
	uint32_t n = 0;

	levels[n++] = lpm_level_root(map);
	while (levels[n - 1].slots != place->level.slots) {
		const struct lpm_level *last = &levels[n - 1];
		uint32_t slot = lpm_bits(k->words, last->pos, last->stride);

		levels[n] = lpm_level_leads_to_block(map, last)
				    ? lpm_level_block(map, slot)
				    : lpm_level_node(map, last->slots[slot].child);
		n++;
	}
	return n;
}

uint32_t bpfe_lpm_next(const struct bpfe_map *map, const struct lpm_key *k)
{
	struct lpm_level levels[LPM_MAX_BITS / LPM_NODE_STRIDE];
	struct lpm_level root = lpm_level_root(map);
	struct lpm_place place;

	if (k) {
		bpfe_lpm_find(map, k, &place);
		if (bpfe_lpm_entry_at(map, k, &place))
			return next_of(map, k, levels, way_to(map, k, &place, levels), place.at);
	}
	return first_below(map, root, first_in(map, &root, 1));
}
