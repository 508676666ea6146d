/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Eviction from an LRU hash by CLOCK, which approximates LRU without a list that every look-up
 * would change: a look-up marks the element as used, unless it is so already, and the hand goes
 * round the elements and takes the first that was not used since it last came by. New ones come in
 * behind it. Each pool has a hand of its own, and no lock is held while it moves.
 */
#include "maps/hash_writer.h"

/* Elements in use that eviction looks at for one that is not, before it takes any. */
#define MAX_SECOND_CHANCES 1024u

/*
 * Elements in a row that are not in the map before the hand goes elsewhere. There may be as many as
 * a pool has spare ones, and who removes keys has them all in one row. Where it goes nobody can
 * foresee, so that few elements are looked at whatever was removed.
 */
#define MAX_ROW 64u

/* Take the element out of the map if it is there: false if not. */
static bool unlink_if_live(struct bpfe_map *map, uint32_t number)
{
	struct hash_place place;
	struct hash_bucket *home;
	struct hash_key k;

	/* It may become another key's meanwhile: then it is not found there, or is live. */
	bpfe_hash_key_of(map, number, &k);
	home = hash_lock(map, k.hash);
	place = bpfe_hash_place_of_element(map, home, k.hash, number);
	if (place.number) {
		bpfe_hash_remove(map, &place);
		hash_element(map->data, number)->live = 0;
	}
	hash_unlock_bucket(home);
	return place.number;
}

static void move_hand(const struct hash_header *h, struct hash_pool *pool, uint32_t hand)
{
	const uint64_t words[2] = {hand};
	uint64_t place = bpfe_hash_words(&h->secret, h->aes, words, sizeof(words));

	atomic_store_explicit(&pool->hand, (uint32_t)place, memory_order_relaxed);
}

static uint32_t find_victim(struct bpfe_map *map, struct hash_pool *pool)
{
	const struct hash_header *h = map->data;
	uint32_t base = bpfe_hash_pool_base(map, pool), chances = 0, row = 0;

	for (uint32_t step = 1;; step++) {
		uint32_t used = pool->used;
		uint32_t hand = atomic_fetch_add_explicit(&pool->hand, 1, memory_order_relaxed);
		uint32_t number = base + 1 + (used ? hand % used : 0);
		struct hash_element *e = hash_element(h, number);

		__builtin_prefetch(hash_element(h, number + 2), 1);
		/* All that may be in the map are about to be put in by others: let them. */
		if (step % h->pool_elements == 0)
			sched_yield();
		if (!atomic_load_explicit(&e->live, memory_order_relaxed)) {
			if (++row % MAX_ROW == 0)
				move_hand(h, pool, hand);
			continue;
		}
		row = 0;
		if (atomic_load_explicit(&e->used, memory_order_relaxed) &&
		    chances++ < MAX_SECOND_CHANCES)
			atomic_store_explicit(&e->used, 0, memory_order_relaxed);
		else if (unlink_if_live(map, number))
			return number;
	}
}

uint32_t bpfe_hash_evict(struct bpfe_map *map, struct hash_pool *pool)
{
	return bpfe_hash_exchange(map, pool, find_victim(map, pool));
}
