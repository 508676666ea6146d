/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Maps and programs under threads: readers never see another key's value, a half-written one or a
 * recycled one. Each test does a fixed amount of work; readers end when the writers do.
 */
#include <pthread.h>
#include "harness.h"

enum {
	KEYS = 64,
	WORDS = 4,
	READERS = 2,
	WRITERS = 2
};

struct shared {
	struct bpfe_map *map;
	unsigned steps;         /* of each writer */
	unsigned steps_a_batch; /* then the writer waits for recycling; 0: never */
	bool whole;             /* values must be of one version */
	atomic_uint seed;       /* of the next writer */
	atomic_uint writers;
	atomic_ulong bad;
	atomic_ulong read;
};

/* A value is @WORDS times this. */
static uint64_t word(uint32_t key, uint32_t version)
{
	return (uint64_t)(key + 1) << 32 | version;
}

static void *writer(void *opaque)
{
	struct shared *s = opaque;
	uint32_t random = atomic_fetch_add(&s->seed, 1);

	bpfe_thread_register();
	for (uint32_t step = 0; step < s->steps; step++) {
		uint64_t value[WORDS];
		uint32_t key;

		random = random * 1664525 + 1013904223;
		key = (random >> 8) % KEYS;
		for (unsigned w = 0; w < WORDS; w++)
			value[w] = word(key, step);
		if (random >> 30)
			bpfe_map_update(s->map, &key, value, BPF_ANY);
		else
			bpfe_map_delete(s->map, &key);
		if (s->steps_a_batch && step % s->steps_a_batch == 0)
			bpfe_rcu_barrier();
	}
	bpfe_thread_unregister();
	atomic_fetch_sub(&s->writers, 1);
	return NULL;
}

static bool good(const uint64_t *value, uint32_t key, bool whole)
{
	for (unsigned w = 0; w < WORDS; w++) {
		const uint64_t seen = __atomic_load_n(&value[w], __ATOMIC_RELAXED);

		if (seen >> 32 != key + 1 || (whole && seen != value[0]))
			return false;
	}
	return true;
}

static void *reader(void *opaque)
{
	struct shared *s = opaque;
	unsigned long bad = 0, read = 0;
	uint32_t key = 0;

	bpfe_thread_register();
	while (s->writers) {
		bpfe_rcu_read_lock();
		for (unsigned i = 0; i < 100; i++) {
			const uint64_t *value;

			key = (key + 7) % KEYS;
			value = bpfe_map_lookup(s->map, &key);
			if (!value)
				continue;
			read++;
			bad += !good(value, key, s->whole);
		}
		bpfe_rcu_read_unlock();
	}
	atomic_fetch_add(&s->bad, bad);
	atomic_fetch_add(&s->read, read);
	bpfe_thread_unregister();
	return NULL;
}

static void work(struct shared *s)
{
	pthread_t readers[READERS], writers[WRITERS];
	struct counting counting;

	counting_init(&counting);
	s->map = map_new(BPF_MAP_TYPE_HASH, 4, WORDS * 8, KEYS, &counting.alloc);
	s->writers = WRITERS;
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader, s), 0);
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, writer, s), 0);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(s->bad, 0);
	assert_true(bpfe_map_count(s->map) <= KEYS);
	for (uint32_t key = 0; key < KEYS; key++)
		bpfe_map_delete(s->map, &key);
	assert_int_equal(bpfe_map_count(s->map), 0);
	bpfe_map_put(s->map);
	counting_check(&counting);
}

/* As fast as it goes: spares run out, values change in place, words stay whole. */
static void test_words_stay_whole(void **state)
{
	struct shared s = {.steps = 200000};

	work(&s);
}

/* Writers that let recycling keep up: values stay whole. Two batches fit the 64 spares. */
static void test_values_stay_whole(void **state)
{
	struct shared s = {.steps = 600, .steps_a_batch = 16, .whole = true};

	work(&s);
}

/* ---- Programs ---- */

enum {
	RUNS = 20000,
	RUNNERS = 3
};

static _Atomic(struct bpfe_program *) current;

static void *count_runs(void *opaque)
{
	struct frame f;

	bpfe_thread_register();
	frame_init(&f);
	for (unsigned i = 0; i < RUNS; i++) {
		bpfe_rcu_read_lock();
		if (bpfe_run(current, &f.xdp).retval != 2)
			atomic_fetch_add((atomic_ulong *)opaque, 1);
		bpfe_rcu_read_unlock();
	}
	bpfe_thread_unregister();
	return NULL;
}

/* array[0] += 1 with an atomic, array[1] by a plain lookup of another key. */
static const struct bpf_insn counter[] = {
	ST(BPF_W, 10, -4, 0),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_lookup_elem),
	JMP_K(BPF_JEQ, 0, 0, 3),
	MOV_K(1, 1),
	ATOMIC(BPF_DW, BPF_ADD, 0, 0, 1),
	MOV_K(0, 2),
	EXIT(),
};

/* Programs are swapped and freed under running threads; no run is lost or counted twice. */
static void test_swap_under_runs(void **state)
{
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, NULL);
	pthread_t runners[RUNNERS];
	const uint32_t key = 0;
	atomic_ulong bad = 0;
	uint64_t count = 0;

	current = LOAD(counter, map, 0);
	for (unsigned i = 0; i < RUNNERS; i++)
		assert_int_equal(pthread_create(&runners[i], NULL, count_runs, &bad), 0);
	for (unsigned i = 0; i < 50; i++) {
		struct bpfe_program *next = LOAD(counter, map, i % 2 ? BPFE_LOAD_CHECKED : 0);

		bpfe_program_put(atomic_exchange(&current, next));
	}
	for (unsigned i = 0; i < RUNNERS; i++)
		pthread_join(runners[i], NULL);
	assert_int_equal(bad, 0);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, &count), 0);
	assert_int_equal(count, RUNS * RUNNERS);
	bpfe_program_put(current);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_stay_whole),
		cmocka_unit_test(test_values_stay_whole),
		cmocka_unit_test(test_swap_under_runs),
	};

	return cmocka_run_group_tests_name("map threads", tests, group_setup, group_teardown);
}
