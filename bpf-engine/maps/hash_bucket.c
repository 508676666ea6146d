/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Changes to the buckets of a hash map, under the home bucket's lock, while readers read.
 *
 * A chain is packed: where there is an overflow bucket, all before it are full, and in it the first
 * slots are in use. So there are never more overflow buckets than the keys in the map fill, and
 * that many exist.
 */
#include "maps/hash_writer.h"

/* ---- Version --------------------------------------------------------------------------------- */

/*
 * Something is about to leave the chain of @home, or left it and may now become something else: the
 * stores that make it so come next, and are release.
 */
static void change_version(struct hash_bucket *home)
{
	uint32_t version = atomic_load_explicit(&home->version, memory_order_relaxed);

	atomic_store_explicit(&home->version, version + 2, memory_order_release);
}

/* ---- Overflow buckets ----------------------------------------------------------------------- */

/* Index of an overflow bucket, empty and alone; 0 if there is none. */
static uint32_t take_overflow(struct hash_header *h)
{
	uint32_t index = 0;

	bpfe_spin_lock(&h->overflow_lock);
	if (h->overflow_free) {
		index = h->overflow_free;
		h->overflow_free = hash_bucket(h, index)->overflow;
	} else if (h->overflow_used < h->n_overflow) {
		index = h->max_buckets + h->overflow_used++;
	}
	bpfe_spin_unlock(&h->overflow_lock);
	if (index)
		atomic_store_explicit(&hash_bucket(h, index)->overflow, 0, memory_order_release);
	return index;
}

static void give_overflow(struct hash_header *h, uint32_t index)
{
	bpfe_spin_lock(&h->overflow_lock);
	atomic_store_explicit(&hash_bucket(h, index)->overflow, h->overflow_free,
			      memory_order_release);
	h->overflow_free = index;
	bpfe_spin_unlock(&h->overflow_lock);
}

/* ---- Slots ---------------------------------------------------------------------------------- */

static uint8_t tag_at(const struct hash_bucket *b, uint32_t slot)
{
	return atomic_load_explicit(&b->tags[slot], memory_order_relaxed);
}

/* The number first: who sees the tag sees it. */
static void set_slot(struct hash_bucket *b, uint32_t slot, uint8_t tag, uint32_t number)
{
	atomic_store_explicit(&b->numbers[slot], number, memory_order_release);
	atomic_store_explicit(&b->tags[slot], tag, memory_order_release);
}

static uint32_t empty_slot(const struct hash_bucket *b)
{
	uint32_t slot = 0;

	while (slot < HASH_SLOTS && tag_at(b, slot))
		slot++;
	return slot;
}

struct hash_place bpfe_hash_place_of_element(const struct bpfe_map *map, struct hash_bucket *home,
					     uint64_t hash, uint32_t number)
{
	const struct hash_header *h = map->data;
	struct hash_place place = {.home = home, .number = number};
	const hash_tags tags = hash_tags_of(hash);

	for (place.bucket = home; place.bucket; place.bucket = hash_next_bucket(h, place.bucket)) {
		for (uint32_t match = hash_match(place.bucket, tags); match; match &= match - 1) {
			place.slot = (uint32_t)__builtin_ctz(match);
			if (place.bucket->numbers[place.slot] == number)
				return place;
		}
	}
	place.number = 0;
	return place;
}

/* ---- Changes -------------------------------------------------------------------------------- */

bool bpfe_hash_try_insert(struct bpfe_map *map, struct hash_bucket *home, uint64_t hash,
			  uint32_t number)
{
	struct hash_header *h = map->data;
	struct hash_bucket *b = home, *next;
	uint32_t slot, index;

	while ((slot = empty_slot(b)) == HASH_SLOTS && (next = hash_next_bucket(h, b)))
		b = next;
	if (slot < HASH_SLOTS) {
		set_slot(b, slot, hash_tag(hash), number);
		return true;
	}
	index = take_overflow(h);
	if (!index)
		return false;
	set_slot(hash_bucket(h, index), 0, hash_tag(hash), number);
	atomic_store_explicit(&b->overflow, index, memory_order_release);
	return true;
}

void bpfe_hash_insert(struct bpfe_map *map, struct hash_bucket *home, uint64_t hash,
		      uint32_t number)
{
	/* There are enough of them, unless a bucket is being split and its keys are in two places.
	 * That one needs no lock of ours. */
	for (unsigned spins = 0; !bpfe_hash_try_insert(map, home, hash, number); spins++)
		hash_wait_turn(spins);
}

void bpfe_hash_replace(struct bpfe_map *map, const struct hash_place *place, uint32_t number)
{
	atomic_store_explicit(&place->bucket->numbers[place->slot], number, memory_order_release);
	change_version(place->home);
}

/* The last bucket of a chain; *@before: the one that leads to it. */
static struct hash_bucket *last_bucket(const struct hash_header *h, struct hash_bucket *home,
				       struct hash_bucket **before)
{
	struct hash_bucket *last = home, *next;

	while ((next = hash_next_bucket(h, last))) {
		*before = last;
		last = next;
	}
	return last;
}

void bpfe_hash_remove(struct bpfe_map *map, const struct hash_place *place)
{
	struct hash_header *h = map->data;
	struct hash_bucket *before = NULL, *last = last_bucket(h, place->home, &before);
	uint32_t slot = place->slot, index;

	if (!before) {
		atomic_store_explicit(&place->bucket->tags[slot], 0, memory_order_release);
		change_version(place->home);
		return;
	}
	/* The last of the chain takes its place, and is in both until the version has changed. */
	slot = empty_slot(last) - 1;
	set_slot(place->bucket, place->slot, tag_at(last, slot), last->numbers[slot]);
	change_version(place->home);
	atomic_store_explicit(&last->tags[slot], 0, memory_order_release);
	if (slot)
		return;
	index = atomic_exchange_explicit(&before->overflow, 0, memory_order_release);
	change_version(place->home);
	give_overflow(h, index);
}
