/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The table of the hash maps from inside: growth, overflow buckets, keys of every size. Each with
 * the hash of this processor and the portable one.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "hash_inside.h"

enum {
	MANY = 20000,
	CROWD = 60 /* keys in one bucket */
};

/* ---- Growth --------------------------------------------------------------------------------- */

static uint32_t count_walk(struct bpfe_map *map, uint8_t *seen)
{
	uint64_t key, next;
	uint32_t n = 0;

	for (int err = bpfe_map_get_next_key(map, NULL, &key); !err; key = next) {
		assert_true(key < MANY);
		seen[key]++;
		n++;
		err = bpfe_map_get_next_key(map, &key, &next);
	}
	return n;
}

/* The table grows with its keys, one bucket after the other, and nothing is lost on the way. */
static void test_growth(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, MANY);
	uint32_t before = n_buckets(map);
	uint8_t *seen = calloc(MANY, 1);

	assert_int_equal(before, bpfe_hash_first_buckets(header(map)->max_buckets));
	for (uint64_t key = 0; key < MANY; key++) {
		assert_int_equal(insert(map, key), 0);
		assert_in_range(n_buckets(map), before, before + 2);
		before = n_buckets(map);
		/* One that is old, one that may just have moved. */
		assert_true(present_to_programs(map, key * 7 % (key + 1)));
		assert_true(present(map, key));
		assert_false(present_to_programs(map, key + 1));
		if (key % 1000 == 0) {
			memset(seen, 0, MANY);
			assert_int_equal(count_walk(map, seen), key + 1);
			for (uint64_t i = 0; i <= key; i++)
				assert_int_equal(seen[i], 1);
		}
	}
	assert_int_equal(n_buckets(map), header(map)->max_buckets);
	for (uint64_t key = 0; key < MANY; key++)
		assert_true(present_to_programs(map, key));
	for (uint64_t key = 0; key < MANY; key++) {
		assert_int_equal(bpfe_map_delete(map, &key), 0);
		assert_false(present(map, key));
	}
	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(n_buckets(map), header(map)->max_buckets);
	bpfe_map_put(map);
	free(seen);
}

/* Keys that come and go make it no larger than those that are there at one time. */
static void test_churn_grows_nothing(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, MANY);
	const uint32_t first = n_buckets(map);

	for (uint64_t key = 0; key < 3 * MANY; key++) {
		assert_int_equal(insert(map, key), 0);
		assert_int_equal(bpfe_map_delete(map, &key), 0);
		if (key % 1000 == 0)
			bpfe_rcu_barrier();
	}
	/* Those that wait for their grace period are of the spare ones. */
	assert_true(header(map)->wanted < header(map)->max_buckets / 4);
	assert_true(n_buckets(map) >= first && n_buckets(map) < header(map)->max_buckets / 4);
	bpfe_map_put(map);
}

static unsigned long resident_kb(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * 4;
}

/* A map pays for the keys it has, not for those it may have. */
static void test_large_and_empty(void **state)
{
	unsigned long before = resident_kb();
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, 1u << 23);

#ifdef __SANITIZE_THREAD__
	before = ULONG_MAX; /* its shadow is resident */
#endif

	for (uint64_t key = 0; key < 1000; key++)
		assert_int_equal(insert(map, key), 0);
	for (uint64_t key = 0; key < 1000; key++)
		assert_true(present(map, key));
	assert_true(header(map)->size > 300u << 20);
	assert_true(resident_kb() < before + (16 << 10) || before == ULONG_MAX);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* ---- Keys in one bucket --------------------------------------------------------------------- */

static void assert_packed(const struct bpfe_map *map, uint32_t n)
{
	const struct hash_bucket *b = hash_bucket(header(map), 0);
	uint32_t used = 0, buckets = 1;

	for (;; buckets++) {
		uint32_t here = 0;

		for (uint32_t slot = 0; slot < HASH_SLOTS; slot++)
			here += b->tags[slot] != 0;
		used += here;
		if (!b->overflow)
			break;
		assert_int_equal(here, HASH_SLOTS);
		b = hash_bucket(header(map), b->overflow);
	}
	assert_int_equal(used, n);
	assert_int_equal(buckets, n <= HASH_SLOTS ? 1 : (n + HASH_SLOTS - 1) / HASH_SLOTS);
}

static void test_one_bucket(void **state)
{
	/* Just large enough for them: as many overflow buckets as there can ever be. */
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, CROWD);
	uint64_t keys[CROWD];
	uint32_t random = 1;

	find_crowd(map, keys, CROWD);
	for (unsigned round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < CROWD; i++) {
			assert_int_equal(insert(map, keys[i]), 0);
			assert_packed(map, i + 1);
		}
		assert_int_equal(insert(map, UINT64_MAX), -E2BIG);
		/* In another order each time. */
		for (uint32_t n = CROWD; n; n--) {
			uint32_t i;
			uint64_t key;

			random = random * 1664525 + 1013904223;
			i = (random >> 8) % n;
			key = keys[i];
			keys[i] = keys[n - 1];
			keys[n - 1] = key;
			assert_int_equal(bpfe_map_delete(map, &key), 0);
			assert_packed(map, n - 1);
			assert_false(present_to_programs(map, key));
			for (i = 0; i < n - 1; i++)
				assert_true(present_to_programs(map, keys[i]));
		}
		bpfe_rcu_barrier();
	}
	bpfe_map_put(map);
}

/* Deleting what the walk has passed, or is at, passes no other key over. */
static void test_walk_and_delete(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, CROWD);
	uint64_t keys[CROWD], key, next;

	find_crowd(map, keys, CROWD);
	for (unsigned behind = 0; behind < 2; behind++) {
		unsigned n = 0;
		int err;

		for (uint32_t i = 0; i < CROWD; i++)
			assert_int_equal(insert(map, keys[i]), 0);
		assert_int_equal(bpfe_map_get_next_key(map, NULL, &key), 0);
		do {
			n++;
			if (!behind)
				assert_int_equal(bpfe_map_delete(map, &key), 0);
			err = bpfe_map_get_next_key(map, &key, &next);
			if (behind)
				assert_int_equal(bpfe_map_delete(map, &key), 0);
			key = next;
		} while (!err);
		assert_int_equal(n, CROWD);
		assert_int_equal(bpfe_map_count(map), 0);
		bpfe_rcu_barrier();
	}
	bpfe_map_put(map);
}

static bool count_visit(void *opaque, const void *key, void *value)
{
	uint64_t k;

	memcpy(&k, key, sizeof(k));
	assert_true(*(uint64_t *)value == ~k);
	++*(uint32_t *)opaque;
	return true;
}

/* Chains with overflow buckets split as well: those of keys that will part late. */
static void test_crowd_splits(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, MANY);
	const uint32_t first_mask = n_buckets(map) - 1;
	uint32_t inserted = 0, visited = 0;
	uint64_t key;

	/* All in the first bucket of the small table, then anything until it is large. */
	for (key = 0; inserted < 10 * CROWD; key++) {
		if ((hash_of(map, &key) & first_mask) == 0) {
			assert_int_equal(insert(map, key), 0);
			inserted++;
		}
	}
	for (uint64_t other = key; inserted < MANY; other++, inserted++)
		assert_int_equal(insert(map, other), 0);
	assert_int_equal(n_buckets(map), header(map)->max_buckets);
	for (inserted = 0; key-- > 0;) {
		if ((hash_of(map, &key) & first_mask) == 0)
			assert_true(present_to_programs(map, key));
	}
	bpfe_rcu_read_lock();
	assert_int_equal(map->ops->for_each(map, 0, count_visit, &visited), MANY);
	bpfe_rcu_read_unlock();
	assert_int_equal(visited, MANY);
	bpfe_map_put(map);
}

/* ---- Every size of key ---------------------------------------------------------------------- */

static void test_key_sizes(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH,
					 BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH};

	for (uint32_t size = 2; size <= 70 * COUNT(types); size++) {
		const uint32_t bytes = size / (uint32_t)COUNT(types) + 2;
		struct bpfe_map *map = create(types[size % COUNT(types)], bytes, 400);
		uint8_t key[128] = {0};

		for (uint32_t i = 0; i < 300; i++) {
			memcpy(key, &i, 2);
			key[bytes - 1] ^= (uint8_t)i;
			assert_int_equal(bpfe_map_update(map, key, &(uint64_t){i}, 0), 0);
			key[bytes - 1] ^= (uint8_t)i;
		}
		bpfe_rcu_read_lock();
		for (uint32_t i = 0; i < 300; i++) {
			const uint64_t *value;

			memcpy(key, &i, 2);
			key[bytes - 1] ^= (uint8_t)i;
			value = map->ops->direct_lookup(map)(map, key, 0);
			assert_non_null(value);
			assert_int_equal(*value, i);
			assert_ptr_equal(bpfe_map_lookup(map, key), value);
			key[bytes / 2] ^= 0x80;
			if (bytes > 4)
				assert_null(map->ops->direct_lookup(map)(map, key, 0));
			key[bytes / 2] ^= 0x80;
			key[bytes - 1] ^= (uint8_t)i;
		}
		bpfe_rcu_read_unlock();
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/*
 * Who removes keys in the order in which they came leaves a row of elements that are not in the
 * map, as long as the spare ones. Eviction does not go through all of it.
 */
static void test_eviction_leaves_rows(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_LRU_HASH, 8, MANY);
	const struct hash_pool *pool = hash_pool(header(map), 0);
	const uint32_t row = header(map)->pool_spare;

	assert_int_equal(row, 64 + MANY / 8);
	for (uint64_t key = 0; key < MANY; key++)
		assert_int_equal(insert(map, key), 0);
	assert_int_equal(pool->hand, 0);
	/* Nothing is reused before the section ends. */
	bpfe_rcu_read_lock();
	for (uint64_t key = 0; key < row; key++)
		assert_int_equal(bpfe_map_delete(map, &key), 0);
	for (uint64_t key = MANY; key < MANY + row; key++)
		assert_int_equal(insert(map, key), 0);
	assert_int_equal(pool->hand, 0);
	assert_int_equal(insert(map, MANY + row), 0);
	bpfe_rcu_read_unlock();
	assert_true(pool->hand != row + 1);
	assert_int_equal(bpfe_map_count(map), MANY);
	assert_true(present(map, MANY + row));
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_growth),     BOTH(test_churn_grows_nothing),  BOTH(test_large_and_empty),
		BOTH(test_one_bucket), BOTH(test_walk_and_delete),      BOTH(test_crowd_splits),
		BOTH(test_key_sizes),  BOTH(test_eviction_leaves_rows),
	};

	return cmocka_run_group_tests_name("hash table", tests, group_setup, group_teardown);
}
