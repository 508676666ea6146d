/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Budgets. A bucket never gives more than its capacity and what was refilled since: what was spent
 * beyond its level, because a boost could not be ended to the ns, is owed and paid back first.
 */
#include <stdlib.h>

#include "pool.h"

#define PPM 1000000u

void pvs_bucket_init(struct pvs_bucket *bucket, uint64_t capacity_ns, uint32_t refill_ppm,
		     uint64_t now)
{
	*bucket = (struct pvs_bucket){
		.capacity_ns = capacity_ns,
		.refill_ppm = refill_ppm,
		.level_ns = capacity_ns,
		.at = now,
	};
}

/* What @elapsed ns bring. A part of a ns is carried over. */
static uint64_t refill(struct pvs_bucket *bucket, uint64_t elapsed)
{
	const unsigned __int128 parts =
		(unsigned __int128)elapsed * bucket->refill_ppm + bucket->fraction;
	const unsigned __int128 ns = parts / PPM;

	bucket->fraction = (uint32_t)(parts % PPM);
	return ns < UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

static void gain(struct pvs_bucket *bucket, uint64_t ns)
{
	uint64_t room;

	if (ns <= bucket->debt_ns) {
		bucket->debt_ns -= ns;
		return;
	}
	ns -= bucket->debt_ns;
	bucket->debt_ns = 0;
	room = bucket->capacity_ns - bucket->level_ns;
	if (ns < room) {
		bucket->level_ns += ns;
	} else {
		bucket->level_ns = bucket->capacity_ns;
		bucket->fraction = 0;
	}
}

static void lose(struct pvs_bucket *bucket, uint64_t ns)
{
	if (ns <= bucket->level_ns) {
		bucket->level_ns -= ns;
		return;
	}
	ns -= bucket->level_ns;
	bucket->level_ns = 0;
	if (ns < UINT64_MAX - bucket->debt_ns)
		bucket->debt_ns += ns;
	else
		bucket->debt_ns = UINT64_MAX;
}

uint64_t pvs_bucket_charge(struct pvs_bucket *bucket, uint64_t now, uint64_t spent_ns)
{
	uint64_t brought = 0;

	if (now > bucket->at) {
		brought = refill(bucket, now - bucket->at);
		bucket->at = now;
	}
	/* It was refilled while it was spent from. */
	if (brought >= spent_ns)
		gain(bucket, brought - spent_ns);
	else
		lose(bucket, spent_ns - brought);
	return bucket->level_ns;
}

uint64_t pvs_bucket_lasts(const struct pvs_bucket *bucket)
{
	unsigned __int128 ns;

	if (bucket->refill_ppm >= PPM)
		return UINT64_MAX;
	ns = (unsigned __int128)bucket->level_ns * PPM / (PPM - bucket->refill_ppm);
	return ns < UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

static void set_default64(uint64_t *field, uint64_t value)
{
	if (!*field)
		*field = value;
}

static void set_default32(uint32_t *field, uint32_t value)
{
	if (!*field)
		*field = value;
}

void pvs_limits_default(struct pvs_limits *limits, uint32_t n_vcpus)
{
	set_default64(&limits->cs_budget_ns, 2000000);
	set_default64(&limits->boost_budget_ns, 500000000);
	set_default32(&limits->cs_refill_ppm, 20000);
	set_default32(&limits->boost_refill_ppm, 30000);
	set_default32(&limits->max_boosted, n_vcpus > 1 ? n_vcpus / 2 : 1);
	set_default32(&limits->ceiling, PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE));
	set_default32(&limits->prio_max, 10);
	if (!limits->has_nice_min)
		limits->nice_min = -20;
	limits->has_nice_min = true;
	set_default32(&limits->kicks_per_s, 20000);
	set_default64(&limits->tick_ns, 1000000);
	set_default64(&limits->watchdog_ns, 1000000000);
}

struct pvs_pool *pvs_pool_create(uint32_t max_boosted, uint64_t budget_ns, uint32_t refill_ppm)
{
	struct pvs_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->max_boosted = max_boosted;
	pvs_bucket_init(&pool->bucket, budget_ns, refill_ppm, 0);
	return pool;
}

void pvs_pool_destroy(struct pvs_pool *pool)
{
	free(pool);
}
