// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpf_loop() and the number iterator, called as the interpreter calls them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "helpers/kfuncs.h"
#include "internal.h"

static int64_t call(struct bpfe_run_env *env, uint32_t id, uint64_t r1, uint64_t r2, uint64_t r3,
		    uint64_t r4)
{
	return (int64_t)bpfe_helper_by_id(id)->fn(env, r1, r2, r3, r4, 0);
}

/* ---- bpf_loop ------------------------------------------------------------------------------ */

struct rounds {
	uint64_t seen, stop_at;
	enum bpfe_abort abort;
};

/* The function's "address" is where it notes what it is called with. */
static uint64_t invoke(struct bpfe_run_env *env, uint64_t fn, uint64_t r1, uint64_t r2, uint64_t r3,
		       uint64_t r4, uint64_t r5)
{
	struct rounds *rounds = (struct rounds *)(uintptr_t)fn;

	assert_int_equal(r1, rounds->seen);
	assert_int_equal(r2, 77);
	assert_int_equal(r3 | r4 | r5, 0);
	env->abort = rounds->abort;
	return ++rounds->seen == rounds->stop_at;
}

static int64_t loop(struct rounds *rounds, uint64_t nr, uint64_t flags)
{
	struct bpfe_run_env env = {.invoke = invoke};

	return call(&env, BPF_FUNC_loop, nr, (uintptr_t)rounds, 77, flags);
}

static void test_loop(void **state)
{
	struct rounds all = {0}, stops = {.stop_at = 4}, aborts = {.abort = BPFE_ABORT_BUDGET};

	assert_int_equal(loop(&all, 10, 0), 10);
	assert_int_equal(all.seen, 10);
	assert_int_equal(loop(&stops, 10, 0), 4);
	assert_int_equal(stops.seen, 4);
	assert_int_equal(loop(&aborts, 10, 0), 0);
	assert_int_equal(aborts.seen, 1);
}

static void test_loop_limits(void **state)
{
	struct rounds none = {0}, one = {.stop_at = 1};

	assert_int_equal(loop(&none, 0, 0), 0);
	assert_int_equal(loop(&none, 3, 1), -EINVAL);
	assert_int_equal(loop(&none, BPFE_MAX_LOOPS + 1, 0), -E2BIG);
	assert_int_equal(none.seen, 0);
	assert_int_equal(loop(&one, BPFE_MAX_LOOPS, 0), 1);
}

/* ---- Iterator ------------------------------------------------------------------------------ */

static int64_t iter_new(uint64_t *it, int32_t start, int32_t end)
{
	*it = 0x5a5a5a5a5a5a5a5a;
	return call(NULL, BPFE_KFUNC_ITER_NUM_NEW, (uintptr_t)it, (uint64_t)(int64_t)start,
		    (uint64_t)(int64_t)end, 0);
}

static const int32_t *iter_next(uint64_t *it)
{
	return (const int32_t *)(uintptr_t)call(NULL, BPFE_KFUNC_ITER_NUM_NEXT, (uintptr_t)it, 0, 0,
						0);
}

static void test_iterator(void **state)
{
	uint64_t it;

	assert_int_equal(iter_new(&it, -2, 3), 0);
	for (int32_t i = -2; i < 3; i++) {
		const int32_t *number = iter_next(&it);

		assert_non_null(number);
		assert_int_equal(*number, i);
	}
	assert_null(iter_next(&it));
	assert_null(iter_next(&it));
	assert_int_equal(it, 0);
}

static void test_iterator_ends(void **state)
{
	uint64_t it;

	assert_int_equal(iter_new(&it, INT32_MIN, INT32_MIN + 1), 0);
	assert_int_equal(*iter_next(&it), INT32_MIN);
	assert_null(iter_next(&it));
	assert_int_equal(iter_new(&it, INT32_MAX - 1, INT32_MAX), 0);
	assert_int_equal(*iter_next(&it), INT32_MAX - 1);
	assert_null(iter_next(&it));
	assert_int_equal(iter_new(&it, 7, 7), 0);
	assert_null(iter_next(&it));
}

static void test_iterator_refused(void **state)
{
	uint64_t it;

	assert_int_equal(iter_new(&it, 1, 0), -EINVAL);
	assert_int_equal(it, 0);
	assert_null(iter_next(&it));
	assert_int_equal(iter_new(&it, 0, BPFE_MAX_LOOPS + 1), -E2BIG);
	assert_int_equal(it, 0);
	assert_null(iter_next(&it));
	assert_int_equal(iter_new(&it, INT32_MIN, INT32_MAX), -E2BIG);
	assert_int_equal(iter_new(&it, 0, BPFE_MAX_LOOPS), 0);
}

static void test_iterator_destroyed(void **state)
{
	uint64_t it;

	assert_int_equal(iter_new(&it, 0, 9), 0);
	assert_non_null(iter_next(&it));
	call(NULL, BPFE_KFUNC_ITER_NUM_DESTROY, (uintptr_t)&it, 0, 0, 0);
	assert_int_equal(it, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_loop_limits),
		cmocka_unit_test(test_iterator),
		cmocka_unit_test(test_iterator_ends),
		cmocka_unit_test(test_iterator_refused),
		cmocka_unit_test(test_iterator_destroyed),
	};

	return cmocka_run_group_tests_name("loops", tests, NULL, NULL);
}
