/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Refusals: their text is cut where its buffer ends, and never overruns it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pvs.h"

static void test_lines(void **state)
{
	char text[64] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	assert_int_equal(pvs_refuse(&log, -EINVAL, "vCPU %d: no thread", 3), -EINVAL);
	assert_int_equal(pvs_refuse(NULL, -EPERM, "nobody listens"), -EPERM);
	pvs_log(&log, "and %s", "more");
	assert_string_equal(text, "vCPU 3: no thread\nand more");
}

static void test_cut(void **state)
{
	char text[8] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	pvs_log(&log, "0123456789");
	pvs_log(&log, "x");
	assert_string_equal(text, "0123456");
	assert_int_equal(log.len, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
