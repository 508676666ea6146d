/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/perf_event_array.c and bpf_perf_event_output. */
#include "harness.h"
#include "maps/perf_event_array.h"

#define CPUS 4

static struct bpfe_map *array_new(uint32_t entries, uint32_t cpus,
				  const struct bpfe_allocator *alloc)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
					   .key_size = 4,
					   .value_size = 4,
					   .max_entries = entries,
					   .cpus = cpus};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, alloc, &map, NULL), 0);
	return map;
}

struct seen {
	uint32_t n, cpu[16];
	size_t size[16];
	uint8_t bytes[16][64];
	uint32_t stop_after; /* 0: never */
};

static int see(void *opaque, uint32_t cpu, const void *data, size_t size)
{
	struct seen *seen = opaque;

	seen->cpu[seen->n] = cpu;
	seen->size[seen->n] = size;
	memcpy(seen->bytes[seen->n], data, size < 64 ? size : 64);
	return ++seen->n == seen->stop_after;
}

static void test_attributes(void **state)
{
	struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
				     .key_size = 8,
				     .value_size = 4,
				     .max_entries = 1};
	static const char *const texts[] = {
		"map key size 8 and value size 4 are not 4 and 4, which a perf event array "
		"needs\n",
		"map max_entries 0 is out of range, 1 to 67108864\n",
		"map flag BPF_F_RDONLY_PROG (0x80) is not supported\n",
		"map cpus 257 is out of range, 1 to 256\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		char text[256] = "";
		struct bpfe_log log = {.buf = text, .size = sizeof(text)};
		struct bpfe_map *map;

		attr.key_size = i == 0 ? 8 : 4;
		attr.max_entries = i == 1 ? 0 : 8;
		attr.flags = i == 2 ? BPF_F_RDONLY_PROG : 0;
		attr.cpus = i == 3 ? 257 : 0;
		assert_int_equal(bpfe_map_create(&attr, NULL, &map, &log), -EINVAL);
		assert_string_equal(text, texts[i]);
	}
}

/* As many rings as processors, as far as the array goes. */
static void test_rings(void **state)
{
	const struct {
		uint32_t entries, cpus, rings;
	} cases[] = {{128, 0, BPFE_DEFAULT_CPUS}, {128, 3, 3}, {2, 3, 2}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct counting counting;
		struct bpfe_map *map;

		counting_init(&counting);
		map = array_new(cases[i].entries, cases[i].cpus, &counting.alloc);
		assert_int_equal(bpfe_map_count(map), cases[i].rings);
		assert_int_equal(counting.bytes, bpfe_map_storage_size(bpfe_map_attr(map)));
		bpfe_map_put(map);
		counting_check(&counting);
	}
}

static uint64_t output(struct bpfe_run_env *env, struct bpfe_map *map, uint64_t flags,
		       const void *data, size_t size)
{
	return bpfe_helper_by_id(BPF_FUNC_perf_event_output)
		->fn(env, (uintptr_t)env->xdp, (uintptr_t)map, flags, (uintptr_t)data, size);
}

static void test_output(void **state)
{
	struct bpfe_map *map = array_new(8, CPUS, NULL);
	struct seen seen = {0};
	struct bpfe_run_env env;
	struct frame f;

	frame_init(&f);
	for (unsigned i = 0; i < 256; i++)
		f.xdp.data[i] = (uint8_t)(0x40 + i);
	env = (struct bpfe_run_env){.xdp = &f.xdp, .cpu = 2};
	assert_int_equal(output(&env, map, BPF_F_CURRENT_CPU, "meta", 4), 0);
	assert_int_equal(output(&env, map, 5ull << 32 | 2, "meta", 4), 0);
	assert_int_equal(env.cost, 1);
	env.cpu = 0;
	assert_int_equal(output(&env, map, 16ull << 32 | BPF_F_CURRENT_CPU, NULL, 0), 0);

	/* By processor, each oldest first. */
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 3);
	assert_int_equal(seen.cpu[0], 0);
	assert_int_equal(seen.size[0], 16);
	assert_memory_equal(seen.bytes[0], f.xdp.data, 16);
	assert_int_equal(seen.cpu[1], 2);
	assert_int_equal(seen.size[1], 4);
	assert_memory_equal(seen.bytes[1], "meta", 4);
	assert_int_equal(seen.size[2], 9);
	assert_memory_equal(seen.bytes[2], "meta\x40\x41\x42\x43\x44", 9);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_errors(void **state)
{
	struct bpfe_map *map = array_new(6, CPUS, NULL);
	struct bpfe_map *array = map_new(BPF_MAP_TYPE_ARRAY, 4, 4, 8, NULL);
	struct seen seen = {0};
	struct bpfe_run_env env;
	struct frame f;

	frame_init(&f);
	env = (struct bpfe_run_env){.xdp = &f.xdp, .cpu = 2};
	assert_int_equal(output(&env, map, 1ull << 52, "a", 1), -EINVAL);
	assert_int_equal(output(&env, map, 257ull << 32 | BPF_F_CURRENT_CPU, "a", 1), -EFAULT);
	assert_int_equal(output(&env, map, 6, "a", 1), -E2BIG);
	assert_int_equal(output(&env, map, 5, "a", 1), -ENOENT);
	assert_int_equal(output(&env, map, 3, "a", 1), -EOPNOTSUPP);
	env.cpu = 7;
	assert_int_equal(output(&env, map, BPF_F_CURRENT_CPU, "a", 1), -E2BIG);
	assert_int_equal(output(&env, array, BPF_F_CURRENT_CPU, "a", 1), -EINVAL);
	assert_int_equal(bpfe_map_lost(map), 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 0);
	assert_int_equal(bpfe_map_update(map, &(uint32_t){0}, &(uint32_t){0}, 0), -EOPNOTSUPP);
	bpfe_map_put(map);
	bpfe_map_put(array);
	bpfe_rcu_barrier();
}

/* A full ring is one processor's own trouble, and counted. */
static void test_lost(void **state)
{
	struct bpfe_map *map = array_new(2, 2, NULL);
	static uint8_t data[32768 - 8];
	struct seen seen = {.stop_after = 1};
	struct bpfe_run_env env;
	struct frame f;

	frame_init(&f);
	env = (struct bpfe_run_env){.xdp = &f.xdp, .cpu = 1};
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(output(&env, map, BPF_F_CURRENT_CPU, data, sizeof(data)), 0);
	assert_int_equal(output(&env, map, BPF_F_CURRENT_CPU, data, 0), -ENOSPC);
	assert_int_equal(bpfe_map_lost(map), 1);
	env.cpu = 0;
	assert_int_equal(output(&env, map, BPF_F_CURRENT_CPU, data, sizeof(data)), 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	assert_int_equal(seen.cpu[0], 0);
	assert_int_equal(bpfe_map_consume(map, 1, see, &seen), 1);
	assert_int_equal(seen.cpu[1], 1);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_rings),
		cmocka_unit_test(test_output),     cmocka_unit_test(test_errors),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests_name("perf event array", tests, group_setup, group_teardown);
}
