/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "histogram.h"

#define SUB_BITS 6 /* 64 buckets for a power of two */
#define SUB      (1u << SUB_BITS)

/* Values below 2 * SUB have a bucket each; above, the leading SUB_BITS + 1 bits say which. */
static size_t bucket_of(uint64_t value)
{
	unsigned shift;
	size_t bucket;

	if (value < 2 * SUB)
		return value;
	shift = 63 - SUB_BITS - (unsigned)__builtin_clzll(value);
	bucket = (size_t)(shift + 1) * SUB + (size_t)((value >> shift) - SUB);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_upper(size_t bucket)
{
	unsigned shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = (unsigned)(bucket / SUB) - 1;
	return ((bucket % SUB + SUB + 1) << shift) - 1;
}

void histogram_repeat(struct histogram *histogram, uint64_t value, uint64_t n)
{
	if (!n)
		return;
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count += n;
	histogram->sum += value * n;
	histogram->bucket[bucket_of(value)] += n;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram_repeat(histogram, value, 1);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (!from->count)
		return;
	if (!to->count || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t histogram_percentile(const struct histogram *histogram, uint32_t ppm)
{
	/* How many values the answer must not be below, rounded up. */
	uint64_t rank = histogram->count / 1000000 * ppm, seen = 0, upper;

	rank += (histogram->count % 1000000 * ppm + 999999) / 1000000;
	if (!histogram->count)
		return 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (!seen || seen < rank)
			continue;
		upper = histogram_upper(i);
		return upper < histogram->max ? upper : histogram->max;
	}
	return histogram->max;
}
