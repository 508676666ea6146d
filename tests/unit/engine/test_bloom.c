/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/bloom.c */
#include "harness.h"

static struct bpfe_map *create(uint32_t value, uint32_t entries, uint64_t hashes)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_BLOOM_FILTER,
					   .value_size = value,
					   .max_entries = entries,
					   .map_extra = hashes};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

static size_t bits_of(uint32_t entries, uint64_t hashes)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_BLOOM_FILTER,
					   .value_size = 8,
					   .max_entries = entries,
					   .map_extra = hashes};
	const struct bpfe_map_attr least = {
		.type = BPF_MAP_TYPE_BLOOM_FILTER, .value_size = 8, .max_entries = 1};

	return (bpfe_map_storage_size(&attr) - bpfe_map_storage_size(&least)) * 8 + 64;
}

/* The next power of two of entries * hashes * 7 / 5, from 64 on. */
static void test_size(void **state)
{
	assert_int_equal(bits_of(1, 0), 64);
	assert_int_equal(bits_of(9, 5), 64);
	assert_int_equal(bits_of(10, 5), 128);
	assert_int_equal(bits_of(1000, 0), 8192);
	assert_int_equal(bits_of(1000, 15), 32768);
	assert_int_equal(bits_of(BPFE_MAP_MAX_ENTRIES, 15), UINT64_C(1) << 31);
}

/* What was pushed is always found; of the rest, about one in 2^hashes, when it is full. */
static void test_membership(void **state)
{
	static const uint64_t hashes[] = {1, 5, 15};

	for (size_t i = 0; i < COUNT(hashes); i++) {
		struct bpfe_map *map = create(8, 1000, hashes[i]);
		uint64_t value = 123;
		unsigned wrong = 0;

		assert_int_equal(bpfe_map_peek(map, &value), -ENOENT);
		assert_int_equal(value, 123);
		for (value = 0; value < 1000; value++)
			assert_int_equal(bpfe_map_push(map, &value, BPF_ANY), 0);
		for (value = 0; value < 1000; value++)
			assert_int_equal(bpfe_map_peek(map, &value), 0);
		for (value = 1000; value < 11000; value++)
			wrong += bpfe_map_peek(map, &value) == 0;
		assert_in_range(wrong, 0, 2 * 10000 / (1 << hashes[i]) + 20);
		if (hashes[i] == 1)
			assert_in_range(wrong, 1000, 10000);
		bpfe_map_put(map);
	}
}

static void test_errors(void **state)
{
	struct bpfe_map *map = create(3, 10, 0);
	uint8_t value[3] = {1, 2, 3};
	uint32_t key;

	assert_int_equal(bpfe_map_push(map, value, BPF_NOEXIST), -EINVAL);
	assert_int_equal(bpfe_map_push(map, value, BPF_EXIST), -EINVAL);
	assert_int_equal(bpfe_map_push(map, value, BPF_F_LOCK), -EINVAL);
	assert_int_equal(bpfe_map_peek(map, value), -ENOENT);
	assert_int_equal(bpfe_map_pop(map, value), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_delete(map, NULL), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &key), -EOPNOTSUPP);
	assert_null(bpfe_map_lookup(map, &key));
	/* Linux's element calls: update pushes, look-up asks. */
	assert_int_equal(bpfe_map_lookup_copy(map, NULL, value), -ENOENT);
	assert_int_equal(bpfe_map_update(map, NULL, value, BPF_ANY), 0);
	assert_int_equal(bpfe_map_lookup_copy(map, NULL, value), 0);
	assert_int_equal(bpfe_map_update(map, NULL, value, BPF_NOEXIST), -EINVAL);
	assert_int_equal(bpfe_map_count(map), 0);
	bpfe_map_put(map);
}

/* (first peek, push, second peek) of the stack's value in the bytes of r0 */
static const struct bpf_insn ask_push_ask[] = {
	ST(BPF_DW, 10, -8, 42),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -8),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_peek_elem),
	MOV_X(6, 0),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -8),
	MOV_K(3, 0),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_push_elem),
	MOV_X(7, 0),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -8),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_peek_elem),
	ALU32_K(BPF_AND, 0, 0xff),
	ALU32_K(BPF_AND, 6, 0xff),
	ALU32_K(BPF_AND, 7, 0xff),
	ALU64_K(BPF_LSH, 6, 16),
	ALU64_K(BPF_LSH, 7, 8),
	ALU64_X(BPF_OR, 0, 6),
	ALU64_X(BPF_OR, 0, 7),
	EXIT(),
};

static void test_programs(void **state)
{
	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		struct bpfe_map *map = create(8, 10, 0);
		struct bpfe_program *prog = LOAD(ask_push_ask, map, flags);

		assert_int_equal(run_value(prog), (uint32_t)(uint8_t)-ENOENT << 16);
		assert_int_equal(run_value(prog), 0);
		bpfe_program_put(prog);
		bpfe_map_put(map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_membership),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests_name("bloom filter", tests, group_setup, group_teardown);
}
