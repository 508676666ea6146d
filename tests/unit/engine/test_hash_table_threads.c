/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The table of the hash maps while it grows, and its chains while keys go, under readers. */
#include <pthread.h>

#include "hash_inside.h"

enum {
	THREAD_KEYS = 30000,
	CROWD = 60 /* keys in one bucket */
};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_growth_under_readers),
		BOTH(test_crowd_under_readers),
	};

	return cmocka_run_group_tests_name("hash table threads", tests, group_setup,
					   group_teardown);
}
