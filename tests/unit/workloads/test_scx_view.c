/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What scx_pvs makes of the host's word about a CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scx_view.h"

#define TURN 4000 /* us */

static void view_words(struct view *view, uint64_t state, uint64_t capacity)
{
	view_state(view, state);
	view_capacity(view, capacity);
}

/* us that the host is expected to keep a task waiting. */
static uint32_t delay(enum pvs_run_state run, uint32_t capacity, uint32_t avoid)
{
	struct view view;

	view_unknown(&view);
	view_words(&view, run, (uint64_t)avoid << 16 | capacity);
	return view_delay(&view, TURN);
}

static void test_nothing_known(void **state)
{
	struct view view;

	view_unknown(&view);
	assert_int_equal(view_delay(&view, TURN), 0);
	assert_int_equal(view.capacity, 1024);
}

static void test_run_state_and_capacity(void **state)
{
	assert_int_equal(delay(PVS_RUN_RUNNING, 1024, 0), 0);
	assert_int_equal(delay(PVS_RUN_RUNNING, 256, 0), 0);
	assert_int_equal(delay(PVS_RUN_HALTED, 1024, 0), 0);
	assert_int_equal(delay(PVS_RUN_HALTED, 512, 0), TURN / 2);
	assert_int_equal(delay(PVS_RUN_UNKNOWN, 512, 0), TURN / 2);
	assert_int_equal(delay(PVS_RUN_PREEMPTED, 1024, 0), TURN);
	assert_int_equal(delay(PVS_RUN_PREEMPTED, 256, 0), TURN + TURN * 3 / 4);
}

/* A part of a turn, on whatever else there is, also where the vCPU runs. */
static void test_avoid(void **state)
{
	assert_int_equal(delay(PVS_RUN_RUNNING, 1024, 128), TURN / 2);
	assert_int_equal(delay(PVS_RUN_HALTED, 512, 64), TURN / 2 + TURN / 4);
	assert_int_equal(delay(PVS_RUN_PREEMPTED, 256, 64), TURN + TURN * 3 / 4 + TURN / 4);
	/* At its most it is worth just less than being preempted. */
	assert_int_equal(delay(PVS_RUN_RUNNING, 1024, 255), 3984);
	for (uint32_t avoid = 1; avoid < 256; avoid++)
		assert_true(delay(PVS_RUN_HALTED, 1024, avoid) >
			    delay(PVS_RUN_HALTED, 1024, avoid - 1));
}

/* Where the vCPU runs, and beside whom, is no part of either. */
static void test_other_fields(void **state)
{
	struct view view;

	view_unknown(&view);
	view_words(&view, ~0ull << 3 | PVS_RUN_HALTED, 0xffffffffff000000ull | 7 << 16 | 900);
	assert_int_equal(view.run, PVS_RUN_HALTED);
	assert_int_equal(view.avoid, 7);
	assert_int_equal(view.capacity, 900);
}

static void test_capacity_bounds(void **state)
{
	struct view view;

	view_unknown(&view);
	view_words(&view, PVS_RUN_HALTED, 0);
	assert_int_equal(view.capacity, 1024); /* not told */
	view_words(&view, PVS_RUN_HALTED, 1);
	assert_int_equal(view.capacity, 32);
	view_words(&view, PVS_RUN_HALTED, 0xffff);
	assert_int_equal(view.capacity, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_run_state_and_capacity),
		cmocka_unit_test(test_avoid),
		cmocka_unit_test(test_other_fields),
		cmocka_unit_test(test_capacity_bounds),
	};

	return cmocka_run_group_tests_name("scx_view", tests, NULL, NULL);
}
