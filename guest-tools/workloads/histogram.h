/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A histogram of durations: 64 buckets for each power of two, so a value is off by less than 1.6 %,
 * and what is below 128 ns is exact. One writer; merged when the writers have ended.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS (64 * 60)

struct histogram {
	uint64_t count, sum, min, max; /* min, max: of what was added, exact */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* @n times. */
void histogram_repeat(struct histogram *histogram, uint64_t value, uint64_t n);
void histogram_merge(struct histogram *to, const struct histogram *from);
/*
 * The least value that @ppm of 10^6 of the values do not exceed, as the greatest of its bucket's
 * and at most max. 0 if there is no value.
 */
uint64_t histogram_percentile(const struct histogram *histogram, uint32_t ppm);
/* The greatest value of a bucket. */
uint64_t histogram_upper(size_t bucket);

#endif
