/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Latencies counted in buckets of a width in proportion: eight to each power of two. */
#ifndef PVS_LATENCY_H
#define PVS_LATENCY_H

#include <stdint.h>

#define LATENCY_STEPS   8u
#define LATENCY_BUCKETS (LATENCY_STEPS * 62u)

struct pvs_latency {
	uint64_t count, max;
	uint64_t buckets[LATENCY_BUCKETS];
};

void pvs_latency_add(struct pvs_latency *latency, uint64_t ns);
/* The least bucket's upper end at or below which @permille of all lie; never above max, 0 of
 * none. */
uint64_t pvs_latency_quantile(const struct pvs_latency *latency, uint32_t permille);

#endif
