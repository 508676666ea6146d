/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A loop that is stuck in what it was asked to do: others get away, notice, and undo. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pvs.h"
#include "sched_sys.h"
#include "thread_double.h"

#define SILENCE_NS 200000000u

static struct {
	struct pvs_loop *loop;
	struct pvs_watchdog *watchdog;
	struct pvs_actuator actuator;
	sem_t hangs, go_on;                  /* the loop, in hang() */
	sem_t stuck, answers, restored, ran; /* posted by whom they are about */
	uint64_t silent_ns;                  /* atomic */
} t;

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;
}

static void hang(void *opaque)
{
	sem_post(&t.hangs);
	wait_for(&t.go_on);
}

static void run(void *opaque)
{
	sem_post(&t.ran);
}

static void changed(void *opaque, bool stuck, uint64_t silent_ns)
{
	__atomic_store_n(&t.silent_ns, silent_ns, __ATOMIC_RELAXED);
	sem_post(stuck ? &t.stuck : &t.answers);
}

static void restore(void *opaque)
{
	if (t.actuator.ops)
		t.actuator.ops->rescue(t.actuator.opaque);
	sem_post(&t.restored);
}

static int setup(void **state)
{
	sem_t *const all[] = {&t.hangs, &t.go_on, &t.stuck, &t.answers, &t.restored, &t.ran};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sem_init(all[i], 0, 0);
	t.actuator.ops = NULL;
	return pvs_loop_create("pvs-test", &t.loop, NULL);
}

static int teardown(void **state)
{
	pvs_watchdog_destroy(t.watchdog);
	t.watchdog = NULL;
	pvs_loop_destroy(t.loop);
	return 0;
}

static void watch(void)
{
	const struct pvs_watchdog_config config = {
		.loop = t.loop,
		.silence_ns = SILENCE_NS,
		.changed = changed,
		.restore = restore,
	};

	assert_int_equal(pvs_watchdog_create(&config, &t.watchdog, NULL), 0);
}

static void get_stuck(void)
{
	assert_int_equal(pvs_loop_post(t.loop, hang, NULL), 0);
	wait_for(&t.hangs);
}

/* Noticed once, undone at each look, and over when the loop goes on. */
static void test_stuck(void **state)
{
	watch();
	for (unsigned i = 1; i <= 2; i++) {
		get_stuck();
		wait_for(&t.stuck);
		assert_true(pvs_watchdog_stuck(t.watchdog));
		assert_int_equal(pvs_watchdog_silences(t.watchdog), i);
		assert_true(__atomic_load_n(&t.silent_ns, __ATOMIC_RELAXED) >= SILENCE_NS * 3 / 4);
		wait_for(&t.restored);
		wait_for(&t.restored);
		sem_post(&t.go_on);
		wait_for(&t.answers);
		assert_false(pvs_watchdog_stuck(t.watchdog));
		assert_int_equal(sem_trywait(&t.stuck), -1);
		while (!sem_trywait(&t.restored))
			;
	}
}

/* A loop without anything to do is asked, and answers. */
static void test_idle(void **state)
{
	uint64_t heard = pvs_loop_heard(t.loop);

	watch();
	for (unsigned rounds = 0; rounds < 3; rounds++) {
		while (pvs_loop_heard(t.loop) == heard)
			sched_yield();
		heard = pvs_loop_heard(t.loop);
	}
	assert_false(pvs_watchdog_stuck(t.watchdog));
}

/* A call that has not begun is taken back and never comes; what was posted does. */
static void test_calls(void **state)
{
	get_stuck();
	assert_int_equal(pvs_loop_call_within(t.loop, run, NULL, 1000000), -ETIMEDOUT);
	assert_int_equal(pvs_loop_call_within(t.loop, run, NULL, 0), -ETIMEDOUT);
	assert_int_equal(pvs_loop_post(t.loop, run, NULL), 0);
	assert_int_equal(sem_trywait(&t.ran), -1);
	sem_post(&t.go_on);
	assert_int_equal(pvs_loop_call_within(t.loop, run, NULL, UINT64_MAX), 0);
	wait_for(&t.ran);
	wait_for(&t.ran);
	assert_int_equal(sem_trywait(&t.ran), -1);
}

/* What has begun is waited for, however little time there was. */
static void *let_go(void *opaque)
{
	wait_for(&t.hangs);
	sem_post(&t.go_on);
	return NULL;
}

static void test_begun(void **state)
{
	pthread_t other;

	assert_int_equal(pthread_create(&other, NULL, let_go, NULL), 0);
	assert_int_equal(pvs_loop_call_within(t.loop, hang, NULL, 10000000000), 0);
	pthread_join(other, NULL);
}

static uint64_t slice_of(pid_t tid)
{
	struct pvs_sched_attr attr;

	assert_true(pvs_sys_getattr(tid, &attr) >= 0);
	return attr.runtime;
}

/* A thread changed by who is stuck has its baseline, and is changed anew when that one goes on. */
static void test_rescue(void **state)
{
	const struct pvs_sched sched = {.set = PVS_SET_SLICE, .slice_ns = 300000};
	const struct pvs_sched other = {.set = PVS_SET_SLICE, .slice_ns = 400000};
	struct sleeper sleeper;
	uint64_t baseline;
	void *thread;

	assert_int_equal(pvs_actuator_linux(NULL, &t.actuator, NULL), 0);
	sleeper_start(&sleeper);
	baseline = slice_of(sleeper.tid);
	assert_int_equal(t.actuator.ops->capture(t.actuator.opaque, sleeper.tid, &thread), 0);
	if (!(t.actuator.ops->probe(t.actuator.opaque, PVS_ACT_SLICE, NULL) & PVS_ACT_SLICE))
		skip();
	assert_int_equal(t.actuator.ops->apply(t.actuator.opaque, thread, &sched), 0);
	assert_int_equal(slice_of(sleeper.tid), 300000);

	watch();
	get_stuck();
	wait_for(&t.restored);
	assert_int_equal(slice_of(sleeper.tid), baseline);
	sem_post(&t.go_on);
	wait_for(&t.answers);

	/* The same once more, which it would take for done already. */
	assert_int_equal(t.actuator.ops->apply(t.actuator.opaque, thread, &sched), 0);
	assert_int_equal(slice_of(sleeper.tid), 300000);
	assert_int_equal(t.actuator.ops->apply(t.actuator.opaque, thread, &other), 0);
	t.actuator.ops->restore(t.actuator.opaque, thread);
	assert_int_equal(slice_of(sleeper.tid), baseline);
	t.actuator.ops->release(t.actuator.opaque, thread);
	sleeper_end(&sleeper);
	pvs_watchdog_destroy(t.watchdog);
	t.watchdog = NULL;
	pvs_actuator_linux_close(&t.actuator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rescue, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
