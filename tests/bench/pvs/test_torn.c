/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A million updates from racing writers: no snapshot is torn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "torn.h"

static void run(uint32_t writers)
{
	const struct torn_options options = {.updates = 1000001, .writers = writers};
	struct torn_result r;

	assert_int_equal(torn_run(&options, &r), 0);
	assert_int_equal(r.updates, 1000001);
	assert_int_equal(r.torn, 0);
	assert_int_equal(r.malformed, 0);
	assert_true(r.good + r.gave_up <= r.snapshots);
}

static void test_one_writer(void **state)
{
	run(1);
}

static void test_several_writers(void **state)
{
	run(5);
}

static void test_refused(void **state)
{
	struct torn_result r;

	assert_int_equal(torn_run(&(struct torn_options){.updates = 1}, &r), -EINVAL);
	assert_int_equal(
		torn_run(&(struct torn_options){.updates = 1, .writers = TORN_MAX_WRITERS + 1}, &r),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_writer),
		cmocka_unit_test(test_several_writers),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
