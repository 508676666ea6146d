// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The shipped policies in a VM: a guest writes its pages, a recorder notes what the threads would
 * get. Threads have ids that no thread of this machine has, so time is charged by the clock.
 */
#include "policy_fixture.h"

#include <errno.h>
#include <pvs_replay.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VCPUS = 4
};

#define TID(vcpu) (0x8000000 + (int)(vcpu))
#define US        1000ull
#define MS        1000000ull

struct world {
	struct pvs_guest_page *guest;
	struct pvs_host_page *host;
	struct pvs_actuator actuator;
	struct pvs_vm *vm;
	uint64_t now, cs_clock;
};

static void *pages(size_t size)
{
	void *made = aligned_alloc(PVS_PAGE_STRIDE, size);

	assert_non_null(made);
	return memset(made, 0, size);
}

static void world_begin(struct world *w, struct pvs_policy *policy, uint32_t actuators,
			const struct pvs_limits *limits)
{
	struct pvs_vm_config config = {.name = "test",
				       .n_vcpus = VCPUS,
				       .n_vectors = 1,
				       .sources = PVS_SRC_HALT | PVS_SRC_INJECT};

	*w = (struct world){.now = 1000 * MS,
			    .guest = pages(VCPUS * sizeof(*w->guest)),
			    .host = pages(VCPUS * sizeof(*w->host))};
	assert_int_equal(pvs_actuator_recorder(actuators, &w->actuator), 0);
	config.guest = w->guest;
	config.host = w->host;
	config.actuator = w->actuator;
	if (limits)
		config.limits = *limits;
	assert_int_equal(pvs_vm_create(&config, &w->vm, NULL), 0);
	pvs_vm_expire(w->vm, w->now);
	for (uint32_t i = 0; i < VCPUS; i++) {
		w->guest[i].wait = PVS_WAIT_NOBODY;
		assert_int_equal(pvs_vm_vcpu_add(w->vm, i, TID(i), NULL), 0);
	}
	pvs_vm_set_policy(w->vm, policy, false, w->now);
	pvs_vm_negotiated(
		w->vm, PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_STATE, w->now);
}

/* Opens the policy; the VM has the only reference. */
static void world_of(struct world *w, const char *name, uint32_t actuators,
		     const struct pvs_limits *limits)
{
	struct pvs_policy *policy = policy_opened(name, NULL);

	world_begin(w, policy, actuators, limits);
	pvs_policy_put(policy);
}

static void world_end(struct world *w)
{
	pvs_vm_destroy(w->vm);
	pvs_actuator_recorder_close(&w->actuator);
	free(w->guest);
	free(w->host);
}

static void event(struct world *w, uint32_t vcpu, enum pvs_event event, uint64_t us)
{
	w->now += us * US;
	pvs_vm_event(w->vm, vcpu, event, w->now);
}

/* @ms ticks of 1 ms, with whatever ends in between. */
static void ticks(struct world *w, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		w->now += MS;
		pvs_vm_tick(w->vm, w->now);
	}
}

static struct pvs_vcpu_stats stats(const struct world *w, uint32_t vcpu)
{
	struct pvs_vcpu_stats stats;

	assert_int_equal(pvs_vm_vcpu_stats(w->vm, vcpu, &stats), 0);
	return stats;
}

/* What @vcpu's thread has now, by the last note about it; set 0: its baseline. */
static struct pvs_sched in_effect(const struct world *w, uint32_t vcpu)
{
	const struct pvs_actuator_note *notes;
	size_t n = pvs_actuator_recorder_notes(&w->actuator, &notes);

	while (n && notes[n - 1].tid != TID(vcpu))
		n--;
	return n && !notes[n - 1].restored ? notes[n - 1].sched : (struct pvs_sched){0};
}

/* ---- boost ---------------------------------------------------------------------------------- */

#define USUAL (PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_SLICE)

static void wakes_with_a_boost(void **state)
{
	struct world w;
	struct pvs_sched sched;

	world_of(&w, "boost", USUAL, NULL);
	pvs_guest_set_intent(&w.guest[1], PVS_CLASS_IDLE, 0, 0, PVS_PENDING_RT_WAITER);
	event(&w, 1, PVS_EVENT_HALT, 100);
	sched = in_effect(&w, 1);
	assert_int_equal(sched.set, PVS_SET_NICE | PVS_SET_SLICE);
	assert_int_equal(sched.nice, -20);
	assert_int_equal(sched.slice_ns, 200 * US);
	ticks(&w, 100);
	assert_int_equal(stats(&w, 1).boost_ns, 0); /* it did not run, so it did not pay */
	event(&w, 1, PVS_EVENT_VCPU_RUN, 0);
	pvs_guest_set_intent(&w.guest[1], PVS_CLASS_RT, 0, 80, 0);
	ticks(&w, 2);
	assert_int_equal(in_effect(&w, 1).nice, -20);
	assert_true(stats(&w, 1).boost_ns > 0);
	pvs_guest_set_intent(&w.guest[1], PVS_CLASS_NORMAL, 0, 0, 0);
	event(&w, 1, PVS_EVENT_KICK, 10);
	assert_int_equal(in_effect(&w, 1).set, 0);
	world_end(&w);
}

/* A guest that always asks: it is boosted for its budget and the refill, and no longer. */
static void greedy_guest_is_bounded(void **state)
{
	const unsigned seconds = 10;
	struct pvs_vcpu_stats s;
	struct world w;

	world_of(&w, "boost", USUAL, NULL);
	pvs_guest_set_intent(&w.guest[0], PVS_CLASS_RT, 0, 99, 0);
	event(&w, 0, PVS_EVENT_VCPU_RUN, 0);
	ticks(&w, seconds * 1000);
	s = stats(&w, 0);
	/* 500 ms, 3 % of the time, and what a tick may be late. */
	assert_true(s.boost_ns <= (500 + seconds * 30 + 20) * MS);
	assert_true(s.boost_ns >= 500 * MS);
	assert_true(s.rejects[PVS_REJECT_BUDGET] > 0);
	world_end(&w);
}

static void fifo_as_far_as_it_is_allowed(void **state)
{
	const struct pvs_limits limits = {.ceiling = PVS_ACT_ALL, .prio_max = 5};
	struct world w;

	world_of(&w, "boost", PVS_ACT_ALL, &limits);
	pvs_guest_set_intent(&w.guest[0], PVS_CLASS_RT, 0, 80, 0);
	event(&w, 0, PVS_EVENT_KICK, 10);
	assert_int_equal(in_effect(&w, 0).set, PVS_SET_FIFO);
	/* One less than it may have: its service threads go before it. */
	assert_int_equal(in_effect(&w, 0).prio, 4);
	world_end(&w);
	/* And by default not at all. */
	world_of(&w, "boost", PVS_ACT_ALL, NULL);
	pvs_guest_set_intent(&w.guest[0], PVS_CLASS_RT, 0, 80, 0);
	event(&w, 0, PVS_EVENT_KICK, 10);
	assert_int_equal(in_effect(&w, 0).set, PVS_SET_NICE | PVS_SET_SLICE);
	world_end(&w);
}

static void nonsense_is_the_baseline(void **state)
{
	struct world w;

	world_of(&w, "boost", USUAL, NULL);
	pvs_guest_set_intent(&w.guest[0], PVS_CLASS_RT, 0, 80, 0);
	event(&w, 0, PVS_EVENT_KICK, 10);
	assert_int_equal(in_effect(&w, 0).nice, -20);
	w.guest[0].intent |= PVS_INTENT_CLASS_MASK;
	ticks(&w, 1);
	assert_int_equal(in_effect(&w, 0).set, 0);
	assert_int_equal(stats(&w, 0).reject, PVS_REJECT_MALFORMED);
	world_end(&w);
}

/* A hot swap undoes what the old policy gave. */
static void another_policy(void **state)
{
	struct pvs_policy *none = policy_opened("none", NULL);
	struct world w;

	world_of(&w, "boost", USUAL, NULL);
	pvs_guest_set_intent(&w.guest[0], PVS_CLASS_RT, 0, 80, 0);
	event(&w, 0, PVS_EVENT_KICK, 10);
	pvs_vm_set_policy(w.vm, none, false, w.now);
	pvs_policy_put(none);
	assert_int_equal(in_effect(&w, 0).set, 0);
	ticks(&w, 10);
	assert_int_equal(in_effect(&w, 0).set, 0);
	world_end(&w);
}

/* ---- lock-holder ---------------------------------------------------------------------------- */

static void the_awaited_is_boosted(void **state)
{
	struct world w;

	world_of(&w, "lock-holder", USUAL, NULL);
	ticks(&w, 1);
	event(&w, 0, PVS_EVENT_VCPU_RUN, 0);
	pvs_guest_set_wait(&w.guest[0], 3, PVS_WAIT_SPINLOCK);
	event(&w, 0, PVS_EVENT_KICK, 10);
	assert_int_equal(in_effect(&w, 0).set, 0);
	assert_int_equal(in_effect(&w, 3).nice, -15);
	ticks(&w, 5);
	assert_int_equal(in_effect(&w, 3).nice, -15);
	/* Nobody waits any more. */
	pvs_guest_set_wait(&w.guest[0], PVS_WAIT_NOBODY, PVS_WAIT_NONE);
	ticks(&w, 3);
	assert_int_equal(in_effect(&w, 3).set, 0);
	world_end(&w);
}

static void the_holder_is_boosted(void **state)
{
	struct world w;

	world_of(&w, "lock-holder", USUAL, NULL);
	pvs_guest_set_cs(&w.guest[2], PVS_CS_LOCK, w.now);
	event(&w, 2, PVS_EVENT_VCPU_STOP, 100);
	assert_int_equal(in_effect(&w, 2).nice, -15);
	assert_int_equal(stats(&w, 2).preempted_in_cs, 1);
	pvs_guest_set_cs(&w.guest[2], 0, w.now);
	event(&w, 2, PVS_EVENT_VCPU_RUN, 100);
	assert_int_equal(in_effect(&w, 2).set, 0);
	world_end(&w);
}

/* ---- deadline ------------------------------------------------------------------------------- */

static void reservation(void **state)
{
	const struct pvs_limits limits = {.ceiling = PVS_ACT_ALL};
	struct pvs_sched sched;
	struct world w;

	world_of(&w, "deadline", PVS_ACT_ALL, &limits);
	pvs_guest_set_deadline(&w.guest[0], 1 * MS, 5 * MS, 10 * MS, 0);
	ticks(&w, 1);
	sched = in_effect(&w, 0);
	assert_int_equal(sched.set, PVS_SET_DEADLINE);
	assert_int_equal(sched.dl_runtime, 1200 * US);
	assert_int_equal(sched.dl_deadline, 5 * MS);
	assert_int_equal(sched.dl_period, 10 * MS);
	pvs_guest_set_deadline(&w.guest[0], 0, 0, 0, 0);
	ticks(&w, 1);
	assert_int_equal(in_effect(&w, 0).set, 0);
	world_end(&w);
}

/* ---- Faults --------------------------------------------------------------------------------- */

/* A callback that does not end costs its budget, and its vCPU the boost. */
static void endless_policy(void **state)
{
	static const struct pvs_tunable spins = {"spins", 60000};
	const struct pvs_policy_options options = {.tunables = &spins, .n_tunables = 1};
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &options);
	struct pvs_policy_info info;
	struct world w;

	world_begin(&w, policy, USUAL, NULL);
	for (int i = 0; i < 20; i++) {
		pvs_guest_set_intent(&w.guest[0], PVS_CLASS_RT, 0, 1 + i, 0);
		event(&w, 0, PVS_EVENT_KICK, 1000);
	}
	pvs_policy_info(policy, &info);
	assert_true(info.faults > 0);
	assert_int_equal(in_effect(&w, 0).set, 0);
	world_end(&w);
	pvs_policy_put(policy);
}

/* ---- Records -------------------------------------------------------------------------------- */

/* What a VM recorded, the same policy decides again. */
static void recorded_and_replayed(void **state)
{
	struct pvs_policy *again = policy_opened("boost", NULL);
	struct pvs_replay_summary sum;
	char path[] = "/tmp/pvs-policies-XXXXXX";
	struct pvs_record *record;
	struct pvs_replay *replay;
	struct world w;

	close(mkstemp(path));
	assert_int_equal(pvs_record_create(path, &record, NULL), 0);
	world_of(&w, "none", USUAL, NULL); /* so that the policy's whole life is in the record */
	pvs_vm_set_record(w.vm, record);
	pvs_vm_set_policy(w.vm, again, false, w.now);
	pvs_policy_put(again);
	for (unsigned i = 0; i < 400; i++) {
		struct pvs_guest_page *page = &w.guest[i % VCPUS];

		pvs_guest_set_intent(page, 1 + i % (PVS_CLASS_MAX - 1), 0,
				     1 + i % (PVS_CLASS_MAX - 1) == PVS_CLASS_RT ? 50 : 0,
				     1u << i % 8);
		pvs_guest_set_cs(page, i % 3 ? PVS_CS_LOCK : 0, w.now);
		event(&w, i % VCPUS, (enum pvs_event)(PVS_EVENT_VCPU_RUN + i % 4), 130);
		if (i % 5 == 0)
			ticks(&w, 1);
	}
	world_end(&w);
	assert_int_equal(pvs_record_close(record), 0);
	again = policy_opened("boost", NULL);
	assert_int_equal(pvs_replay_create(again, NULL, &replay), 0);
	pvs_policy_put(again);
	assert_int_equal(pvs_replay_file(replay, path, NULL), 0);
	pvs_replay_summary(replay, &sum);
	assert_true(sum.decisions > 500);
	assert_true(sum.before.apply > 50);
	assert_int_equal(sum.equal, sum.decisions);
	pvs_replay_destroy(replay);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wakes_with_a_boost),
		cmocka_unit_test(greedy_guest_is_bounded),
		cmocka_unit_test(fifo_as_far_as_it_is_allowed),
		cmocka_unit_test(nonsense_is_the_baseline),
		cmocka_unit_test(another_policy),
		cmocka_unit_test(the_awaited_is_boosted),
		cmocka_unit_test(the_holder_is_boosted),
		cmocka_unit_test(reservation),
		cmocka_unit_test(endless_policy),
		cmocka_unit_test(recorded_and_replayed),
	};

	return run_policy_tests(tests);
}
