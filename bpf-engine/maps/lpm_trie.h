/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_LPM_TRIE: a trie that takes several bits of the key at each step and skips those
 * that all below share, linked by number.
 *
 * A level looks at `stride` bits of the key from bit `pos` on and has a slot for each value of
 * them. The first level, or for maps of many prefixes the first two, are tables of 8 bits (the
 * second indexed by both bytes at once, so that it is one step); below are nodes of 4 bits at any
 * multiple of 4. Prefixes of pos + 1 to pos + stride bits (in the first level that of 0, too) are
 * the level's own: each slot has the longest that covers it as its `best`. What is longer hangs in
 * the slot it belongs to, alone as an entry or with others under a node. A node holds two things
 * at least, so that there are fewer nodes than prefixes, and a change writes no more slots than one
 * level has. A node with nodes right below half its slots becomes a wide one of 8 bits together
 * with them, as long as there are some, and stays one until a single thing is left in it.
 *
 * With prefixes of 8, 16, 20, 24... bits a walk ends where its level does, which a
 * processor foresees.
 *
 * Readers take no lock; writers hold the map's. A reader reads a level's `best` before what hangs
 * below it, so that it finds a long prefix that was put in before the shorter one around it was
 * removed. Nodes and entries are filled before they are linked and stay as they are when unlinked,
 * until a grace period is over; then they are zeroed and used again. A burst of changes that
 * outruns the grace period changes a present prefix's value in place, and for a new prefix reuses
 * what was removed at once, the longest removed first, after counting `reuses` up: a reader that
 * sees another count at its end than at its start begins anew. On its way it may see anything that
 * ever stood in a node, and so checks that its position grows.
 */
#ifndef BPFE_MAPS_LPM_TRIE_H
#define BPFE_MAPS_LPM_TRIE_H

#include <string.h>
#include "maps/map.h"

#define LPM_MAX_BITS  2048u
#define LPM_MAX_WORDS (LPM_MAX_BITS / 64)

#define LPM_ROOT_STRIDE 8u
#define LPM_ROOT_SLOTS  (1u << LPM_ROOT_STRIDE)
#define LPM_NODE_STRIDE 4u
#define LPM_NODE_SLOTS  (1u << LPM_NODE_STRIDE)
#define LPM_WIDE_STRIDE 8u
#define LPM_WIDE_SLOTS  (1u << LPM_WIDE_STRIDE)
#define LPM_TAG_BITS    16u

/* 16 bytes, so that what a step reads lies in one cache line. */
struct lpm_slot {
	_Atomic uint64_t child; /* lpm_child(); in the first of two tables: things in that block */
	_Atomic uint32_t best;  /* entry of the longest own prefix that covers the slot */
	/* Entry of an own prefix: that of pos + n bits which are b is in slot number 2^n + b. That
	 * of all stride bits has no place but its slot's best. */
	_Atomic uint32_t own;
};

/* Node and entry numbers start at 1; 0 is none. */
struct lpm_node {
	uint32_t link;   /* in the free, retired or waiting list */
	uint32_t things; /* own prefixes and slots with something in them */
	uint64_t reserved;
	struct lpm_slot slots[]; /* 16, of a wide one 256; then the key's words up to pos */
};

struct lpm_entry {
	uint32_t prefixlen;
	uint32_t link;
	uint64_t words[]; /* the key's data, first bit highest; then the value */
};

enum lpm_kind {
	LPM_ENTRY,
	LPM_NODE,
	LPM_WIDE,
	LPM_KINDS
};

struct lpm_list {
	uint32_t first, last;
};

/* The entries, nodes or wide nodes that are not in the trie. */
struct lpm_pool {
	uint32_t n;
	uint32_t used;           /* those beyond this number were never used */
	uint32_t free;           /* list of zeroed ones */
	struct lpm_list retired; /* will wait for the next grace period */
	struct lpm_list waiting; /* wait for one now */
};

/* Start of map->data; tables, nodes and entries follow. */
struct lpm_header {
	_Atomic uint32_t reuses; /* how often something was reused that a reader may stand on */
	_Atomic uint32_t count;  /* prefixes */
	bool two_tables;
	bool recycling; /* a grace period is under way */
	uint16_t key_bits;
	uint32_t n_words;            /* of a key */
	uint64_t nodes, node_stride; /* offsets and strides in bytes */
	uint64_t wides, wide_stride;
	uint64_t entries, entry_stride;
	uint64_t size;
	struct lpm_pool pools[LPM_KINDS];
};

/* A key, read once; a word more, so that 16 bits from any position on can be taken. */
struct lpm_key {
	uint32_t prefixlen;
	uint64_t words[LPM_MAX_WORDS + 1];
};

/* ---- Parts of the storage ------------------------------------------------------------------- */

/* Where the tables begin, one behind the other. */
#define LPM_TABLES ((sizeof(struct lpm_header) + 63) / 64 * 64)

static inline struct lpm_slot *lpm_first_table(const struct bpfe_map *map)
{
	return (struct lpm_slot *)((uint8_t *)map->data + LPM_TABLES);
}

/* The second table's slots for the keys whose first byte is @block. */
static inline struct lpm_slot *lpm_second_table(const struct bpfe_map *map, uint32_t block)
{
	return lpm_first_table(map) + (size_t)LPM_ROOT_SLOTS * (1 + block);
}

static inline struct lpm_node *lpm_node(const struct bpfe_map *map, uint32_t number)
{
	const struct lpm_header *h = map->data;

	return (struct lpm_node *)((uint8_t *)map->data + h->nodes +
				   (size_t)(number - 1) * h->node_stride);
}

static inline struct lpm_node *lpm_wide(const struct bpfe_map *map, uint32_t number)
{
	const struct lpm_header *h = map->data;

	return (struct lpm_node *)((uint8_t *)map->data + h->wides +
				   (size_t)(number - 1) * h->wide_stride);
}

static inline struct lpm_entry *lpm_entry(const struct bpfe_map *map, uint32_t number)
{
	const struct lpm_header *h = map->data;

	return (struct lpm_entry *)((uint8_t *)map->data + h->entries +
				    (size_t)(number - 1) * h->entry_stride);
}

static inline void *lpm_value(const struct bpfe_map *map, struct lpm_entry *entry)
{
	const struct lpm_header *h = map->data;

	return &entry->words[h->n_words];
}

/* ---- What hangs in a slot ------------------------------------------------------------------- */

#define LPM_IS_ENTRY 0x80000000u
#define LPM_IS_WIDE  0x40000000u

/*
 * Bits 0 to 29 the number, bit 31 if an entry's, bit 30 if a wide node's; bits 32 to 47 the tag,
 * the 16 bits of the prefix behind the slot's; bits 48 to 63 the entry's prefix length or the
 * node's pos.
 */
static inline uint64_t lpm_child(uint32_t reference, uint16_t tag, uint32_t bits)
{
	return (uint64_t)bits << 48 | (uint64_t)tag << 32 | reference;
}

static inline bool lpm_child_is_entry(uint64_t child)
{
	return child & LPM_IS_ENTRY;
}

static inline uint32_t lpm_child_number(uint64_t child)
{
	return (uint32_t)child & ~(LPM_IS_ENTRY | LPM_IS_WIDE);
}

static inline bool lpm_child_is_wide(uint64_t child)
{
	return child & LPM_IS_WIDE;
}

static inline struct lpm_node *lpm_child_node(const struct bpfe_map *map, uint64_t child)
{
	const uint32_t number = lpm_child_number(child);

	return lpm_child_is_wide(child) ? lpm_wide(map, number) : lpm_node(map, number);
}

/* The key's words of what is @child. */
static inline uint64_t *lpm_child_words(const struct bpfe_map *map, uint64_t child)
{
	if (lpm_child_is_entry(child))
		return lpm_entry(map, lpm_child_number(child))->words;
	return (uint64_t *)&lpm_child_node(map, child)
		->slots[lpm_child_is_wide(child) ? LPM_WIDE_SLOTS : LPM_NODE_SLOTS];
}

static inline uint16_t lpm_child_tag(uint64_t child)
{
	return (uint16_t)(child >> 32);
}

static inline uint32_t lpm_child_bits(uint64_t child)
{
	return (uint32_t)(child >> 48);
}

/* ---- Bits of a key -------------------------------------------------------------------------- */

/* @n bits (0 to 8) from bit @pos on, which lie in one word. */
static inline uint32_t lpm_bits(const uint64_t *words, uint32_t pos, uint32_t n)
{
	return (uint32_t)(words[pos / 64] << pos % 64 >> 1 >> (63 - n));
}

/* How many of the first @limit bits are the same in both before the first that is not. */
static inline uint32_t lpm_shared(const uint64_t *a, const uint64_t *b, uint32_t limit)
{
	for (uint32_t i = 0; i * 64 < limit; i++) {
		uint64_t differ = __atomic_load_n(&a[i], __ATOMIC_RELAXED) ^ b[i];
		uint32_t bits;

		if (!differ)
			continue;
		bits = i * 64 + (uint32_t)__builtin_clzll(differ);
		return bits < limit ? bits : limit;
	}
	return limit;
}

/* Read a struct bpf_lpm_trie_key. False: its prefix is longer than the map's keys. */
static inline bool lpm_key_read(const struct bpfe_map *map, const void *key, struct lpm_key *k)
{
	const struct lpm_header *h = map->data;
	const uint8_t *data = (const uint8_t *)key + sizeof(k->prefixlen);
	const uint32_t n_whole = h->key_bits / 64u;

	memcpy(&k->prefixlen, key, sizeof(k->prefixlen));
	for (uint32_t i = 0; i < n_whole; i++)
		k->words[i] = __builtin_bswap64(bpfe_key_word(data + 8 * i));
	k->words[n_whole] = 0;
	k->words[h->n_words] = 0;
	memcpy(&k->words[n_whole], data + 8 * n_whole, h->key_bits / 8u % 8);
	k->words[n_whole] = __builtin_bswap64(k->words[n_whole]);
	return k->prefixlen <= h->key_bits;
}

/* ---- lpm_lookup.c ---- */

/* bpfe_map_ops.lookup and direct_lookup. */
void *bpfe_lpm_lookup(struct bpfe_map *map, const void *key, uint32_t cpu);
bpfe_direct_lookup_fn bpfe_lpm_direct_lookup(const struct bpfe_map *map);

/* ---- lpm_order.c ---- */

/*
 * Entry of the prefix after @k, or of the first if @k is NULL or not there; 0: none. Longer
 * prefixes come before those they lie in, and left before right. Under the lock.
 */
uint32_t bpfe_lpm_next(const struct bpfe_map *map, const struct lpm_key *k);

/* ---- lpm_place.c ---- */

struct lpm_level {
	struct lpm_slot *slots;
	uint32_t pos, stride;
	uint64_t node;  /* child that it is the level of; 0: a table's */
	uint32_t block; /* in the second table */
};

/*
 * Where in a level a prefix is or belongs, by number: 2^n + b, one of its own, of pos + n bits
 * which are b; 2 * 2^stride and the number of the slot it hangs in.
 */
struct lpm_place {
	struct lpm_level level;
	struct lpm_slot *above; /* the slot that leads to the level's node */
	uint32_t above_pos;     /* and the position behind it */
	uint32_t at;
};

struct lpm_level lpm_level_root(const struct bpfe_map *map);
struct lpm_level lpm_level_node(const struct bpfe_map *map, uint64_t child);
struct lpm_level lpm_level_block(const struct bpfe_map *map, uint32_t block);

/* Has slot @slot of @level a block of the second table below it? */
bool lpm_level_leads_to_block(const struct bpfe_map *map, const struct lpm_level *level);

static inline uint32_t lpm_level_slots(const struct lpm_level *level)
{
	return 1u << level->stride;
}

static inline bool lpm_is_own(const struct lpm_level *level, uint32_t at)
{
	return at < 2 * lpm_level_slots(level);
}

/* The slot that number @at, which is none of an own prefix's, hangs in. */
static inline struct lpm_slot *lpm_slot_at(const struct lpm_level *level, uint32_t at)
{
	return &level->slots[at - 2 * lpm_level_slots(level)];
}

/* The entry of own prefix number @at, 0: none. Under the lock. */
uint32_t bpfe_lpm_own(const struct bpfe_map *map, const struct lpm_level *level, uint32_t at);

/* The number in @level of the prefix of @words that has @bits bits. */
uint32_t bpfe_lpm_number(const struct lpm_level *level, const uint64_t *words, uint32_t bits);

/* Where @k is or belongs. Under the lock. */
void bpfe_lpm_find(const struct bpfe_map *map, const struct lpm_key *k, struct lpm_place *place);

/* The entry of @k, for which @place was found; 0: it is not there. */
uint32_t bpfe_lpm_entry_at(const struct bpfe_map *map, const struct lpm_key *k,
			   const struct lpm_place *place);

/* ---- lpm_widen.c ---- */

/* If the node of @place, which is one, has so many nodes right below it that it pays, make a wide
 * one of them. Under the lock. */
void bpfe_lpm_widen(struct bpfe_map *map, const struct lpm_place *place);

/* ---- lpm_trie.c ---- */

/* What is @child elsewhere, as it hangs in a slot behind which is @pos. */
uint64_t bpfe_lpm_child_behind(const struct bpfe_map *map, uint64_t child, uint32_t pos);

/* The longest own prefix above number @at. */
uint32_t bpfe_lpm_best_above(const struct lpm_level *level, uint32_t at);

/* ---- lpm_nodes.c ---- */

/* Lay out the storage of a map of @attr. */
void bpfe_lpm_lay_out(const struct bpfe_map_attr *attr, struct lpm_header *h);

/* A zeroed one of @kind, or 0 if only those are left that readers may stand on. Under the lock. */
uint32_t bpfe_lpm_take(struct bpfe_map *map, enum lpm_kind kind);

/* The same, but that is reused then. Always finds one. */
uint32_t bpfe_lpm_take_any(struct bpfe_map *map, enum lpm_kind kind);

/* Number @number of @kind was unlinked. Under the lock. */
void bpfe_lpm_retire(struct bpfe_map *map, enum lpm_kind kind, uint32_t number);

#endif
