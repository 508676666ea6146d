/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* log.c */
#include "harness.h"

static void test_append(void **state)
{
	char text[16] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};

	bpfe_log(&log, "%d-", 12);
	bpfe_log(&log, "%s", "abc");
	assert_string_equal(text, "12-abc");
	assert_int_equal(log.len, 6);
	assert_false(log.truncated);
	bpfe_log(&log, "%s", "0123456789");
	assert_string_equal(text, "12-abc012345678");
	assert_int_equal(log.len, 15);
	assert_true(log.truncated);
	bpfe_log(&log, "x");
	assert_string_equal(text, "12-abc012345678");
}

static void test_no_room(void **state)
{
	struct bpfe_log none = {0};
	char one[1] = {'x'};
	struct bpfe_log tiny = {.buf = one, .size = 1};

	bpfe_log(NULL, "nobody listens");
	bpfe_log(&none, "%d", 1);
	assert_true(none.truncated);
	assert_int_equal(none.len, 0);
	bpfe_log(&tiny, "%d", 1);
	assert_true(tiny.truncated);
	assert_int_equal(tiny.len, 0);
}

static void test_refuse(void **state)
{
	char text[64] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};

	assert_int_equal(bpfe_refuse(NULL, -EPERM, BPFE_BAD_NULL, 1, "x"), -EPERM);
	assert_int_equal(bpfe_refuse(&log, -EACCES, BPFE_BAD_STACK, 9, "first %d", 1), -EACCES);
	assert_int_equal(bpfe_refuse(&log, -EINVAL, BPFE_BAD_NULL, 5, "second\n"), -EINVAL);
	assert_string_equal(text, "first 1\nsecond\n");
	assert_int_equal(log.reason, BPFE_BAD_STACK);
	assert_int_equal(log.insn, 9);
}

/* A refusal without room for its text still says why. */
static void test_refuse_without_room(void **state)
{
	struct bpfe_log log = {0};

	assert_int_equal(bpfe_refuse(&log, -E2BIG, BPFE_TOO_LARGE, 3, "x"), -E2BIG);
	assert_int_equal(log.reason, BPFE_TOO_LARGE);
	assert_int_equal(log.insn, 3);
	assert_true(log.truncated);
}

static void test_reason_names(void **state)
{
	assert_string_equal(bpfe_reason_name(BPFE_OK), "ok");
	assert_string_equal(bpfe_reason_name(BPFE_BAD_MEMORY), "bad-memory");
	assert_string_equal(bpfe_reason_name(BPFE_POINTER_LEAK), "pointer-leak");
	assert_string_equal(bpfe_reason_name(BPFE_CANCELLED), "cancelled");
	for (int reason = 0; reason < BPFE_REASON_MAX; reason++)
		assert_string_not_equal(bpfe_reason_name((enum bpfe_reason)reason), "unknown");
	assert_string_equal(bpfe_reason_name(BPFE_REASON_MAX), "unknown");
	assert_string_equal(bpfe_reason_name((enum bpfe_reason) - 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),       cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_refuse),       cmocka_unit_test(test_refuse_without_room),
		cmocka_unit_test(test_reason_names),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
