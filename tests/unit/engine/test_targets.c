/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/targets.c, devmap.c, cpumap.c: what the control plane may put in, and reads back. */
#include <linux/bpf.h>
#include "harness.h"
#include "maps/targets.h"

#define DEVMAP      BPF_MAP_TYPE_DEVMAP
#define DEVMAP_HASH BPF_MAP_TYPE_DEVMAP_HASH
#define CPUMAP      BPF_MAP_TYPE_CPUMAP
#define XSKMAP      BPF_MAP_TYPE_XSKMAP

#define ATTR(t, k, v, n, f) \
	{.type = (t), .key_size = (k), .value_size = (v), .max_entries = (n), .flags = (f)}

static void test_attributes(void **state)
{
	static const struct {
		struct bpfe_map_attr attr;
		int err;
		const char *text;
	} cases[] = {
		{ATTR(DEVMAP, 8, 4, 1, 0), -EINVAL,
		 "map key size 8 is not 4, which a devmap needs\n"},
		{ATTR(DEVMAP_HASH, 4, 12, 1, 0), -EINVAL,
		 "map value size 12 is not 4 or 8, which a devmap needs\n"},
		{ATTR(DEVMAP, 4, 4, 0, 0), -EINVAL,
		 "map max_entries 0 is out of range, 1 to 65536\n"},
		{ATTR(DEVMAP, 4, 4, 1, BPF_F_RDONLY_PROG), -EINVAL,
		 "map flag BPF_F_RDONLY_PROG (0x80) is not supported\n"},
		{ATTR(CPUMAP, 4, 2, 1, 0), -EINVAL,
		 "map value size 2 is not 4 or 8, which a cpumap needs\n"},
		{ATTR(CPUMAP, 4, 4, 8193, 0), -E2BIG,
		 "a cpumap of 8193 entries has more than there can be processors, 8192\n"},
		{ATTR(XSKMAP, 4, 8, 1, 0), -EINVAL,
		 "map value size 8 is not 4, which an xskmap needs\n"},
	};
	static const struct bpfe_map_attr good[] = {
		ATTR(DEVMAP, 4, 8, 65536, 0),
		ATTR(DEVMAP_HASH, 4, 4, 3, BPF_F_RDONLY),
		ATTR(CPUMAP, 4, 8, 8192, 0),
		ATTR(XSKMAP, 4, 4, 64, BPF_F_NUMA_NODE),
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256] = "";
		struct bpfe_log log = {.buf = text, .size = sizeof(text)};
		struct bpfe_map *map;

		assert_int_equal(bpfe_map_create(&cases[i].attr, NULL, &map, &log), cases[i].err);
		assert_string_equal(text, cases[i].text);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		struct counting counting;
		struct bpfe_map *map;

		counting_init(&counting);
		assert_int_equal(bpfe_map_create(&good[i], &counting.alloc, &map, NULL), 0);
		assert_int_equal(counting.bytes, bpfe_map_storage_size(&good[i]));
		/* Programs that look up do not write. */
		assert_int_equal(bpfe_map_attr(map)->flags, good[i].flags | BPF_F_RDONLY_PROG);
		bpfe_map_put(map);
		counting_check(&counting);
	}
}

static int set(struct bpfe_map *map, uint32_t key, uint32_t first, int32_t second, uint64_t flags)
{
	const struct bpf_devmap_val value = {.ifindex = first, .bpf_prog.fd = second};

	return bpfe_map_update(map, &key, &value, flags);
}

/* The first word at @key; UINT32_MAX: none. */
static uint32_t first_at(struct bpfe_map *map, uint32_t key)
{
	struct bpfe_target value = {0};

	return bpfe_map_lookup_copy(map, &key, &value) ? UINT32_MAX : value.first;
}

static void test_devmap(void **state)
{
	struct bpfe_map *map = map_new(DEVMAP, 4, 8, 4, NULL);
	struct bpfe_target value;
	uint32_t key = 2;

	assert_int_equal(first_at(map, 2), UINT32_MAX);
	assert_int_equal(set(map, 2, 7, 0, BPF_ANY), 0);
	assert_int_equal(set(map, 3, 8, -1, BPF_EXIST), 0);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(first_at(map, 2), 7);
	key = 3;
	assert_int_equal(bpfe_map_lookup_copy(map, &key, &value), 0);
	assert_int_equal(value.first, 8);
	assert_int_equal(value.second, 0);

	assert_int_equal(set(map, 4, 7, 0, BPF_ANY), -E2BIG);
	assert_int_equal(set(map, 2, 7, 0, BPF_NOEXIST), -EEXIST);
	assert_int_equal(set(map, 2, 7, 0, 3), -EINVAL);
	assert_int_equal(set(map, 2, 9, 5, BPF_ANY), -EOPNOTSUPP);
	assert_int_equal(first_at(map, 2), 7);

	/* Interface 0 takes the entry away, as deletion does, of what is not there too. */
	assert_int_equal(set(map, 2, 0, 0, BPF_ANY), 0);
	assert_int_equal(first_at(map, 2), UINT32_MAX);
	assert_int_equal(bpfe_map_delete(map, &key), 0);
	assert_int_equal(bpfe_map_delete(map, &key), 0);
	assert_int_equal(bpfe_map_count(map), 0);
	key = 4;
	assert_int_equal(bpfe_map_delete(map, &key), -EINVAL);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_devmap_hash(void **state)
{
	struct bpfe_map *map = map_new(DEVMAP_HASH, 4, 4, 2, NULL);
	uint32_t key = 1000000, next;

	assert_int_equal(set(map, key, 7, 0, BPF_EXIST), 0);
	assert_int_equal(set(map, key, 8, 0, BPF_NOEXIST), -EEXIST);
	assert_int_equal(set(map, key, 0, 0, BPF_ANY), -EINVAL);
	assert_int_equal(set(map, key, 8, 0, 3), -EINVAL);
	assert_int_equal(set(map, 5, 9, 0, BPF_NOEXIST), 0);
	assert_int_equal(set(map, 6, 9, 0, BPF_ANY), -E2BIG);
	assert_int_equal(first_at(map, key), 7);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(bpfe_map_delete(map, &key), 0);
	assert_int_equal(bpfe_map_delete(map, &key), -ENOENT);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), 0);
	assert_int_equal(next, 5);
	assert_int_equal(bpfe_map_get_next_key(map, &next, &next), -ENOENT);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_cpumap(void **state)
{
	struct bpfe_map *map = map_new(CPUMAP, 4, 8, 4, NULL);
	const uint32_t beyond = 4;

	assert_int_equal(set(map, 1, 192, 0, BPF_ANY), 0);
	assert_int_equal(first_at(map, 1), 192);
	assert_int_equal(set(map, 1, 16384, 0, BPF_EXIST), 0);
	assert_int_equal(set(map, 1, 16385, 0, BPF_ANY), -EOVERFLOW);
	assert_int_equal(set(map, 1, 1, 0, BPF_NOEXIST), -EEXIST);
	assert_int_equal(set(map, 1, 1, 4, BPF_ANY), -EOPNOTSUPP);
	assert_int_equal(set(map, 1, 1, 0, 3), -EINVAL);
	assert_int_equal(set(map, 4, 1, 0, BPF_ANY), -E2BIG);
	assert_int_equal(first_at(map, 1), 16384);
	assert_int_equal(set(map, 1, 0, 0, BPF_ANY), 0);
	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(bpfe_map_delete(map, &beyond), -EINVAL);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_xskmap(void **state)
{
	struct bpfe_map *map = map_new(XSKMAP, 4, 4, 4, NULL);
	uint32_t key = 0, value = 0;
	const uint32_t *seen;

	assert_int_equal(set(map, 0, 99, 0, BPF_EXIST), -ENOENT);
	assert_int_equal(set(map, 0, 99, 0, BPF_NOEXIST), 0);
	assert_int_equal(set(map, 0, 99, 0, BPF_NOEXIST), -EEXIST);
	assert_int_equal(set(map, 3, 98, 0, BPF_ANY), 0);
	assert_int_equal(set(map, 3, 98, 0, BPF_EXIST), 0);
	assert_int_equal(set(map, 3, 98, 0, 3), -EINVAL);
	assert_int_equal(set(map, 4, 98, 0, BPF_ANY), -E2BIG);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, &value), -EOPNOTSUPP);
	/* Who looks up reads the queue. */
	key = 3;
	bpfe_rcu_read_lock();
	seen = bpfe_map_lookup(map, &key);
	assert_non_null(seen);
	assert_int_equal(*seen, 3);
	bpfe_rcu_read_unlock();
	assert_int_equal(bpfe_map_delete(map, &key), 0);
	bpfe_rcu_read_lock();
	assert_null(bpfe_map_lookup(map, &key));
	bpfe_rcu_read_unlock();
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* For the checked interpreter: a value and not a byte beyond. */
static void test_contains(void **state)
{
	const uint32_t types[] = {DEVMAP, DEVMAP_HASH, CPUMAP, XSKMAP};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = map_new(types[i], 4, 4, 4, NULL);
		const uint32_t key = 1;
		uintptr_t value;

		assert_int_equal(set(map, key, 5, 0, BPF_ANY), 0);
		bpfe_rcu_read_lock();
		value = (uintptr_t)bpfe_map_lookup(map, &key);
		assert_true(bpfe_map_ops(types[i])->contains(map, value, 4));
		assert_false(bpfe_map_ops(types[i])->contains(map, value, 5));
		assert_false(bpfe_map_ops(types[i])->contains(map, value - 1, 1));
		assert_false(bpfe_map_ops(types[i])->contains(map, (uintptr_t)map, 1));
		bpfe_rcu_read_unlock();
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),  cmocka_unit_test(test_devmap),
		cmocka_unit_test(test_devmap_hash), cmocka_unit_test(test_cpumap),
		cmocka_unit_test(test_xskmap),      cmocka_unit_test(test_contains),
	};

	return cmocka_run_group_tests_name("targets", tests, group_setup, group_teardown);
}
