/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Leaky buckets to the ns, and the limits' defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pvs.h"

static void test_spend(void **state)
{
	struct pvs_bucket b;

	pvs_bucket_init(&b, 2000000, 50000, 1000);
	assert_int_equal(b.level_ns, 2000000);
	assert_int_equal(pvs_bucket_charge(&b, 1000, 500000), 1500000);
	/* 100 us pass: 5000 ns come back */
	assert_int_equal(pvs_bucket_charge(&b, 101000, 100000), 1405000);
	assert_int_equal(pvs_bucket_charge(&b, 101000, 0), 1405000);
}

static void test_full(void **state)
{
	struct pvs_bucket b;

	pvs_bucket_init(&b, 1000, 1000000, 0);
	assert_int_equal(pvs_bucket_charge(&b, 0, 300), 700);
	assert_int_equal(pvs_bucket_charge(&b, 200, 0), 900);
	assert_int_equal(pvs_bucket_charge(&b, 10000, 0), 1000);
	/* What comes after it is full is not kept. */
	assert_int_equal(pvs_bucket_charge(&b, 10000, 1000), 0);
	assert_int_equal(pvs_bucket_charge(&b, 10001, 0), 1);
	assert_int_equal(pvs_bucket_charge(&b, UINT64_MAX, 0), 1000);
}

static void test_debt(void **state)
{
	struct pvs_bucket b;

	pvs_bucket_init(&b, 1000, 100000, 0);
	assert_int_equal(pvs_bucket_charge(&b, 0, 1500), 0);
	assert_int_equal(b.debt_ns, 500);
	/* 500 owed are 5000 ns' refill */
	assert_int_equal(pvs_bucket_charge(&b, 5000, 0), 0);
	assert_int_equal(b.debt_ns, 0);
	assert_int_equal(pvs_bucket_charge(&b, 5010, 0), 1);
	assert_int_equal(pvs_bucket_charge(&b, 5010, UINT64_MAX), 0);
	assert_int_equal(pvs_bucket_charge(&b, 5010, UINT64_MAX), 0);
	assert_true(b.debt_ns == UINT64_MAX);
}

static void test_fractions(void **state)
{
	struct pvs_bucket b;

	/* 5 % of each ns for 1000 ns, one at a time: 50 ns, as if at once. */
	pvs_bucket_init(&b, 1000, 50000, 0);
	pvs_bucket_charge(&b, 0, 1000);
	for (uint64_t now = 1; now <= 1000; now++)
		pvs_bucket_charge(&b, now, 0);
	assert_int_equal(b.level_ns, 50);
}

static void test_clock_steps_back(void **state)
{
	struct pvs_bucket b;

	pvs_bucket_init(&b, 1000, 100000, 5000);
	assert_int_equal(pvs_bucket_charge(&b, 4000, 100), 900);
	assert_int_equal(pvs_bucket_charge(&b, 5000, 0), 900);
	assert_int_equal(pvs_bucket_charge(&b, 5100, 0), 910);
}

static void test_lasts(void **state)
{
	struct pvs_bucket b;
	uint64_t lasts;

	pvs_bucket_init(&b, 950000, 50000, 0);
	lasts = pvs_bucket_lasts(&b);
	assert_int_equal(lasts, 1000000);
	assert_int_equal(pvs_bucket_charge(&b, lasts, lasts), 0);
	assert_int_equal(b.debt_ns, 0);
	pvs_bucket_init(&b, 1, 1000000, 0);
	assert_true(pvs_bucket_lasts(&b) == UINT64_MAX);
	pvs_bucket_init(&b, UINT64_MAX, 999999, 0);
	assert_true(pvs_bucket_lasts(&b) == UINT64_MAX);
}

static void test_defaults(void **state)
{
	struct pvs_limits l = {0};

	pvs_limits_default(&l, 5);
	assert_int_equal(l.cs_budget_ns, 2000000);
	assert_int_equal(l.boost_budget_ns, 500000000);
	assert_int_equal(l.cs_refill_ppm, 20000);
	assert_int_equal(l.boost_refill_ppm, 30000);
	assert_int_equal(l.max_boosted, 2);
	assert_int_equal(l.ceiling, PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE));
	assert_int_equal(l.prio_max, 10);
	assert_int_equal(l.nice_min, -20);
	assert_int_equal(l.kicks_per_s, 20000);
	assert_int_equal(l.tick_ns, 1000000);
	assert_int_equal(l.watchdog_ns, 1000000000);

	l = (struct pvs_limits){.max_boosted = 3, .nice_min = 0, .has_nice_min = true};
	pvs_limits_default(&l, 1);
	assert_int_equal(l.max_boosted, 3);
	assert_int_equal(l.nice_min, 0);
	l = (struct pvs_limits){0};
	pvs_limits_default(&l, 1);
	assert_int_equal(l.max_boosted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spend),    cmocka_unit_test(test_full),
		cmocka_unit_test(test_debt),     cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_lasts),    cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
