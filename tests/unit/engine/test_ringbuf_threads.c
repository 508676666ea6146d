/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A ring buffer under threads: what several producers write at once arrives whole, once, in each
 * one's order, and what does not fit is counted.
 */
#include <pthread.h>
#include <sched.h>
#include "harness.h"
#include "maps/ringbuf.h"

enum {
	PRODUCERS = 3,
	RECORDS = 30000, /* of each */
	SIZE = 4096
};

/* A record: this, and as many words more as number % 32, all of them the number. */
struct record {
	uint32_t producer;
	uint32_t number;
	uint64_t words[];
};

struct shared {
	struct bpfe_map *map;
	atomic_uint producers; /* still at work */
	atomic_uint next;
	atomic_ulong sent, discarded, refused, not_zero;
	atomic_ulong woken;
};

static size_t words_of(uint32_t number)
{
	return number % 32;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static void *produce(void *opaque)
{
	struct shared *s = opaque;
	uint32_t producer = atomic_fetch_add(&s->next, 1);

	bpfe_thread_register();
	for (uint32_t number = 0; number < RECORDS; number++) {
		size_t size = sizeof(struct record) + words_of(number) * 8;
		struct record *record;

		bpfe_rcu_read_lock();
		record = bpfe_ringbuf_reserve(s->map, size, producer);
		if (!record) {
			atomic_fetch_add(&s->refused, 1);
			sched_yield();
		} else {
			if (!all_zero((const uint8_t *)record, size))
				atomic_fetch_add(&s->not_zero, 1);
			record->producer = producer;
			record->number = number;
			for (size_t w = 0; w < words_of(number); w++)
				record->words[w] = number;
			if (number % 7 == 0)
				bpfe_ringbuf_discard(s->map, record, 0);
			else
				bpfe_ringbuf_submit(s->map, record, 0);
			atomic_fetch_add(number % 7 == 0 ? &s->discarded : &s->sent, 1);
		}
		bpfe_rcu_read_unlock();
	}
	bpfe_thread_unregister();
	atomic_fetch_sub(&s->producers, 1);
	return NULL;
}

struct consumer {
	uint32_t next[PRODUCERS]; /* lowest number that may come */
	unsigned long records, bad;
};

static int check(void *opaque, uint32_t cpu, const void *data, size_t size)
{
	const struct record *record = data;
	struct consumer *c = opaque;
	bool good = size >= sizeof(*record) && record->producer == cpu && cpu < PRODUCERS &&
		    record->number >= c->next[cpu] && record->number % 7 &&
		    size == sizeof(*record) + words_of(record->number) * 8;

	for (size_t w = 0; good && w < words_of(record->number); w++)
		good = record->words[w] == record->number;
	if (good)
		c->next[cpu] = record->number + 1;
	c->bad += !good;
	c->records++;
	return 0;
}

static void count_wakeup(void *opaque, struct bpfe_map *map)
{
	atomic_fetch_add((atomic_ulong *)opaque, 1);
}

static void test_producers(void **state)
{
	struct shared s = {.producers = PRODUCERS};
	pthread_t producers[PRODUCERS];
	struct consumer c = {0};
	bool over;

	s.map = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, SIZE, NULL);
	assert_int_equal(bpfe_map_on_data(s.map, count_wakeup, &s.woken), 0);
	for (unsigned i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_create(&producers[i], NULL, produce, &s), 0);
	do {
		over = s.producers == 0;
		if (bpfe_map_consume(s.map, 0, check, &c) == 0)
			sched_yield();
	} while (!over);
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i], NULL);
	assert_int_equal(c.bad, 0);
	assert_int_equal(s.not_zero, 0);
	assert_int_equal(c.records, s.sent);
	assert_true(s.sent > 0);
	assert_true(s.woken > 0);
	assert_int_equal(s.refused, bpfe_map_lost(s.map));
	assert_int_equal(s.sent + s.discarded + s.refused, PRODUCERS * RECORDS);
	assert_int_equal(bpfe_ringbuf_query(s.map, BPF_RB_AVAIL_DATA), 0);
	bpfe_map_put(s.map);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_producers),
	};

	return cmocka_run_group_tests_name("ring buffer threads", tests, group_setup,
					   group_teardown);
}
