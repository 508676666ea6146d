// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "hash_inside.h"

struct bpfe_map *create(uint32_t type, uint32_t key_size, uint32_t entries)
{
	const struct bpfe_map_attr attr = {.type = type,
					   .key_size = key_size,
					   .value_size = 8,
					   .max_entries = entries,
					   .cpus = 1};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

const struct hash_header *header(const struct bpfe_map *map)
{
	return map->data;
}

uint32_t n_buckets(const struct bpfe_map *map)
{
	return hash_shape_buckets(header(map)->shape);
}

int insert(struct bpfe_map *map, uint64_t key)
{
	const uint64_t value = ~key;

	return bpfe_map_update(map, &key, &value, BPF_NOEXIST);
}

bool present(struct bpfe_map *map, uint64_t key)
{
	uint64_t value;

	if (bpfe_map_lookup_copy(map, &key, &value))
		return false;
	assert_true(value == ~key);
	return true;
}

bool present_to_programs(struct bpfe_map *map, uint64_t key)
{
	const uint64_t *value;

	bpfe_rcu_read_lock();
	value = map->ops->direct_lookup(map)(map, &key, 0);
	if (value)
		assert_true(*value == ~key);
	bpfe_rcu_read_unlock();
	return value;
}

/* Not inlined: the compiler does not see that it reads as much as the map's keys have. */
__attribute__((noinline)) uint64_t hash_of(const struct bpfe_map *map, const void *key)
{
	struct hash_key k;

	hash_key_read(map, key, &k);
	return k.hash;
}

void find_crowd(const struct bpfe_map *map, uint64_t *keys, uint32_t n)
{
	const uint32_t mask = header(map)->max_buckets - 1;
	uint32_t found = 0;

	for (uint64_t key = 0; found < n; key++) {
		if ((hash_of(map, &key) & mask) == 0)
			keys[found++] = key;
	}
}

int with_aes(void **state)
{
	bpfe_hash_without_aes = false;
	return 0;
}

int without_aes(void **state)
{
	bpfe_hash_without_aes = true;
	return 0;
}
