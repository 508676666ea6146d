/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Latencies counted in buckets of a width in proportion. */
#include "latency.h"

/* Below LATENCY_STEPS each value has its bucket; then the leading bit and the three after it. */
static uint32_t bucket_of(uint64_t ns)
{
	uint32_t exponent;

	if (ns < LATENCY_STEPS)
		return (uint32_t)ns;
	exponent = 63u - (uint32_t)__builtin_clzll(ns);
	return (exponent - 2) * LATENCY_STEPS +
	       (uint32_t)(ns >> (exponent - 3) & (LATENCY_STEPS - 1));
}

/* The greatest value in a bucket. */
static uint64_t upper_end(uint32_t bucket)
{
	uint32_t exponent;

	if (bucket < LATENCY_STEPS)
		return bucket;
	exponent = bucket / LATENCY_STEPS + 2;
	return (1ull << exponent) + ((uint64_t)(bucket % LATENCY_STEPS + 1) << (exponent - 3)) - 1;
}

void pvs_latency_add(struct pvs_latency *latency, uint64_t ns)
{
	latency->buckets[bucket_of(ns)]++;
	latency->count++;
	if (ns > latency->max)
		latency->max = ns;
}

uint64_t pvs_latency_quantile(const struct pvs_latency *latency, uint32_t permille)
{
	const uint64_t rank = (latency->count * permille + 999) / 1000;
	uint64_t below = 0, end;

	for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
		below += latency->buckets[i];
		if (below && below >= rank) {
			end = upper_end(i);
			return end < latency->max ? end : latency->max;
		}
	}
	return 0;
}
