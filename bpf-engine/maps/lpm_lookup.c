/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The readers of an LPM trie (maps/lpm_trie.h). */
#include "maps/lpm_trie.h"

/* The 16 bits of the key from @pos on, a multiple of 4; whatever it likes behind its end. */
static inline uint16_t chunk(const struct lpm_key *k, uint32_t pos, bool one_word)
{
	uint32_t offset = pos % 64;
	uint64_t word = k->words[one_word ? 0 : pos / 64] << offset;

	if (!one_word && offset > 64 - LPM_TAG_BITS)
		word |= k->words[pos / 64 + 1] >> (64 - offset);
	return (uint16_t)(word >> (64 - LPM_TAG_BITS));
}

/*
 * May what hangs in a slot as @child lead to prefixes of @k? @pos is the position behind the slot's
 * bits. Compares the skipped bits as far as the tag has them; *more: there are others.
 */
static inline bool tag_matches(const struct lpm_key *k, uint64_t child, uint32_t pos, bool one_word,
			       bool *more)
{
	uint32_t bits = lpm_child_bits(child), n = bits - pos;
	uint32_t differ = (uint32_t)chunk(k, pos, one_word) ^ lpm_child_tag(child);

	/* Shorter than the way to it: a reused node. The reader finds that out later. */
	if (bits > k->prefixlen || bits < pos)
		return false;
	*more = n > LPM_TAG_BITS;
	return *more ? !differ : !(differ >> (LPM_TAG_BITS - n));
}

/* The longest of a level's own prefixes that is one of @k, which ends within the level. */
static uint32_t own_of_short_key(const struct lpm_slot *slots, uint32_t pos,
				 const struct lpm_key *k)
{
	uint32_t n = k->prefixlen - pos;

	for (uint32_t at = 1u << n | lpm_bits(k->words, pos, n); at; at >>= 1) {
		uint32_t own = atomic_load_explicit(&slots[at].own, memory_order_acquire);

		if (own)
			return own;
	}
	return 0;
}

/* From the level with @slots, at bit @pos, down. @best is what was found above. */
static inline __attribute__((always_inline)) uint32_t walk_nodes(const struct bpfe_map *map,
								 const struct lpm_key *k,
								 const struct lpm_slot *slots,
								 uint32_t pos, uint32_t stride,
								 uint32_t best, bool one_word)
{
	for (;;) {
		const struct lpm_slot *slot;
		uint32_t own, number;
		uint64_t child;
		bool more;

		if (pos + stride > k->prefixlen) {
			own = own_of_short_key(slots, pos, k);
			return own ? own : best;
		}
		slot = &slots[lpm_bits(k->words, pos, stride)];
		own = atomic_load_explicit(&slot->best, memory_order_acquire);
		child = atomic_load_explicit(&slot->child, memory_order_acquire);
		best = own ? own : best;
		pos += stride;
		if (!child || !tag_matches(k, child, pos, one_word, &more))
			return best;
		number = lpm_child_number(child);
		pos = lpm_child_bits(child);
		if (lpm_child_is_entry(child)) {
			const struct lpm_entry *entry = lpm_entry(map, number);

			return more && lpm_shared(entry->words, k->words, pos) < pos ? best
										     : number;
		}
		if (more && lpm_shared(lpm_child_words(map, child), k->words, pos) < pos)
			return best;
		slots = lpm_child_node(map, child)->slots;
		stride = lpm_child_is_wide(child) ? LPM_WIDE_STRIDE : LPM_NODE_STRIDE;
	}
}

static inline __attribute__((always_inline)) uint32_t walk(const struct bpfe_map *map,
							   const struct lpm_key *k, bool one_word)
{
	const struct lpm_header *h = map->data;
	const struct lpm_slot *first = lpm_first_table(map);
	uint32_t byte, best;

	if (!h->two_tables || k->prefixlen < LPM_ROOT_STRIDE)
		return walk_nodes(map, k, first, 0, LPM_ROOT_STRIDE, 0, one_word);
	byte = lpm_bits(k->words, 0, LPM_ROOT_STRIDE);
	best = atomic_load_explicit(&first[byte].best, memory_order_acquire);
	return walk_nodes(map, k, lpm_second_table(map, byte), LPM_ROOT_STRIDE, LPM_ROOT_STRIDE,
			  best, one_word);
}

/* Walk until nothing was reused meanwhile: each turn beyond the first is one of a writer's too. */
static inline __attribute__((always_inline)) void *look_up(struct bpfe_map *map,
							   const struct lpm_key *k, bool one_word)
{
	const struct lpm_header *h = map->data;
	uint32_t reuses, found;

	do {
		reuses = atomic_load_explicit(&h->reuses, memory_order_acquire);
		found = walk(map, k, one_word);
		atomic_thread_fence(memory_order_acquire);
	} while (atomic_load_explicit(&h->reuses, memory_order_relaxed) != reuses);
	return found ? lpm_value(map, lpm_entry(map, found)) : NULL;
}

static void *look_up_any(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	struct lpm_key k;

	return lpm_key_read(map, key, &k) ? look_up(map, &k, false) : NULL;
}

/* ---- Keys of 4 bytes ------------------------------------------------------------------------ */

/* A word, and nothing in it that has to be told from padding. */
static __attribute__((noinline)) void *look_up_word(struct bpfe_map *map, uint32_t prefixlen,
						    uint32_t address)
{
	struct lpm_key k;

	if (prefixlen > 32)
		return NULL;
	k.prefixlen = prefixlen;
	k.words[0] = (uint64_t)address << 32;
	return look_up(map, &k, true);
}

/* @slots, at bit @pos of @address: its slot. */
static inline const struct lpm_slot *slot_of(const struct lpm_slot *slots, uint32_t address,
					     uint32_t pos, uint32_t stride)
{
	return &slots[address << pos >> (32 - stride)];
}

/*
 * Below the tables, from @child, behind bit 16. A tag has all bits that are left; that there are
 * more, or less than none, is so only of a node that is being reused.
 */
static inline uint32_t walk_address(const struct bpfe_map *map, uint32_t address, uint64_t child,
				    uint32_t best)
{
	uint32_t pos = 2 * LPM_ROOT_STRIDE;

	while (child) {
		const uint32_t bits = lpm_child_bits(child), n = bits - pos;
		const uint32_t differ = (address << pos >> 16) ^ lpm_child_tag(child);
		const struct lpm_slot *slot;
		uint32_t own;

		if (n > LPM_TAG_BITS || differ >> (LPM_TAG_BITS - n))
			break;
		if (lpm_child_is_entry(child))
			return lpm_child_number(child);
		if (lpm_child_is_wide(child)) {
			slot = slot_of(lpm_wide(map, lpm_child_number(child))->slots, address, bits,
				       LPM_WIDE_STRIDE);
			pos = bits + LPM_WIDE_STRIDE;
		} else {
			slot = slot_of(lpm_node(map, lpm_child_number(child))->slots, address, bits,
				       LPM_NODE_STRIDE);
			pos = bits + LPM_NODE_STRIDE;
		}
		own = atomic_load_explicit(&slot->best, memory_order_acquire);
		child = atomic_load_explicit(&slot->child, memory_order_acquire);
		best = own ? own : best;
		/* Nothing is longer than an address. */
		if (pos >= 32)
			break;
	}
	return best;
}

/* A whole address in a map with two tables, which is nearly all there is to IPv4. */
static void *look_up_4(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	const struct lpm_header *h = map->data;
	const struct lpm_slot *first = lpm_first_table(map), *second;
	uint32_t prefixlen, address, reuses, own, best;
	uint64_t child;

	/*
	 * One by one: a load of both would wait until the two stores that mostly precede it have
	 * reached the cache, and with them all that was to be done before, other look-ups too.
	 */
	memcpy(&prefixlen, key, sizeof(prefixlen));
	__asm__("" : "+r"(prefixlen));
	memcpy(&address, (const uint8_t *)key + sizeof(prefixlen), sizeof(address));
	address = __builtin_bswap32(address);
	if (prefixlen != 32 || !h->two_tables)
		return look_up_word(map, prefixlen, address);
	reuses = atomic_load_explicit(&h->reuses, memory_order_acquire);
	best = atomic_load_explicit(&first[address >> 24].best, memory_order_acquire);
	second = &first[LPM_ROOT_SLOTS + (address >> 16)];
	own = atomic_load_explicit(&second->best, memory_order_acquire);
	child = atomic_load_explicit(&second->child, memory_order_acquire);
	best = walk_address(map, address, child, own ? own : best);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&h->reuses, memory_order_relaxed) != reuses)
		return look_up_word(map, prefixlen, address);
	return best ? lpm_value(map, lpm_entry(map, best)) : NULL;
}

bpfe_direct_lookup_fn bpfe_lpm_direct_lookup(const struct bpfe_map *map)
{
	const struct lpm_header *h = map->data;

	return h->key_bits == 32 ? look_up_4 : look_up_any;
}

void *bpfe_lpm_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	return bpfe_lpm_direct_lookup(map)(map, key, cpu);
}
