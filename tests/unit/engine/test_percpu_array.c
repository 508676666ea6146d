/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/array.c: BPF_MAP_TYPE_PERCPU_ARRAY */
#include "harness.h"

enum {
	CPUS = 3,
	ENTRIES = 4,
	VALUE = 12, /* padded to 16 for the control plane */
	STRIDE = 16
};

static struct bpfe_map *map;

static int setup(void **state)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_PERCPU_ARRAY,
					   .key_size = 4,
					   .value_size = VALUE,
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

static void test_each_processor_has_its_own(void **state)
{
	uint8_t all[CPUS * STRIDE];
	uint32_t key = 2;

	assert_int_equal(bpfe_map_value_bytes(map), CPUS * STRIDE);
	assert_int_equal(bpfe_map_count(map), ENTRIES);
	bpfe_rcu_read_lock();
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		uint8_t *value = bpfe_map_lookup_cpu(map, &key, cpu);

		assert_int_equal((uintptr_t)value % 8, 0);
		for (unsigned i = 0; i < VALUE; i++)
			assert_int_equal(value[i], 0);
		memset(value, (int)cpu + 1, VALUE);
		/* A processor beyond them shares one. */
		assert_ptr_equal(bpfe_map_lookup_cpu(map, &key, cpu + CPUS), value);
	}
	assert_ptr_equal(bpfe_map_lookup(map, &key), bpfe_map_lookup_cpu(map, &key, 0));
	bpfe_rcu_read_unlock();
	memset(all, 0xee, sizeof(all));
	assert_int_equal(bpfe_map_lookup_copy(map, &key, all), 0);
	for (unsigned i = 0; i < sizeof(all); i++)
		assert_int_equal(all[i], i % STRIDE < VALUE ? i / STRIDE + 1 : 0);
	key = 1;
	assert_int_equal(bpfe_map_lookup_copy(map, &key, all), 0);
	for (unsigned i = 0; i < sizeof(all); i++)
		assert_int_equal(all[i], 0);
}

/* The control plane sets all processors' values, what pads them too. */
static void test_control_plane(void **state)
{
	uint8_t all[CPUS * STRIDE], got[CPUS * STRIDE];
	uint32_t key = 3;

	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i + 1);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_ANY), 0);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, got), 0);
	for (unsigned i = 0; i < sizeof(all); i++)
		assert_int_equal(got[i], i + 1);
	bpfe_rcu_read_lock();
	assert_memory_equal(bpfe_map_lookup_cpu(map, &key, 1), all + STRIDE, VALUE);
	bpfe_rcu_read_unlock();
}

static void test_errors(void **state)
{
	uint8_t all[CPUS * STRIDE] = {0};
	uint32_t key = 0;

	assert_int_equal(bpfe_map_update(map, &key, all, BPF_NOEXIST), -EEXIST);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_EXIST), 0);
	assert_int_equal(bpfe_map_update(map, &key, all, 3), -EINVAL);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_F_LOCK), -EINVAL);
	assert_int_equal(bpfe_map_delete(map, &key), -EINVAL);
	key = ENTRIES;
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_ANY), -E2BIG);
	assert_int_equal(bpfe_map_update(map, &key, all, BPF_NOEXIST), -E2BIG);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, all), -ENOENT);
	bpfe_rcu_read_lock();
	assert_null(bpfe_map_lookup_cpu(map, &key, 1));
	bpfe_rcu_read_unlock();
}

/* map[1] = 7 on the processor that runs it. */
static const struct bpf_insn store_7[] = {
	ST(BPF_W, 10, -4, 1),
	ST(BPF_DW, 10, -16, 7),
	ST(BPF_DW, 10, -24, 7),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	MOV_X(3, 10),
	ALU64_K(BPF_ADD, 3, -24),
	MOV_K(4, 0),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_update_elem),
	EXIT(),
};

static void test_programs(void **state)
{
	struct bpfe_program *prog = LOAD(store_7, map, 0);
	const uint32_t key = 1;
	uint64_t all[CPUS * 2];
	struct frame f;

	frame_init(&f);
	f.xdp.rx_queue_index = 1;
	assert_int_equal(run(prog, &f).r0, 0);
	f.xdp.rx_queue_index = CPUS + 2;
	assert_int_equal(run(prog, &f).r0, 0);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, all), 0);
	assert_memory_equal(all, ((uint64_t[]){0, 0, 7, 7, 7, 7}), sizeof(all));
	bpfe_program_put(prog);
}

static void test_default_processors(void **state)
{
	struct bpfe_map *other = map_new(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, NULL);

	assert_int_equal(bpfe_map_attr(other)->cpus, BPFE_DEFAULT_CPUS);
	assert_int_equal(bpfe_map_value_bytes(other), 8 * BPFE_DEFAULT_CPUS);
	bpfe_map_put(other);
}

/* Whatever processors write goes to cache lines of their own. */
static void test_no_shared_lines(void **state)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_PERCPU_ARRAY,
					   .key_size = 4,
					   .value_size = 8,
					   .max_entries = 9,
					   .cpus = CPUS};
	uintptr_t last = 0;
	struct bpfe_map *small;
	uint32_t key;

	assert_int_equal(bpfe_map_create(&attr, NULL, &small, NULL), 0);
	bpfe_rcu_read_lock();
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		key = 0;
		assert_true((uintptr_t)bpfe_map_lookup_cpu(small, &key, cpu) / 64 > last);
		key = attr.max_entries - 1;
		last = ((uintptr_t)bpfe_map_lookup_cpu(small, &key, cpu) + 7) / 64;
	}
	bpfe_rcu_read_unlock();
	bpfe_map_put(small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_processor_has_its_own),
		TEST(test_control_plane),
		TEST(test_errors),
		TEST(test_programs),
		TEST(test_default_processors),
		TEST(test_no_shared_lines),
	};

	return cmocka_run_group_tests_name("per-CPU array", tests, group_setup, group_teardown);
}
