/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One policy and one budget for two front ends, and either side killed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "manager/server_internal.h"
#include "manager_fixture.h"
#include "process_double.h"

static bool is_set(void *opaque)
{
	return __atomic_load_n((uint32_t *)opaque, __ATOMIC_SEQ_CST) != 0;
}

static bool is_two(void *opaque)
{
	return __atomic_load_n((uint32_t *)opaque, __ATOMIC_SEQ_CST) == 2;
}

static void test_boost_and_back(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;

	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	assert_string_equal(a->shared->text, "");
	assert_int_equal(a->shared->error, 0);
	assert_true(wait_for(is_set, &a->shared->connected));
	assert_string_equal(a->shared->policy, "boost");
	assert_true(a->shared->sources & PVS_SRC_TICK);
	assert_true(a->shared->actuators & PVS_ACT_NICE_DOWN);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	front_end_ask(a, false);
	assert_true(front_end_baseline(a));
	front_end_kill(a);
	manager_free(manager);
}

/* One place for all: the second is refused until the first one's process is gone. */
static void test_one_place_for_two(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a, *b;

	manager->pool_boosted = 1;
	manager->pool_budget_ns = 1000000000;
	manager->pool_refill_ppm = 100000;
	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	b = front_end_start(manager, "b", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	front_end_ask(b, true);
	assert_true(front_end_rejected(b, PVS_REJECT_CONCURRENT));
	assert_true(front_end_baseline(b));
	front_end_kill(a);
	assert_true(front_end_boosted(b));
	front_end_kill(b);
	manager_free(manager);
}

/* One budget for all: what the first one's vCPU ran away, the second one does not have. */
static void test_one_budget_for_two(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a, *b;

	manager->pool_boosted = 8;
	manager->pool_budget_ns = 20000000;
	manager->pool_refill_ppm = 1; /* what was spent does not come back during the test */
	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	b = front_end_start(manager, "b", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	__atomic_store_n(&a->shared->spin, 1, __ATOMIC_SEQ_CST);
	assert_true(front_end_rejected(a, PVS_REJECT_BUDGET));
	__atomic_store_n(&a->shared->spin, 0, __ATOMIC_SEQ_CST);
	assert_true(front_end_baseline(a));
	front_end_ask(b, true);
	assert_true(front_end_rejected(b, PVS_REJECT_BUDGET));
	assert_true(front_end_baseline(b));
	front_end_kill(a);
	front_end_kill(b);
	manager_free(manager);
}

/* kill -9 of the manager: the guard restores, the client is told, and finds the next manager. */
static void test_manager_killed(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;

	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	manager_kill(manager);
	assert_true(front_end_baseline(a));
	assert_true(wait_for(is_set, &a->shared->lost));
	manager_start(manager);
	assert_true(wait_for(is_two, &a->shared->connected));
	/* It was told all of it again, by itself. */
	assert_true(front_end_boosted(a));
	front_end_kill(a);
	manager_free(manager);
}

/* Stopped, it holds nobody boosted; going on, it knows. */
static void test_manager_stopped(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;

	manager->watchdog_ns = 1500000000;
	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	manager_signal(manager, SIGSTOP);
	assert_true(front_end_baseline(a));
	manager_signal(manager, SIGCONT);
	assert_true(front_end_boosted(a));
	manager_kill(manager);
	assert_true(front_end_baseline(a));
	front_end_kill(a);
	manager_free(manager);
}

static void test_nobody_listens(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a = front_end_start(manager, "a", NULL);
	char text[256];

	assert_int_equal(a->shared->error, -ENOENT);
	snprintf(text, sizeof(text),
		 "manager %s: No such file or directory; is sluice-pvsd running?\n", manager->path);
	assert_string_equal(a->shared->text, text);
	front_end_kill(a);
	manager_free(manager);
}

/* What a client asks for beyond what the administrator gives it does not get. */
static void test_clamped(void **state)
{
	const struct pvs_limits asked = {
		.ceiling = PVS_ACT_NICE_DOWN | PVS_ACT_FIFO, .nice_min = -20, .has_nice_min = true};
	struct manager *manager = manager_new();
	struct front_end *a;

	manager->limits.ceiling = PVS_ACT_NICE_DOWN | PVS_ACT_NICE_UP | PVS_ACT_SLICE;
	manager->limits.nice_min = -3;
	manager->limits.has_nice_min = true;
	manager_start(manager);
	a = front_end_start(manager, "a", &asked);
	front_end_ask(a, true);
	assert_true(front_end_rejected(a, PVS_REJECT_CEILING));
	assert_int_equal(pvs_sys_getattr(a->vcpu, &a->baseline), 0);
	assert_int_equal(a->baseline.nice, -3);
	assert_int_equal(a->baseline.policy, PVS_SCHED_OTHER);
	front_end_kill(a);
	manager_free(manager);
}

/* It is looked at no more often than the administrator wants, and no more rarely than it takes to
 * notice what it owes. */
static void test_ticks_clamped(void **state)
{
	const uint64_t asked[] = {0, 10, 2000000, UINT64_MAX};
	const uint64_t granted[] = {1000000, 1000000, 2000000, 100000000};
	const struct pvs_limits admin = {0};

	for (size_t i = 0; i < 4; i++) {
		const struct pvs_limits limits = {.tick_ns = asked[i]};
		struct pvs_limits got;

		pvs_limits_clamp(&limits, &admin, 2, &got);
		assert_int_equal(got.tick_ns, granted[i]);
	}
}

static bool is_running(void *opaque)
{
	const struct front_end *front_end = opaque;
	uint64_t state = __atomic_load_n(&front_end->host->state, __ATOMIC_RELAXED);

	return (state & PVS_STATE_RUN_MASK) == PVS_RUN_RUNNING;
}

static bool is_halted(void *opaque)
{
	const struct front_end *front_end = opaque;
	uint64_t state = __atomic_load_n(&front_end->host->state, __ATOMIC_RELAXED);

	return (state & PVS_STATE_RUN_MASK) == PVS_RUN_HALTED;
}

/* By BPF on the host the manager hears itself what threads of another process do. */
static void test_switches(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;

	manager->switches = true;
	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	assert_true(wait_for(is_set, &a->shared->connected));
	assert_int_equal(a->shared->sources & (PVS_SRC_SWITCH | PVS_SRC_HALT),
			 PVS_SRC_SWITCH | PVS_SRC_HALT);
	assert_true(wait_for(is_halted, a));
	__atomic_store_n(&a->shared->spin, 1, __ATOMIC_SEQ_CST);
	assert_true(wait_for(is_running, a));
	__atomic_store_n(&a->shared->spin, 0, __ATOMIC_SEQ_CST);
	assert_true(wait_for(is_halted, a));
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	front_end_kill(a);
	manager_free(manager);
}

static void test_policy_in_kernel(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;

	manager->policy_host = PVS_HOST_KERNEL;
	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	front_end_ask(a, false);
	assert_true(front_end_baseline(a));
	front_end_kill(a);
	manager_free(manager);
}

static void test_control(void **state)
{
	struct manager *manager = manager_new();
	char expected[128], *reply;
	struct front_end *a;

	manager_start(manager);
	a = front_end_start(manager, "first", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	manager_ask(manager, "{\"command\":\"status\"}", &reply);
	snprintf(expected, sizeof(expected), "\"name\":\"first\",\"vm\":0,\"pid\":%d", (int)a->pid);
	assert_non_null(strstr(reply, expected));
	snprintf(expected, sizeof(expected), "\"tid\":%d", (int)a->vcpu);
	assert_non_null(strstr(reply, expected));
	assert_non_null(strstr(reply, "\"boost\":\"rt\""));
	assert_non_null(strstr(reply, "\"events\":{\"init\":1,\"vcpu_run\":"));
	assert_non_null(strstr(reply, "\"rejects\":{\"malformed\":0,\"torn\":0,"));
	free(reply);
	manager_ask(manager, "{\"command\":\"policy\",\"name\":\"none\"}", &reply);
	assert_non_null(strstr(reply, "\"name\":\"none\""));
	free(reply);
	/* The old one's effects are undone, and the front end is told. */
	assert_true(front_end_baseline(a));
	assert_true(wait_for(is_set, &a->shared->policies));
	assert_string_equal(a->shared->policy, "none");
	manager_ask(manager, "{\"command\":\"policy\",\"name\":\"boost\",\"set\":{\"fifo\":0}}",
		    &reply);
	assert_non_null(strstr(reply, "\"name\":\"boost\""));
	free(reply);
	assert_true(front_end_boosted(a));
	manager_ask(manager, "{\"command\":\"dance\"}", &reply);
	assert_string_equal(reply,
			    "{\"error\":\"no such command; status, policy and record are known\"}");
	free(reply);
	manager_ask(manager, "garbage", &reply);
	assert_string_equal(reply,
			    "{\"error\":\"no such command; status, policy and record are known\"}");
	free(reply);
	front_end_kill(a);
	manager_free(manager);
}

/* What sluice-pvsd does not send, somebody else may. */
static void test_control_of_other_types(void **state)
{
	static const char *const refused[][2] = {
		{"{\"command\":\"policy\",\"name\":null}", "policy set: no name"},
		{"{\"command\":\"policy\",\"name\":{\"a\":1}}", "policy set: no name"},
		{"{\"command\":\"record\",\"file\":null}", "record: no file"},
		{"{\"command\":null}", "no such command; status, policy and record are known"},
		{"{\"command\":7}", "no such command; status, policy and record are known"},
		{"[1]", "no such command; status, policy and record are known"},
		{"null", "no such command; status, policy and record are known"},
	};
	struct manager *manager = manager_new();
	char expected[128], *reply;

	manager_start(manager);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		manager_ask(manager, refused[i][0], &reply);
		snprintf(expected, sizeof(expected), "{\"error\":\"%s\"}", refused[i][1]);
		assert_string_equal(reply, expected);
		free(reply);
	}
	manager_free(manager);
}

/* ---- A scheduling thread that is stuck, as a debugger holds it ------------------------------- */

/* The watchdog notices it, with or without a guard: nobody is boosted, and status says why. */
static void test_loop_stuck(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;
	char *reply;

	manager->limits.watchdog_ns = 1000000000;
	manager_start(manager);
	a = front_end_start(manager, "a", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	assert_true(manager_says(manager, "\"loop_stuck\":false"));
	manager_hold_loop(manager);
	assert_true(front_end_baseline(a));
	assert_true(manager_comes_to_say(manager, "\"loop_stuck\":true"));
	manager_ask(manager, "{\"command\":\"policy\",\"name\":\"none\"}", &reply);
	assert_string_equal(reply,
			    "{\"error\":\"policy set: the scheduling thread does not answer; "
			    "the policy stays\"}");
	free(reply);
	manager_release_loop(manager);
	assert_true(manager_comes_to_say(manager, "\"loop_stuck\":false"));
	assert_true(manager_says(manager, "\"loop_silences\":1"));
	assert_true(front_end_boosted(a));
	front_end_kill(a);
	manager_free(manager);
}

/* Who comes before the watchdog says that it is stuck is refused, and others are served. */
static void test_hello_while_stuck(void **state)
{
	struct manager *manager = manager_new();
	struct front_end *a;
	char text[200];

	manager->limits.watchdog_ns = 2000000000;
	manager_start(manager);
	manager_hold_loop(manager);
	a = front_end_start(manager, "a", NULL);
	snprintf(text, sizeof(text),
		 "manager %s: refused: the scheduling thread does not answer; connect again when "
		 "it does\n",
		 manager->path);
	assert_string_equal(a->shared->text, text);
	assert_int_equal(a->shared->error, -ETIMEDOUT);
	front_end_kill(a);
	assert_true(manager_says(manager, "\"loop_stuck\":true"));
	manager_release_loop(manager);
	assert_true(manager_comes_to_say(manager, "\"loop_stuck\":false"));
	a = front_end_start(manager, "a", NULL);
	assert_int_equal(a->shared->error, 0);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	front_end_kill(a);
	manager_free(manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boost_and_back),
		cmocka_unit_test(test_one_place_for_two),
		cmocka_unit_test(test_one_budget_for_two),
		cmocka_unit_test(test_manager_killed),
		cmocka_unit_test(test_manager_stopped),
		cmocka_unit_test(test_loop_stuck),
		cmocka_unit_test(test_hello_while_stuck),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_clamped),
		cmocka_unit_test(test_ticks_clamped),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_of_other_types),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_policy_in_kernel),
	};

	/* What is granted is compared with a nice of 0, whatever the tests were started with. */
	setpriority(PRIO_PROCESS, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
