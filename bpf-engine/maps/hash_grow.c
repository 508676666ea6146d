/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Growth of a hash map's table by linear hashing (W. Litwin, Linear hashing: a new tool for file
 * and table addressing, VLDB 1980), one bucket at a time and in place: there is room for all
 * buckets from the start, but only those in use were ever touched. Whoever takes an element that
 * was never used before splits a bucket or two if need be, so that no operation waits for more.
 * Deletions shrink nothing.
 */
#include "maps/hash_writer.h"

#define FIRST_BUCKETS 256u /* 16 KB */
#define MOST_SPLITS   2u   /* one operation has to make */

uint32_t bpfe_hash_max_buckets(uint32_t max_entries)
{
	/* Of 11 slots, 3.25 to 6.5 are in use when the map is full. */
	uint64_t least = ((uint64_t)max_entries * 2 + 12) / 13;
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

uint32_t bpfe_hash_first_buckets(uint32_t max_buckets)
{
	return max_buckets < FIRST_BUCKETS ? max_buckets : FIRST_BUCKETS;
}

static uint64_t hash_of_element(const struct bpfe_map *map, uint32_t number)
{
	struct hash_key k;

	bpfe_hash_key_of(map, number, &k);
	return k.hash;
}

/* Take all entries out of a bucket nobody has seen. */
static void empty(struct bpfe_map *map, struct hash_bucket *home)
{
	struct hash_place place = {.home = home, .bucket = home};

	while (home->overflow)
		bpfe_hash_remove(map, &place);
	for (uint32_t slot = 0; slot < HASH_SLOTS; slot++)
		home->tags[slot] = 0;
}

/* Put the entries of @from that are in bucket @index of @shape into @to too. */
static bool copy_entries(struct bpfe_map *map, struct hash_bucket *from, struct hash_bucket *to,
			 uint64_t shape, uint32_t index)
{
	const struct hash_header *h = map->data;

	for (struct hash_bucket *b = from; b; b = hash_next_bucket(h, b)) {
		for (uint32_t slot = 0; slot < HASH_SLOTS; slot++) {
			uint32_t number = b->numbers[slot];
			uint64_t hash;

			if (!b->tags[slot])
				continue;
			hash = hash_of_element(map, number);
			if (hash_home(shape, hash) == index &&
			    !bpfe_hash_try_insert(map, to, hash, number))
				return false;
		}
	}
	return true;
}

static bool is_at_home(const struct bpfe_map *map, const struct hash_place *place, uint64_t shape,
		       uint32_t index)
{
	uint32_t number = place->bucket->numbers[place->slot];

	return place->bucket->tags[place->slot] &&
	       hash_home(shape, hash_of_element(map, number)) == index;
}

/*
 * Take out of @from what is at home in bucket @index. From the end, so that what takes a place
 * comes from behind it and was looked at: a long chain is gone through once.
 */
static void remove_entries(struct bpfe_map *map, struct hash_bucket *from, uint64_t shape,
			   uint32_t index)
{
	const struct hash_header *h = map->data;
	struct hash_place place = {.home = from};

	for (uint32_t depth = hash_chain_length(h, from); depth--;) {
		place.bucket = hash_chain_bucket(h, from, depth);
		/* An overflow bucket is another chain's at once when it is empty, after slot 0. */
		for (place.slot = HASH_SLOTS; place.slot--;) {
			if (is_at_home(map, &place, shape, index))
				bpfe_hash_remove(map, &place);
		}
	}
}

/*
 * Bring the next bucket into use. Its keys are there before the table's shape says so, and in the
 * old one until it does; both are locked. False: not now, overflow buckets are short.
 */
static bool split(struct bpfe_map *map)
{
	struct hash_header *h = map->data;
	uint32_t n = hash_shape_buckets(h->shape);
	uint64_t shape = hash_shape(n + 1);
	struct hash_bucket *to = hash_bucket(h, n);
	struct hash_bucket *from = hash_bucket(h, n & (uint32_t)shape >> 1);
	bool done;

	hash_lock_bucket(from);
	hash_lock_bucket(to);
	done = copy_entries(map, from, to, shape, n);
	if (done) {
		atomic_store_explicit(&h->shape, shape, memory_order_release);
		remove_entries(map, from, shape, n);
	} else {
		empty(map, to);
	}
	hash_unlock_bucket(to);
	hash_unlock_bucket(from);
	return done;
}

void bpfe_hash_grow(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	/* One at a time; who finds another at it leaves it to that one or the next. */
	if (atomic_exchange_explicit(&h->growing, 1, memory_order_acquire))
		return;
	for (unsigned i = 0; i < MOST_SPLITS && hash_wants_growth(map) && split(map); i++)
		;
	atomic_store_explicit(&h->growing, 0, memory_order_release);
}
