/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The histogram: exact where it says so, within its error elsewhere; percentiles by their rank. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "histogram.h"
#include "random.h"

static struct histogram one, two;

static int clear(void **state)
{
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	return 0;
}

static void test_empty(void **state)
{
	assert_int_equal(histogram_percentile(&one, 500000), 0);
	assert_int_equal(one.max, 0);
}

/* A value below 128 has a bucket of its own. */
static void test_small_is_exact(void **state)
{
	for (uint64_t value = 0; value < 128; value++) {
		memset(&one, 0, sizeof(one));
		histogram_add(&one, value);
		histogram_add(&one, 1000);
		assert_int_equal(histogram_percentile(&one, 500000), value);
	}
}

/* Each value lies in a bucket whose greatest value is not below it and at most 1/64 above. */
static void test_error(void **state)
{
	uint64_t random = 7;

	for (int i = 0; i < 100000; i++) {
		uint64_t value = random_next(&random) >> (random_next(&random) % 60 + 4), upper;

		memset(&one, 0, sizeof(one));
		histogram_add(&one, value);
		histogram_add(&one, UINT64_MAX >> 4);
		upper = histogram_percentile(&one, 500000);
		assert_true(upper >= value);
		assert_true(upper - value <= value / 64);
	}
}

/* Buckets follow each other without a hole: 64 to a power of two. */
static void test_buckets(void **state)
{
	assert_int_equal(histogram_upper(0), 0);
	assert_int_equal(histogram_upper(127), 127);
	assert_int_equal(histogram_upper(128), 129);
	assert_int_equal(histogram_upper(191), 255);
	assert_int_equal(histogram_upper(192), 259);
	for (size_t i = 1; i < HISTOGRAM_BUCKETS - 64 * 2; i++)
		assert_true(histogram_upper(i) > histogram_upper(i - 1));
}

static void test_percentiles(void **state)
{
	for (uint64_t value = 1; value <= 100; value++)
		histogram_add(&one, value);
	assert_int_equal(histogram_percentile(&one, 500000), 50);
	assert_int_equal(histogram_percentile(&one, 990000), 99);
	/* 99.9 of 100 values: the last, not one before it. */
	assert_int_equal(histogram_percentile(&one, 999000), 100);
	assert_int_equal(histogram_percentile(&one, 1000000), 100);
	assert_int_equal(histogram_percentile(&one, 0), 1);
	assert_int_equal(one.sum, 5050);
}

/* No percentile is above what was seen. */
static void test_at_most_max(void **state)
{
	histogram_add(&one, 1000001);
	assert_int_equal(histogram_percentile(&one, 500000), 1000001);
	assert_int_equal(one.min, 1000001);
}

/* Ranks of more than 2^32 values. */
static void test_many(void **state)
{
	histogram_repeat(&one, 5, 10000000000ull);
	histogram_repeat(&one, 90, 10000000ull);
	assert_int_equal(histogram_percentile(&one, 999000), 5);
	assert_int_equal(histogram_percentile(&one, 999500), 90);
	histogram_repeat(&one, 3, 0);
	assert_int_equal(one.min, 5);
}

static void test_merge(void **state)
{
	histogram_add(&one, 10);
	histogram_add(&two, 3);
	histogram_add(&two, 70000);
	histogram_merge(&one, &two);
	assert_int_equal(one.count, 3);
	assert_int_equal(one.min, 3);
	assert_int_equal(one.max, 70000);
	assert_int_equal(histogram_percentile(&one, 500000), 10);
	clear(NULL);
	histogram_merge(&two, &one);
	assert_int_equal(two.count, 0);
}

/* The same seed, the same numbers; around a mean within the spread. */
static void test_random(void **state)
{
	uint64_t a = 1, b = 1, c = 2, sum = 0;

	assert_int_equal(random_next(&a), random_next(&b));
	assert_int_not_equal(random_next(&a), random_next(&c));
	for (int i = 0; i < 10000; i++) {
		uint64_t value = random_around(&a, 1000, 20);

		assert_in_range(value, 800, 1200);
		sum += value;
	}
	assert_in_range(sum / 10000, 990, 1010);
	assert_int_equal(random_around(&a, 1000, 0), 1000);
	assert_int_equal(random_around(&a, 0, 50), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, clear),
		cmocka_unit_test_setup(test_small_is_exact, clear),
		cmocka_unit_test_setup(test_error, clear),
		cmocka_unit_test_setup(test_buckets, clear),
		cmocka_unit_test_setup(test_percentiles, clear),
		cmocka_unit_test_setup(test_at_most_max, clear),
		cmocka_unit_test_setup(test_many, clear),
		cmocka_unit_test_setup(test_merge, clear),
		cmocka_unit_test_setup(test_random, clear),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
