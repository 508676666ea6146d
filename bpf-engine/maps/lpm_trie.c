/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF_MAP_TYPE_LPM_TRIE: longest prefix match over the nodes of maps/lpm_trie.h. */
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
	return sizeof(struct lpm_header) + lpm_stride(attr) * bpfe_lpm_node_count(attr);
}

static int lpm_init(struct bpfe_map *map)
{
	struct lpm_header *h = map->data;

	h->n_nodes = bpfe_lpm_node_count(&map->attr);
	return 0;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static uint32_t max_prefixlen(const struct bpfe_map *map)
{
	return (map->attr.key_size - (uint32_t)sizeof(uint32_t)) * 8;
}

/* Read a struct bpf_lpm_trie_key. False: its prefix is longer than the map's keys. */
static bool read_key(const struct bpfe_map *map, const void *key, struct lpm_key *k)
{
	const uint32_t n = lpm_words(&map->attr);

	k->words[n - 1] = 0;
	memcpy(&k->prefixlen, key, sizeof(k->prefixlen));
	memcpy(k->words, (const uint8_t *)key + sizeof(k->prefixlen),
	       map->attr.key_size - sizeof(k->prefixlen));
	for (uint32_t i = 0; i < n; i++)
		k->words[i] = __builtin_bswap64(k->words[i]);
	return k->prefixlen <= max_prefixlen(map);
}

static void write_key(const struct bpfe_map *map, const struct lpm_node *node, void *key)
{
	const size_t size = map->attr.key_size - sizeof(node->prefixlen);
	uint8_t *data = (uint8_t *)key + sizeof(node->prefixlen);

	memcpy(key, &node->prefixlen, sizeof(node->prefixlen));
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = __builtin_bswap64(node->words[at / 8]);

		memcpy(data + at, &word, size - at < 8 ? size - at : 8);
	}
}

static unsigned bit_at(const uint64_t *words, uint32_t i)
{
	return words[i / 64] >> (63 - i % 64) & 1;
}

/* How many bits of their prefixes @node and @k share. */
static uint32_t shared_bits(const struct lpm_node *node, const struct lpm_key *k)
{
	uint32_t limit = node->prefixlen < k->prefixlen ? node->prefixlen : k->prefixlen;

	for (uint32_t i = 0; i * 64 < limit; i++) {
		uint64_t differ = node->words[i] ^ k->words[i];
		uint32_t bits;

		if (!differ)
			continue;
		bits = i * 64 + (uint32_t)__builtin_clzll(differ);
		return bits < limit ? bits : limit;
	}
	return limit;
}

/* Does the search for @k end at @node, which shares @bits with it? */
static bool ends_at(const struct lpm_node *node, const struct lpm_key *k, uint32_t bits)
{
	return bits < node->prefixlen || node->prefixlen == k->prefixlen;
}

/* ---- Look-up -------------------------------------------------------------------------------- */

static void *lpm_lookup(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	const struct lpm_header *h = map->data;
	struct lpm_node *found = NULL;
	struct lpm_key k;
	uint32_t number;

	if (!read_key(map, key, &k))
		return NULL;
	number = atomic_load_explicit(&h->root, memory_order_acquire);
	while (number) {
		struct lpm_node *node = lpm_node(map, number);
		uint32_t bits = shared_bits(node, &k);

		if (bits < node->prefixlen)
			break;
		if (!atomic_load_explicit(&node->intermediate, memory_order_acquire))
			found = node;
		if (ends_at(node, &k, bits))
			break;
		number = atomic_load_explicit(&node->child[bit_at(k.words, bits)],
					      memory_order_acquire);
	}
	return found ? lpm_value(map, found) : NULL;
}

/* ---- Update --------------------------------------------------------------------------------- */

static uint32_t new_node(struct bpfe_map *map, const uint64_t *words, uint32_t prefixlen)
{
	uint32_t number = bpfe_lpm_take(map);
	struct lpm_node *node;

	if (!number)
		return 0;
	node = lpm_node(map, number);
	node->prefixlen = prefixlen;
	memcpy(node->words, words, lpm_words(&map->attr) * sizeof(*words));
	return number;
}

static void publish(_Atomic uint32_t *slot, uint32_t number)
{
	atomic_store_explicit(slot, number, memory_order_release);
}

/* @k is the prefix of node @old: a new one takes its place and children. */
static int replace(struct bpfe_map *map, _Atomic uint32_t *slot, uint32_t old,
		   const struct lpm_key *k, const void *value)
{
	struct lpm_node *node = lpm_node(map, old);
	uint32_t number = new_node(map, k->words, k->prefixlen);

	if (!number && node->intermediate)
		return -ENOMEM;
	if (!number) {
		bpfe_map_value_store(map, lpm_value(map, node), value);
		return 0;
	}
	lpm_node(map, number)->child[0] = node->child[0];
	lpm_node(map, number)->child[1] = node->child[1];
	bpfe_map_value_store(map, lpm_value(map, lpm_node(map, number)), value);
	publish(slot, number);
	bpfe_lpm_retire(map, old);
	return 0;
}

/* @k is nowhere: a leaf in @slot, or above node @below, or beside it under an intermediate node. */
static int insert(struct bpfe_map *map, _Atomic uint32_t *slot, uint32_t below,
		  const struct lpm_key *k, const void *value)
{
	uint32_t number = new_node(map, k->words, k->prefixlen), parent;
	struct lpm_node *node, *old;
	uint32_t bits;

	if (!number)
		return -ENOMEM;
	node = lpm_node(map, number);
	bpfe_map_value_store(map, lpm_value(map, node), value);
	if (!below) {
		publish(slot, number);
		return 0;
	}
	old = lpm_node(map, below);
	bits = shared_bits(old, k);
	if (bits == k->prefixlen) {
		node->child[bit_at(old->words, bits)] = below;
		publish(slot, number);
		return 0;
	}
	parent = new_node(map, old->words, bits);
	if (!parent) {
		bpfe_lpm_give_back(map, number);
		return -ENOMEM;
	}
	lpm_node(map, parent)->intermediate = true;
	lpm_node(map, parent)->child[bit_at(k->words, bits)] = number;
	lpm_node(map, parent)->child[bit_at(old->words, bits)] = below;
	publish(slot, parent);
	return 0;
}

/* Under the lock. */
static int update_locked(struct bpfe_map *map, const struct lpm_key *k, const void *value,
			 uint64_t flags)
{
	struct lpm_header *h = map->data;
	_Atomic uint32_t *slot = &h->root;
	struct lpm_node *node = NULL;
	uint32_t bits = 0, number;
	bool exact;
	int err;

	while ((number = *slot)) {
		node = lpm_node(map, number);
		bits = shared_bits(node, k);
		if (ends_at(node, k, bits))
			break;
		slot = &node->child[bit_at(k->words, bits)];
	}
	exact = number && bits == node->prefixlen;
	if (exact && !node->intermediate)
		return flags == BPF_NOEXIST ? -EEXIST : replace(map, slot, number, k, value);
	if (flags == BPF_EXIST)
		return -ENOENT;
	if (h->count == map->attr.max_entries)
		return -ENOSPC;
	err = exact ? replace(map, slot, number, k, value) : insert(map, slot, number, k, value);
	if (!err)
		h->count++;
	return err;
}

static int lpm_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
		      uint32_t cpu)
{
	struct lpm_key k;
	int err;

	if (flags > BPF_EXIST || !read_key(map, key, &k))
		return -EINVAL;
	pthread_mutex_lock(&map->lock);
	err = update_locked(map, &k, value, flags);
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* ---- Delete --------------------------------------------------------------------------------- */

/* Node @number in @slot has no second child. @above leads to its parent, NULL if it is the root. */
static void take_out(struct bpfe_map *map, uint32_t number, _Atomic uint32_t *slot,
		     _Atomic uint32_t *above)
{
	struct lpm_node *node = lpm_node(map, number);
	uint32_t child = node->child[0] ? node->child[0] : node->child[1];
	uint32_t parent = above ? *above : 0;

	if (!child && parent && lpm_node(map, parent)->intermediate) {
		/* With one child left the intermediate node has no reason to be. */
		struct lpm_node *fork = lpm_node(map, parent);

		publish(above, fork->child[slot == &fork->child[0]]);
		bpfe_lpm_retire(map, parent);
	} else {
		publish(slot, child);
	}
	bpfe_lpm_retire(map, number);
}

static int remove_locked(struct bpfe_map *map, const struct lpm_key *k)
{
	struct lpm_header *h = map->data;
	_Atomic uint32_t *slot = &h->root, *above = NULL;
	struct lpm_node *node = NULL;
	uint32_t bits = 0, number;

	while ((number = *slot)) {
		node = lpm_node(map, number);
		bits = shared_bits(node, k);
		if (ends_at(node, k, bits))
			break;
		above = slot;
		slot = &node->child[bit_at(k->words, bits)];
	}
	if (!number || bits < node->prefixlen || node->intermediate)
		return -ENOENT;
	h->count--;
	if (node->child[0] && node->child[1])
		node->intermediate = true;
	else
		take_out(map, number, slot, above);
	return 0;
}

static int lpm_remove(struct bpfe_map *map, const void *key)
{
	struct lpm_key k;
	int err;

	if (!read_key(map, key, &k))
		return -EINVAL;
	pthread_mutex_lock(&map->lock);
	err = remove_locked(map, &k);
	pthread_mutex_unlock(&map->lock);
	return err;
}

/* ---- In order ------------------------------------------------------------------------------- */

/* The first of the prefixes at and below node @number: longer ones before those they lie in. */
static uint32_t first_of(const struct bpfe_map *map, uint32_t number)
{
	uint32_t first = 0;

	while (number) {
		const struct lpm_node *node = lpm_node(map, number);

		if (!node->intermediate)
			first = number;
		number = node->child[0] ? node->child[0] : node->child[1];
	}
	return first;
}

/* The prefix after the one that path[n - 1] has, 0 if it is the last. */
static uint32_t next_of(const struct bpfe_map *map, const uint32_t *path, uint32_t n)
{
	for (uint32_t i = n - 1; i > 0; i--) {
		const struct lpm_node *parent = lpm_node(map, path[i - 1]);

		if (parent->child[0] == path[i] && parent->child[1])
			return first_of(map, parent->child[1]);
		if (!parent->intermediate)
			return path[i - 1];
	}
	return 0;
}

/* Under the lock: the prefix after @k, or the first if @k is not there. */
static uint32_t next_locked(const struct bpfe_map *map, const struct lpm_key *k)
{
	const struct lpm_header *h = map->data;
	uint32_t path[LPM_MAX_BITS + 1], n = 0, number = h->root;

	while (k && number) {
		const struct lpm_node *node = lpm_node(map, number);
		uint32_t bits = shared_bits(node, k);

		path[n++] = number;
		if (ends_at(node, k, bits)) {
			if (bits < node->prefixlen || node->intermediate)
				break;
			return next_of(map, path, n);
		}
		number = node->child[bit_at(k->words, bits)];
	}
	return first_of(map, h->root);
}

static int lpm_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	struct lpm_key k;
	bool valid = key && read_key(map, key, &k);
	uint32_t number;

	pthread_mutex_lock(&map->lock);
	number = next_locked(map, valid ? &k : NULL);
	if (number)
		write_key(map, lpm_node(map, number), next);
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
	size_t before = lpm_stride(&map->attr) - bpfe_value_stride(&map->attr);
	uintptr_t offset = address - (uintptr_t)map->data - sizeof(struct lpm_header);

	if (address < (uintptr_t)map->data + sizeof(struct lpm_header) ||
	    offset >= map->data_size - sizeof(struct lpm_header))
		return false;
	offset %= lpm_stride(&map->attr);
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
	.lookup = lpm_lookup,
	.update = lpm_update,
	.remove = lpm_remove,
	.get_next_key = lpm_get_next_key,
	.count = lpm_count,
	.contains = lpm_contains,
	.destroy = lpm_destroy,
};
