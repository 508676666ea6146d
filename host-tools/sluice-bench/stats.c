// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Between the two neighbours, as far as @q says. @sorted has at least one. */
static double quantile(const double *sorted, size_t n, double q)
{
	const double place = q * (double)(n - 1);
	const size_t below = (size_t)place;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct summary stats_summary(const double *values, size_t n)
{
	struct summary s = {.median = NAN, .low = NAN, .high = NAN, .min = NAN, .max = NAN};
	double *sorted = malloc((n ? n : 1) * sizeof(*sorted));

	if (!sorted)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (!isnan(values[i]))
			sorted[s.n++] = values[i];
	}
	if (s.n) {
		qsort(sorted, s.n, sizeof(*sorted), compare);
		s.median = quantile(sorted, s.n, 0.5);
		s.low = quantile(sorted, s.n, 0.25);
		s.high = quantile(sorted, s.n, 0.75);
		s.min = sorted[0];
		s.max = sorted[s.n - 1];
	}
	free(sorted);
	return s;
}

double stats_ratio(const double *a, const double *b, size_t n)
{
	double *ratios = malloc((n ? n : 1) * sizeof(*ratios)), median;

	if (!ratios)
		abort();
	for (size_t i = 0; i < n; i++)
		ratios[i] = b[i] > 0 ? a[i] / b[i] : NAN;
	median = stats_summary(ratios, n).median;
	free(ratios);
	return median;
}

double stats_geomean(const double *values, size_t n)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (isnan(values[i]))
			continue;
		sum += log(values[i]);
		count++;
	}
	return count ? exp(sum / (double)count) : NAN;
}
