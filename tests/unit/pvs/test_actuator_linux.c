/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The Linux actuator on real threads, read back from the kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "actuator_linux.h"
#include "thread_double.h"

struct fixture {
	struct pvs_actuator actuator;
	uint32_t works; /* PVS_ACT_* */
	struct sleeper sleeper;
	void *thread;
	struct pvs_sched_attr before;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(pvs_actuator_linux(NULL, &f->actuator, NULL), 0);
	f->works = f->actuator.ops->probe(f->actuator.opaque, PVS_ACT_ALL, NULL);
	sleeper_start(&f->sleeper);
	assert_int_equal(pvs_sys_getattr(f->sleeper.tid, &f->before), 0);
	assert_int_equal(f->actuator.ops->capture(f->actuator.opaque, f->sleeper.tid, &f->thread),
			 0);
}

static void tear_down(struct fixture *f)
{
	if (f->thread)
		f->actuator.ops->release(f->actuator.opaque, f->thread);
	sleeper_end(&f->sleeper);
	pvs_actuator_linux_close(&f->actuator);
}

static int apply(struct fixture *f, const struct pvs_sched *sched)
{
	return f->actuator.ops->apply(f->actuator.opaque, f->thread, sched);
}

static void restore(struct fixture *f)
{
	f->actuator.ops->restore(f->actuator.opaque, f->thread);
}

static struct pvs_sched_attr now(struct fixture *f)
{
	struct pvs_sched_attr attr;

	assert_int_equal(pvs_sys_getattr(f->sleeper.tid, &attr), 0);
	return attr;
}

/* Skip, saying which permission the machine does not give. */
static void need(struct fixture *f, uint32_t actuators)
{
	if ((f->works & actuators) == actuators)
		return;
	tear_down(f);
	print_message("no permission for PVS_ACT_* 0x%x here\n", actuators & ~f->works);
	skip();
}

static void assert_baseline(struct fixture *f)
{
	struct pvs_sched_attr attr = now(f);

	assert_memory_equal(&attr, &f->before, sizeof(attr));
}

static void test_nice_and_slice(void **state)
{
	struct pvs_sched sched = {
		.set = PVS_SET_NICE | PVS_SET_SLICE, .nice = -7, .slice_ns = 700000};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_NICE_DOWN | PVS_ACT_SLICE);
	assert_int_equal(apply(&f, &sched), 0);
	assert_int_equal(now(&f).policy, PVS_SCHED_OTHER);
	assert_int_equal(now(&f).nice, -7);
	assert_int_equal(now(&f).runtime, 700000);
	assert_int_equal(now(&f).flags, PVS_SCHED_RESET_ON_FORK);
	/* What a decision does not name has its baseline. */
	sched.set = PVS_SET_NICE;
	assert_int_equal(apply(&f, &sched), 0);
	assert_int_equal(now(&f).nice, -7);
	assert_int_equal(now(&f).runtime, f.before.runtime);
	sched.set = 0;
	assert_int_equal(apply(&f, &sched), 0);
	assert_baseline(&f);
	tear_down(&f);
}

static void test_slice_without_privilege(void **state)
{
	struct pvs_sched sched = {.set = PVS_SET_SLICE};
	const uint64_t slices[] = {PVS_SLICE_MIN, 12345678, PVS_SLICE_MAX};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_SLICE);
	for (size_t i = 0; i < 3; i++) {
		sched.slice_ns = slices[i];
		assert_int_equal(apply(&f, &sched), 0);
		assert_int_equal(now(&f).runtime, slices[i]);
	}
	restore(&f);
	assert_baseline(&f);
	tear_down(&f);
}

static void test_fifo(void **state)
{
	struct pvs_sched sched = {.set = PVS_SET_FIFO | PVS_SET_NICE, .prio = 3, .nice = -1};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_FIFO);
	assert_int_equal(apply(&f, &sched), 0);
	assert_int_equal(now(&f).policy, PVS_SCHED_FIFO);
	assert_int_equal(now(&f).priority, 3);
	restore(&f);
	assert_baseline(&f);
	tear_down(&f);
}

static void test_deadline(void **state)
{
	struct pvs_sched sched = {.set = PVS_SET_DEADLINE | PVS_SET_FIFO,
				  .prio = 3,
				  .dl_runtime = 1000000,
				  .dl_deadline = 50000000,
				  .dl_period = 100000000};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_DEADLINE | PVS_ACT_AFFINITY);
	assert_int_equal(apply(&f, &sched), 0);
	assert_int_equal(now(&f).policy, PVS_SCHED_DEADLINE);
	assert_int_equal(now(&f).runtime, 1000000);
	assert_int_equal(now(&f).deadline, 50000000);
	assert_int_equal(now(&f).period, 100000000);
	restore(&f);
	assert_baseline(&f);
	tear_down(&f);
}

/* Boosted a moment at a time while it sleeps, a thread uses up no bandwidth. */
static void test_deadline_again_and_again(void **state)
{
	const struct pvs_sched fifth = {.set = PVS_SET_DEADLINE,
					.dl_runtime = 20000000,
					.dl_deadline = 100000000,
					.dl_period = 100000000};
	const struct pvs_sched none = {.set = 0};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_DEADLINE);
	/* 20 % of a CPU each time: a machine of 500 CPUs has it no more often. */
	for (int i = 0; i < 2500; i++) {
		assert_int_equal(apply(&f, &fifth), 0);
		if (i & 1)
			restore(&f);
		else
			assert_int_equal(apply(&f, &none), 0);
	}
	assert_baseline(&f);
	tear_down(&f);
}

static uint64_t lowest(uint64_t mask)
{
	return mask & -mask;
}

static void test_affinity(void **state)
{
	struct pvs_sched sched = {.set = PVS_SET_AFFINITY};
	uint64_t before[PVS_CPU_WORDS], mask[PVS_CPU_WORDS];
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_AFFINITY);
	assert_int_equal(pvs_sys_getaffinity(f.sleeper.tid, before), 0);
	/* CPUs that are not in the baseline are not given. */
	sched.affinity = lowest(before[0]) | ~before[0];
	assert_int_equal(apply(&f, &sched), 0);
	assert_int_equal(pvs_sys_getaffinity(f.sleeper.tid, mask), 0);
	assert_int_equal(mask[0], lowest(before[0]));
	sched.affinity = ~before[0];
	assert_int_equal(apply(&f, &sched), -EINVAL);
	restore(&f);
	assert_int_equal(pvs_sys_getaffinity(f.sleeper.tid, mask), 0);
	assert_memory_equal(mask, before, sizeof(mask));
	tear_down(&f);
}

/* The class could be changed and the affinity not: the class is put back. */
static void test_undone_when_refused_in_part(void **state)
{
	struct pvs_sched first = {.set = PVS_SET_SLICE, .slice_ns = 900000};
	struct pvs_sched pinned = {.set = PVS_SET_DEADLINE | PVS_SET_AFFINITY,
				   .dl_runtime = 1000000,
				   .dl_deadline = 100000000,
				   .dl_period = 100000000};
	uint64_t before[PVS_CPU_WORDS], mask[PVS_CPU_WORDS];
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_DEADLINE | PVS_ACT_AFFINITY | PVS_ACT_SLICE);
	assert_int_equal(pvs_sys_getaffinity(f.sleeper.tid, before), 0);
	pinned.affinity = lowest(before[0]);
	if (pinned.affinity == before[0]) {
		tear_down(&f);
		print_message("one CPU: nothing to pin to\n");
		skip();
	}
	assert_int_equal(apply(&f, &first), 0);
	/* DEADLINE is refused for a pinned thread: the affinity, already narrowed, is undone. */
	assert_int_equal(apply(&f, &pinned), -EPERM);
	assert_int_equal(pvs_sys_getaffinity(f.sleeper.tid, mask), 0);
	assert_memory_equal(mask, before, sizeof(mask));
	assert_int_equal(now(&f).policy, PVS_SCHED_OTHER);
	assert_int_equal(now(&f).runtime, 900000);
	tear_down(&f);
}

static void test_refusals(void **state)
{
	const struct pvs_sched wrong[] = {
		{.set = PVS_SET_NICE, .nice = -21},
		{.set = PVS_SET_NICE, .nice = 20},
		{.set = PVS_SET_SLICE, .slice_ns = PVS_SLICE_MIN - 1},
		{.set = PVS_SET_SLICE, .slice_ns = PVS_SLICE_MAX + 1},
		{.set = PVS_SET_FIFO, .prio = 0},
		{.set = PVS_SET_FIFO, .prio = 100},
		{.set = PVS_SET_DEADLINE, .dl_runtime = 0, .dl_deadline = 5, .dl_period = 5},
		{.set = PVS_SET_DEADLINE, .dl_runtime = 6, .dl_deadline = 5, .dl_period = 5},
		{.set = PVS_SET_DEADLINE, .dl_runtime = 1, .dl_deadline = 5, .dl_period = 4},
		{.set = PVS_SET_WEIGHT, .weight = 0},
		{.set = PVS_SET_WEIGHT, .weight = 10001},
	};
	struct pvs_sched weight = {.set = PVS_SET_WEIGHT, .weight = 100};
	struct fixture f;

	set_up(&f);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(apply(&f, &wrong[i]), -EINVAL);
		assert_baseline(&f);
	}
	assert_int_equal(apply(&f, &weight), -EPERM);
	tear_down(&f);
}

/* A baseline that is FIFO already: nice would be less. */
static void test_real_time_baseline(void **state)
{
	struct pvs_sched nice = {.set = PVS_SET_NICE, .nice = -20};
	struct pvs_sched fifo = {.set = PVS_SET_FIFO, .prio = 5};
	struct pvs_sched_attr attr = {.policy = PVS_SCHED_FIFO, .priority = 2};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_FIFO);
	f.actuator.ops->release(f.actuator.opaque, f.thread);
	assert_int_equal(pvs_sys_setattr(f.sleeper.tid, &attr), 0);
	f.before = now(&f);
	assert_int_equal(f.actuator.ops->capture(f.actuator.opaque, f.sleeper.tid, &f.thread), 0);
	assert_int_equal(apply(&f, &nice), -EINVAL);
	assert_int_equal(apply(&f, &fifo), 0);
	assert_int_equal(now(&f).priority, 5);
	restore(&f);
	assert_baseline(&f);
	tear_down(&f);
}

static void test_thread_gone(void **state)
{
	struct pvs_sched sched = {.set = PVS_SET_SLICE, .slice_ns = 900000};
	struct fixture f;
	void *thread;

	set_up(&f);
	assert_int_equal(f.actuator.ops->capture(f.actuator.opaque, 0, &thread), -ESRCH);
	sleeper_end(&f.sleeper);
	/* pthread_join() returns when the thread has told so, a little before the kernel is done.
	 */
	while (pvs_thread_start(f.sleeper.tid))
		;
	assert_int_equal(apply(&f, &sched), -ESRCH);
	assert_int_equal(f.actuator.ops->capture(f.actuator.opaque, f.sleeper.tid, &thread),
			 -ESRCH);
	f.actuator.ops->release(f.actuator.opaque, f.thread);
	pvs_actuator_linux_close(&f.actuator);
}

/* The id is another thread's now: what the first one had is not put onto it. */
static void test_id_reused(void **state)
{
	struct pvs_sched_attr mine = {.policy = PVS_SCHED_OTHER, .nice = 4};
	struct pvs_baseline base = {0};
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_NICE_DOWN); /* back from nice 4 */
	assert_int_equal(pvs_baseline_capture(&base, f.sleeper.tid, 0), 0);
	assert_int_equal(pvs_sys_setattr(f.sleeper.tid, &mine), 0);
	base.start--;
	base.dirty = PVS_DIRTY_ATTR;
	pvs_baseline_restore_checked(&base);
	assert_int_equal(now(&f).nice, 4);
	base.start++;
	base.dirty = PVS_DIRTY_ATTR;
	pvs_baseline_restore_checked(&base);
	assert_baseline(&f);
	tear_down(&f);
}

/* A boosted thread that is captured again would have the boost for its baseline. */
static void test_captured_once(void **state)
{
	const struct pvs_sched boost = {
		.set = PVS_SET_NICE | PVS_SET_SLICE, .nice = -7, .slice_ns = 700000};
	const struct pvs_actuator_ops *ops;
	void *again = NULL;
	struct fixture f;

	set_up(&f);
	need(&f, PVS_ACT_NICE_DOWN | PVS_ACT_SLICE);
	ops = f.actuator.ops;
	assert_int_equal(apply(&f, &boost), 0);
	assert_int_equal(ops->capture(f.actuator.opaque, f.sleeper.tid, &again), -EBUSY);
	assert_null(again);
	ops->release(f.actuator.opaque, f.thread);
	assert_baseline(&f);
	assert_int_equal(ops->capture(f.actuator.opaque, f.sleeper.tid, &f.thread), 0);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nice_and_slice),
		cmocka_unit_test(test_slice_without_privilege),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_deadline_again_and_again),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_undone_when_refused_in_part),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_real_time_baseline),
		cmocka_unit_test(test_thread_gone),
		cmocka_unit_test(test_id_reused),
		cmocka_unit_test(test_captured_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
