/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Latencies: quantiles are exact for small numbers and within an eighth for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "latency.h"

static struct pvs_latency latency;

static uint64_t only(uint64_t ns)
{
	memset(&latency, 0, sizeof(latency));
	/* Something greater, so that it is the bucket's end and not the maximum that is told. */
	pvs_latency_add(&latency, ns);
	latency.max = UINT64_MAX;
	return pvs_latency_quantile(&latency, 500);
}

static void test_none(void **state)
{
	memset(&latency, 0, sizeof(latency));
	assert_int_equal(pvs_latency_quantile(&latency, 0), 0);
	assert_int_equal(pvs_latency_quantile(&latency, 990), 0);
}

static void test_ends(void **state)
{
	for (uint64_t ns = 0; ns < 16; ns++)
		assert_int_equal(only(ns), ns);
	assert_int_equal(only(16), 17);
	assert_int_equal(only(17), 17);
	assert_int_equal(only(18), 19);
	assert_int_equal(only(1000), 1023);
	assert_int_equal(only(1024), 1151);
	assert_int_equal(only(UINT64_MAX), UINT64_MAX);
	for (uint64_t ns = 1; ns < UINT64_MAX / 3; ns = ns * 3 + 1) {
		assert_true(only(ns) >= ns);
		assert_true(only(ns) - ns <= ns / 8);
	}
}

static void test_quantiles(void **state)
{
	memset(&latency, 0, sizeof(latency));
	for (uint64_t ns = 1; ns <= 10; ns++)
		pvs_latency_add(&latency, ns);
	pvs_latency_add(&latency, 1000);
	assert_int_equal(latency.count, 11);
	assert_int_equal(pvs_latency_quantile(&latency, 0), 1);
	assert_int_equal(pvs_latency_quantile(&latency, 500), 6);
	assert_int_equal(pvs_latency_quantile(&latency, 900), 10);
	/* Never more than there was. */
	assert_int_equal(pvs_latency_quantile(&latency, 990), 1000);
	assert_int_equal(latency.max, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
