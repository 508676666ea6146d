/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/array.c */
#include "harness.h"

static struct bpfe_map *map;

static int update(uint32_t key, uint64_t value, uint64_t flags)
{
	uint8_t bytes[12] = {0};

	memcpy(bytes, &value, 8);
	bytes[11] = (uint8_t)value;
	return bpfe_map_update(map, &key, bytes, flags);
}

static void assert_value(uint32_t key, uint64_t expected)
{
	uint8_t bytes[12];
	uint64_t value;

	assert_int_equal(bpfe_map_lookup_copy(map, &key, bytes), 0);
	memcpy(&value, bytes, 8);
	assert_true(value == expected);
	assert_int_equal(bytes[11], (uint8_t)expected);
}

static int setup(void **state)
{
	map = map_new(BPF_MAP_TYPE_ARRAY, 4, 12, 3, NULL);
	return 0;
}

static int teardown(void **state)
{
	bpfe_map_put(map);
	return 0;
}

static void test_starts_as_zeros(void **state)
{
	for (uint32_t key = 0; key < 3; key++)
		assert_value(key, 0);
	assert_int_equal(bpfe_map_count(map), 3);
}

static void test_update(void **state)
{
	assert_int_equal(update(0, 0x1111111111111111, BPF_ANY), 0);
	assert_int_equal(update(2, 0x3333333333333333, BPF_EXIST), 0);
	assert_value(0, 0x1111111111111111);
	assert_value(1, 0);
	assert_value(2, 0x3333333333333333);
}

static void test_errors(void **state)
{
	uint8_t value[12];
	uint32_t key = 3;

	assert_int_equal(update(0, 1, BPF_NOEXIST), -EEXIST);
	assert_int_equal(update(0, 1, BPF_EXIST + 1), -EINVAL);
	assert_int_equal(update(0, 1, UINT64_MAX), -EINVAL);
	assert_int_equal(update(3, 1, BPF_EXIST + 1), -EINVAL);
	assert_int_equal(update(3, 1, BPF_ANY), -E2BIG);
	assert_int_equal(update(UINT32_MAX, 1, BPF_NOEXIST), -E2BIG);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, value), -ENOENT);
	key = 0;
	assert_int_equal(bpfe_map_delete(map, &key), -EINVAL);
	assert_value(0, 0);
}

static void test_values_in_place(void **state)
{
	const uint32_t keys[] = {0, 1, 2, 3, UINT32_MAX};
	uint8_t *value[5];

	bpfe_rcu_read_lock();
	for (unsigned i = 0; i < 5; i++)
		value[i] = bpfe_map_lookup(map, &keys[i]);
	assert_ptr_equal(value[1], value[0] + 16);
	assert_ptr_equal(value[2], value[0] + 32);
	assert_int_equal((uintptr_t)value[0] % 8, 0);
	assert_null(value[3]);
	assert_null(value[4]);
	value[1][11] = 5;
	bpfe_rcu_read_unlock();
	assert_int_equal(update(1, 6, BPF_ANY), 0);
	assert_int_equal(value[1][0], 6);
}

static void test_iteration(void **state)
{
	uint32_t key = 0, next;

	assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(bpfe_map_get_next_key(map, &key, &next), 0);
	assert_int_equal(next, 1);
	key = 1;
	assert_int_equal(bpfe_map_get_next_key(map, &key, &key), 0);
	assert_int_equal(key, 2);
	assert_int_equal(bpfe_map_get_next_key(map, &key, &next), -ENOENT);
	key = 3;
	assert_int_equal(bpfe_map_get_next_key(map, &key, &next), 0);
	assert_int_equal(next, 0);
	key = UINT32_MAX;
	assert_int_equal(bpfe_map_get_next_key(map, &key, &next), 0);
	assert_int_equal(next, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_starts_as_zeros), TEST(test_update),    TEST(test_errors),
		TEST(test_values_in_place), TEST(test_iteration),
	};

	return cmocka_run_group_tests_name("array", tests, group_setup, group_teardown);
}
