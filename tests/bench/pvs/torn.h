/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Racing writers, each a vCPU with its page, write hints whose fields belong together; a reader
 * takes snapshots of them meanwhile. One that is said to be good and mixes two updates is torn.
 */
#ifndef PVS_BENCH_TORN_H
#define PVS_BENCH_TORN_H

#include <stdbool.h>
#include <stdint.h>

#define TORN_MAX_WRITERS 64u

struct torn_options {
	uint64_t updates; /* of all writers together */
	uint32_t writers;
	bool naive; /* read without the seqlock: shows that the check finds what is torn */
};

struct torn_result {
	uint64_t updates, snapshots;
	uint64_t good, changed; /* snapshots that were whole; of those, other than the last */
	uint64_t gave_up;       /* changed at every try: ignored, as they are to be */
	uint64_t malformed;     /* none is written: a torn one that was noticed */
	uint64_t torn;
	double seconds;
};

/* -errno. */
int torn_run(const struct torn_options *options, struct torn_result *result);

#endif
