/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/queue.c: queue and stack, from the control plane and from programs. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "harness.h"

enum {
	ENTRIES = 3
};

static const uint32_t types[] = {BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK};

static struct bpfe_map *create(uint32_t type, uint32_t value, uint32_t entries)
{
	return map_new(type, 0, value, entries, NULL);
}

static void assert_pop(struct bpfe_map *map, uint64_t expected)
{
	uint64_t value = ~expected;

	assert_int_equal(bpfe_map_peek(map, &value), 0);
	assert_int_equal(value, expected);
	value = ~expected;
	assert_int_equal(bpfe_map_pop(map, &value), 0);
	assert_int_equal(value, expected);
}

static void push(struct bpfe_map *map, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(bpfe_map_push(map, &(uint64_t){first + i}, BPF_ANY), 0);
}

static void test_order(void **state)
{
	struct bpfe_map *queue = create(BPF_MAP_TYPE_QUEUE, 8, ENTRIES);
	struct bpfe_map *stack = create(BPF_MAP_TYPE_STACK, 8, ENTRIES);

	/* Several times around the ring. */
	for (uint64_t round = 0; round < 5; round++) {
		push(queue, round * 10, 2);
		push(stack, round * 10, 2);
		assert_int_equal(bpfe_map_count(queue), 2);
		assert_int_equal(bpfe_map_count(stack), 2);
		assert_pop(queue, round * 10);
		assert_pop(stack, round * 10 + 1);
		assert_pop(queue, round * 10 + 1);
		assert_pop(stack, round * 10);
	}
	bpfe_map_put(queue);
	bpfe_map_put(stack);
}

static void test_empty(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], 8, ENTRIES);
		uint64_t value = 77;

		assert_int_equal(bpfe_map_pop(map, &value), -ENOENT);
		assert_int_equal(value, 0);
		value = 77;
		assert_int_equal(bpfe_map_peek(map, &value), -ENOENT);
		assert_int_equal(value, 0);
		push(map, 5, 1);
		assert_pop(map, 5);
		assert_int_equal(bpfe_map_pop(map, &value), -ENOENT);
		bpfe_map_put(map);
	}
}

/* BPF_EXIST makes room by dropping the oldest, in a stack too. */
static void test_full(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		const bool stack = types[i] == BPF_MAP_TYPE_STACK;
		struct bpfe_map *map = create(types[i], 8, ENTRIES);
		uint64_t value = 99;

		push(map, 1, ENTRIES);
		assert_int_equal(bpfe_map_push(map, &value, BPF_ANY), -E2BIG);
		assert_int_equal(bpfe_map_push(map, &value, BPF_EXIST), 0);
		assert_int_equal(bpfe_map_count(map), ENTRIES);
		assert_pop(map, stack ? 99 : 2);
		assert_pop(map, 3);
		assert_pop(map, stack ? 2 : 99);
		assert_int_equal(bpfe_map_push(map, &value, BPF_EXIST), 0);
		assert_pop(map, 99);
		bpfe_map_put(map);
	}
}

static void test_errors(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], 8, ENTRIES);
		uint64_t value = 1;
		uint32_t key = 0;

		assert_int_equal(bpfe_map_push(map, &value, BPF_NOEXIST), -EINVAL);
		assert_int_equal(bpfe_map_push(map, &value, 3), -EINVAL);
		assert_int_equal(bpfe_map_push(map, &value, BPF_F_LOCK), -EINVAL);
		assert_int_equal(bpfe_map_delete(map, NULL), -EINVAL);
		assert_int_equal(bpfe_map_get_next_key(map, NULL, &key), -EINVAL);
		assert_null(bpfe_map_lookup(map, &key));
		assert_int_equal(bpfe_map_count(map), 0);
		bpfe_map_put(map);
	}
}

/* Linux's element calls without a key: look-up peeks, update pushes. */
static void test_element_calls(void **state)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], 8, ENTRIES);
		uint64_t value = 5;

		assert_int_equal(bpfe_map_lookup_copy(map, NULL, &value), -ENOENT);
		value = 5;
		assert_int_equal(bpfe_map_update(map, NULL, &value, BPF_ANY), 0);
		value = 0;
		assert_int_equal(bpfe_map_lookup_copy(map, NULL, &value), 0);
		assert_int_equal(value, 5);
		assert_int_equal(bpfe_map_update(map, NULL, &value, BPF_NOEXIST), -EINVAL);
		assert_int_equal(bpfe_map_count(map), 1);
		bpfe_map_put(map);
	}
}

/* Against plain arrays, with a value of odd size. */
static void test_model(void **state)
{
	enum {
		VALUE = 5,
		ROOM = 7
	};

	for (size_t t = 0; t < COUNT(types); t++) {
		const bool stack = types[t] == BPF_MAP_TYPE_STACK;
		struct bpfe_map *map = create(types[t], VALUE, ROOM);
		uint8_t model[ROOM][VALUE], value[VALUE];
		uint32_t count = 0, random = 1;

		for (unsigned step = 0; step < 5000; step++) {
			random = random * 1664525 + 1013904223;
			memset(value, (int)(random >> 24), VALUE);
			if (random & 0x800) {
				const bool drop = random & 0x1000;

				assert_int_equal(bpfe_map_push(map, value, drop ? BPF_EXIST : 0),
						 count < ROOM || drop ? 0 : -E2BIG);
				if (count == ROOM && drop)
					memmove(model[0], model[1], --count * VALUE);
				if (count < ROOM)
					memcpy(model[count++], value, VALUE);
			} else {
				uint32_t at = stack ? count - 1 : 0;

				assert_int_equal(bpfe_map_pop(map, value), count ? 0 : -ENOENT);
				if (!count)
					continue;
				assert_memory_equal(value, model[at], VALUE);
				memmove(model[at], model[at + 1], (--count - at) * VALUE);
			}
			assert_int_equal(bpfe_map_count(map), count);
		}
		bpfe_map_put(map);
	}
}

/* push(7) twice, pop, peek into the frame: what helpers return and leave. */
static const struct bpf_insn push_pop_peek[] = {
	NEED_PACKET(32, 34),
	MOV_X(6, 2),
	ST(BPF_DW, 10, -8, 7),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -8),
	MOV_K(3, 0),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_push_elem),
	STX(BPF_B, 6, 16, 0),
	ST(BPF_DW, 10, -8, 8),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -8),
	MOV_K(3, BPF_NOEXIST),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_push_elem),
	STX(BPF_B, 6, 17, 0),
	MOV_X(2, 6),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_peek_elem),
	STX(BPF_B, 6, 18, 0),
	MOV_X(2, 6),
	ALU64_K(BPF_ADD, 2, 8),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_pop_elem),
	STX(BPF_B, 6, 19, 0),
	MOV_X(2, 6),
	ALU64_K(BPF_ADD, 2, 24),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_pop_elem),
	STX(BPF_B, 6, 20, 0),
	MOV_K(0, 2),
	EXIT(),
};

static void test_programs(void **state)
{
	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		for (size_t i = 0; i < COUNT(types); i++) {
			struct bpfe_map *map = create(types[i], 8, ENTRIES);
			struct bpfe_program *prog = LOAD(push_pop_peek, map, flags);
			struct frame f;

			frame_init(&f);
			memset(f.xdp.data, 0xaa, 32);
			assert_int_equal(run(prog, &f).r0, 2);
			assert_int_equal(f.xdp.data[0], 7);
			assert_int_equal(f.xdp.data[8], 7);
			assert_memory_equal(
				f.xdp.data + 16,
				((uint8_t[]){0, (uint8_t)-EINVAL, 0, 0, (uint8_t)-ENOENT}), 5);
			/* Nothing popped: nothing stale either. */
			assert_memory_equal(f.xdp.data + 24, "\0\0\0\0\0\0\0\0", 8);
			bpfe_program_put(prog);
			bpfe_map_put(map);
		}
	}
}

enum {
	THREADS = 3,
	EACH = 2000
};

static void *pusher(void *opaque)
{
	bpfe_thread_register();
	for (uint64_t i = 1; i <= EACH; i++) {
		while (bpfe_map_push(opaque, (uint64_t[]){i, ~i}, BPF_ANY) == -E2BIG)
			sched_yield();
	}
	bpfe_thread_unregister();
	return NULL;
}

/* Nothing is lost, doubled or torn between several who push and one who pops. */
static void test_threads(void **state)
{
	for (size_t t = 0; t < COUNT(types); t++) {
		struct bpfe_map *map = create(types[t], 16, 8);
		uint64_t sum = 0, value[2];
		pthread_t threads[THREADS];

		for (unsigned i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, pusher, map), 0);
		for (unsigned n = 0; n < THREADS * EACH;) {
			if (bpfe_map_pop(map, value)) {
				sched_yield();
				continue;
			}
			assert_int_equal(value[1], ~value[0]);
			sum += value[0];
			n++;
		}
		for (unsigned i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(bpfe_map_count(map), 0);
		assert_int_equal(sum, (uint64_t)THREADS * EACH * (EACH + 1) / 2);
		bpfe_map_put(map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_empty),
		cmocka_unit_test(test_full),    cmocka_unit_test(test_errors),
		cmocka_unit_test(test_model),   cmocka_unit_test(test_element_calls),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests_name("queue and stack", tests, group_setup, group_teardown);
}
