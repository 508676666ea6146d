// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Medians, quartiles, ratios and geometric means of given figures. */
#include "made_up.h"

#include <math.h>
#include <stats.h>

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void middle_and_spread(void **state)
{
	const double odd[] = {9, 1, 5, 3, 7};
	const double even[] = {4, 1, 3, 2};
	const double one[] = {42};
	struct summary s = stats_summary(odd, 5);

	assert_near(s.median, 5);
	assert_near(s.low, 3);
	assert_near(s.high, 7);
	assert_near(s.min, 1);
	assert_near(s.max, 9);
	assert_int_equal(s.n, 5);
	s = stats_summary(even, 4);
	assert_near(s.median, 2.5);
	assert_near(s.low, 1.75);
	assert_near(s.high, 3.25);
	s = stats_summary(one, 1);
	assert_near(s.median, 42);
	assert_near(s.low, 42);
	assert_near(s.max, 42);
}

static void not_measured_is_left_out(void **state)
{
	const double values[] = {NAN, 2, NAN, 4, 6};
	const struct summary s = stats_summary(values, 5), none = stats_summary(values, 1);

	assert_near(s.median, 4);
	assert_int_equal(s.n, 3);
	assert_true(isnan(none.median) && isnan(none.low) && isnan(none.max));
	assert_int_equal(none.n, 0);
	assert_true(isnan(stats_summary(NULL, 0).median));
}

/* The median of ratios, not the ratio of medians: here 1, not 2. */
static void ratio_of_neighbours(void **state)
{
	const double a[] = {1, 2, 30}, b[] = {1, 1, 60}, zero[] = {0, 0, 0};
	const double gap[] = {NAN, 2, NAN};

	assert_near(stats_ratio(a, b, 3), 1);
	assert_near(stats_ratio(gap, b, 3), 2);
	assert_true(isnan(stats_ratio(a, zero, 3)));
}

static void geometric_mean(void **state)
{
	const double values[] = {0.5, 2, 8}, gap[] = {4, NAN, 9};

	assert_near(stats_geomean(values, 3), 2);
	assert_near(stats_geomean(gap, 3), 6);
	assert_true(isnan(stats_geomean(gap + 1, 1)));
	assert_true(isnan(stats_geomean(NULL, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(middle_and_spread),
		cmocka_unit_test(not_measured_is_left_out),
		cmocka_unit_test(ratio_of_neighbours),
		cmocka_unit_test(geometric_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
