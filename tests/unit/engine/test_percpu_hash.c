/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/hash.c: BPF_MAP_TYPE_PERCPU_HASH */
#include <stdlib.h>
#include "harness.h"
#include "maps/map.h"

enum {
	CPUS = 3,
	ENTRIES = 5
};

static struct bpfe_map *map;

static int setup(void **state)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_PERCPU_HASH,
					   .key_size = 4,
					   .value_size = 4, /* padded to 8 for the control plane */
					   .max_entries = ENTRIES,
					   .cpus = CPUS};

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	bpfe_map_put(map);
	return 0;
}

/* As a program on processor @cpu would. */
static int update_cpu(uint32_t key, uint32_t value, uint64_t flags, uint32_t cpu)
{
	return map->ops->update(map, &key, &value, flags, cpu);
}

static void assert_values(uint32_t key, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t all[CPUS] = {~a, ~b, ~c};

	assert_int_equal(bpfe_map_lookup_copy(map, &key, all), 0);
	assert_int_equal(all[0], a);
	assert_int_equal(all[1], b);
	assert_int_equal(all[2], c);
}

/* A new key is all zeros but on the processor that made it; then each has its own. */
static void test_processors(void **state)
{
	uint32_t key = 9;
	uint32_t *value;

	assert_int_equal(bpfe_map_value_bytes(map), CPUS * 8);
	assert_int_equal(update_cpu(key, 5, BPF_NOEXIST, 1), 0);
	assert_values(key, 0, 5, 0);
	assert_int_equal(update_cpu(key, 6, BPF_EXIST, 2), 0);
	assert_values(key, 0, 5, 6);
	assert_int_equal(update_cpu(key, 7, BPF_ANY, CPUS), 0);
	assert_values(key, 7, 5, 6);
	bpfe_rcu_read_lock();
	value = bpfe_map_lookup_cpu(map, &key, 1);
	assert_int_equal(*value, 5);
	/* Written in place. */
	assert_int_equal(update_cpu(key, 8, BPF_ANY, 1), 0);
	assert_int_equal(*value, 8);
	assert_ptr_equal(bpfe_map_lookup_cpu(map, &key, 1 + CPUS), value);
	bpfe_rcu_read_unlock();
}

static void test_control_plane(void **state)
{
	/* What pads a value is kept for the control plane, and not for the next key. */
	const uint64_t all[CPUS] = {0x1100000001, 0x2200000002, 0x3300000003};
	uint64_t got[CPUS];
	uint32_t key = 1;

	assert_int_equal(bpfe_map_update(map, &key, all, BPF_EXIST), -ENOENT);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, got), -ENOENT);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_NOEXIST), 0);
	assert_values(key, all[0], all[1], all[2]);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_NOEXIST), -EEXIST);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_F_LOCK), -EINVAL);
	assert_int_equal(bpfe_map_update(map, &key, all, 3), -EINVAL);
	assert_int_equal(bpfe_map_delete(map, &key), 0);
	assert_int_equal(bpfe_map_delete(map, &key), -ENOENT);
	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(update_cpu(key, 9, BPF_ANY, 1), 0);
	assert_values(key, 0, 9, 0);
}

static void test_full(void **state)
{
	for (uint32_t key = 0; key < ENTRIES; key++)
		assert_int_equal(update_cpu(key, key, BPF_ANY, 0), 0);
	assert_int_equal(update_cpu(ENTRIES, 0, BPF_ANY, 0), -E2BIG);
	assert_int_equal(update_cpu(1, 11, BPF_ANY, 0), 0);
	assert_int_equal(bpfe_map_count(map), ENTRIES);
}

/* Neither after a grace period nor without one does a key inherit anything. */
static void test_nothing_stale(void **state)
{
	const uint64_t ones[CPUS] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};

	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t key = 0; key < 500; key++) {
			assert_int_equal(update_cpu(key, 1, BPF_NOEXIST, 2), 0);
			assert_values(key, 0, 0, 1);
			assert_int_equal(bpfe_map_update(map, &key, ones, BPF_EXIST), 0);
			assert_int_equal(bpfe_map_delete(map, &key), 0);
			if (round)
				bpfe_rcu_barrier();
		}
	}
}

/* What processors write to their values, a program's way or an update's, shares no cache line. */
static void test_no_shared_lines(void **state)
{
	uintptr_t lines[CPUS][2];

	for (uint32_t key = 0; key < ENTRIES; key++)
		assert_int_equal(update_cpu(key, key, BPF_NOEXIST, 0), 0);
	bpfe_rcu_read_lock();
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		lines[cpu][0] = UINTPTR_MAX;
		lines[cpu][1] = 0;
		for (uint32_t key = 0; key < ENTRIES; key++) {
			uintptr_t line = (uintptr_t)bpfe_map_lookup_cpu(map, &key, cpu) / 64;

			lines[cpu][0] = line < lines[cpu][0] ? line : lines[cpu][0];
			lines[cpu][1] = line > lines[cpu][1] ? line : lines[cpu][1];
		}
		assert_true(cpu == 0 || lines[cpu][0] > lines[cpu - 1][1]);
	}
	bpfe_rcu_read_unlock();
}

/* An update of a key that is there leaves all but the processor's own value as it was. */
static void test_update_writes_one_line(void **state)
{
	const size_t size = bpfe_map_storage_size(bpfe_map_attr(map));
	const uint32_t key = 1;
	size_t changed = 0;
	uint8_t *before;

	assert_int_equal(update_cpu(key, 1, BPF_NOEXIST, 0), 0);
	/* It is marked as used by the first. */
	assert_int_equal(update_cpu(key, 2, BPF_EXIST, 1), 0);
	assert_true(map->data_size < size);
	before = malloc(map->data_size);
	assert_non_null(before);
	memcpy(before, map->data, map->data_size);
	assert_int_equal(update_cpu(key, 3, BPF_EXIST, 1), 0);
	for (size_t i = 0; i < map->data_size; i++)
		changed += before[i] != ((uint8_t *)map->data)[i];
	assert_int_equal(changed, 1);
	free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_processors),
		TEST(test_control_plane),
		TEST(test_full),
		TEST(test_nothing_stale),
		TEST(test_no_shared_lines),
		TEST(test_update_writes_one_line),
	};

	return cmocka_run_group_tests_name("per-CPU hash", tests, group_setup, group_teardown);
}
