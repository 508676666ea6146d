/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The table of the hash maps from inside: growth, overflow buckets, and a hash that keys cannot be
 * chosen against (maps/hash_*.c). Each with the hash of this processor and the portable one.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "harness.h"
#include "maps/hash.h"

enum {
	MANY = 20000,
	THREAD_KEYS = 30000,
	CROWD = 60 /* keys in one bucket */
};

static struct bpfe_map *create(uint32_t type, uint32_t key_size, uint32_t entries)
{
	const struct bpfe_map_attr attr = {.type = type,
					   .key_size = key_size,
					   .value_size = 8,
					   .max_entries = entries,
					   .cpus = 1};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

static const struct hash_header *header(const struct bpfe_map *map)
{
	return map->data;
}

static uint32_t n_buckets(const struct bpfe_map *map)
{
	return hash_shape_buckets(header(map)->shape);
}

static int insert(struct bpfe_map *map, uint64_t key)
{
	const uint64_t value = ~key;

	return bpfe_map_update(map, &key, &value, BPF_NOEXIST);
}

static bool present(struct bpfe_map *map, uint64_t key)
{
	uint64_t value;

	if (bpfe_map_lookup_copy(map, &key, &value))
		return false;
	assert_true(value == ~key);
	return true;
}

/* Also as compiled code looks it up. */
static bool present_to_programs(struct bpfe_map *map, uint64_t key)
{
	const uint64_t *value;

	bpfe_rcu_read_lock();
	value = map->ops->direct_lookup(map)(map, &key, 0);
	if (value)
		assert_true(*value == ~key);
	bpfe_rcu_read_unlock();
	return value;
}

/* Not inlined: the compiler does not see that it reads as much as the map's keys have. */
static __attribute__((noinline)) uint64_t hash_of(const struct bpfe_map *map, const void *key)
{
	struct hash_key k;

	hash_key_read(map, key, &k);
	return k.hash;
}

/* ---- Growth --------------------------------------------------------------------------------- */

static uint32_t count_walk(struct bpfe_map *map, uint8_t *seen)
{
	uint64_t key, next;
	uint32_t n = 0;

	for (int err = bpfe_map_get_next_key(map, NULL, &key); !err; key = next) {
		assert_true(key < MANY);
		seen[key]++;
		n++;
		err = bpfe_map_get_next_key(map, &key, &next);
	}
	return n;
}

/* The table grows with its keys, one bucket after the other, and nothing is lost on the way. */
static void test_growth(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, MANY);
	uint32_t before = n_buckets(map);
	uint8_t *seen = calloc(MANY, 1);

	assert_int_equal(before, bpfe_hash_first_buckets(header(map)->max_buckets));
	for (uint64_t key = 0; key < MANY; key++) {
		assert_int_equal(insert(map, key), 0);
		assert_in_range(n_buckets(map), before, before + 2);
		before = n_buckets(map);
		/* One that is old, one that may just have moved. */
		assert_true(present_to_programs(map, key * 7 % (key + 1)));
		assert_true(present(map, key));
		assert_false(present_to_programs(map, key + 1));
		if (key % 1000 == 0) {
			memset(seen, 0, MANY);
			assert_int_equal(count_walk(map, seen), key + 1);
			for (uint64_t i = 0; i <= key; i++)
				assert_int_equal(seen[i], 1);
		}
	}
	assert_int_equal(n_buckets(map), header(map)->max_buckets);
	for (uint64_t key = 0; key < MANY; key++)
		assert_true(present_to_programs(map, key));
	for (uint64_t key = 0; key < MANY; key++) {
		assert_int_equal(bpfe_map_delete(map, &key), 0);
		assert_false(present(map, key));
	}
	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(n_buckets(map), header(map)->max_buckets);
	bpfe_map_put(map);
	free(seen);
}

/* Keys that come and go make it no larger than those that are there at one time. */
static void test_churn_grows_nothing(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, MANY);
	const uint32_t first = n_buckets(map);

	for (uint64_t key = 0; key < 3 * MANY; key++) {
		assert_int_equal(insert(map, key), 0);
		assert_int_equal(bpfe_map_delete(map, &key), 0);
		if (key % 1000 == 0)
			bpfe_rcu_barrier();
	}
	/* Those that wait for their grace period are of the spare ones. */
	assert_true(header(map)->wanted < header(map)->max_buckets / 4);
	assert_true(n_buckets(map) >= first && n_buckets(map) < header(map)->max_buckets / 4);
	bpfe_map_put(map);
}

static unsigned long resident_kb(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * 4;
}

/* A map pays for the keys it has, not for those it may have. */
static void test_large_and_empty(void **state)
{
	unsigned long before = resident_kb();
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, 1u << 23);

#ifdef __SANITIZE_THREAD__
	before = ULONG_MAX; /* its shadow is resident */
#endif

	for (uint64_t key = 0; key < 1000; key++)
		assert_int_equal(insert(map, key), 0);
	for (uint64_t key = 0; key < 1000; key++)
		assert_true(present(map, key));
	assert_true(header(map)->size > 300u << 20);
	assert_true(resident_kb() < before + (16 << 10) || before == ULONG_MAX);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* ---- Keys in one bucket --------------------------------------------------------------------- */

/* @n keys that are at home in one bucket of @map, whatever its size: what nobody can choose who
 * does not know the secret. */
static void find_crowd(const struct bpfe_map *map, uint64_t *keys, uint32_t n)
{
	const uint32_t mask = header(map)->max_buckets - 1;
	uint32_t found = 0;

	for (uint64_t key = 0; found < n; key++) {
		if ((hash_of(map, &key) & mask) == 0)
			keys[found++] = key;
	}
}

static void assert_packed(const struct bpfe_map *map, uint32_t n)
{
	const struct hash_bucket *b = hash_bucket(header(map), 0);
	uint32_t used = 0, buckets = 1;

	for (;; buckets++) {
		uint32_t here = 0;

		for (uint32_t slot = 0; slot < HASH_SLOTS; slot++)
			here += b->tags[slot] != 0;
		used += here;
		if (!b->overflow)
			break;
		assert_int_equal(here, HASH_SLOTS);
		b = hash_bucket(header(map), b->overflow);
	}
	assert_int_equal(used, n);
	assert_int_equal(buckets, n <= HASH_SLOTS ? 1 : (n + HASH_SLOTS - 1) / HASH_SLOTS);
}

static void test_one_bucket(void **state)
{
	/* Just large enough for them: as many overflow buckets as there can ever be. */
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, CROWD);
	uint64_t keys[CROWD];
	uint32_t random = 1;

	find_crowd(map, keys, CROWD);
	for (unsigned round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < CROWD; i++) {
			assert_int_equal(insert(map, keys[i]), 0);
			assert_packed(map, i + 1);
		}
		assert_int_equal(insert(map, UINT64_MAX), -E2BIG);
		/* In another order each time. */
		for (uint32_t n = CROWD; n; n--) {
			uint32_t i;
			uint64_t key;

			random = random * 1664525 + 1013904223;
			i = (random >> 8) % n;
			key = keys[i];
			keys[i] = keys[n - 1];
			keys[n - 1] = key;
			assert_int_equal(bpfe_map_delete(map, &key), 0);
			assert_packed(map, n - 1);
			assert_false(present_to_programs(map, key));
			for (i = 0; i < n - 1; i++)
				assert_true(present_to_programs(map, keys[i]));
		}
		bpfe_rcu_barrier();
	}
	bpfe_map_put(map);
}

/* Deleting what the walk has passed, or is at, passes no other key over. */
static void test_walk_and_delete(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, CROWD);
	uint64_t keys[CROWD], key, next;

	find_crowd(map, keys, CROWD);
	for (unsigned behind = 0; behind < 2; behind++) {
		unsigned n = 0;
		int err;

		for (uint32_t i = 0; i < CROWD; i++)
			assert_int_equal(insert(map, keys[i]), 0);
		assert_int_equal(bpfe_map_get_next_key(map, NULL, &key), 0);
		do {
			n++;
			if (!behind)
				assert_int_equal(bpfe_map_delete(map, &key), 0);
			err = bpfe_map_get_next_key(map, &key, &next);
			if (behind)
				assert_int_equal(bpfe_map_delete(map, &key), 0);
			key = next;
		} while (!err);
		assert_int_equal(n, CROWD);
		assert_int_equal(bpfe_map_count(map), 0);
		bpfe_rcu_barrier();
	}
	bpfe_map_put(map);
}

static bool count_visit(void *opaque, const void *key, void *value)
{
	uint64_t k;

	memcpy(&k, key, sizeof(k));
	assert_true(*(uint64_t *)value == ~k);
	++*(uint32_t *)opaque;
	return true;
}

/* Chains with overflow buckets split as well: those of keys that will part late. */
static void test_crowd_splits(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8, MANY);
	const uint32_t first_mask = n_buckets(map) - 1;
	uint32_t inserted = 0, visited = 0;
	uint64_t key;

	/* All in the first bucket of the small table, then anything until it is large. */
	for (key = 0; inserted < 10 * CROWD; key++) {
		if ((hash_of(map, &key) & first_mask) == 0) {
			assert_int_equal(insert(map, key), 0);
			inserted++;
		}
	}
	for (uint64_t other = key; inserted < MANY; other++, inserted++)
		assert_int_equal(insert(map, other), 0);
	assert_int_equal(n_buckets(map), header(map)->max_buckets);
	for (inserted = 0; key-- > 0;) {
		if ((hash_of(map, &key) & first_mask) == 0)
			assert_true(present_to_programs(map, key));
	}
	bpfe_rcu_read_lock();
	assert_int_equal(map->ops->for_each(map, 0, count_visit, &visited), MANY);
	bpfe_rcu_read_unlock();
	assert_int_equal(visited, MANY);
	bpfe_map_put(map);
}

/* ---- The hash ------------------------------------------------------------------------------- */

enum {
	LOADS = 1024,
	PER_LOAD = 16
};

/* Keys as people and attackers make them, of @size bytes, all different. */
static void structured_key(uint8_t *key, uint32_t size, unsigned set, uint32_t i)
{
	memset(key, 0, size);
	switch (set) {
	case 0: /* counted up from the first byte */
		memcpy(key, &i, size < 4 ? size : 4);
		break;
	case 1: /* counted in the last bytes, as hosts of a net are */
		for (unsigned b = 0; b < 4 && b < size; b++)
			key[size - 1 - b] = (uint8_t)(i >> 8 * b);
		break;
	case 2: /* strides of a power of two */
		i <<= 10;
		memcpy(key, &i, 4);
		break;
	case 3: /* one bit a byte */
		for (uint32_t b = 0; b < 32; b++)
			key[b % size] |= (uint8_t)((i >> b & 1) << (size == 4 ? b / 4 : 0));
		break;
	default: /* differences that cancel in sums and in exclusive or */
		memcpy(key, &i, 4);
		if (size >= 8)
			memcpy(key + size - 4, &(uint32_t){-i}, 4);
		if (size >= 16)
			memcpy(key + 8, &i, 4);
	}
}

/* Sum of squared deviations from even loads by @loads, in loads' expectation. */
static double chi_square(const uint32_t *loads, uint32_t n, double expected)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (loads[i] - expected) * (loads[i] - expected) / expected;
	return sum;
}

/*
 * Loads of buckets, and tags, are those of chance: chi-square of 1023 degrees of freedom has a
 * deviation of 45 about 1023, and one of 254 has 23 (tag 0 counts as 1); ten of them never happen.
 */
static void assert_random(const struct bpfe_map *map, uint32_t size, unsigned set)
{
	uint32_t low[LOADS] = {0}, high[LOADS] = {0}, tags[256] = {0};
	const uint32_t n = LOADS * PER_LOAD;
	double chi;

	for (uint32_t i = 0; i < n; i++) {
		_Alignas(8) uint8_t key[64];
		uint64_t hash;

		structured_key(key, size, set, i);
		hash = hash_of(map, key);
		low[hash % LOADS]++;
		high[(hash >> 14) % LOADS]++;
		tags[(uint8_t)(hash >> 32)]++;
	}
	chi = chi_square(low, LOADS, PER_LOAD);
	if (chi < 570 || chi > 1480)
		fail_msg("keys of %u bytes, set %u: chi-square %f", size, set, chi);
	chi = chi_square(high, LOADS, PER_LOAD);
	if (chi < 570 || chi > 1480)
		fail_msg("keys of %u bytes, set %u: chi-square %f above", size, set, chi);
	chi = chi_square(tags, 256, n / 256.0);
	if (chi < 80 || chi > 490)
		fail_msg("keys of %u bytes, set %u: chi-square %f of tags", size, set, chi);
}

static void test_structured_keys(void **state)
{
	static const uint32_t sizes[] = {4, 5, 8, 13, 16, 17, 32, 64};

	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, sizes[s], 1);

		for (unsigned set = 0; set < 5; set++) {
			if (set != 3 || sizes[s] >= 16 || sizes[s] == 4)
				assert_random(map, sizes[s], set);
		}
		bpfe_map_put(map);
	}
}

/* Keys that flood one map are any keys to another. */
static void test_flooding(void **state)
{
	struct bpfe_map *victim = create(BPF_MAP_TYPE_HASH, 8, 1000);
	struct bpfe_map *other = create(BPF_MAP_TYPE_HASH, 8, 1000);
	const uint32_t n = header(other)->max_buckets;
	uint64_t keys[1000];
	uint32_t loads[256] = {0}, most = 0;

	assert_int_equal(n, 256);
	assert_memory_not_equal(&header(victim)->secret, &header(other)->secret,
				sizeof(struct hash_secret));
	find_crowd(victim, keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		loads[hash_of(other, &keys[i]) % n]++;
	for (uint32_t i = 0; i < n; i++)
		most = loads[i] > most ? loads[i] : most;
	/* 3.9 expected: more than 29 in one of 256 has a chance of 2^-50. */
	assert_in_range(most, 4, 29);
	bpfe_map_put(victim);
	bpfe_map_put(other);
}

/* Each bit of a key changes about half of the hash's. */
static void test_avalanche(void **state)
{
	static const uint32_t sizes[] = {4, 8, 16, 40};

	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, sizes[s], 1);
		_Alignas(8) uint8_t key[64] = {0};

		for (uint32_t bit = 0; bit < sizes[s] * 8; bit++) {
			unsigned changed = 0;

			for (uint32_t i = 0; i < 256; i++) {
				uint64_t hash;

				memcpy(key, &i, sizeof(i));
				hash = hash_of(map, key);
				key[bit / 8] ^= (uint8_t)(1u << bit % 8);
				changed += (unsigned)__builtin_popcountll(hash ^ hash_of(map, key));
				key[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
			/* 32 of 64 each; the deviation of the sum is 64. */
			assert_in_range(changed, 256 * 32 - 800, 256 * 32 + 800);
		}
		bpfe_map_put(map);
	}
}

/* ---- Every size of key ---------------------------------------------------------------------- */

static void test_key_sizes(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH,
					 BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH};

	for (uint32_t size = 2; size <= 70 * COUNT(types); size++) {
		const uint32_t bytes = size / (uint32_t)COUNT(types) + 2;
		struct bpfe_map *map = create(types[size % COUNT(types)], bytes, 400);
		uint8_t key[128] = {0};

		for (uint32_t i = 0; i < 300; i++) {
			memcpy(key, &i, 2);
			key[bytes - 1] ^= (uint8_t)i;
			assert_int_equal(bpfe_map_update(map, key, &(uint64_t){i}, 0), 0);
			key[bytes - 1] ^= (uint8_t)i;
		}
		bpfe_rcu_read_lock();
		for (uint32_t i = 0; i < 300; i++) {
			const uint64_t *value;

			memcpy(key, &i, 2);
			key[bytes - 1] ^= (uint8_t)i;
			value = map->ops->direct_lookup(map)(map, key, 0);
			assert_non_null(value);
			assert_int_equal(*value, i);
			assert_ptr_equal(bpfe_map_lookup(map, key), value);
			key[bytes / 2] ^= 0x80;
			if (bytes > 4)
				assert_null(map->ops->direct_lookup(map)(map, key, 0));
			key[bytes / 2] ^= 0x80;
			key[bytes - 1] ^= (uint8_t)i;
		}
		bpfe_rcu_read_unlock();
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/*
 * Who removes keys in the order in which they came leaves a row of elements that are not in the
 * map, as long as the spare ones. Eviction does not go through all of it.
 */
static void test_eviction_leaves_rows(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_LRU_HASH, 8, MANY);
	const struct hash_pool *pool = hash_pool(header(map), 0);
	const uint32_t row = header(map)->pool_spare;

	assert_int_equal(row, 64 + MANY / 8);
	for (uint64_t key = 0; key < MANY; key++)
		assert_int_equal(insert(map, key), 0);
	assert_int_equal(pool->hand, 0);
	/* Nothing is reused before the section ends. */
	bpfe_rcu_read_lock();
	for (uint64_t key = 0; key < row; key++)
		assert_int_equal(bpfe_map_delete(map, &key), 0);
	for (uint64_t key = MANY; key < MANY + row; key++)
		assert_int_equal(insert(map, key), 0);
	assert_int_equal(pool->hand, 0);
	assert_int_equal(insert(map, MANY + row), 0);
	bpfe_rcu_read_unlock();
	assert_true(pool->hand != row + 1);
	assert_int_equal(bpfe_map_count(map), MANY);
	assert_true(present(map, MANY + row));
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

/* ---- Threads -------------------------------------------------------------------------------- */

struct growing {
	struct bpfe_map *map;
	atomic_uint inserted; /* keys below this are there for good */
	atomic_ulong missed;
};

static void *read_growing(void *opaque)
{
	struct growing *g = opaque;
	uint32_t random = 7, n;

	bpfe_thread_register();
	while ((n = g->inserted) < THREAD_KEYS) {
		bpfe_rcu_read_lock();
		for (unsigned i = 0; i < 64 && n; i++) {
			uint64_t key;

			random = random * 1664525 + 1013904223;
			/* Any of them, and those that came last. */
			key = i % 2 ? (random >> 4) % n : n - 1 - i % (n < 8 ? n : 8);
			if (!g->map->ops->lookup(g->map, &key, 0))
				atomic_fetch_add(&g->missed, 1);
		}
		bpfe_rcu_read_unlock();
	}
	bpfe_thread_unregister();
	return NULL;
}

/* Keys that others insert, and some that go again. */
static void *churn_growing(void *opaque)
{
	struct growing *g = opaque;
	uint64_t key = UINT64_C(1) << 40;

	bpfe_thread_register();
	while (g->inserted < THREAD_KEYS) {
		key++;
		if (insert(g->map, key) || bpfe_map_delete(g->map, &key))
			atomic_fetch_add(&g->missed, 1);
	}
	bpfe_thread_unregister();
	return NULL;
}

/* While the table grows under them, readers miss no key that is there. */
static void test_growth_under_readers(void **state)
{
	struct growing g = {.map = create(BPF_MAP_TYPE_HASH, 8, THREAD_KEYS + 100)};
	pthread_t readers[2], churner;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_growing, &g), 0);
	assert_int_equal(pthread_create(&churner, NULL, churn_growing, &g), 0);
	for (uint32_t key = 0; key < THREAD_KEYS; key++) {
		assert_int_equal(insert(g.map, key), 0);
		g.inserted = key + 1;
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	pthread_join(churner, NULL);
	assert_int_equal(g.missed, 0);
	assert_int_equal(bpfe_map_count(g.map), THREAD_KEYS);
	bpfe_map_put(g.map);
	bpfe_rcu_barrier();
}

struct crowded {
	struct bpfe_map *map;
	uint64_t keys[CROWD];
	atomic_bool done;
	atomic_ulong bad;
};

static void *read_crowd(void *opaque)
{
	struct crowded *c = opaque;

	bpfe_thread_register();
	while (!c->done) {
		bpfe_rcu_read_lock();
		/* Every third stays. */
		for (unsigned i = 0; i < CROWD; i++) {
			if (!c->map->ops->lookup(c->map, &c->keys[i], 0) && i % 3 == 0)
				atomic_fetch_add(&c->bad, 1);
		}
		bpfe_rcu_read_unlock();
	}
	bpfe_thread_unregister();
	return NULL;
}

/* In one chain whose keys move from bucket to bucket as others go, none that stays is missed. */
static void test_crowd_under_readers(void **state)
{
	struct crowded c = {.map = create(BPF_MAP_TYPE_HASH, 8, CROWD)};
	pthread_t readers[2];
	uint32_t random = 3;

	find_crowd(c.map, c.keys, CROWD);
	for (uint32_t i = 0; i < CROWD; i++)
		assert_int_equal(insert(c.map, c.keys[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_crowd, &c), 0);
	for (unsigned step = 0; step < 50000; step++) {
		unsigned i;

		random = random * 1664525 + 1013904223;
		i = (random >> 8) % CROWD;
		if (i % 3 == 0)
			continue;
		if (bpfe_map_delete(c.map, &c.keys[i]))
			assert_int_equal(insert(c.map, c.keys[i]), 0);
	}
	c.done = true;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(c.bad, 0);
	bpfe_map_put(c.map);
	bpfe_rcu_barrier();
}

static int with_aes(void **state)
{
	bpfe_hash_without_aes = false;
	return 0;
}

static int without_aes(void **state)
{
	bpfe_hash_without_aes = true;
	return 0;
}

#define BOTH(name)                                                  \
	{#name, name, with_aes, NULL, NULL},                        \
	{                                                           \
		#name " without AES", name, without_aes, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_growth),
		BOTH(test_churn_grows_nothing),
		BOTH(test_large_and_empty),
		BOTH(test_one_bucket),
		BOTH(test_walk_and_delete),
		BOTH(test_crowd_splits),
		BOTH(test_structured_keys),
		BOTH(test_flooding),
		BOTH(test_avalanche),
		BOTH(test_key_sizes),
		BOTH(test_eviction_leaves_rows),
		BOTH(test_growth_under_readers),
		BOTH(test_crowd_under_readers),
	};

	return cmocka_run_group_tests_name("hash table", tests, group_setup, group_teardown);
}
