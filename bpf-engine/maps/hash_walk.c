/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Walks over a hash map: bucket by bucket, and in a chain from the last slot of its last bucket to
 * the first of its home. Growth moves keys to later buckets, and a removal moves the last entry of
 * a chain towards its home: both ahead of the walk, so that no key is passed over that stays in the
 * map, though one may be met twice.
 */
#include <errno.h>
#include "maps/hash_writer.h"

static uint32_t n_buckets(const struct bpfe_map *map)
{
	const struct hash_header *h = map->data;

	return hash_shape_buckets(atomic_load_explicit(&h->shape, memory_order_acquire));
}

/* The element in slot @slot, or 0. */
static uint32_t number_at(const struct hash_bucket *b, uint32_t slot)
{
	if (!atomic_load_explicit(&b->tags[slot], memory_order_acquire))
		return 0;
	return atomic_load_explicit(&b->numbers[slot], memory_order_acquire);
}

/*
 * How many buckets a chain has, without the lock: one that leaves it leads to the free ones, which
 * may be thousands, and is not followed then.
 */
static uint32_t length_now(const struct hash_header *h, const struct hash_bucket *home)
{
	for (;;) {
		const uint32_t version = hash_version(home);
		const struct hash_bucket *b = home;
		uint32_t length = 1, next;

		while ((next = atomic_load_explicit(&b->overflow, memory_order_acquire)) &&
		       hash_still(home, version)) {
			b = hash_bucket(h, next);
			length++;
		}
		if (hash_still(home, version))
			return length;
	}
}

/* Bit n: there is something in slot n. */
static uint32_t slots_in_use(const struct hash_bucket *b)
{
	return ~hash_match(b, hash_no_tags()) & HASH_ALL_SLOTS;
}

/*
 * Copy the key of the first element before slot @slot of the chain's bucket @depth, in the order of
 * the walk. Under the lock.
 */
static bool key_before(const struct bpfe_map *map, struct hash_bucket *home, uint32_t depth,
		       uint32_t slot, void *next)
{
	const struct hash_header *h = map->data;

	for (;; slot = HASH_SLOTS, depth--) {
		const struct hash_bucket *b = hash_chain_bucket(h, home, depth);

		while (slot--) {
			uint32_t number = number_at(b, slot);

			if (!number)
				continue;
			memcpy(next, hash_element(h, number)->key, map->attr.key_size);
			return true;
		}
		if (!depth)
			return false;
	}
}

/* Copy the key of the first element of bucket @index. */
static bool first_key(struct bpfe_map *map, uint32_t index, void *next)
{
	struct hash_bucket *home = hash_bucket(map->data, index);
	bool found;

	/* A look without the lock: most buckets of a map that holds little are empty. */
	if (!slots_in_use(home))
		return false;
	hash_lock_bucket(home);
	found = key_before(map, home, hash_chain_length(map->data, home) - 1, HASH_SLOTS, next);
	hash_unlock_bucket(home);
	return found;
}

static uint32_t depth_of(const struct hash_header *h, const struct hash_place *place)
{
	uint32_t depth = 0;

	while (hash_chain_bucket(h, place->home, depth) != place->bucket)
		depth++;
	return depth;
}

/* Copy the key after @key in its bucket; *@index: the bucket to go on with if there is none. */
static bool key_after(struct bpfe_map *map, const void *key, void *next, uint32_t *index)
{
	const struct hash_header *h = map->data;
	struct hash_place place;
	struct hash_bucket *home;
	struct hash_key k;
	bool found = false;

	hash_key_read(map, key, &k);
	home = hash_lock(map, k.hash);
	place = hash_place_of(map, home, &k);
	if (place.number)
		found = key_before(map, home, depth_of(h, &place), place.slot, next);
	/* A key that is gone: from the start. */
	*index = place.number ? (uint32_t)(home - hash_bucket(h, 0)) + 1 : 0;
	hash_unlock_bucket(home);
	return found;
}

int bpfe_hash_get_next_key(struct bpfe_map *map, const void *key, void *next)
{
	uint32_t index = 0;

	if (key && key_after(map, key, next, &index))
		return 0;
	for (; index < n_buckets(map); index++) {
		if (first_key(map, index, next))
			return 0;
	}
	return -ENOENT;
}

struct walk {
	uint32_t cpu;
	bpfe_visit_fn visit;
	void *opaque;
	uint32_t visited;
};

/* Visit what is in bucket @b, and what takes its place meanwhile. False: stop. */
static bool visit_bucket(struct bpfe_map *map, const struct hash_bucket *b, struct walk *w)
{
	uint32_t in_use = slots_in_use(b);

	while (in_use) {
		uint32_t slot = 31 - (uint32_t)__builtin_clz(in_use);
		uint32_t number = number_at(b, slot);

		in_use ^= 1u << slot;
		if (!number)
			continue;
		w->visited++;
		if (!w->visit(w->opaque, hash_element(map->data, number)->key,
			      hash_value(map, number, w->cpu)))
			return false;
	}
	return true;
}

/* Inside a read section: an element is visited once unless it moves or is reused meanwhile. */
uint32_t bpfe_hash_for_each(struct bpfe_map *map, uint32_t cpu, bpfe_visit_fn visit, void *opaque)
{
	const struct hash_header *h = map->data;
	struct walk w = {.cpu = cpu, .visit = visit, .opaque = opaque};

	for (uint32_t index = 0; index < n_buckets(map); index++) {
		struct hash_bucket *home = hash_bucket(h, index);

		for (uint32_t depth = length_now(h, home); depth--;) {
			const struct hash_bucket *b = hash_chain_bucket(h, home, depth);

			if (b && !visit_bucket(map, b, &w))
				return w.visited;
		}
	}
	return w.visited;
}
