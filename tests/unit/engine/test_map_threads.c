/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Maps and programs under threads: readers never see what is no value of the map, and, where
 * writers let recycling keep up, never another key's value or a half-written one. Each test does a
 * fixed amount of work; readers end when the writers do.
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
	uint32_t type;
	uint32_t max_entries;
	struct bpfe_map *map;
	unsigned steps;         /* of each writer */
	unsigned steps_a_batch; /* then the writer waits for recycling; 0: never */
	bool whole;             /* values must be the key's and of one version */
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

		if (whole && (seen >> 32 != key + 1 || seen != value[0]))
			return false;
		/* Reused at once, it may be another key's; never what no writer wrote. */
		if (seen >> 32 < 1 || seen >> 32 > KEYS)
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
			value = bpfe_map_lookup_cpu(s->map, &key, 0);
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
	s->map = map_new(s->type, 4, WORDS * 8, s->max_entries, &counting.alloc);
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
	assert_true(bpfe_map_count(s->map) <= s->max_entries);
	for (uint32_t key = 0; key < KEYS; key++)
		bpfe_map_delete(s->map, &key);
	assert_int_equal(bpfe_map_count(s->map), 0);
	bpfe_map_put(s->map);
	counting_check(&counting);
}

/* A hash that has room, one that has not, and one that makes room. */
static void each_map(unsigned steps, unsigned batch, bool whole)
{
	static const struct {
		uint32_t type, max_entries;
	} maps[] = {
		{BPF_MAP_TYPE_HASH, KEYS},
		{BPF_MAP_TYPE_HASH, KEYS / 2},
		{BPF_MAP_TYPE_LRU_HASH, KEYS / 2},
	};

	for (size_t i = 0; i < COUNT(maps); i++) {
		struct shared s = {.type = maps[i].type,
				   .max_entries = maps[i].max_entries,
				   .steps = steps,
				   .steps_a_batch = batch,
				   .whole = whole};

		work(&s);
	}
}

/* As fast as it goes: spares run out, values change in place, words stay whole. */
static void test_words_stay_whole(void **state)
{
	each_map(100000, 0, false);
}

/* Writers that let recycling keep up: values stay whole. Two batches fit the 64 spares. */
static void test_values_stay_whole(void **state)
{
	each_map(400, 16, true);
}

/* Threads that insert, remove and walk at once: what a key finds is its own, and walks end. */
static void *walker(void *opaque)
{
	struct shared *s = opaque;
	unsigned long bad = 0;

	bpfe_thread_register();
	while (s->writers) {
		uint32_t key, next;
		unsigned steps = 0;

		for (int err = bpfe_map_get_next_key(s->map, NULL, &key); !err && steps < 10 * KEYS;
		     steps++) {
			bad += key >= KEYS;
			err = bpfe_map_get_next_key(s->map, &key, &next);
			key = next;
		}
	}
	atomic_fetch_add(&s->bad, bad);
	bpfe_thread_unregister();
	return NULL;
}

static void test_walks(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct shared s = {.steps = 20000, .writers = WRITERS};
		pthread_t writers[WRITERS], reading;

		s.map = map_new(types[i], 4, WORDS * 8, KEYS / 2, NULL);
		assert_int_equal(pthread_create(&reading, NULL, walker, &s), 0);
		for (unsigned w = 0; w < WRITERS; w++)
			assert_int_equal(pthread_create(&writers[w], NULL, writer, &s), 0);
		for (unsigned w = 0; w < WRITERS; w++)
			pthread_join(writers[w], NULL);
		pthread_join(reading, NULL);
		assert_int_equal(s.bad, 0);
		bpfe_map_put(s.map);
	}
	bpfe_rcu_barrier();
}

/* A key that is always there is always found, whatever becomes of its neighbours. */
static void *find_fixed(void *opaque)
{
	struct shared *s = opaque;
	unsigned long bad = 0;

	bpfe_thread_register();
	while (s->writers) {
		bpfe_rcu_read_lock();
		for (uint32_t key = KEYS; key < KEYS + 4; key++)
			bad += bpfe_map_lookup(s->map, &key) == NULL;
		bpfe_rcu_read_unlock();
	}
	atomic_fetch_add(&s->bad, bad);
	bpfe_thread_unregister();
	return NULL;
}

static void test_never_missed(void **state)
{
	struct shared s = {.steps = 50000, .writers = WRITERS};
	pthread_t writers[WRITERS], reading;
	const uint64_t value[WORDS] = {0};

	/* Few elements and buckets, so that many are reused at once next to those that stay. */
	s.map = map_new(BPF_MAP_TYPE_HASH, 4, WORDS * 8, 16, NULL);
	for (uint32_t key = KEYS; key < KEYS + 4; key++)
		assert_int_equal(bpfe_map_update(s.map, &key, value, BPF_NOEXIST), 0);
	assert_int_equal(pthread_create(&reading, NULL, find_fixed, &s), 0);
	for (unsigned w = 0; w < WRITERS; w++)
		assert_int_equal(pthread_create(&writers[w], NULL, writer, &s), 0);
	/* They too are replaced all the time. */
	while (s.writers) {
		for (uint32_t key = KEYS; key < KEYS + 4; key++)
			assert_int_equal(bpfe_map_update(s.map, &key, value, BPF_EXIST), 0);
	}
	for (unsigned w = 0; w < WRITERS; w++)
		pthread_join(writers[w], NULL);
	pthread_join(reading, NULL);
	assert_int_equal(s.bad, 0);
	bpfe_map_put(s.map);
	bpfe_rcu_barrier();
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
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_never_missed),
		cmocka_unit_test(test_swap_under_runs),
	};

	return cmocka_run_group_tests_name("map threads", tests, group_setup, group_teardown);
}
