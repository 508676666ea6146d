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

#define PERCPU_ARRAY BPF_MAP_TYPE_PERCPU_ARRAY
#define PERCPU_HASH  BPF_MAP_TYPE_PERCPU_HASH
#define LRU          BPF_MAP_TYPE_LRU_HASH
#define LRU_PERCPU   BPF_MAP_TYPE_LRU_PERCPU_HASH
#define EXCLUDE      " exclude each other\n"

static const struct refusal refusals[] = {
	{ATTR(HASH, 0, 8, 1, 0), -EINVAL, "map key size 0 is out of range, 1 to 512\n"},
	{ATTR(HASH, 513, 8, 1, 0), -E2BIG, "map key size 513 is out of range, 1 to 512\n"},
	{ATTR(HASH, 4, 0, 1, 0), -EINVAL, "map value size 0 is out of range, 1 to 65536\n"},
	{ATTR(HASH, 4, 65537, 1, 0), -E2BIG, "map value size 65537 is out of range, 1 to 65536\n"},
	{ATTR(HASH, 4, 8, 0, 0), -EINVAL, "map max_entries 0 is out of range, 1 to 67108864\n"},
	{ATTR(HASH, 4, 8, UINT32_MAX, 0), -E2BIG,
	 "map max_entries 4294967295 is out of range, 1 to 67108864\n"},
	{ATTR(ARRAY, 8, 8, 1, 0), -EINVAL, "map key size 8 is not 4, which an array needs\n"},
	{ATTR(PERCPU_ARRAY, 0, 8, 1, 0), -EINVAL,
	 "map key size 0 is not 4, which a per-CPU array needs\n"},
	{ATTR(PERCPU_ARRAY, 4, 32769, 1, 0), -E2BIG,
	 "map value size 32769 is out of range, 1 to 32768\n"},
	{ATTR(ARRAY, 4, 8, 1, BPF_F_NO_PREALLOC), -EINVAL,
	 "map flag BPF_F_NO_PREALLOC (0x1) does not apply to an array\n"},
	{ATTR(PERCPU_ARRAY, 4, 8, 1, BPF_F_MMAPABLE), -EINVAL,
	 "map flag BPF_F_MMAPABLE (0x400) does not apply to a per-CPU array\n"},
	{ATTR(PERCPU_ARRAY, 4, 8, 1, BPF_F_NUMA_NODE), -EINVAL,
	 "map flag BPF_F_NUMA_NODE (0x4) does not apply to a per-CPU array\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_NO_PREALLOC | BPF_F_MMAPABLE), -EINVAL,
	 "map flag BPF_F_MMAPABLE (0x400) does not apply to a hash\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_NO_COMMON_LRU), -EINVAL,
	 "map flag BPF_F_NO_COMMON_LRU (0x2) does not apply to a hash\n"},
	{ATTR(PERCPU_HASH, 4, 8, 1, BPF_F_NUMA_NODE), -EINVAL,
	 "map flag BPF_F_NUMA_NODE (0x4) does not apply to a per-CPU hash\n"},
	{ATTR(PERCPU_HASH, 4, 32769, 1, 0), -E2BIG,
	 "map value size 32769 is out of range, 1 to 32768\n"},
	{ATTR(LRU, 4, 8, 1, BPF_F_NO_PREALLOC), -EOPNOTSUPP,
	 "map flag BPF_F_NO_PREALLOC (0x1) does not go with LRU, whose elements exist from the "
	 "start\n"},
	{ATTR(LRU, 4, 8, 1, BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE), -EINVAL,
	 "map flags BPF_F_NO_COMMON_LRU and BPF_F_NUMA_NODE" EXCLUDE},
	{ATTR(LRU_PERCPU, 4, 8, 1, BPF_F_NUMA_NODE), -EINVAL,
	 "map flag BPF_F_NUMA_NODE (0x4) does not apply to an LRU per-CPU hash\n"},
	{{.type = LRU, .key_size = 4, .value_size = 8, .max_entries = 1, .has_spin_lock = true},
	 -EOPNOTSUPP,
	 "a value of an LRU hash cannot have a bpf_spin_lock, only of an array or a hash\n"},
	{ATTR(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, 0), -EINVAL,
	 "an LPM trie needs map flag BPF_F_NO_PREALLOC (0x1)\n"},
	{ATTR(BPF_MAP_TYPE_LPM_TRIE, 4, 8, 1, BPF_F_NO_PREALLOC), -EINVAL,
	 "map key size 4 is out of range, 5 to 260\n"},
	{ATTR(BPF_MAP_TYPE_LPM_TRIE, 261, 8, 1, BPF_F_NO_PREALLOC), -EINVAL,
	 "map key size 261 is out of range, 5 to 260\n"},
	{ATTR(BPF_MAP_TYPE_LPM_TRIE, 8, 65537, 1, BPF_F_NO_PREALLOC), -EINVAL,
	 "map value size 65537 is out of range, 1 to 65536\n"},
	{ATTR(BPF_MAP_TYPE_QUEUE, 4, 8, 1, 0), -EINVAL,
	 "map key size 4 is not 0, which a queue needs\n"},
	{ATTR(BPF_MAP_TYPE_STACK, 0, 0, 1, 0), -EINVAL,
	 "map value size 0 is out of range, 1 to 65536\n"},
	{ATTR(BPF_MAP_TYPE_STACK, 0, 8, 1, BPF_F_ZERO_SEED), -EINVAL,
	 "map flag BPF_F_ZERO_SEED (0x40) does not apply to a stack\n"},
	{ATTR(BPF_MAP_TYPE_BLOOM_FILTER, 1, 8, 1, 0), -EINVAL,
	 "map key size 1 is not 0, which a bloom filter needs\n"},
	{{.type = BPF_MAP_TYPE_BLOOM_FILTER, .value_size = 8, .max_entries = 1, .map_extra = 16},
	 -EINVAL,
	 "map_extra 0x10 is not within 0xf, which a bloom filter may have\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_CLONE), -EINVAL,
	 "map flag BPF_F_CLONE (0x200) is not supported\n"},
	{ATTR(HASH, 4, 8, 1, 1u << 31), -EINVAL,
	 "map flag unknown flag (0x80000000) is not supported\n"},
	{ATTR(HASH, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG), -EINVAL,
	 "map flags BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG" EXCLUDE},
	{ATTR(ARRAY, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY), -EINVAL,
	 "map flags BPF_F_RDONLY and BPF_F_WRONLY" EXCLUDE},
	{{.type = HASH, .key_size = 4, .value_size = 8, .max_entries = 1, .map_extra = 0x10},
	 -EINVAL,
	 "map_extra 0x10 is not within 0x0, which a hash may have\n"},
	{{.type = PERCPU_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1, .cpus = 257},
	 -EINVAL,
	 "map cpus 257 is out of range, 0 to 256\n"},
	{{.type = PERCPU_ARRAY,
	  .key_size = 4,
	  .value_size = 8,
	  .max_entries = 1,
	  .has_spin_lock = true},
	 -EOPNOTSUPP,
	 "a value of a per-CPU array cannot have a bpf_spin_lock, only of an array or a hash\n"},
	{{.type = ARRAY,
	  .key_size = 4,
	  .value_size = 8,
	  .max_entries = 1,
	  .has_spin_lock = true,
	  .flags = BPF_F_RDONLY_PROG},
	 -EACCES,
	 "a value with a bpf_spin_lock must be for programs to read and write\n"},
	{{.type = ARRAY,
	  .key_size = 4,
	  .value_size = 8,
	  .max_entries = 1,
	  .has_spin_lock = true,
	  .spin_lock_off = 2},
	 -EINVAL,
	 "bpf_spin_lock at byte 2 of a value of 8 is misaligned or beyond its end\n"},
	{{.type = ARRAY,
	  .key_size = 4,
	  .value_size = 8,
	  .max_entries = 1,
	  .has_spin_lock = true,
	  .spin_lock_off = 8},
	 -EINVAL,
	 "bpf_spin_lock at byte 8 of a value of 8 is misaligned or beyond its end\n"},
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

/* A type that is not built in is refused by name, and the answer names those that are. */
static void test_unsupported(void **state)
{
	static const struct {
		uint32_t type;
		const char *text;
	} types[] = {
		{BPF_MAP_TYPE_UNSPEC,
		 "map type unknown (0) is not supported; supported are hash (1)"},
		{BPF_MAP_TYPE_STACK_TRACE,
		 "map type stack_trace (7) is not supported; supported are hash (1), array (2), "},
		{UINT32_MAX, "map type unknown (4294967295) is not supported; supported are hash "},
	};

	for (size_t i = 0; i < COUNT(types); i++) {
		const struct bpfe_map_attr attr = ATTR(types[i].type, 4, 8, 1, 0);
		char text[1024] = "";
		struct bpfe_log log = {.buf = text, .size = sizeof(text)};
		struct bpfe_map *map = NULL;

		assert_int_equal(bpfe_map_create(&attr, NULL, &map, &log), -EOPNOTSUPP);
		assert_null(map);
		assert_memory_equal(text, types[i].text, strlen(types[i].text));
		assert_non_null(strstr(text, ", percpu_array (6)"));
		assert_int_equal(log.reason, BPFE_BAD_MAP);
		assert_int_equal(bpfe_map_storage_size(&attr), 0);
	}
}

static void test_accepted(void **state)
{
	static const struct bpfe_map_attr attrs[] = {
		ATTR(HASH, 1, 1, 1, BPF_F_NO_PREALLOC),
		ATTR(BPF_MAP_TYPE_LPM_TRIE, 5, 1, 1, BPF_F_NO_PREALLOC),
		ATTR(BPF_MAP_TYPE_LPM_TRIE, 260, 3, 9, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG),
		ATTR(BPF_MAP_TYPE_QUEUE, 0, 3, 9, BPF_F_NUMA_NODE),
		ATTR(BPF_MAP_TYPE_STACK, 0, 65536, 1, 0),
		{.type = BPF_MAP_TYPE_BLOOM_FILTER,
		 .value_size = 1,
		 .max_entries = 7,
		 .map_extra = 15,
		 .flags = BPF_F_ZERO_SEED},
		ATTR(HASH, 5, 9, 7, BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | BPF_F_RDONLY),
		ATTR(HASH, 512, 65536, 3, BPF_F_RDONLY_PROG),
		ATTR(ARRAY, 4, 65536, 3, BPF_F_WRONLY_PROG),
		ATTR(ARRAY, 4, 1, 1000, 0),
		ATTR(ARRAY, 4, 1, 1000, BPF_F_MMAPABLE | BPF_F_INNER_MAP | BPF_F_NUMA_NODE),
		{.type = PERCPU_ARRAY, .key_size = 4, .value_size = 3, .max_entries = 5, .cpus = 3},
		{.type = ARRAY,
		 .key_size = 4,
		 .value_size = 8,
		 .max_entries = 1,
		 .has_spin_lock = true,
		 .spin_lock_off = 4},
		{.type = PERCPU_HASH, .key_size = 9, .value_size = 3, .max_entries = 5, .cpus = 3},
		{.type = LRU,
		 .key_size = 9,
		 .value_size = 3,
		 .max_entries = 50,
		 .cpus = 3,
		 .flags = BPF_F_NO_COMMON_LRU},
		{.type = LRU_PERCPU,
		 .key_size = 1,
		 .value_size = 1,
		 .max_entries = 1,
		 .cpus = 256,
		 .flags = BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED},
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
	static const struct bpfe_map_attr attrs[] = {
		ATTR(HASH, 4, 8, 100, 0), ATTR(ARRAY, 4, 8, 100, 0),
		ATTR(PERCPU_ARRAY, 4, 8, 100, 0), ATTR(PERCPU_HASH, 4, 8, 100, 0),
		ATTR(LRU, 4, 8, 100, BPF_F_NO_COMMON_LRU)};

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
	assert_false(bpfe_map_type_supported(BPF_MAP_TYPE_STACK_TRACE));
	assert_false(bpfe_map_type_supported(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),           cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_accepted),           cmocka_unit_test(test_largest),
		cmocka_unit_test(test_allocator_refuses),  cmocka_unit_test(test_references),
		cmocka_unit_test(test_value_outlives_put), cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests_name("map", tests, group_setup, group_teardown);
}
