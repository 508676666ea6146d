/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/ring.c, maps/ringbuf.c, and the ring buffer helpers. */
#include "harness.h"
#include "helpers/dynptr.h"
#include "maps/ringbuf.h"

#define SIZE  4096u
#define WHOLE (SIZE - BPFE_RING_HEADER) /* the largest record */

static struct bpfe_map *ringbuf_new(const struct bpfe_allocator *alloc)
{
	return map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, SIZE, alloc);
}

/* ---- What the consumer saw ---- */

struct seen {
	uint32_t n, cpu[256];
	size_t size[256];
	uint8_t first[256];
	uint32_t stop_after; /* 0: never */
};

static int see(void *opaque, uint32_t cpu, const void *data, size_t size)
{
	struct seen *seen = opaque;

	seen->cpu[seen->n] = cpu;
	seen->size[seen->n] = size;
	seen->first[seen->n] = size ? *(const uint8_t *)data : 0;
	return ++seen->n == seen->stop_after;
}

static void *reserve(struct bpfe_map *map, size_t size, uint8_t fill)
{
	uint8_t *record = bpfe_ringbuf_reserve(map, size, 0);

	assert_non_null(record);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(record[i], 0);
	memset(record, fill, size);
	return record;
}

static void write_record(struct bpfe_map *map, size_t size, uint8_t fill)
{
	bpfe_ringbuf_submit(map, reserve(map, size, fill), 0);
}

/* ---- Tests ---- */

static void test_attributes(void **state)
{
	static const struct {
		struct bpfe_map_attr attr;
		const char *text;
	} cases[] = {
		{{.type = BPF_MAP_TYPE_RINGBUF, .key_size = 4, .max_entries = SIZE},
		 "map key size 4 and value size 0 are not 0 and 0, which a ring buffer needs\n"},
		{{.type = BPF_MAP_TYPE_RINGBUF, .value_size = 8, .max_entries = SIZE},
		 "map key size 0 and value size 8 are not 0 and 0, which a ring buffer needs\n"},
		{{.type = BPF_MAP_TYPE_RINGBUF, .max_entries = 0},
		 "map max_entries 0 is not a ring buffer's size, a power of two from 4096 to "
		 "1073741824\n"},
		{{.type = BPF_MAP_TYPE_RINGBUF, .max_entries = 2048},
		 "map max_entries 2048 is not a ring buffer's size, a power of two from 4096 to "
		 "1073741824\n"},
		{{.type = BPF_MAP_TYPE_RINGBUF, .max_entries = 3 * SIZE},
		 "map max_entries 12288 is not a ring buffer's size, a power of two from 4096 to "
		 "1073741824\n"},
		{{.type = BPF_MAP_TYPE_RINGBUF, .max_entries = SIZE, .flags = BPF_F_NO_PREALLOC},
		 "map flag BPF_F_NO_PREALLOC (0x1) is not supported\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256] = "";
		struct bpfe_log log = {.buf = text, .size = sizeof(text)};
		struct bpfe_map *map;

		assert_int_equal(bpfe_map_create(&cases[i].attr, NULL, &map, &log), -EINVAL);
		assert_string_equal(text, cases[i].text);
	}
}

/* No element operation applies. */
static void test_operations(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct bpfe_map *array = map_new(BPF_MAP_TYPE_ARRAY, 4, 4, 1, NULL);
	uint64_t key = 0;

	assert_int_equal(bpfe_map_update(map, &key, &key, BPF_ANY), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_delete(map, &key), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, &key), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &key), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(bpfe_map_consume(array, 0, see, NULL), -EINVAL);
	assert_int_equal(bpfe_map_on_data(array, NULL, NULL), -EINVAL);
	assert_int_equal(bpfe_map_lost(array), 0);
	bpfe_map_put(map);
	bpfe_map_put(array);
	bpfe_rcu_barrier();
}

static void test_order(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct seen seen = {0};

	write_record(map, 1, 11);
	bpfe_ringbuf_discard(map, reserve(map, 100, 12), 0);
	write_record(map, 0, 0);
	bpfe_ringbuf_submit(map, bpfe_ringbuf_reserve(map, 9, 7), 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 3);
	assert_int_equal(seen.size[0], 1);
	assert_int_equal(seen.first[0], 11);
	assert_int_equal(seen.cpu[0], 0);
	assert_int_equal(seen.size[1], 0);
	assert_int_equal(seen.size[2], 9);
	assert_int_equal(seen.first[2], 0);
	assert_int_equal(seen.cpu[2], 7);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* The oldest record that is not committed holds back those after it. */
static void test_busy_blocks(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct seen seen = {0};
	void *first, *second;

	first = reserve(map, 8, 1);
	second = reserve(map, 8, 2);
	write_record(map, 8, 3);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 0);
	bpfe_ringbuf_submit(map, second, 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 0);
	bpfe_ringbuf_submit(map, first, 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(seen.first[i], i + 1);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_consume_limits(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct seen seen = {.stop_after = 3};

	for (uint8_t i = 1; i <= 5; i++)
		write_record(map, 8, i);
	assert_int_equal(bpfe_map_consume(map, 2, see, &seen), 2);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	assert_int_equal(seen.first[2], 3);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 2);
	assert_int_equal(seen.first[4], 5);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* Capacity to the byte, as Linux's: a record takes 8 bytes more, rounded up to 8. */
static void test_capacity(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct seen seen = {0};
	uint8_t *record;

	assert_null(bpfe_ringbuf_reserve(map, WHOLE + 1, 0));
	assert_null(bpfe_ringbuf_reserve(map, SIZE, 0));
	assert_null(bpfe_ringbuf_reserve(map, UINT64_MAX, 0));
	assert_null(bpfe_ringbuf_reserve(map, UINT64_MAX - 7, 0));
	assert_int_equal(bpfe_map_lost(map), 4);
	write_record(map, WHOLE, 1);
	assert_null(bpfe_ringbuf_reserve(map, 0, 0));
	assert_int_equal(bpfe_map_lost(map), 5);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	assert_int_equal(seen.size[0], WHOLE);
	for (unsigned i = 0; i < 4; i++)
		write_record(map, SIZE / 4 - BPFE_RING_HEADER - 7, 2);
	assert_null(bpfe_ringbuf_reserve(map, 0, 0));
	assert_int_equal(bpfe_map_consume(map, 1, see, &seen), 1);
	record = reserve(map, SIZE / 4 - BPFE_RING_HEADER, 3);
	assert_null(bpfe_ringbuf_reserve(map, 0, 0));
	bpfe_ringbuf_discard(map, record, 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* Records that pass the end of the ring, of every size and at every place: whole and zeroed. */
static void test_wrap(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	uint32_t step = 0;

	for (uint32_t i = 0; i < 2000; i++) {
		size_t size = step = (step * 75 + 74) % 65537 % (WHOLE + 1);
		struct seen seen = {0};

		write_record(map, size, 0xa5);
		assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
		assert_int_equal(seen.size[0], size);
		assert_int_equal(seen.first[0], size ? 0xa5 : 0);
	}
	assert_int_equal(bpfe_map_lost(map), 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_query(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct seen seen = {0};

	write_record(map, 1, 1);
	write_record(map, 8, 1);
	assert_int_equal(bpfe_map_consume(map, 1, see, &seen), 1);
	assert_int_equal(bpfe_ringbuf_query(map, BPF_RB_AVAIL_DATA), 16);
	assert_int_equal(bpfe_ringbuf_query(map, BPF_RB_RING_SIZE), SIZE);
	assert_int_equal(bpfe_ringbuf_query(map, BPF_RB_CONS_POS), 16);
	assert_int_equal(bpfe_ringbuf_query(map, BPF_RB_PROD_POS), 32);
	assert_int_equal(bpfe_ringbuf_query(map, 99), 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void count_call(void *opaque, struct bpfe_map *map)
{
	++*(unsigned *)opaque;
}

static void test_wakeup(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct seen seen = {0};
	unsigned calls = 0;
	void *first;

	assert_int_equal(bpfe_map_on_data(map, count_call, &calls), 0);
	write_record(map, 8, 1);
	assert_int_equal(calls, 1);
	/* The consumer knows already. */
	write_record(map, 8, 1);
	assert_int_equal(calls, 1);
	bpfe_ringbuf_submit(map, reserve(map, 8, 1), BPF_RB_FORCE_WAKEUP);
	assert_int_equal(calls, 2);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 3);
	bpfe_ringbuf_submit(map, reserve(map, 8, 1), BPF_RB_NO_WAKEUP);
	assert_int_equal(calls, 2);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	/* It waits for the first, whichever is committed before. */
	first = reserve(map, 8, 1);
	write_record(map, 8, 2);
	assert_int_equal(calls, 2);
	bpfe_ringbuf_discard(map, first, 0);
	assert_int_equal(calls, 3);
	assert_int_equal(bpfe_map_on_data(map, NULL, NULL), 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	write_record(map, 8, 1);
	assert_int_equal(calls, 3);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* ---- Helpers ---- */

static uint64_t call(struct bpfe_run_env *env, uint32_t id, uint64_t r1, uint64_t r2, uint64_t r3,
		     uint64_t r4)
{
	return bpfe_helper_by_id(id)->fn(env, r1, r2, r3, r4, 0);
}

static void test_helpers(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct bpfe_run_env env = {.cpu = 3};
	struct seen seen = {0};
	uint64_t m = (uintptr_t)map, a, b;
	uint8_t data[24];

	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve, m, 8, 1, 0), 0);
	a = call(&env, BPF_FUNC_ringbuf_reserve, m, 8, 0, 0);
	b = call(&env, BPF_FUNC_ringbuf_reserve, m, 16, 0, 0);
	assert_int_equal(env.n_held, 2);
	*(uint8_t *)(uintptr_t)b = 21;
	assert_true(bpfe_run_holds(&env, b, 16));
	assert_true(bpfe_run_holds(&env, b + 8, 8));
	assert_false(bpfe_run_holds(&env, b + 8, 9));
	assert_false(bpfe_run_holds(&env, b - 1, 1));
	call(&env, BPF_FUNC_ringbuf_discard, a, 0, 0, 0);
	assert_false(bpfe_run_holds(&env, a, 8));
	call(&env, BPF_FUNC_ringbuf_submit, b, 0, 0, 0);
	assert_int_equal(env.n_held, 0);
	/* What the run does not hold is none of its records. */
	call(&env, BPF_FUNC_ringbuf_discard, b, 0, 0, 0);

	memset(data, 22, sizeof(data));
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_output, m, (uintptr_t)data, 24, 4), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_output, m, (uintptr_t)data, 24, 0), 0);
	assert_int_equal(env.cost, 3);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_output, m, 0, 0, BPF_RB_NO_WAKEUP), 0);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_output, m, (uintptr_t)data, WHOLE, 0),
			 -EAGAIN);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_query, m, BPF_RB_AVAIL_DATA, 0, 0),
			 16 + 24 + 32 + 8);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 3);
	assert_int_equal(seen.first[0], 21);
	assert_int_equal(seen.cpu[0], 3);
	assert_int_equal(seen.first[1], 22);
	assert_int_equal(seen.size[1], 24);
	assert_int_equal(seen.size[2], 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* A record of a size known at run time, written through its dynptr. */
static void test_dynptr(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct bpfe_run_env env = {0};
	struct seen seen = {0};
	uint64_t m = (uintptr_t)map;
	struct bpfe_dynptr d;
	uint64_t at = (uintptr_t)&d;
	uint8_t byte = 33;

	memset(&d, 0xff, sizeof(d));
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve_dynptr, m, 12, 0, at), 0);
	assert_int_equal(env.n_held, 1);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SIZE, at, 0, 0, 0), 12);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_write, at, 0, (uintptr_t)&byte, 1), 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_ADJUST, at, 4, 12, 0), 0);
	call(&env, BPF_FUNC_ringbuf_submit_dynptr, at, 0, 0, 0);
	assert_int_equal(env.n_held, 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_NULL, at, 0, 0, 0), 1);

	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve_dynptr, m, 8, 0, at), 0);
	call(&env, BPF_FUNC_ringbuf_discard_dynptr, at, 0, 0, 0);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	assert_int_equal(seen.first[0], 33);
	assert_int_equal(seen.size[0], 12);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* What could not be reserved is a null dynptr, and is given back like any other. */
static void test_null_dynptr(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL);
	struct bpfe_run_env env = {0};
	uint64_t m = (uintptr_t)map;
	struct bpfe_dynptr d;
	uint64_t at = (uintptr_t)&d;

	memset(&d, 0xff, sizeof(d));
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve_dynptr, m, 8, 1, at), -EINVAL);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_NULL, at, 0, 0, 0), 1);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve_dynptr, m, SIZE, 0, at), -EINVAL);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_NULL, at, 0, 0, 0), 1);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve_dynptr, m, 1 << 24, 0, at), -E2BIG);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_NULL, at, 0, 0, 0), 1);
	call(&env, BPF_FUNC_ringbuf_submit_dynptr, at, 0, 0, 0);
	assert_int_equal(env.n_held, 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* The verifier lets no other map come so far. */
static void test_other_map(void **state)
{
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, NULL);
	struct bpfe_run_env env = {0};
	uint64_t m = (uintptr_t)map, data = 1;

	assert_int_equal(call(&env, BPF_FUNC_ringbuf_reserve, m, 8, 0, 0), 0);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_output, m, (uintptr_t)&data, 8, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_ringbuf_query, m, BPF_RB_RING_SIZE, 0, 0), 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* A run holds so many records and no more; one that is cut short lets go of all. */
static void test_held(void **state)
{
	struct bpfe_map *map = ringbuf_new(NULL), *other = ringbuf_new(NULL);
	struct bpfe_run_env env = {0};
	struct seen seen = {0};

	for (unsigned i = 0; i < BPFE_MAX_HELD; i++)
		assert_non_null(bpfe_run_reserve(&env, i % 2 ? map : other, 8));
	assert_null(bpfe_run_reserve(&env, map, 8));
	bpfe_run_drop_held(&env);
	assert_int_equal(env.n_held, 0);
	write_record(map, 8, 1);
	write_record(other, 8, 1);
	assert_int_equal(bpfe_map_consume(map, 0, see, &seen), 1);
	assert_int_equal(bpfe_map_consume(other, 0, see, &seen), 1);
	bpfe_map_put(map);
	bpfe_map_put(other);
	bpfe_rcu_barrier();
}

/* Not one byte of what earlier records held comes back, however they ended. */
static void test_zeroed(void **state)
{
	struct counting counting;
	struct bpfe_map *map;
	struct seen seen = {0};

	counting_init(&counting);
	map = ringbuf_new(&counting.alloc);
	assert_int_equal(counting.bytes, bpfe_map_storage_size(bpfe_map_attr(map)));
	for (unsigned i = 0; i < 64; i++) {
		if (i % 3)
			write_record(map, 1000, 0xff);
		else
			bpfe_ringbuf_discard(map, reserve(map, 1000, 0xff), 0);
		bpfe_map_consume(map, 0, see, &seen);
	}
	bpfe_map_put(map);
	counting_check(&counting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),     cmocka_unit_test(test_operations),
		cmocka_unit_test(test_order),          cmocka_unit_test(test_busy_blocks),
		cmocka_unit_test(test_consume_limits), cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_wrap),           cmocka_unit_test(test_query),
		cmocka_unit_test(test_wakeup),         cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_other_map),      cmocka_unit_test(test_held),
		cmocka_unit_test(test_zeroed),         cmocka_unit_test(test_dynptr),
		cmocka_unit_test(test_null_dynptr),
	};

	return cmocka_run_group_tests_name("ring buffer", tests, group_setup, group_teardown);
}
