/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF_MAP_TYPE_LPM_TRIE: creation, update and delete (maps/lpm_trie.h). */
#include <errno.h>
#include "maps/lpm_trie.h"

static const struct bpfe_map_rules lpm_rules = {
	.what = "an LPM trie",
	.min_key = sizeof(uint32_t) + 1,
	.max_key = sizeof(uint32_t) + LPM_MAX_BITS / 8,
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPFE_MAP_ACCESS_FLAGS,
	.needs = BPF_F_NO_PREALLOC,
	.too_large_is_invalid = true,
};

static int lpm_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &lpm_rules, log);
}

static size_t lpm_data_size(const struct bpfe_map_attr *attr)
{
	struct lpm_header h = {0};

	bpfe_lpm_lay_out(attr, &h);
	return h.size;
}

static int lpm_init(struct bpfe_map *map)
{
	bpfe_lpm_lay_out(&map->attr, map->data);
	return 0;
}

/* ---- What hangs in a slot ------------------------------------------------------------------- */

/* The tag of a prefix of @bits bits in a slot behind which is @pos. */
static uint16_t tag_of(const uint64_t *words, uint32_t pos, uint32_t bits)
{
	uint16_t tag = 0;

	for (uint32_t i = 0; i < LPM_TAG_BITS && pos + i < bits; i += 4)
		tag |= (uint16_t)(lpm_bits(words, pos + i, 4) << (12 - i));
	return tag;
}

static uint64_t entry_child(const struct bpfe_map *map, uint32_t number, uint32_t pos)
{
	const struct lpm_entry *entry = lpm_entry(map, number);

	return lpm_child(LPM_IS_ENTRY | number, tag_of(entry->words, pos, entry->prefixlen),
			 entry->prefixlen);
}

uint64_t bpfe_lpm_child_behind(const struct bpfe_map *map, uint64_t child, uint32_t pos)
{
	const uint32_t bits = lpm_child_bits(child);

	return lpm_child((uint32_t)child, tag_of(lpm_child_words(map, child), pos, bits), bits);
}

static void hang(struct lpm_slot *slot, uint64_t child)
{
	atomic_store_explicit(&slot->child, child, memory_order_release);
}

/* ---- A level's own prefixes ----------------------------------------------------------------- */

uint32_t bpfe_lpm_best_above(const struct lpm_level *level, uint32_t at)
{
	for (at /= 2; at; at /= 2) {
		if (level->slots[at].own)
			return level->slots[at].own;
	}
	return 0;
}

static void set_best(struct lpm_slot *slot, uint32_t best)
{
	if (slot->best != best)
		atomic_store_explicit(&slot->best, best, memory_order_release);
}

/* Own prefix number @at becomes that of entry @number, or none; so in all slots it covers. */
static void set_own(const struct bpfe_map *map, const struct lpm_level *level, uint32_t at,
		    uint32_t number)
{
	const uint32_t n_slots = lpm_level_slots(level);
	uint32_t first = at, n = 1;

	if (at >= n_slots) {
		set_best(&level->slots[at - n_slots],
			 number ? number : bpfe_lpm_best_above(level, at));
		return;
	}
	atomic_store_explicit(&level->slots[at].own, number, memory_order_release);
	for (; first < n_slots; first *= 2)
		n *= 2;
	for (uint32_t i = first; i < first + n; i++) {
		if (!bpfe_lpm_own(map, level, i))
			set_best(&level->slots[i - n_slots], bpfe_lpm_best_above(level, i));
	}
}

/* ---- Things in a level ---------------------------------------------------------------------- */

static void count_things(struct bpfe_map *map, const struct lpm_level *level, int by)
{
	const struct lpm_header *h = map->data;

	if (level->node)
		lpm_child_node(map, level->node)->things += (uint32_t)by;
	else if (h->two_tables && level->pos)
		lpm_first_table(map)[level->block].child += (uint64_t)(int64_t)by;
}

/* Entry @number comes to number @at of @level, in the place of another or where nothing was. */
static void put_entry(struct bpfe_map *map, const struct lpm_level *level, uint32_t at,
		      uint32_t number)
{
	if (lpm_is_own(level, at))
		set_own(map, level, at, number);
	else
		hang(lpm_slot_at(level, at), entry_child(map, number, level->pos + level->stride));
}

/* ---- Update --------------------------------------------------------------------------------- */

static void store_words(const struct bpfe_map *map, uint64_t *to, const uint64_t *words)
{
	const struct lpm_header *h = map->data;

	for (uint32_t i = 0; i < h->n_words; i++)
		__atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
}

static void fill_entry(struct bpfe_map *map, uint32_t number, const struct lpm_key *k,
		       const void *value)
{
	struct lpm_entry *entry = lpm_entry(map, number);

	entry->prefixlen = k->prefixlen;
	store_words(map, entry->words, k->words);
	bpfe_map_value_store(map, lpm_value(map, entry), value);
}

/* Entry @old has the prefix @k. */
static void replace(struct bpfe_map *map, const struct lpm_place *place, uint32_t old,
		    const struct lpm_key *k, const void *value)
{
	uint32_t number = bpfe_lpm_take(map, LPM_ENTRY);

	/* In place, only what is behind the prefix can change in the key. */
	fill_entry(map, number ? number : old, k, value);
	if (!number)
		return;
	put_entry(map, &place->level, place->at, number);
	bpfe_lpm_retire(map, LPM_ENTRY, old);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What hangs in @slot, behind which is @pos, and @number, which belongs there too: a node of
 * both, at the last position where both are longer. */
static void fork_slot(struct bpfe_map *map, struct lpm_slot *slot, uint32_t pos, uint32_t number)
{
	const struct lpm_entry *entry = lpm_entry(map, number);
	const uint64_t child = slot->child;
	const uint32_t bits = lpm_child_bits(child);
	const uint64_t *words = lpm_child_words(map, child);
	const uint32_t shortest = least(bits, entry->prefixlen);
	const uint32_t n_shared = lpm_shared(words, entry->words, shortest);
	const uint32_t at = least(n_shared, shortest - 1) / LPM_NODE_STRIDE * LPM_NODE_STRIDE;
	const uint64_t fork = lpm_child(bpfe_lpm_take_any(map, LPM_NODE), 0, at);
	const struct lpm_level level = lpm_level_node(map, fork);

	store_words(map, lpm_child_words(map, fork), words);
	lpm_child_node(map, fork)->things = 2;
	if (lpm_child_is_entry(child))
		put_entry(map, &level, bpfe_lpm_number(&level, words, bits),
			  lpm_child_number(child));
	else
		hang(&level.slots[lpm_bits(words, at, LPM_NODE_STRIDE)],
		     bpfe_lpm_child_behind(map, child, at + LPM_NODE_STRIDE));
	put_entry(map, &level, bpfe_lpm_number(&level, entry->words, entry->prefixlen), number);
	hang(slot, bpfe_lpm_child_behind(map, fork, pos));
}

static void insert(struct bpfe_map *map, const struct lpm_place *place, const struct lpm_key *k,
		   const void *value)
{
	uint32_t number = bpfe_lpm_take_any(map, LPM_ENTRY);

	fill_entry(map, number, k, value);
	if (!lpm_is_own(&place->level, place->at) && lpm_slot_at(&place->level, place->at)->child) {
		fork_slot(map, lpm_slot_at(&place->level, place->at),
			  place->level.pos + place->level.stride, number);
		if (place->level.node)
			bpfe_lpm_widen(map, place);
		return;
	}
	put_entry(map, &place->level, place->at, number);
	count_things(map, &place->level, 1);
}

/* Under the lock. */
static int update_locked(struct bpfe_map *map, const struct lpm_key *k, const void *value,
			 uint64_t flags)
{
	struct lpm_header *h = map->data;
	struct lpm_place place;
	uint32_t old;

	bpfe_lpm_find(map, k, &place);
	old = bpfe_lpm_entry_at(map, k, &place);
	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (old) {
		replace(map, &place, old, k, value);
		return 0;
	}
	if (flags == BPF_EXIST)
		return -ENOENT;
	if (h->count == map->attr.max_entries)
		return -ENOSPC;
	insert(map, &place, k, value);
	h->count++;
	return 0;
}

static int lpm_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
		      uint32_t cpu)
{
	struct lpm_key k;
	int err;

	if (flags > BPF_EXIST || !lpm_key_read(map, key, &k))
		return -EINVAL;
	pthread_mutex_lock(&map->lock);
	err = update_locked(map, &k, value, flags);
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* ---- Delete --------------------------------------------------------------------------------- */

/* The one thing in a node, as it hangs in a slot behind which is @pos. */
static uint64_t only_thing(const struct bpfe_map *map, const struct lpm_level *level, uint32_t pos)
{
	for (uint32_t i = 0; i < lpm_level_slots(level); i++) {
		uint64_t child = level->slots[i].child;

		if (level->slots[i].best)
			return entry_child(map, level->slots[i].best, pos);
		if (child)
			return bpfe_lpm_child_behind(map, child, pos);
	}
	return 0;
}

static int remove_locked(struct bpfe_map *map, const struct lpm_key *k)
{
	struct lpm_header *h = map->data;
	struct lpm_place place;
	uint32_t old;

	bpfe_lpm_find(map, k, &place);
	old = bpfe_lpm_entry_at(map, k, &place);
	if (!old)
		return -ENOENT;
	h->count--;
	if (lpm_is_own(&place.level, place.at))
		set_own(map, &place.level, place.at, 0);
	else
		hang(lpm_slot_at(&place.level, place.at), 0);
	count_things(map, &place.level, -1);
	bpfe_lpm_retire(map, LPM_ENTRY, old);
	if (!place.level.node || lpm_child_node(map, place.level.node)->things > 1)
		return 0;
	hang(place.above, only_thing(map, &place.level, place.above_pos));
	bpfe_lpm_retire(map, lpm_child_is_wide(place.level.node) ? LPM_WIDE : LPM_NODE,
			lpm_child_number(place.level.node));
	return 0;
}

static int lpm_remove(struct bpfe_map *map, const void *key)
{
	struct lpm_key k;
	int err;

	if (!lpm_key_read(map, key, &k))
		return -EINVAL;
	pthread_mutex_lock(&map->lock);
	err = remove_locked(map, &k);
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* ---- The rest ------------------------------------------------------------------------------- */

static void write_key(const struct bpfe_map *map, const struct lpm_entry *entry, void *key)
{
	const size_t size = map->attr.key_size - sizeof(entry->prefixlen);
	uint8_t *data = (uint8_t *)key + sizeof(entry->prefixlen);

	memcpy(key, &entry->prefixlen, sizeof(entry->prefixlen));
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = __builtin_bswap64(entry->words[at / 8]);

		memcpy(data + at, &word, size - at < 8 ? size - at : 8);
	}
}

static int lpm_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	struct lpm_key k;
	bool valid = key && lpm_key_read(map, key, &k);
	uint32_t number;

	pthread_mutex_lock(&map->lock);
	number = bpfe_lpm_next(map, valid ? &k : NULL);
	if (number)
		write_key(map, lpm_entry(map, number), next);
	pthread_mutex_unlock(&map->lock);
	return number ? 0 : -ENOENT;
}

static uint32_t lpm_count(const struct bpfe_map *map)
{
	const struct lpm_header *h = map->data;

	return h->count;
}

static bool lpm_contains(const struct bpfe_map *map, uintptr_t address, size_t size)
{
	const struct lpm_header *h = map->data;
	const size_t before = h->entry_stride - bpfe_value_stride(&map->attr);
	uintptr_t offset = address - (uintptr_t)map->data;

	if (address < (uintptr_t)map->data || offset < h->entries || offset >= h->size)
		return false;
	offset = (offset - h->entries) % h->entry_stride;
	if (offset < before)
		return false;
	offset -= before;
	return offset <= map->attr.value_size && size <= map->attr.value_size - offset;
}

static void lpm_destroy(struct bpfe_map *map)
{
}

const struct bpfe_map_ops bpfe_lpm_trie_ops = {
	.type = BPF_MAP_TYPE_LPM_TRIE,
	.check = lpm_check,
	.storage_size = lpm_data_size,
	.init = lpm_init,
	.lookup = bpfe_lpm_lookup,
	.direct_lookup = bpfe_lpm_direct_lookup,
	.update = lpm_update,
	.remove = lpm_remove,
	.get_next_key = lpm_get_next_key,
	.count = lpm_count,
	.contains = lpm_contains,
	.destroy = lpm_destroy,
};
