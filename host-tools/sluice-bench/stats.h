/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is made of figures. NaN stands for "not measured" and is left out. */
#ifndef SLUICE_BENCH_STATS_H
#define SLUICE_BENCH_STATS_H

#include <stddef.h>

/* Middle and spread of some figures; all NaN if there are none. */
struct summary {
	double median;
	double low, high; /* first and third quartile */
	double min, max;
	size_t n;
};

struct summary stats_summary(const double *values, size_t n);

/* Median of a[i] / b[i]: what was measured side by side is compared with one another. */
double stats_ratio(const double *a, const double *b, size_t n);

/* Geometric mean; NaN of none. */
double stats_geomean(const double *values, size_t n);

#endif
