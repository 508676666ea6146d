/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The chains of a hash map: lock-free search, and changes under the bucket's lock. */
#include "maps/hash.h"

/*
 * Is it the key, whole? Acquire throughout: who sees a word of a reused element's new key also sees
 * its generation, or its link, change.
 */
static bool matches(struct hash_element *e, const struct hash_key *k)
{
	uint16_t generation;

	if (atomic_load_explicit(&e->hash, memory_order_acquire) != k->hash)
		return false;
	generation = atomic_load_explicit(&e->generation, memory_order_acquire);
	if (generation & 1)
		return false;
	for (uint32_t i = 0; i < k->n_words; i++) {
		if (__atomic_load_n(&e->key[i], __ATOMIC_ACQUIRE) != k->words[i])
			return false;
	}
	return atomic_load_explicit(&e->generation, memory_order_relaxed) == generation;
}

uint32_t bpfe_hash_find(const struct bpfe_map *map, const struct hash_key *k)
{
	uint32_t bucket = hash_bucket_of(map, k->hash);
	uint32_t link;

	/* Goes round again only if a writer reused an element meanwhile. */
	do {
		link = atomic_load_explicit(hash_bucket(map, bucket), memory_order_acquire);
		while (!hash_is_end(link)) {
			struct hash_element *e = hash_element(map, link);

			if (matches(e, k))
				return link;
			link = atomic_load_explicit(&e->next, memory_order_acquire);
		}
	} while (link && link != (HASH_END | bucket));
	return 0;
}

/* The link that leads to element @number, which is in its bucket's chain. Under the lock. */
static _Atomic uint32_t *link_to(struct bpfe_map *map, uint32_t number)
{
	struct hash_element *e = hash_element(map, number);
	_Atomic uint32_t *link = hash_bucket(map, hash_bucket_of(map, e->hash));

	while (atomic_load_explicit(link, memory_order_relaxed) != number)
		link = &hash_element(map, atomic_load_explicit(link, memory_order_relaxed))->next;
	return link;
}

void bpfe_hash_link(struct bpfe_map *map, uint32_t number)
{
	struct hash_element *e = hash_element(map, number);
	uint32_t bucket = hash_bucket_of(map, e->hash);
	_Atomic uint32_t *head = hash_bucket(map, bucket);
	uint32_t first = atomic_load_explicit(head, memory_order_relaxed);

	atomic_store_explicit(&e->next, first ? first : HASH_END | bucket, memory_order_relaxed);
	atomic_store_explicit(head, number, memory_order_release);
	e->live = true;
}

void bpfe_hash_link_for(struct bpfe_map *map, uint32_t old, uint32_t number)
{
	struct hash_element *e = hash_element(map, number), *gone = hash_element(map, old);

	atomic_store_explicit(&e->next, gone->next, memory_order_relaxed);
	atomic_store_explicit(link_to(map, old), number, memory_order_release);
	e->live = true;
	gone->live = false;
}

void bpfe_hash_unlink(struct bpfe_map *map, uint32_t number)
{
	struct hash_element *e = hash_element(map, number);

	atomic_store_explicit(link_to(map, number), e->next, memory_order_release);
	e->live = false;
}
