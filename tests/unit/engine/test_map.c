/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/map.c: attributes, storage, references. */
#include <stdio.h>
#include "harness.h"

struct refusal {
	struct bpfe_map_attr attr;
	int err;
	const char *text;
};

#define ATTR(t, k, v, n, f) \
	{.type = (t), .key_size = (k), .value_size = (v), .max_entries = (n), .flags = (f)}
#define ARRAY BPF_MAP_TYPE_ARRAY
#define HASH  BPF_MAP_TYPE_HASH

static const struct refusal refusals[] = {
	{ATTR(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, 0), -EOPNOTSUPP,
	 "map type 11 is not supported, only array (2) and hash (1)\n"},
	{ATTR(0, 4, 8, 1, 0), -EOPNOTSUPP,
	 "map type 0 is not supported, only array (2) and hash (1)\n"},
	{ATTR(HASH, 0, 8, 1, 0), -EINVAL, "map key size 0 is out of range, 1 to 512\n"},
	{ATTR(HASH, 513, 8, 1, 0), -EINVAL, "map key size 513 is out of range, 1 to 512\n"},
	{ATTR(HASH, 4, 0, 1, 0), -EINVAL, "map value size 0 is out of range, 1 to 65536\n"},
	{ATTR(HASH, 4, 65537, 1, 0), -EINVAL, "map value size 65537 is out of range, 1 to 65536\n"},
	{ATTR(HASH, 4, 8, 0, 0), -EINVAL, "map max_entries 0 is out of range, 1 to 67108864\n"},
	{ATTR(HASH, 4, 8, UINT32_MAX, 0), -EINVAL,
	 "map max_entries 4294967295 is out of range, 1 to 67108864\n"},
	{ATTR(ARRAY, 8, 8, 1, 0), -EINVAL, "map key size 8 is not 4, which an array needs\n"},
	{ATTR(ARRAY, 4, 8, 1, BPF_F_NO_PREALLOC), -EINVAL,
	 "map flag BPF_F_NO_PREALLOC (0x1) does not apply to an array\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_NUMA_NODE), -EINVAL,
	 "map flag BPF_F_NUMA_NODE (0x4) is not supported\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_NO_PREALLOC | BPF_F_MMAPABLE), -EINVAL,
	 "map flag BPF_F_MMAPABLE (0x400) is not supported\n"},
	{ATTR(HASH, 4, 8, 1, 1u << 31), -EINVAL,
	 "map flag unknown flag (0x80000000) is not supported\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG), -EINVAL,
	 "map flags BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude each other\n"},
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		char text[256] = "";
		struct bpfe_log log = {.buf = text, .size = sizeof(text)};
		struct bpfe_map *map = NULL;

		assert_int_equal(bpfe_map_create(&refusals[i].attr, NULL, &map, &log),
				 refusals[i].err);
		assert_null(map);
		assert_string_equal(text, refusals[i].text);
		assert_int_equal(log.reason, BPFE_BAD_MAP);
		assert_int_equal(bpfe_map_storage_size(&refusals[i].attr), 0);
	}
}

static void test_accepted(void **state)
{
	static const struct bpfe_map_attr attrs[] = {
		ATTR(HASH, 1, 1, 1, BPF_F_NO_PREALLOC),
		ATTR(HASH, 512, 65536, 3, BPF_F_RDONLY_PROG),
		ATTR(ARRAY, 4, 65536, 3, BPF_F_WRONLY_PROG),
		ATTR(ARRAY, 4, 1, 1000, 0),
	};

	for (size_t i = 0; i < COUNT(attrs); i++) {
		struct counting counting;
		struct bpfe_map *map;

		counting_init(&counting);
		assert_int_equal(bpfe_map_create(&attrs[i], &counting.alloc, &map, NULL), 0);
		assert_int_equal(counting.bytes, bpfe_map_storage_size(&attrs[i]));
		assert_memory_equal(bpfe_map_attr(map), &attrs[i], sizeof(attrs[i]));
		bpfe_map_put(map);
		counting_check(&counting);
	}
}

/* The largest maps have a size, which no allocator here grants. */
static void test_largest(void **state)
{
	static const struct bpfe_map_attr attrs[] = {
		ATTR(HASH, BPFE_MAP_MAX_KEY, BPFE_MAP_MAX_VALUE, BPFE_MAP_MAX_ENTRIES, 0),
		ATTR(ARRAY, 4, BPFE_MAP_MAX_VALUE, BPFE_MAP_MAX_ENTRIES, 0),
	};

	for (size_t i = 0; i < COUNT(attrs); i++)
		assert_true(bpfe_map_storage_size(&attrs[i]) >
			    (size_t)BPFE_MAP_MAX_VALUE * BPFE_MAP_MAX_ENTRIES);
}

static void test_allocator_refuses(void **state)
{
	static const struct bpfe_map_attr attrs[] = {ATTR(HASH, 4, 8, 100, 0),
						     ATTR(ARRAY, 4, 8, 100, 0)};

	for (size_t i = 0; i < COUNT(attrs); i++) {
		struct bpfe_map *map = NULL;
		struct counting counting;
		int err = -ENOMEM;
		long n = 0;

		while (err) {
			char text[128] = "", expected[128];
			struct bpfe_log log = {.buf = text, .size = sizeof(text)};

			counting_init(&counting);
			counting.fail_at = n++;
			err = bpfe_map_create(&attrs[i], &counting.alloc, &map, &log);
			if (!err)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(log.reason, BPFE_NO_MEMORY);
			snprintf(expected, sizeof(expected), "no memory for the map's %zu bytes\n",
				 bpfe_map_storage_size(&attrs[i]));
			assert_string_equal(text, expected);
			counting_check(&counting);
		}
		/* Each allocation was refused once. */
		assert_int_equal(n, counting.calls + 1);
		bpfe_map_put(map);
		counting_check(&counting);
	}
}

static void test_references(void **state)
{
	struct counting counting;
	struct bpfe_map *map;

	counting_init(&counting);
	map = map_new(ARRAY, 4, 8, 1, &counting.alloc);
	assert_ptr_equal(bpfe_map_get(map), map);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
	assert_true(counting.blocks > 0);
	bpfe_map_put(map);
	counting_check(&counting);
	bpfe_map_put(NULL);
}

/* A value found in a read section outlives the map's last reference. */
static void test_value_outlives_put(void **state)
{
	struct counting counting;
	const uint32_t key = 0;
	struct bpfe_map *map;
	uint64_t *value;

	counting_init(&counting);
	map = map_new(HASH, 4, 8, 1, &counting.alloc);
	assert_int_equal(bpfe_map_update(map, &key, &(uint64_t){77}, BPF_ANY), 0);
	bpfe_rcu_read_lock();
	value = bpfe_map_lookup(map, &key);
	bpfe_map_put(map);
	assert_int_equal(*value, 77);
	bpfe_rcu_read_unlock();
	counting_check(&counting);
}

static void test_types(void **state)
{
	assert_true(bpfe_map_type_supported(ARRAY));
	assert_true(bpfe_map_type_supported(HASH));
	assert_false(bpfe_map_type_supported(BPF_MAP_TYPE_UNSPEC));
	assert_false(bpfe_map_type_supported(BPF_MAP_TYPE_LRU_HASH));
}

/* A frozen map is the programs' own: the control plane reads it, once and for all. */
static void test_freeze(void **state)
{
	const struct bpfe_map_attr attr = ATTR(ARRAY, 4, 8, 1, 0);
	uint64_t value = 7;
	uint32_t key = 0;
	struct bpfe_map *map;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	assert_int_equal(bpfe_map_update(map, &key, &value, BPF_ANY), 0);
	assert_false(bpfe_map_is_frozen(map));
	assert_int_equal(bpfe_map_freeze(map), 0);
	assert_true(bpfe_map_is_frozen(map));
	assert_int_equal(bpfe_map_freeze(map), -EBUSY);
	value = 8;
	assert_int_equal(bpfe_map_update(map, &key, &value, BPF_ANY), -EPERM);
	assert_int_equal(bpfe_map_delete(map, &key), -EPERM);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, &value), 0);
	assert_int_equal(value, 7);
	bpfe_map_put(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_allocator_refuses),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_value_outlives_put),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests_name("map", tests, group_setup, group_teardown);
}
