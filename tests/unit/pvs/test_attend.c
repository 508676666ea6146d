// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a VM asks to be woken for, and how rarely it looks: no more than policy and guest ask. */
#include "mailbox.h"
#include "vm_test.h"

static struct {
	unsigned asked, caught_up;
	enum pvs_wakes wakes;
} front;

static void wakes(void *opaque, enum pvs_wakes wakes)
{
	front.asked++;
	front.wakes = wakes;
}

static void catch_up(void *opaque)
{
	front.caught_up++;
}

static const struct pvs_vm_ops ops = {.wakes = wakes, .catch_up = catch_up};

static int setup(void **state)
{
	memset(&front, 0, sizeof(front));
	return vm_setup(state);
}

/* A VM whose policy has @callbacks, after its guest's hints were seen for the first time. */
static void begin(uint32_t callbacks)
{
	f.policy.callbacks = callbacks;
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_SWITCH | PVS_SRC_HALT});
	f.vm->ops = &ops;
	f.vm->opaque = NULL;
	tick(&f);
}

static const uint32_t nothing = 1u << PVS_EVENT_INIT;

static uint64_t tick_after(uint64_t ns)
{
	f.now += ns;
	return tick(&f) - f.now;
}

static void test_nobody_asks(void **state)
{
	const uint32_t what_it_does = PVS_POST_STATES | 1u << PVS_EVENT_KICK;
	uint64_t generation;

	begin(nothing);
	assert_int_equal(front.wakes, PVS_WAKES_NEVER);
	assert_int_equal(front.asked, 1);
	assert_int_equal(pvs_vm_hears(f.vm) & what_it_does, 0);
	/* A state is shown with the next tick, and not before. */
	generation = f.host[1].state >> PVS_STATE_GEN_SHIFT;
	event(&f, 1, PVS_EVENT_VCPU_RUN);
	f.now += MS;
	event(&f, 1, PVS_EVENT_VCPU_STOP);
	assert_int_equal(f.host[1].state >> PVS_STATE_GEN_SHIFT, generation);
	assert_int_equal(tick_after(MS), PVS_IDLE_TICKS * MS);
	assert_int_equal(f.host[1].state >> PVS_STATE_GEN_SHIFT, generation + 1);
	assert_int_equal(shown_run(&f, 1), PVS_RUN_PREEMPTED);
	assert_int_equal(f.host[1].run_ns, MS);
	assert_int_equal(f.host[1].steal_ns, MS);
	assert_int_equal(stats_of(&f, 1).events[PVS_EVENT_VCPU_RUN], 1);
	assert_int_equal(stats_of(&f, 1).events[PVS_EVENT_VCPU_STOP], 1);
	assert_int_equal(front.asked, 1);
}

/* Who tells only by posts has to be heard: there is nobody else. */
static void test_no_scheduler_tells(void **state)
{
	f.policy.callbacks = nothing;
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_HALT});
	f.vm->ops = &ops;
	tick(&f);
	assert_int_equal(pvs_vm_hears(f.vm) & PVS_POST_STATES, PVS_POST_STATES);
	assert_int_equal(pvs_vm_hears(f.vm) & 1u << PVS_EVENT_KICK, 0);
}

static void test_guest_reads(void **state)
{
	begin(nothing);
	f.guest[2].reads++;
	/* Seen at a tick; from then on at once. */
	assert_int_equal(tick_after(10 * MS), MS);
	assert_int_equal(front.wakes, PVS_WAKES_STOPS);
	event(&f, 1, PVS_EVENT_VCPU_RUN);
	event(&f, 1, PVS_EVENT_VCPU_STOP);
	assert_int_equal(shown_run(&f, 1), PVS_RUN_PREEMPTED);
	/* It goes on reading, and stops. */
	f.now += PVS_ATTEND_NS - MS;
	f.guest[0].reads++;
	tick(&f);
	assert_int_equal(tick_after(PVS_ATTEND_NS - 1), MS);
	assert_int_equal(front.wakes, PVS_WAKES_STOPS);
	assert_int_equal(tick_after(1), PVS_IDLE_TICKS * MS);
	assert_int_equal(front.wakes, PVS_WAKES_NEVER);
}

/* A guest that asks all the time, when it has had what it may. */
static void test_budgets_are_spent(void **state)
{
	begin(1u << PVS_EVENT_HALT | 1u << PVS_EVENT_TICK);
	assert_int_equal(front.asked, 0);
	for (unsigned i = 0; i < VCPUS; i++) {
		f.vm->vcpus[i].boost.bucket.level_ns = 0;
		f.vm->vcpus[i].boost.throttled = true;
		f.vm->vcpus[i].reject = PVS_REJECT_BUDGET;
	}
	assert_int_equal(tick_after(MS), PVS_QUIET_TICKS * MS);
	assert_int_equal(front.wakes, PVS_WAKES_NEVER);
	/* One that reads the host's word about others has it fresh. */
	f.guest[2].reads++;
	tick_after(MS);
	assert_int_equal(front.wakes, PVS_WAKES_STOPS);
	tick_after(PVS_ATTEND_NS);
	assert_int_equal(front.wakes, PVS_WAKES_NEVER);
	/* The budget of one has filled up: it is heard again. */
	f.vm->vcpus[1].boost.bucket.level_ns = f.vm->limits.boost_budget_ns;
	assert_int_equal(tick_after(MS), MS);
	assert_int_equal(front.wakes, PVS_WAKES_ALL);
}

/* Its critical sections are counted by what the page says when it is preempted. */
static void test_guest_uses_sections(void **state)
{
	begin(nothing);
	pvs_guest_set_cs(&f.guest[3], PVS_CS_LOCK, 1);
	pvs_guest_set_cs(&f.guest[3], 0, 2); /* over before anybody looked */
	tick_after(10 * MS);
	assert_int_equal(front.wakes, PVS_WAKES_STOPS);
	pvs_guest_set_cs(&f.guest[3], PVS_CS_LOCK, 3);
	event(&f, 3, PVS_EVENT_VCPU_RUN);
	event(&f, 3, PVS_EVENT_VCPU_STOP);
	assert_int_equal(stats_of(&f, 3).preempted_in_cs, 1);
	pvs_guest_set_cs(&f.guest[3], 0, 4);
	tick(&f);
	tick_after(PVS_ATTEND_NS);
	assert_int_equal(front.wakes, PVS_WAKES_NEVER);
}

static void test_guest_waits_for_a_lock(void **state)
{
	begin(nothing);
	pvs_guest_set_wait(&f.guest[0], 1, PVS_WAIT_SPINLOCK);
	tick(&f);
	assert_int_equal(front.wakes, PVS_WAKES_STOPS);
}

static void test_guest_uses_its_ring(void **state)
{
	const struct pvs_ring_entry entry = {.type = PVS_RING_MARK};

	begin(nothing);
	assert_true(pvs_guest_ring_put(&f.guest[1], 0, &entry));
	assert_int_equal(tick_after(10 * MS), MS);
}

static void test_policies(void **state)
{
	static const struct {
		enum pvs_event callback;
		enum pvs_wakes wakes;
		bool kicks;
	} t[] = {
		{PVS_EVENT_VCPU_RUN, PVS_WAKES_ALL, false},
		{PVS_EVENT_VCPU_STOP, PVS_WAKES_ALL, false},
		{PVS_EVENT_HALT, PVS_WAKES_ALL, false},
		{PVS_EVENT_KICK, PVS_WAKES_STOPS, true},
		{PVS_EVENT_HINT, PVS_WAKES_STOPS, true},
		{PVS_EVENT_TICK, PVS_WAKES_STOPS, false},
		{PVS_EVENT_EXIT, PVS_WAKES_NEVER, false},
	};
	struct pvs_policy policy = {.verdict = PVS_KEEP};

	begin(nothing);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		policy.callbacks = 1u << t[i].callback;
		pvs_vm_set_policy(f.vm, &policy, false, f.now);
		assert_int_equal(front.wakes, t[i].wakes);
		assert_int_equal(!!(pvs_vm_hears(f.vm) & 1u << PVS_EVENT_KICK), t[i].kicks);
		pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
		assert_int_equal(front.wakes, PVS_WAKES_NEVER);
	}
}

/* What the old policy left in effect is paid for by what the host's scheduler tells. */
static void test_what_was_handed_over(void **state)
{
	struct pvs_policy idle = {.callbacks = nothing};

	begin(1u << PVS_EVENT_KICK);
	kick_for_boost(&f, 0);
	pvs_vm_set_policy(f.vm, &idle, true, f.now);
	assert_int_equal(front.wakes, PVS_WAKES_STOPS);
	assert_int_equal(tick_after(MS), MS);
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
}

/* What was not told yet is the old policy's, and the guest's that goes. */
static void test_catches_up_first(void **state)
{
	unsigned before;

	begin(nothing);
	before = front.caught_up;
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	assert_int_equal(front.caught_up, before + 1);
	tick(&f);
	assert_int_equal(front.caught_up, before + 2);
	pvs_vm_negotiated(f.vm, 0, f.now);
	assert_int_equal(front.caught_up, before + 3);
	assert_int_equal(front.wakes, PVS_WAKES_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, vm_teardown)
		T(test_nobody_asks),          T(test_no_scheduler_tells),
		T(test_guest_reads),          T(test_budgets_are_spent),
		T(test_guest_uses_sections),  T(test_guest_waits_for_a_lock),
		T(test_guest_uses_its_ring),  T(test_policies),
		T(test_what_was_handed_over), T(test_catches_up_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
