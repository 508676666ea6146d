/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Work of a fixed amount, and a clock that costs next to nothing. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>
#include <time.h>

/* Run @rounds of a loop that touches no memory. Its time is what the CPU takes for it: a thread
 * that is stopped in between takes longer, and does no less. */
void work(uint64_t rounds);

/* Rounds in a microsecond, from the best of some tries; at least 1. */
uint64_t work_rate(void);

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A counter, the same on all CPUs, read without a system call even where the kernel thinks little
 * of it; clock_gettime() costs a device access then, in a virtual machine. */
static inline uint64_t ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return clock_ns();
#endif
}

/* What a tick is: taken at the beginning and at the end of a run. */
struct tick_scale {
	uint64_t ns, ticks;
};

static inline struct tick_scale tick_mark(void)
{
	return (struct tick_scale){.ns = clock_ns(), .ticks = ticks()};
}

/* Ticks in 2^20 ns between two marks; at least 1. */
uint64_t tick_rate(struct tick_scale from, struct tick_scale to);
uint64_t ticks_to_ns(uint64_t count, uint64_t rate);

#endif
