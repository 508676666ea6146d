/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/hash.c */
#include <stdlib.h>
#include "harness.h"

enum {
	ENTRIES = 8,
	SPARE = 64 + ENTRIES / 8
};

static struct counting counting;
static struct bpfe_map *map;

static int update(uint32_t key, uint64_t value, uint64_t flags)
{
	return bpfe_map_update(map, &key, &value, flags);
}

static int lookup(uint32_t key, uint64_t *value)
{
	return bpfe_map_lookup_copy(map, &key, value);
}

static int delete(uint32_t key)
{
	return bpfe_map_delete(map, &key);
}

static void assert_value(uint32_t key, uint64_t expected)
{
	uint64_t value = ~expected;

	assert_int_equal(lookup(key, &value), 0);
	assert_true(value == expected);
}

static int setup(void **state)
{
	counting_init(&counting);
	map = map_new(BPF_MAP_TYPE_HASH, 4, 8, ENTRIES, &counting.alloc);
	return 0;
}

static int teardown(void **state)
{
	bpfe_map_put(map);
	counting_check(&counting);
	return 0;
}

static void fill(void)
{
	for (uint32_t key = 0; key < ENTRIES; key++)
		assert_int_equal(update(key, key * 10ull, BPF_NOEXIST), 0);
}

static void test_flags(void **state)
{
	uint64_t value;

	assert_int_equal(lookup(1, &value), -ENOENT);
	assert_int_equal(delete (1), -ENOENT);
	assert_int_equal(update(1, 1, BPF_EXIST), -ENOENT);
	assert_int_equal(update(1, 1, 3), -EINVAL);
	assert_int_equal(update(1, 1, BPF_F_LOCK), -EINVAL);
	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(update(1, 1, BPF_NOEXIST), 0);
	assert_int_equal(update(1, 2, BPF_NOEXIST), -EEXIST);
	assert_value(1, 1);
	assert_int_equal(update(1, 3, BPF_EXIST), 0);
	assert_value(1, 3);
	assert_int_equal(update(1, 4, BPF_ANY), 0);
	assert_value(1, 4);
	assert_int_equal(bpfe_map_count(map), 1);
	assert_int_equal(delete (1), 0);
	assert_int_equal(delete (1), -ENOENT);
	assert_int_equal(lookup(1, &value), -ENOENT);
	assert_int_equal(bpfe_map_count(map), 0);
}

static void test_full(void **state)
{
	fill();
	assert_int_equal(bpfe_map_count(map), ENTRIES);
	assert_int_equal(update(100, 0, BPF_ANY), -E2BIG);
	assert_int_equal(update(100, 0, BPF_NOEXIST), -E2BIG);
	assert_int_equal(update(100, 0, BPF_EXIST), -ENOENT);
	assert_int_equal(update(3, 33, BPF_ANY), 0);
	assert_value(3, 33);
	assert_int_equal(delete (3), 0);
	assert_int_equal(update(100, 1000, BPF_ANY), 0);
	assert_value(100, 1000);
	assert_int_equal(update(3, 33, BPF_ANY), -E2BIG);
}

/* A reader's value stays whole and in place while others replace and delete it. */
static void test_readers_keep_the_old_value(void **state)
{
	const uint32_t key = 1;
	uint64_t *old, *new;

	assert_int_equal(update(key, 1, BPF_ANY), 0);
	bpfe_rcu_read_lock();
	old = bpfe_map_lookup(map, &key);
	assert_int_equal((uintptr_t)old % 8, 0);
	assert_int_equal(update(key, 2, BPF_ANY), 0);
	new = bpfe_map_lookup(map, &key);
	assert_ptr_not_equal(old, new);
	assert_int_equal(*old, 1);
	assert_int_equal(*new, 2);
	assert_int_equal(delete (key), 0);
	assert_null(bpfe_map_lookup(map, &key));
	assert_int_equal(*old, 1);
	assert_int_equal(*new, 2);
	bpfe_rcu_read_unlock();
}

/*
 * Inside one read section nothing can be recycled: once all spare elements are retired, a present
 * key is still updated, in place, and what is removed is reused at once.
 */
static void test_spares_used_up(void **state)
{
	const uint32_t key = 0;
	uint64_t *value, *again;

	fill();
	bpfe_rcu_read_lock();
	for (uint64_t i = 0; i < SPARE; i++)
		assert_int_equal(update(key, i, BPF_ANY), 0);
	value = bpfe_map_lookup(map, &key);
	assert_int_equal(*value, SPARE - 1);
	assert_int_equal(update(key, 12345, BPF_ANY), 0);
	again = bpfe_map_lookup(map, &key);
	assert_ptr_equal(again, value);
	assert_int_equal(*value, 12345);
	assert_int_equal(delete (key), 0);
	assert_int_equal(*value, 12345);
	assert_int_equal(bpfe_map_count(map), ENTRIES - 1);
	assert_int_equal(update(100, 1, BPF_ANY), 0);
	assert_ptr_equal(bpfe_map_lookup(map, &(uint32_t){100}), value);
	assert_int_equal(*value, 1);
	assert_null(bpfe_map_lookup(map, &key));
	assert_int_equal(update(key, 1, BPF_ANY), -E2BIG);
	bpfe_rcu_read_unlock();
	bpfe_rcu_barrier();
	assert_int_equal(update(100, 2, BPF_ANY), 0);
	assert_value(100, 2);
}

/* A full map never says it is fuller than it is, however fast keys come and go. */
static void test_churn_in_one_run(void **state)
{
	fill();
	bpfe_rcu_read_lock();
	for (uint32_t i = 0; i < 5000; i++) {
		assert_int_equal(delete (i), 0);
		assert_int_equal(update(i + ENTRIES, i, BPF_NOEXIST), 0);
		assert_int_equal(update(1000000, i, BPF_NOEXIST), -E2BIG);
		assert_value(i + ENTRIES, i);
		assert_value(i + 1, i + 1 < ENTRIES ? (i + 1) * 10ull : i + 1 - ENTRIES);
	}
	assert_int_equal(bpfe_map_count(map), ENTRIES);
	bpfe_rcu_read_unlock();
}

/* A lock in the value stays its own through updates of every kind. */
static void test_locked(void **state)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_HASH,
					   .key_size = 4,
					   .value_size = 12,
					   .max_entries = 2,
					   .has_spin_lock = true,
					   .spin_lock_off = 4};
	uint32_t key = 1, value[3] = {1, 77, 3}, got[3];
	struct bpfe_map *locked = NULL;
	uint32_t *in_map;

	assert_int_equal(bpfe_map_create(&attr, &counting.alloc, &locked, NULL), 0);
	assert_int_equal(bpfe_map_update(locked, &key, value, BPF_F_LOCK | BPF_EXIST), -ENOENT);
	assert_int_equal(bpfe_map_update(locked, &key, value, BPF_F_LOCK), 0);
	assert_int_equal(bpfe_map_update(locked, &key, value, BPF_F_LOCK | BPF_NOEXIST), -EEXIST);
	assert_int_equal(bpfe_map_lookup_copy_flags(locked, &key, got, BPF_F_LOCK), 0);
	assert_memory_equal(got, ((uint32_t[]){1, 0, 3}), sizeof(got));
	bpfe_rcu_read_lock();
	in_map = bpfe_map_lookup(locked, &key);
	assert_int_equal(in_map[1], 0);
	/* With the lock the value is changed in place, without it replaced. */
	value[0] = 2;
	assert_int_equal(bpfe_map_update(locked, &key, value, BPF_F_LOCK), 0);
	assert_ptr_equal(bpfe_map_lookup(locked, &key), in_map);
	assert_int_equal(in_map[0], 2);
	in_map[1] = 1; /* a program has it */
	assert_int_equal(bpfe_map_update(locked, &key, value, BPF_ANY), 0);
	assert_ptr_not_equal(bpfe_map_lookup(locked, &key), in_map);
	assert_int_equal(((uint32_t *)bpfe_map_lookup(locked, &key))[1], 0);
	assert_int_equal(in_map[1], 1);
	in_map[1] = 0;
	bpfe_rcu_read_unlock();
	bpfe_map_put(locked);
}

/* A lock that is held stays so when its element becomes another key's at once. */
static void test_locked_and_reused(void **state)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_HASH,
					   .key_size = 4,
					   .value_size = 12,
					   .max_entries = 1,
					   .has_spin_lock = true,
					   .spin_lock_off = 4};
	uint32_t value[3] = {1, 77, 3}, *in_map;
	struct bpfe_map *locked = NULL;

	assert_int_equal(bpfe_map_create(&attr, &counting.alloc, &locked, NULL), 0);
	bpfe_rcu_read_lock();
	/* Until the spare ones are used up. */
	for (uint32_t key = 0; key < 64; key++) {
		assert_int_equal(bpfe_map_update(locked, &key, value, BPF_NOEXIST), 0);
		assert_int_equal(bpfe_map_delete(locked, &key), 0);
	}
	assert_int_equal(bpfe_map_update(locked, &(uint32_t){100}, value, BPF_NOEXIST), 0);
	in_map = bpfe_map_lookup(locked, &(uint32_t){100});
	assert_int_equal(in_map[1], 0);
	in_map[1] = 1;
	assert_int_equal(bpfe_map_delete(locked, &(uint32_t){100}), 0);
	value[0] = 2;
	assert_int_equal(bpfe_map_update(locked, &(uint32_t){101}, value, BPF_NOEXIST), 0);
	assert_ptr_equal(bpfe_map_lookup(locked, &(uint32_t){101}), in_map);
	assert_int_equal(in_map[0], 2);
	assert_int_equal(in_map[1], 1);
	in_map[1] = 0;
	bpfe_rcu_read_unlock();
	bpfe_map_put(locked);
}

/* Elements come back, many times more often than there are. */
static void test_recycling(void **state)
{
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t key = 0; key < ENTRIES; key++)
			assert_int_equal(update(round * 100 + key, key, BPF_NOEXIST), 0);
		for (uint32_t key = 0; key < ENTRIES; key++)
			assert_int_equal(delete (round * 100 + key), 0);
		bpfe_rcu_barrier();
	}
	assert_int_equal(bpfe_map_count(map), 0);
}

static uint32_t walk(uint32_t *keys, uint32_t max)
{
	const uint32_t *cursor = NULL;
	uint32_t n = 0;

	while (n < max && bpfe_map_get_next_key(map, cursor, &keys[n]) == 0)
		cursor = &keys[n++];
	return n;
}

static void test_iteration(void **state)
{
	uint32_t keys[ENTRIES + 1], again[ENTRIES + 1];
	uint32_t seen = 0, gone = 1000, next;

	assert_int_equal(walk(keys, ENTRIES + 1), 0);
	assert_int_equal(bpfe_map_get_next_key(map, &gone, &next), -ENOENT);
	fill();
	assert_int_equal(walk(keys, ENTRIES + 1), ENTRIES);
	for (uint32_t i = 0; i < ENTRIES; i++)
		seen |= 1u << keys[i];
	assert_int_equal(seen, 0xff);
	assert_int_equal(walk(again, ENTRIES + 1), ENTRIES);
	assert_memory_equal(keys, again, ENTRIES * sizeof(keys[0]));
	/* A key that is not there starts over. */
	assert_int_equal(bpfe_map_get_next_key(map, &gone, &next), 0);
	assert_int_equal(next, keys[0]);
}

/* Deleting each key once the cursor is past it: all are seen once. */
static void test_iteration_under_deletion(void **state)
{
	uint32_t cursor, next, seen = 0;
	int err;

	fill();
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &cursor), 0);
	do {
		seen |= 1u << cursor;
		err = bpfe_map_get_next_key(map, &cursor, &next);
		assert_int_equal(delete (cursor), 0);
		cursor = next;
	} while (!err);
	assert_int_equal(err, -ENOENT);
	assert_int_equal(seen, 0xff);
	assert_int_equal(bpfe_map_count(map), 0);
}

/* Deleting the key under the cursor first: the walk starts over and still ends. */
static void test_iteration_from_deleted(void **state)
{
	uint32_t key;
	unsigned n = 0;

	fill();
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &key), 0);
	do {
		n++;
		assert_int_equal(delete (key), 0);
	} while (bpfe_map_get_next_key(map, &key, &key) == 0);
	assert_int_equal(n, ENTRIES);
}

/* Against a plain table, with keys and values of odd sizes and long chains. */
static void test_model(void **state)
{
	enum {
		KEYS = 300,
		KEY = 13,
		VALUE = 21,
		ROOM = 200
	};
	static uint8_t model[KEYS][VALUE];
	static bool present[KEYS];
	struct bpfe_map *odd = map_new(BPF_MAP_TYPE_HASH, KEY, VALUE, ROOM, &counting.alloc);
	uint8_t key[KEY] = {0}, value[VALUE], got[VALUE];
	uint32_t count = 0, random = 12345;

	memset(present, 0, sizeof(present));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned k;

		random = random * 1664525 + 1013904223;
		k = (random >> 8) % KEYS;
		memcpy(key + 5, &k, sizeof(k));
		memset(value, (int)(random >> 24), VALUE);
		if (random & 0x80) {
			int err = bpfe_map_update(odd, key, value, BPF_ANY);

			assert_int_equal(err, present[k] || count < ROOM ? 0 : -E2BIG);
			if (!err) {
				count += !present[k];
				present[k] = true;
				memcpy(model[k], value, VALUE);
			}
		} else if (random & 0x40) {
			assert_int_equal(bpfe_map_delete(odd, key), present[k] ? 0 : -ENOENT);
			count -= present[k];
			present[k] = false;
		} else {
			assert_int_equal(bpfe_map_lookup_copy(odd, key, got),
					 present[k] ? 0 : -ENOENT);
			if (present[k])
				assert_memory_equal(got, model[k], VALUE);
		}
		assert_int_equal(bpfe_map_count(odd), count);
	}
	bpfe_map_put(odd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_flags),
		TEST(test_full),
		TEST(test_readers_keep_the_old_value),
		TEST(test_spares_used_up),
		TEST(test_churn_in_one_run),
		TEST(test_locked),
		TEST(test_locked_and_reused),
		TEST(test_recycling),
		TEST(test_iteration),
		TEST(test_iteration_under_deletion),
		TEST(test_iteration_from_deleted),
		TEST(test_model),
	};

	return cmocka_run_group_tests_name("hash", tests, group_setup, group_teardown);
}
