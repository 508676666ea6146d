/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/lpm_trie.c */
#include <pthread.h>
#include <stdlib.h>
#include "harness.h"
#include "maps/lpm_trie.h"

/* Keys of IPv4 length; the longest possible have their own tests. */
struct key {
	uint32_t prefixlen;
	uint8_t data[4];
};

#define K(len, a, b, c, d) (&(struct key){len, {a, b, c, d}})

enum {
	ENTRIES = 16,
	SPARE = 64 + ENTRIES / 8, /* entries beyond those */
};

static struct counting counting;
static struct bpfe_map *map;

static struct bpfe_map *create(uint32_t key_size, uint32_t entries)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_LPM_TRIE,
					   .key_size = key_size,
					   .value_size = 8,
					   .max_entries = entries,
					   .flags = BPF_F_NO_PREALLOC};
	struct bpfe_map *m = NULL;

	assert_int_equal(bpfe_map_create(&attr, &counting.alloc, &m, NULL), 0);
	return m;
}

static int setup(void **state)
{
	counting_init(&counting);
	map = create(sizeof(struct key), ENTRIES);
	return 0;
}

static int teardown(void **state)
{
	bpfe_map_put(map);
	counting_check(&counting);
	return 0;
}

static int update(const struct key *key, uint64_t value, uint64_t flags)
{
	return bpfe_map_update(map, key, &value, flags);
}

/* 0 if nothing matches. */
static uint64_t find(const struct key *key)
{
	uint64_t value = 0;
	int err = bpfe_map_lookup_copy(map, key, &value);

	assert_true(err == 0 || (err == -ENOENT && value == 0));
	return value;
}

static void test_longest_wins(void **state)
{
	assert_int_equal(find(K(32, 10, 0, 0, 1)), 0);
	assert_int_equal(update(K(16, 192, 168, 0, 0), 1, BPF_ANY), 0);
	assert_int_equal(update(K(24, 192, 168, 0, 0), 2, BPF_ANY), 0);
	assert_int_equal(update(K(24, 192, 168, 128, 0), 3, BPF_ANY), 0);
	assert_int_equal(update(K(23, 192, 168, 0, 0), 4, BPF_ANY), 0);
	assert_int_equal(update(K(32, 192, 168, 0, 7), 5, BPF_ANY), 0);
	assert_int_equal(bpfe_map_count(map), 5);
	assert_int_equal(find(K(32, 192, 168, 0, 7)), 5);
	assert_int_equal(find(K(32, 192, 168, 0, 8)), 2);
	assert_int_equal(find(K(32, 192, 168, 1, 8)), 4);
	assert_int_equal(find(K(32, 192, 168, 128, 8)), 3);
	assert_int_equal(find(K(32, 192, 168, 129, 8)), 1);
	assert_int_equal(find(K(32, 192, 169, 0, 0)), 0);
	/* A key that is a prefix itself finds none that is longer. */
	assert_int_equal(find(K(24, 192, 168, 0, 7)), 2);
	assert_int_equal(find(K(20, 192, 168, 0, 0)), 1);
	assert_int_equal(find(K(8, 192, 0, 0, 0)), 0);
	/* The prefix of length 0 matches all. */
	assert_int_equal(update(K(0, 1, 2, 3, 4), 6, BPF_ANY), 0);
	assert_int_equal(find(K(32, 1, 1, 1, 1)), 6);
	assert_int_equal(find(K(0, 0, 0, 0, 0)), 6);
}

static void test_errors(void **state)
{
	assert_int_equal(update(K(33, 1, 1, 1, 1), 1, BPF_ANY), -EINVAL);
	assert_int_equal(update(K(8, 1, 1, 1, 1), 1, 3), -EINVAL);
	assert_int_equal(update(K(8, 1, 1, 1, 1), 1, BPF_F_LOCK), -EINVAL);
	assert_int_equal(update(K(8, 1, 1, 1, 1), 1, BPF_EXIST), -ENOENT);
	assert_int_equal(update(K(8, 1, 1, 1, 1), 1, BPF_NOEXIST), 0);
	assert_int_equal(update(K(8, 1, 9, 9, 9), 2, BPF_NOEXIST), -EEXIST);
	assert_int_equal(update(K(8, 1, 9, 9, 9), 2, BPF_EXIST), 0);
	assert_int_equal(update(K(9, 1, 1, 1, 1), 1, BPF_EXIST), -ENOENT);
	assert_int_equal(bpfe_map_count(map), 1);
	assert_int_equal(find(K(8, 1, 0, 0, 0)), 2);
	assert_int_equal(find(K(33, 1, 0, 0, 0)), 0);
	assert_int_equal(bpfe_map_delete(map, K(33, 1, 1, 1, 1)), -EINVAL);
	assert_int_equal(bpfe_map_delete(map, K(9, 1, 1, 1, 1)), -ENOENT);
	assert_int_equal(bpfe_map_delete(map, K(7, 1, 1, 1, 1)), -ENOENT);
	assert_int_equal(bpfe_map_delete(map, K(8, 2, 1, 1, 1)), -ENOENT);
	assert_int_equal(bpfe_map_delete(map, K(8, 1, 7, 7, 7)), 0);
	assert_int_equal(bpfe_map_delete(map, K(8, 1, 7, 7, 7)), -ENOENT);
	assert_int_equal(bpfe_map_count(map), 0);
}

/* Where two prefixes fork there is a node that is no prefix. */
static void test_forks_are_not_there(void **state)
{
	assert_int_equal(update(K(32, 10, 0, 0, 0), 1, BPF_ANY), 0);
	assert_int_equal(update(K(32, 10, 0, 0, 1), 2, BPF_ANY), 0);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(find(K(31, 10, 0, 0, 0)), 0);
	assert_int_equal(bpfe_map_delete(map, K(31, 10, 0, 0, 0)), -ENOENT);
	assert_int_equal(update(K(31, 10, 0, 0, 0), 3, BPF_EXIST), -ENOENT);
	assert_int_equal(update(K(31, 10, 0, 0, 0), 3, BPF_NOEXIST), 0);
	assert_int_equal(find(K(31, 10, 0, 0, 0)), 3);
	assert_int_equal(bpfe_map_count(map), 3);
	/* Removed between its children it becomes a fork again. */
	assert_int_equal(bpfe_map_delete(map, K(31, 10, 0, 0, 0)), 0);
	assert_int_equal(find(K(31, 10, 0, 0, 0)), 0);
	assert_int_equal(find(K(32, 10, 0, 0, 0)), 1);
	assert_int_equal(bpfe_map_delete(map, K(32, 10, 0, 0, 0)), 0);
	assert_int_equal(find(K(32, 10, 0, 0, 1)), 2);
	assert_int_equal(bpfe_map_delete(map, K(32, 10, 0, 0, 1)), 0);
	assert_int_equal(bpfe_map_count(map), 0);
}

static void test_full(void **state)
{
	for (uint8_t i = 0; i < 16; i++)
		assert_int_equal(update(K(32, 1, 2, 3, i), i + 1u, BPF_ANY), 0);
	assert_int_equal(update(K(32, 1, 2, 3, 16), 1, BPF_ANY), -ENOSPC);
	assert_int_equal(update(K(28, 1, 2, 3, 0), 1, BPF_ANY), -ENOSPC);
	assert_int_equal(update(K(32, 1, 2, 3, 16), 1, BPF_EXIST), -ENOENT);
	assert_int_equal(update(K(32, 1, 2, 3, 5), 55, BPF_ANY), 0);
	assert_int_equal(update(K(32, 1, 2, 3, 5), 55, BPF_NOEXIST), -EEXIST);
	assert_int_equal(find(K(32, 1, 2, 3, 5)), 55);
	assert_int_equal(bpfe_map_count(map), 16);
}

/* Longer prefixes before those they lie in, left before right, data as it was given. */
static void test_order(void **state)
{
	static const struct key order[] = {
		{24, {192, 168, 0, 9}},   {24, {192, 168, 1, 0}}, {23, {192, 168, 0, 0}},
		{24, {192, 168, 128, 0}}, {16, {192, 168, 3, 4}}, {8, {200, 0, 0, 0}},
	};
	struct key next, gone = {8, {10, 0, 0, 0}};

	assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), -ENOENT);
	assert_int_equal(bpfe_map_get_next_key(map, &gone, &next), -ENOENT);
	for (size_t i = 0; i < COUNT(order); i++)
		assert_int_equal(update(&order[(i * 5) % COUNT(order)], 1, BPF_NOEXIST), 0);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), 0);
	for (size_t i = 0; i < COUNT(order); i++) {
		assert_memory_equal(&next, &order[i], sizeof(next));
		assert_int_equal(bpfe_map_get_next_key(map, &next, &next),
				 i + 1 < COUNT(order) ? 0 : -ENOENT);
	}
	/* Keys that are not there, and none that could be, start over. */
	assert_int_equal(bpfe_map_get_next_key(map, &gone, &next), 0);
	assert_memory_equal(&next, &order[0], sizeof(next));
	gone = (struct key){24, {192, 168, 2, 0}};
	assert_int_equal(bpfe_map_get_next_key(map, &gone, &next), 0);
	assert_memory_equal(&next, &order[0], sizeof(next));
	gone.prefixlen = 33;
	assert_int_equal(bpfe_map_get_next_key(map, &gone, &next), 0);
	assert_memory_equal(&next, &order[0], sizeof(next));
}

/*
 * Nothing is recycled within a read section: a reader keeps the value it has while there are
 * entries that nobody had yet; then the value is replaced in place.
 */
static void test_burst_of_values(void **state)
{
	const struct key *key = K(32, 1, 2, 3, 4);
	const uint64_t *first, *last;

	assert_int_equal(update(key, 1, BPF_ANY), 0);
	bpfe_rcu_read_lock();
	first = last = bpfe_map_lookup(map, key);
	for (unsigned i = 1; i < ENTRIES + SPARE; i++) {
		assert_int_equal(update(key, 1 + i, BPF_ANY), 0);
		assert_ptr_not_equal(bpfe_map_lookup(map, key), last);
		last = bpfe_map_lookup(map, key);
	}
	assert_int_equal(*first, 1);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(update(key, 1000 + i, BPF_ANY), 0);
		assert_ptr_equal(bpfe_map_lookup(map, key), last);
		assert_int_equal(*last, 1000 + i);
	}
	assert_int_equal(*first, 1);
	bpfe_rcu_read_unlock();
	bpfe_rcu_barrier();
	/* What was replaced is free again. */
	bpfe_rcu_read_lock();
	assert_int_equal(update(key, 5000, BPF_ANY), 0);
	assert_ptr_not_equal(bpfe_map_lookup(map, key), last);
	bpfe_rcu_read_unlock();
}

/* New prefixes never lack an entry: what was removed first becomes the next one. */
static void test_burst_of_prefixes(void **state)
{
	const uint64_t *first;

	assert_int_equal(update(K(32, 9, 0, 0, 0), 7, BPF_ANY), 0);
	bpfe_rcu_read_lock();
	first = bpfe_map_lookup(map, K(32, 9, 0, 0, 0));
	assert_int_equal(bpfe_map_delete(map, K(32, 9, 0, 0, 0)), 0);
	for (unsigned i = 0; i < 5000; i++) {
		const struct key *key = K(32, 1, 2, (uint8_t)(i >> 8), (uint8_t)i);

		if (i >= ENTRIES)
			assert_int_equal(
				bpfe_map_delete(map, K(32, 1, 2, (uint8_t)((i - ENTRIES) >> 8),
						       (uint8_t)(i - ENTRIES))),
				0);
		assert_int_equal(*first, i < ENTRIES + SPARE ? 7 : *first);
		assert_int_equal(update(key, i + 1, BPF_NOEXIST), 0);
		assert_int_equal(find(key), i + 1);
		if (i == ENTRIES + SPARE - 1)
			assert_ptr_equal(bpfe_map_lookup(map, key), first);
	}
	assert_int_equal(bpfe_map_count(map), ENTRIES);
	for (unsigned i = 5000 - ENTRIES; i < 5000; i++)
		assert_int_equal(find(K(32, 1, 2, (uint8_t)(i >> 8), (uint8_t)i)), i + 1);
	bpfe_rcu_read_unlock();
}

/* ---- Against all prefixes, one by one ---- */

enum {
	PREFIXES = 900, /* at most in use */
	FEW = 200,
};

static bool matches(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	for (uint32_t i = 0; i < bits; i++) {
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

/* Linux's order: longer prefixes before those they lie in, left before right. */
static int compare_order(const void *a, const void *b)
{
	const uint8_t *const *x = a, *const *y = b;
	uint32_t i, bits[2];

	memcpy(&bits[0], *x, 4);
	memcpy(&bits[1], *y, 4);
	for (i = 0; i < bits[0] && i < bits[1]; i++) {
		if (!matches(*x + 4, *y + 4, i + 1))
			return ((*x)[4 + i / 8] >> (7 - i % 8) & 1) ? 1 : -1;
	}
	return bits[0] > bits[1] ? -1 : 1;
}

static void check_order(struct bpfe_map *trie, uint32_t bytes, uint8_t (*model)[4 + 256],
			uint32_t n)
{
	const uint8_t *order[PREFIXES];
	uint8_t key[4 + 256];

	for (uint32_t i = 0; i < n; i++)
		order[i] = model[i];
	qsort(order, n, sizeof(order[0]), compare_order);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(bpfe_map_get_next_key(trie, i ? key : NULL, key), 0);
		assert_memory_equal(key, order[i], 4 + bytes);
	}
	assert_int_equal(bpfe_map_get_next_key(trie, n ? key : NULL, key), -ENOENT);
}

enum {
	BURST = 1, /* all in one grace period */
	DENSE = 2, /* most prefixes are 16 to 24 bits, in a /16 */
};

static void draw_prefix(uint8_t *key, uint32_t bytes, uint32_t *random, unsigned flags)
{
	uint32_t len;

	/* Few different bits, so that prefixes lie in one another. */
	memset(key, 0, 4 + 256);
	for (uint32_t i = 0; i < bytes; i++) {
		*random = *random * 1664525 + 1013904223;
		key[4 + i] = *random >> 29 ? 0 : (uint8_t)(*random >> 20);
	}
	*random = *random * 1664525 + 1013904223;
	len = (*random >> 8) % (bytes * 8 + 1);
	if (flags & DENSE && *random >> 9 & 7) {
		key[4] = 10;
		key[5] = 1;
		key[6] = (uint8_t)(*random >> 16);
		len = *random >> 12 & 1 ? 24 : 16 + (*random >> 13) % 17;
	}
	memcpy(key, &len, 4);
}

/* @entries may be more than may be in use. */
static void check_model(uint32_t bytes, uint32_t entries, unsigned steps, unsigned flags)
{
	static uint8_t model[PREFIXES][4 + 256];
	static uint64_t values[PREFIXES];
	struct bpfe_map *trie = create(4 + bytes, entries);
	const uint32_t most = flags & DENSE ? PREFIXES : FEW;
	uint32_t n = 0, random = 99;
	uint8_t key[4 + 256];

	if (flags & BURST)
		bpfe_rcu_read_lock();
	for (unsigned step = 0; step < steps; step++) {
		uint32_t len, best = 0, at;
		uint64_t value = 0, expected = 0;

		draw_prefix(key, bytes, &random, flags);
		memcpy(&len, key, 4);
		for (at = 0; at < n; at++) {
			if (memcmp(model[at], &len, 4) == 0 && matches(model[at] + 4, key + 4, len))
				break;
		}
		switch (random >> 30) {
		case 0:
			assert_int_equal(bpfe_map_delete(trie, key), at < n ? 0 : -ENOENT);
			if (at == n)
				break;
			memcpy(model[at], model[--n], 4 + bytes);
			values[at] = values[n];
			break;
		case 1:
			value = step + 1;
			if (at == most && entries > most)
				break;
			assert_int_equal(bpfe_map_update(trie, key, &value, BPF_ANY),
					 at < n || n < most ? 0 : -ENOSPC);
			if (at == most)
				break;
			memcpy(model[at], key, 4 + bytes);
			values[at] = value;
			n += at == n;
			break;
		default:
			/* Most look up a whole key. */
			if (random >> 28 & 3)
				len = bytes * 8;
			memcpy(key, &len, 4);
			for (uint32_t i = 0; i < n; i++) {
				uint32_t bits;

				memcpy(&bits, model[i], 4);
				if (bits > len || bits < best ||
				    !matches(model[i] + 4, key + 4, bits))
					continue;
				best = bits;
				expected = values[i];
			}
			assert_int_equal(bpfe_map_lookup_copy(trie, key, &value),
					 expected ? 0 : -ENOENT);
			assert_int_equal(value, expected);
		}
		assert_int_equal(bpfe_map_count(trie), n);
		if (step % (most / 3) == 0) {
			check_order(trie, bytes, model, n);
			if (!(flags & BURST))
				bpfe_rcu_barrier();
		}
	}
	if (flags & BURST)
		bpfe_rcu_read_unlock();
	if (flags & DENSE)
		assert_true(((struct lpm_header *)trie->data)->pools[LPM_WIDE].used > 0);
	bpfe_map_put(trie);
}

static void test_model(void **state)
{
	check_model(1, FEW, 3000, 0);
	check_model(2, FEW, 3000, 0);
	check_model(4, FEW, 3000, 0);
	check_model(8, FEW, 2000, 0);
	check_model(9, FEW, 2000, 0);
	check_model(16, FEW, 2000, 0);
	check_model(256, FEW, 300, 0);
}

/* Maps of 4096 prefixes and more have a second table, unless a byte is all their keys have. */
static void test_model_of_many(void **state)
{
	check_model(1, 5000, 2000, 0);
	check_model(2, 5000, 3000, 0);
	check_model(4, 5000, 3000, 0);
	check_model(16, 4096, 2000, 0);
	check_model(256, 5000, 300, 0);
}

/* Nodes become wide ones and, when next to nothing is left in them, none. */
static void test_model_of_dense(void **state)
{
	check_model(4, 5000, 12000, DENSE);
	check_model(16, 5000, 6000, DENSE);
	check_model(4, 4096, 12000, DENSE | BURST);
}

static void test_dense_comes_and_goes(void **state)
{
	struct bpfe_map *trie = create(sizeof(struct key), 4096);
	const struct lpm_header *h = trie->data;
	uint64_t value;

	for (unsigned turn = 0; turn < 100; turn++) {
		for (unsigned i = 0; i < 256; i++) {
			value = turn * 1000 + i;
			assert_int_equal(bpfe_map_update(trie,
							 K(24, 10, (uint8_t)turn, (uint8_t)i, 0),
							 &value, BPF_NOEXIST),
					 0);
		}
		/* 4096 / 64 wide nodes there are. */
		assert_in_range(h->pools[LPM_WIDE].used, 1, 64);
		for (unsigned i = 0; i < 256; i++) {
			assert_int_equal(
				bpfe_map_lookup_copy(trie, K(32, 10, (uint8_t)turn, (uint8_t)i, 7),
						     &value),
				0);
			assert_int_equal(value, turn * 1000 + i);
		}
		for (unsigned i = 0; i < 256; i++)
			assert_int_equal(
				bpfe_map_delete(trie, K(24, 10, (uint8_t)turn, (uint8_t)i, 0)), 0);
		assert_int_equal(bpfe_map_get_next_key(trie, NULL, &value), -ENOENT);
	}
	bpfe_map_put(trie);
}

static void test_model_in_burst(void **state)
{
	check_model(1, FEW, 3000, BURST);
	check_model(4, FEW, 6000, BURST);
	check_model(16, FEW, 3000, BURST);
}

/* ---- Threads ---- */

enum {
	READERS = 2
};

struct shared {
	bool burst; /* values may become another prefix's under a reader */
	atomic_bool done;
	atomic_ulong bad;
};

static bool value_of(uint64_t seen, uint8_t i)
{
	return seen == 8 || seen == 0x1000 + i % 8u || seen == 0x2000 + i % 8u * 4 + i % 4u;
}

static bool any_value(uint64_t seen)
{
	return seen == 8 || seen - 0x1000 < 8 || seen - 0x2000 < 32;
}

/* 10.0.0.0/8 is always there; whatever comes and goes below has a value of its own prefix. */
static void *look_up(void *opaque)
{
	struct shared *s = opaque;
	unsigned long bad = 0;
	uint8_t i = 0;

	bpfe_thread_register();
	while (!s->done) {
		const uint64_t *value;
		uint64_t seen;

		i += 7;
		bpfe_rcu_read_lock();
		value = bpfe_map_lookup(map, K(32, 10, i % 8, i % 4, i));
		/* Once, whole: it may be overwritten in place. */
		seen = value ? __atomic_load_n(value, __ATOMIC_RELAXED) : 0;
		bad += s->burst ? !any_value(seen) : !value_of(seen, i);
		bpfe_rcu_read_unlock();
	}
	atomic_fetch_add(&s->bad, bad);
	bpfe_thread_unregister();
	return NULL;
}

static void change(uint32_t random)
{
	uint8_t a = random >> 20 & 7, b = random >> 24 & 3;
	int err;

	if (random >> 31)
		err = update(K(16, 10, a, 0, 0), 0x1000 + a, BPF_ANY);
	else if (random >> 30 & 1)
		err = update(K(24, 10, a, b, 0), 0x2000 + a * 4u + b, BPF_ANY);
	else if (random >> 29 & 1)
		err = bpfe_map_delete(map, K(16, 10, a, 0, 0));
	else
		err = bpfe_map_delete(map, K(24, 10, a, b, 0));
	assert_true(!err || err == -ENOENT || err == -ENOSPC);
}

static void read_during(unsigned changes, bool burst)
{
	struct shared s = {.burst = burst};
	pthread_t readers[READERS];
	uint32_t random = 5;

	assert_int_equal(update(K(8, 10, 0, 0, 0), 8, BPF_ANY), 0);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, look_up, &s), 0);
	for (unsigned i = 0; i < changes; i++) {
		random = random * 1664525 + 1013904223;
		change(random);
		/* Fewer changes than there are spare entries are in one grace period then. */
		if (!burst && i % 32 == 0)
			bpfe_rcu_barrier();
	}
	s.done = true;
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(s.bad, 0);
}

static void test_threads(void **state)
{
	read_during(1000, false);
}

static void test_threads_in_burst(void **state)
{
	read_during(30000, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_longest_wins),
		TEST(test_errors),
		TEST(test_forks_are_not_there),
		TEST(test_full),
		TEST(test_order),
		TEST(test_burst_of_values),
		TEST(test_burst_of_prefixes),
		TEST(test_model),
		TEST(test_model_of_many),
		TEST(test_model_of_dense),
		TEST(test_dense_comes_and_goes),
		TEST(test_model_in_burst),
		TEST(test_threads),
		TEST(test_threads_in_burst),
	};

	return cmocka_run_group_tests_name("LPM trie", tests, group_setup, group_teardown);
}
