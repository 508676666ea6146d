/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Look-up in a hash map, whatever the host and the key. */
#include "maps/hash_search.h"

uint32_t bpfe_hash_find(const struct bpfe_map *map, const struct hash_key *k)
{
	const struct hash_header *h = map->data;

	/* A result counts if nothing was taken out of the chain meanwhile, and a miss only if the
	 * table did not grow either. */
	for (;;) {
		uint64_t shape = atomic_load_explicit(&h->shape, memory_order_acquire);
		const struct hash_bucket *home = hash_bucket(h, hash_home(shape, k->hash));
		uint32_t version = hash_version(home);
		uint32_t number = hash_search_chain(h, home, version, k);

		if (hash_still(home, version) &&
		    (number || atomic_load_explicit(&h->shape, memory_order_acquire) == shape))
			return number;
	}
}

HASH_INLINE void *look_up(struct bpfe_map *map, const void *key, uint32_t cpu,
			  const enum hash_result_kind result)
{
	struct hash_found found;
	struct hash_key k;

	hash_key_read(map, key, &k);
	found.number = bpfe_hash_find(map, &k);
	found.element = hash_element(map->data, found.number);
	return found.number ? hash_result(map, map->data, &found, cpu, result) : NULL;
}

#define LOOK_UP(name, result)                                                  \
	static void *name(struct bpfe_map *map, const void *key, uint32_t cpu) \
	{                                                                      \
		return look_up(map, key, cpu, result);                         \
	}

LOOK_UP(look_up_value, HASH_RESULT_VALUE)
LOOK_UP(look_up_lru, HASH_RESULT_LRU)
LOOK_UP(look_up_per_cpu, HASH_RESULT_PER_CPU)
LOOK_UP(look_up_lru_per_cpu, HASH_RESULT_LRU_PER_CPU)

bpfe_direct_lookup_fn bpfe_hash_direct_lookup(const struct bpfe_map *map)
{
	static const bpfe_direct_lookup_fn functions[HASH_RESULTS] = {
		[HASH_RESULT_VALUE] = look_up_value,
		[HASH_RESULT_LRU] = look_up_lru,
		[HASH_RESULT_PER_CPU] = look_up_per_cpu,
		[HASH_RESULT_LRU_PER_CPU] = look_up_lru_per_cpu,
	};
	const struct hash_header *h = map->data;

	return h->aes ? bpfe_hash_aes_lookup(map) : functions[hash_result_kind(map)];
}

void *bpfe_hash_look_up(struct bpfe_map *map, const void *key, uint32_t cpu)
{
	return look_up(map, key, cpu, hash_result_kind(map));
}
