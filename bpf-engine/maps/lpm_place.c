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
	const uint32_t number = lpm_child_number(child);

	return (struct lpm_level){.slots = lpm_node(map, number)->slots,
				  .pos = lpm_child_bits(child),
				  .stride = LPM_NODE_STRIDE,
				  .node = number};
}

bool lpm_level_leads_to_block(const struct bpfe_map *map, const struct lpm_level *level)
{
	const struct lpm_header *h = map->data;

	return h->two_tables && !level->pos;
}

void bpfe_lpm_find(const struct bpfe_map *map, const struct lpm_key *k, struct lpm_place *place)
{
	struct lpm_level *level = &place->level;

	*level = lpm_level_root(map);
	place->above = NULL;
	place->above_pos = 0;
	for (;;) {
		uint32_t behind = level->pos + level->stride, n, slot, bits;
		uint64_t child;

		n = k->prefixlen < behind ? k->prefixlen - level->pos : level->stride;
		slot = lpm_bits(k->words, level->pos, n);
		place->at = 1u << n | slot;
		if (n < level->stride)
			return;
		if (lpm_level_leads_to_block(map, level)) {
			*level = lpm_level_block(map, slot);
			continue;
		}
		child = level->slots[slot].child;
		bits = lpm_child_bits(child);
		if (!child || lpm_child_is_entry(child) || bits > k->prefixlen ||
		    lpm_shared(lpm_node(map, lpm_child_number(child))->words, k->words, bits) <
			    bits)
			return;
		place->above = &level->slots[slot];
		place->above_pos = behind;
		*level = lpm_level_node(map, child);
	}
}

uint32_t bpfe_lpm_entry_at(const struct bpfe_map *map, const struct lpm_key *k,
			   const struct lpm_place *place)
{
	uint64_t child;
	uint32_t number;

	if (lpm_place_is_own(place))
		return place->level.slots[place->at].own;
	child = lpm_place_slot(place)->child;
	number = lpm_child_number(child);
	if (!lpm_child_is_entry(child) || lpm_child_bits(child) != k->prefixlen)
		return 0;
	return lpm_shared(lpm_entry(map, number)->words, k->words, k->prefixlen) == k->prefixlen
		       ? number
		       : 0;
}
