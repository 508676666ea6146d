/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The levels of an LPM trie and where in them a prefix belongs (maps/lpm_trie.h). */
#include "maps/lpm_trie.h"

struct lpm_level lpm_level_root(const struct bpfe_map *map)
{
	return (struct lpm_level){.slots = lpm_first_table(map), .stride = LPM_ROOT_STRIDE};
}

struct lpm_level lpm_level_block(const struct bpfe_map *map, uint32_t block)
{
	return (struct lpm_level){.slots = lpm_second_table(map, block),
				  .pos = LPM_ROOT_STRIDE,
				  .stride = LPM_ROOT_STRIDE,
				  .block = block};
}

struct lpm_level lpm_level_node(const struct bpfe_map *map, uint64_t child)
{
	return (struct lpm_level){.slots = lpm_child_node(map, child)->slots,
				  .pos = lpm_child_bits(child),
				  .stride = lpm_child_is_wide(child) ? LPM_WIDE_STRIDE
								     : LPM_NODE_STRIDE,
				  .node = child};
}

bool lpm_level_leads_to_block(const struct bpfe_map *map, const struct lpm_level *level)
{
	const struct lpm_header *h = map->data;

	return h->two_tables && !level->pos;
}

uint32_t bpfe_lpm_own(const struct bpfe_map *map, const struct lpm_level *level, uint32_t at)
{
	const uint32_t n_slots = lpm_level_slots(level);
	uint32_t best;

	if (at < n_slots)
		return level->slots[at].own;
	best = level->slots[at - n_slots].best;
	return best && lpm_entry(map, best)->prefixlen == level->pos + level->stride ? best : 0;
}

uint32_t bpfe_lpm_number(const struct lpm_level *level, const uint64_t *words, uint32_t bits)
{
	const uint32_t n = bits - level->pos;

	if (n <= level->stride)
		return 1u << n | lpm_bits(words, level->pos, n);
	return 2 * lpm_level_slots(level) + lpm_bits(words, level->pos, level->stride);
}

void bpfe_lpm_find(const struct bpfe_map *map, const struct lpm_key *k, struct lpm_place *place)
{
	struct lpm_level *level = &place->level;

	*level = lpm_level_root(map);
	place->above = NULL;
	place->above_pos = 0;
	for (;;) {
		struct lpm_slot *slot;
		uint64_t child;
		uint32_t bits;

		place->at = bpfe_lpm_number(level, k->words, k->prefixlen);
		if (lpm_is_own(level, place->at))
			return;
		slot = lpm_slot_at(level, place->at);
		if (lpm_level_leads_to_block(map, level)) {
			*level = lpm_level_block(map, (uint32_t)(slot - level->slots));
			continue;
		}
		child = slot->child;
		bits = lpm_child_bits(child);
		if (!child || lpm_child_is_entry(child) || bits >= k->prefixlen ||
		    lpm_shared(lpm_child_words(map, child), k->words, bits) < bits)
			return;
		place->above = slot;
		place->above_pos = level->pos + level->stride;
		*level = lpm_level_node(map, child);
	}
}

uint32_t bpfe_lpm_entry_at(const struct bpfe_map *map, const struct lpm_key *k,
			   const struct lpm_place *place)
{
	uint64_t child;
	uint32_t number;

	if (lpm_is_own(&place->level, place->at))
		return bpfe_lpm_own(map, &place->level, place->at);
	child = lpm_slot_at(&place->level, place->at)->child;
	number = lpm_child_number(child);
	if (!lpm_child_is_entry(child) || lpm_child_bits(child) != k->prefixlen)
		return 0;
	return lpm_shared(lpm_entry(map, number)->words, k->words, k->prefixlen) == k->prefixlen
		       ? number
		       : 0;
}
