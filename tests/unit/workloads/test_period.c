/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Periods: what is a miss, and which period comes next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "period.h"
#include "work.h"

static struct period period;

static int begin(void **state)
{
	period_init(&period, 1000, 800, 10000);
	return 0;
}

static void test_in_time(void **state)
{
	period_done(&period, 10010, 10800);
	assert_int_equal(period.missed, 0);
	assert_int_equal(period.start, 11000);
	assert_int_equal(histogram_percentile(&period.wakeup, 1000000), 10);
	assert_int_equal(histogram_percentile(&period.response, 1000000), 800);
}

static void test_one_too_late(void **state)
{
	period_done(&period, 10010, 10801);
	assert_int_equal(period.missed, 1);
	assert_int_equal(period.skipped, 0);
	assert_int_equal(period.start, 11000);
}

/* Done as the next period begins: that one can still be made. */
static void test_end_at_start(void **state)
{
	period_done(&period, 10010, 11000);
	assert_int_equal(period.missed, 1);
	assert_int_equal(period.skipped, 0);
	assert_int_equal(period.start, 11000);
}

/* Periods that began meanwhile are lost, each of them. */
static void test_skips(void **state)
{
	period_done(&period, 10010, 13001);
	assert_int_equal(period.done, 1);
	assert_int_equal(period.skipped, 3);
	assert_int_equal(period.missed, 4);
	assert_int_equal(period.start, 14000);
	period_done(&period, 14000, 14100);
	assert_int_equal(period.missed, 4);
	assert_int_equal(period.done, 2);
}

/* A clock that seems to run backwards is no time, not a very long one. */
static void test_early(void **state)
{
	period_done(&period, 9990, 9995);
	assert_int_equal(period.wakeup.max, 0);
	assert_int_equal(period.response.max, 0);
	assert_int_equal(period.missed, 0);
}

static void test_ticks(void **state)
{
	struct tick_scale from = {.ns = 1000, .ticks = 50}, to = {.ns = 1001000, .ticks = 3000050};

	/* 3 ticks a ns */
	assert_int_equal(tick_rate(from, to), 3 << 20);
	assert_int_equal(ticks_to_ns(3000000, 3 << 20), 1000000);
	assert_int_equal(ticks_to_ns(UINT64_MAX / 2, 3 << 20), UINT64_MAX / 6);
	assert_int_equal(tick_rate(from, from), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_time, begin),
		cmocka_unit_test_setup(test_one_too_late, begin),
		cmocka_unit_test_setup(test_end_at_start, begin),
		cmocka_unit_test_setup(test_skips, begin),
		cmocka_unit_test_setup(test_early, begin),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests_name("period", tests, NULL, NULL);
}
