/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A VM whose policy decides in the kernel: its decisions are judged and put into effect by the
 * loop, and what the VM knows is in the contexts of the next. Skipped where bpf() does not work.
 */
#include "policy_fixture.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "pvs_kernel.h"
#include "worker.h"

enum {
	VCPUS = 2
};

static const uint64_t features = PVS_F_INTENT | PVS_F_CS | PVS_F_STATE | PVS_F_OPAQUE;

static struct pvs_host_page host_pages[VCPUS + PVS_OPAQUE_PAGES];
static struct pvs_kernel_host *host;
static struct pvs_live *live;
static struct pvs_vm *vm;
static struct pvs_loop *loop;
static struct pvs_actuator actuator;
static struct worker worker; /* vCPU 1 */
static struct pvs_vcpu_stats stats;

static void negotiate(void *opaque)
{
	pvs_vm_negotiated(vm, features, 1);
}

static int setup(void **state)
{
	struct pvs_vm_config config = {
		.name = "live",
		.n_vcpus = VCPUS,
		.host = host_pages,
		.sources = PVS_SRC_SWITCH | PVS_SRC_HALT,
	};

	memset(host_pages, 0, sizeof(host_pages));
	assert_int_equal(pvs_kernel_host_create(0, VCPUS, false, &host, NULL), 0);
	config.guest = pvs_kernel_host_pages(host);
	assert_int_equal(pvs_actuator_recorder(PVS_ACT_ALL, &actuator), 0);
	config.actuator = actuator;
	assert_int_equal(pvs_vm_create(&config, &vm, NULL), 0);
	worker_start(&worker, false, WORKER_ANY_CPU);
	assert_int_equal(pvs_vm_vcpu_add(vm, 1, worker.tid, NULL), 0);
	assert_int_equal(pvs_loop_create("pvs-live", &loop, NULL), 0);
	assert_int_equal(pvs_loop_add(loop, vm, NULL, NULL), 0);
	assert_int_equal(pvs_live_create(loop, vm, host, false, &live, NULL), 0);
	assert_int_equal(pvs_kernel_host_add(host, 1, worker.tid), 0);
	pvs_loop_call(loop, negotiate, NULL);
	return 0;
}

static int teardown(void **state)
{
	pvs_live_destroy(live);
	pvs_loop_remove(loop, vm);
	pvs_loop_destroy(loop);
	pvs_vm_destroy(vm);
	pvs_actuator_recorder_close(&actuator);
	pvs_kernel_host_destroy(host);
	worker_finish(&worker);
	return 0;
}

static void look(void *opaque)
{
	pvs_vm_vcpu_stats(vm, 1, &stats);
}

/* Let the vCPU run and halt until the VM has heard of @n more events of a kind. */
static void live_on(enum pvs_event event, uint64_t n)
{
	uint64_t before;

	pvs_loop_call(loop, look, NULL);
	before = stats.events[event];
	while (stats.events[event] < before + n) {
		worker_go_on(&worker);
		sched_yield();
		pvs_loop_call(loop, look, NULL);
	}
}

static void look_at_notes(void *opaque)
{
	const struct pvs_actuator_note *notes;
	const size_t n = pvs_actuator_recorder_notes(&actuator, &notes);

	assert_true(n > 0);
	*(struct pvs_actuator_note *)opaque = notes[n - 1];
}

/* The recorder is the loop's. */
static struct pvs_actuator_note last_note(void)
{
	struct pvs_actuator_note note;

	pvs_loop_call(loop, look_at_notes, &note);
	return note;
}

static struct pvs_policy *put_over(const char *name, enum pvs_policy_host where, uint64_t mark,
				   bool handover)
{
	const struct pvs_tunable tunable = {"mark", (int64_t)mark};
	const struct pvs_policy_options options = {
		.host = where, .tunables = &tunable, .n_tunables = mark ? 1 : 0};
	struct pvs_policy *policy = policy_opened(name, &options);
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	assert_int_equal(pvs_live_set_policy(live, policy, handover, &log), 0);
	assert_string_equal(text, "");
	return policy;
}

static struct pvs_policy *put_in_place(const char *name, enum pvs_policy_host where, uint64_t mark)
{
	return put_over(name, where, mark, false);
}

/* What the guest has in its line is answered in the host's. */
static void words_are_answered(void **state)
{
	struct pvs_policy *policy =
		put_in_place(test_object("opaque_switches"), PVS_HOST_KERNEL, 0);
	struct pvs_opaque_page *guest =
		(struct pvs_opaque_page *)&pvs_kernel_host_pages(host)[VCPUS];
	const struct pvs_opaque_page *shown = (struct pvs_opaque_page *)&host_pages[VCPUS];

	for (uint64_t n = 1; n < 4; n++) {
		__atomic_store_n(&guest->line[1].word[0], n, __ATOMIC_RELEASE);
		while (__atomic_load_n(&shown->line[1].word[7], __ATOMIC_ACQUIRE) != n + 7)
			live_on(PVS_EVENT_HALT, 1);
	}
	assert_int_equal(__atomic_load_n(&shown->line[0].word[7], __ATOMIC_ACQUIRE), 0);
	pvs_policy_put(policy);
}

static void decisions_take_effect(void **state)
{
	struct pvs_policy *policy = put_in_place(test_object("live"), PVS_HOST_KERNEL, 700000);
	struct pvs_kernel_stats kernel;

	live_on(PVS_EVENT_HALT, 3);
	assert_int_equal(stats.boost, PVS_BOOST_RT);
	assert_int_equal(stats.set, PVS_SET_NICE | PVS_SET_SLICE);
	assert_true(stats.applied >= 1);
	assert_int_equal(last_note().tid, worker.tid);
	assert_int_equal(last_note().sched.slice_ns, 700000);
	pvs_kernel_host_stats(host, &kernel);
	assert_true(kernel.latency_count >= 1);
	assert_true(kernel.latency_p50 > 0 && kernel.latency_p50 <= kernel.latency_p99 &&
		    kernel.latency_p99 <= kernel.latency_max);
	assert_int_equal(kernel.lost, 0);
	pvs_policy_put(policy);
}

/* Policies that are no longer: whoever asks, one of them is asked, and effects do not stay. */
static void policies_change(void **state)
{
	struct pvs_policy *policy = put_in_place(test_object("live"), PVS_HOST_KERNEL, 700000);

	live_on(PVS_EVENT_HALT, 1);
	pvs_policy_put(policy);
	policy = put_in_place(test_object("live"), PVS_HOST_KERNEL, 900000);
	live_on(PVS_EVENT_HALT, 2);
	assert_int_equal(last_note().sched.slice_ns, 900000);
	pvs_policy_put(policy);
	/* One of the engine is asked by the loop. */
	policy = put_in_place("none", PVS_HOST_ENGINE, 0);
	live_on(PVS_EVENT_HALT, 2);
	assert_int_equal(stats.set, 0);
	assert_true(last_note().restored);
	pvs_policy_put(policy);
	assert_int_equal(pvs_live_set_policy(live, NULL, false, NULL), 0);
	live_on(PVS_EVENT_HALT, 2);
	assert_int_equal(stats.set, 0);
}

/* What the old one did stays, whoever asks the new one, until that decides. */
static void effects_are_handed_over(void **state)
{
	struct pvs_policy *policy = put_in_place(test_object("live"), PVS_HOST_KERNEL, 700000);
	uint64_t restored;

	live_on(PVS_EVENT_HALT, 2);
	restored = stats.restored;
	pvs_policy_put(policy);
	policy = put_over("none", PVS_HOST_ENGINE, 0, true);
	live_on(PVS_EVENT_HALT, 2);
	assert_int_equal(stats.boost, PVS_BOOST_RT);
	assert_int_equal(stats.set, PVS_SET_NICE | PVS_SET_SLICE);
	assert_int_equal(last_note().sched.slice_ns, 700000);
	pvs_policy_put(policy);
	policy = put_over(test_object("live"), PVS_HOST_KERNEL, 900000, true);
	live_on(PVS_EVENT_HALT, 2);
	assert_int_equal(last_note().sched.slice_ns, 900000);
	assert_int_equal(stats.restored, restored);
	pvs_policy_put(policy);
}

/* What a policy is told of its vCPU: it sees the boost it gave, and how long it ran since INIT. */
static void contexts_are_told(void **state)
{
	struct pvs_policy *policy = put_in_place(test_object("live_told"), PVS_HOST_KERNEL, 0);

	/* It boosts, and undoes that as soon as it sees the boost: both happen again and again. */
	live_on(PVS_EVENT_HALT, 1);
	while (stats.applied < 3 || stats.restored < 3)
		live_on(PVS_EVENT_HALT, 1);
	pvs_policy_put(policy);
}

static bool kernel_takes_no_program(void)
{
	static char text[4096];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_kernel_host *none;
	const int err = pvs_kernel_host_create(0, 1, false, &none, &log);

	pvs_kernel_host_destroy(none);
	if (err == -EPERM || err == -ENOSYS || err == -ENOTSUP) {
		printf("1..0 # SKIP %s", text);
		return true;
	}
	return false;
}

#define live_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(words_are_answered), live_test(decisions_take_effect),
		live_test(policies_change),    live_test(effects_are_handed_over),
		live_test(contexts_are_told),
	};

	if (policy_tests_begin())
		return 0;
	if (kernel_takes_no_program())
		return policy_tests_end(0);
	return policy_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
