/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The clock of all times here that are not a guest's. */
#ifndef PVS_CLOCK_H
#define PVS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The host's CLOCK_MONOTONIC in ns, read now. */
static inline uint64_t pvs_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
