/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/hash.c: BPF_MAP_TYPE_LRU_HASH and BPF_MAP_TYPE_LRU_PERCPU_HASH */
#include <pthread.h>
#include "harness.h"
#include "maps/map.h"

enum {
	ENTRIES = 100,
	CPUS = 4
};

static const uint32_t types[] = {BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH};

static struct bpfe_map *create(uint32_t type, uint32_t entries, uint32_t flags)
{
	const struct bpfe_map_attr attr = {.type = type,
					   .key_size = 4,
					   .value_size = 8,
					   .max_entries = entries,
					   .flags = flags,
					   .cpus = CPUS};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

static int update(struct bpfe_map *map, uint32_t key, uint64_t flags)
{
	const uint64_t value[CPUS] = {key, key + 1, key + 2, key + 3};

	return bpfe_map_update(map, &key, value, flags);
}

/* As a program on processor @cpu would. */
static int update_cpu(struct bpfe_map *map, uint32_t key, uint64_t value, uint32_t cpu)
{
	return map->ops->update(map, &key, &value, BPF_ANY, cpu);
}

static bool present(struct bpfe_map *map, uint32_t key)
{
	uint64_t value[CPUS];

	if (bpfe_map_lookup_copy(map, &key, value))
		return false;
	assert_int_equal(value[0], key);
	return true;
}

static void use(struct bpfe_map *map, uint32_t key)
{
	bpfe_rcu_read_lock();
	assert_non_null(bpfe_map_lookup_cpu(map, &key, 1));
	bpfe_rcu_read_unlock();
}

static void fill(struct bpfe_map *map, uint32_t first, uint32_t n)
{
	for (uint32_t key = first; key < first + n; key++)
		assert_int_equal(update(map, key, BPF_NOEXIST), 0);
}

static void test_flags(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], ENTRIES, 0);
		const uint32_t key = 1;

		assert_false(present(map, 1));
		assert_int_equal(bpfe_map_delete(map, &key), -ENOENT);
		assert_int_equal(update(map, 1, BPF_EXIST), -ENOENT);
		assert_int_equal(update(map, 1, 3), -EINVAL);
		assert_int_equal(update(map, 1, BPF_F_LOCK), -EINVAL);
		assert_int_equal(update(map, 1, BPF_NOEXIST), 0);
		assert_int_equal(update(map, 1, BPF_NOEXIST), -EEXIST);
		assert_int_equal(update(map, 1, BPF_EXIST), 0);
		assert_int_equal(update(map, 1, BPF_ANY), 0);
		assert_int_equal(bpfe_map_count(map), 1);
		assert_true(present(map, 1));
		assert_int_equal(bpfe_map_delete(map, &key), 0);
		assert_int_equal(bpfe_map_count(map), 0);
		bpfe_map_put(map);
	}
}

/* With nothing in use the oldest goes first, and a full map takes every new key. */
static void test_oldest_goes(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], ENTRIES, 0);

		fill(map, 0, ENTRIES);
		for (uint32_t key = ENTRIES; key < 5 * ENTRIES; key++) {
			assert_int_equal(update(map, key, BPF_NOEXIST), 0);
			assert_true(present(map, key));
			assert_int_equal(bpfe_map_count(map), ENTRIES);
			if (key < 2 * ENTRIES)
				assert_false(present(map, key - ENTRIES));
		}
		bpfe_map_put(map);
	}
}

/* What programs look up stays. */
static void test_used_stays(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], ENTRIES, 0);

		fill(map, 0, ENTRIES);
		for (uint32_t key = 0; key < ENTRIES; key += 2)
			use(map, key);
		fill(map, ENTRIES, ENTRIES / 2);
		for (uint32_t key = 0; key < ENTRIES; key++)
			assert_int_equal(present(map, key), key % 2 == 0);
		bpfe_map_put(map);
	}
}

/* What the control plane looks at, copies or walks over does not. */
static void test_control_plane_does_not_use(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], ENTRIES, 0);
		uint32_t key, next;

		fill(map, 0, ENTRIES);
		for (key = 0; key < ENTRIES / 2; key++) {
			assert_true(present(map, key));
			bpfe_rcu_read_lock();
			assert_non_null(bpfe_map_lookup(map, &key));
			bpfe_rcu_read_unlock();
			assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), 0);
		}
		fill(map, ENTRIES, ENTRIES / 2);
		for (key = 0; key < ENTRIES; key++)
			assert_int_equal(present(map, key), key >= ENTRIES / 2);
		bpfe_map_put(map);
	}
}

/* All used: one round of the hand makes them equal, and the first goes. */
static void test_all_used(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_LRU_HASH, ENTRIES, 0);

	fill(map, 0, ENTRIES);
	for (uint32_t key = 0; key < ENTRIES; key++)
		use(map, key);
	fill(map, ENTRIES, 1);
	for (uint32_t key = 0; key <= ENTRIES; key++)
		assert_int_equal(present(map, key), key != 0);
	bpfe_map_put(map);
}

/* Updating a key that is there evicts nothing. */
static void test_update_evicts_nothing(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], ENTRIES, 0);

		fill(map, 0, ENTRIES);
		for (unsigned round = 0; round < 5; round++) {
			for (uint32_t key = 0; key < ENTRIES; key++) {
				assert_int_equal(update(map, key, BPF_ANY), 0);
				assert_int_equal(update(map, key, BPF_NOEXIST), -EEXIST);
				assert_int_equal(update(map, key + 1000, BPF_EXIST), -ENOENT);
			}
		}
		for (uint32_t key = 0; key < ENTRIES; key++)
			assert_true(present(map, key));
		bpfe_map_put(map);
	}
}

/* Room is made in one read section too, where nothing is recycled, however small the map. */
static void test_never_full_in_one_run(void **state)
{
	static const uint32_t sizes[] = {1, 2, 7, ENTRIES};

	for (size_t i = 0; i < COUNT(types) * COUNT(sizes); i++) {
		const uint32_t entries = sizes[i / COUNT(types)];
		struct bpfe_map *map = create(types[i % COUNT(types)], entries, 0);

		bpfe_rcu_read_lock();
		for (uint32_t key = 0; key < 3000; key++) {
			assert_int_equal(update(map, key, BPF_NOEXIST), 0);
			assert_true(present(map, key));
			if (key % 3 == 0)
				assert_int_equal(bpfe_map_delete(map, &key), 0);
			assert_in_range(bpfe_map_count(map), 0, entries);
		}
		bpfe_rcu_read_unlock();
		bpfe_map_put(map);
	}
}

/* With BPF_F_NO_COMMON_LRU a processor makes room among its own. */
static void test_no_common_lru(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], ENTRIES, BPF_F_NO_COMMON_LRU);
		const uint32_t own = ENTRIES / CPUS;

		for (uint32_t key = 0; key < own; key++)
			assert_int_equal(update_cpu(map, key, key, 0), 0);
		for (uint32_t key = 1000; key < 2000; key++)
			assert_int_equal(update_cpu(map, key, key, 1), 0);
		assert_int_equal(bpfe_map_count(map), 2 * own);
		for (uint32_t key = 0; key < own; key++) {
			bpfe_rcu_read_lock();
			assert_non_null(bpfe_map_lookup(map, &key));
			bpfe_rcu_read_unlock();
		}
		/* Who has the key does not matter to an update. */
		assert_int_equal(update_cpu(map, 0, 5, 1), 0);
		assert_int_equal(bpfe_map_count(map), 2 * own);
		bpfe_map_put(map);
	}
}

/* An evicted key's values on other processors are not the next one's. */
static void test_nothing_stale(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 0);
	uint64_t value[CPUS];

	bpfe_rcu_read_lock();
	for (uint32_t key = 0; key < 1000; key++) {
		assert_int_equal(update_cpu(map, key, 0x5555, key % CPUS), 0);
		assert_int_equal(bpfe_map_lookup_copy(map, &key, value), 0);
		for (uint32_t cpu = 0; cpu < CPUS; cpu++)
			assert_int_equal(value[cpu], cpu == key % CPUS ? 0x5555 : 0);
		/* Dirty all of them. */
		assert_int_equal(update(map, key, BPF_EXIST), 0);
	}
	bpfe_rcu_read_unlock();
	bpfe_map_put(map);
}

/* ---- Threads ---- */

enum {
	THREADS = 4,
	STEPS = 20000
};

struct inserter {
	struct bpfe_map *map;
	uint32_t number;
	unsigned long failed;
};

static void *insert_own(void *opaque)
{
	struct inserter *self = opaque;

	bpfe_thread_register();
	for (uint32_t i = 0; i < STEPS; i++)
		self->failed +=
			update_cpu(self->map, i * THREADS + self->number, i, self->number) != 0;
	bpfe_thread_unregister();
	return NULL;
}

/* Threads that all insert new keys into a map with room for fewer than there are threads. */
static void test_inserting_threads(void **state)
{
	static const uint32_t sizes[] = {1, 3, 64};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct bpfe_map *map = create(BPF_MAP_TYPE_LRU_HASH, sizes[i], 0);
		struct inserter self[THREADS];
		pthread_t threads[THREADS];

		for (uint32_t t = 0; t < THREADS; t++) {
			self[t] = (struct inserter){.map = map, .number = t};
			assert_int_equal(pthread_create(&threads[t], NULL, insert_own, &self[t]),
					 0);
		}
		for (uint32_t t = 0; t < THREADS; t++) {
			pthread_join(threads[t], NULL);
			assert_int_equal(self[t].failed, 0);
		}
		assert_int_equal(bpfe_map_count(map), sizes[i]);
		bpfe_map_put(map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_used_stays),
		cmocka_unit_test(test_control_plane_does_not_use),
		cmocka_unit_test(test_all_used),
		cmocka_unit_test(test_update_evicts_nothing),
		cmocka_unit_test(test_never_full_in_one_run),
		cmocka_unit_test(test_no_common_lru),
		cmocka_unit_test(test_nothing_stale),
		cmocka_unit_test(test_inserting_threads),
	};

	return cmocka_run_group_tests_name("LRU hash", tests, group_setup, group_teardown);
}
