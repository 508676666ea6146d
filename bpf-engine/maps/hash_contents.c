/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Keys and values in a hash map's elements. A reader may stand on any of them. */
#include "maps/hash.h"

static void write_values(struct bpfe_map *map, uint32_t number, const struct hash_write *w,
			 bool new)
{
	const size_t stride = bpfe_value_stride(&map->attr);

	if (!map->ops->per_cpu) {
		bpfe_map_value_store(map, hash_value(map, number, 0), w->value);
		return;
	}
	for (uint32_t cpu = 0; cpu < map->attr.cpus; cpu++) {
		void *in_map = hash_value(map, number, cpu);

		/* The control plane's padding is kept, as in Linux; a new key starts without. */
		if (w->all_cpus)
			bpfe_value_store(in_map, (const uint8_t *)w->value + cpu * stride, stride);
		else if (new)
			bpfe_value_zero(in_map, stride);
	}
	if (!w->all_cpus)
		bpfe_value_store(hash_value(map, number, w->cpu), w->value, map->attr.value_size);
}

void bpfe_hash_write(struct bpfe_map *map, uint32_t number, const struct hash_write *w)
{
	write_values(map, number, w, false);
}

void bpfe_hash_fill(struct bpfe_map *map, uint32_t number, const struct hash_key *k,
		    const struct hash_write *w)
{
	struct hash_element *e = hash_element(map->data, number);

	/* Release: who sees a word of it also sees that its bucket's version changed. */
	for (uint32_t i = 0; i < k->n_words; i++)
		__atomic_store_n(&e->key[i], k->words[i], __ATOMIC_RELEASE);
	/* A lock in the value is no part of it: free, or held by who still has the last key's. */
	write_values(map, number, w, true);
	atomic_store_explicit(&e->used, 0, memory_order_relaxed);
}

void bpfe_hash_key_of(const struct bpfe_map *map, uint32_t number, struct hash_key *k)
{
	const struct hash_element *e = hash_element(map->data, number);

	k->n_words = hash_key_words(map);
	k->words[(k->n_words - 1) | 1] = 0;
	for (uint32_t i = 0; i < k->n_words; i++)
		k->words[i] = __atomic_load_n(&e->key[i], __ATOMIC_ACQUIRE);
	k->hash = hash_of_key(map, k);
}
