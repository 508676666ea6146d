// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The policies that boost for what a guest says: none, boost, lock-holder, template. */
#include "policy_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US 1000ull
#define MS 1000000ull

#define NICE_AND_SLICE \
	(PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_SLICE | PVS_ACT_AFFINITY | PVS_ACT_WEIGHT)
#define UNPRIVILEGED (PVS_ACT_NICE_UP | PVS_ACT_SLICE | PVS_ACT_AFFINITY)

static void built_in(void **state)
{
	static const char *const want[] = {"none", "boost", "deadline", "lock-holder",
					   "fair-budget"};
	const char *const *names = pvs_policy_names();
	struct pvs_policy_info info;

	for (size_t i = 0; i < 5; i++) {
		struct pvs_policy *policy = policy_opened(want[i], NULL);

		assert_string_equal(names[i], want[i]);
		pvs_policy_info(policy, &info);
		assert_string_equal(info.name, want[i]);
		assert_int_equal(info.version, 1);
		if (strcmp(want[i], "none") == 0) /* nobody is woken for it */
			assert_int_equal(info.callbacks, 1u << PVS_EVENT_INIT);
		else
			assert_true(info.callbacks & 1u << PVS_EVENT_TICK);
		pvs_policy_put(policy);
	}
	assert_null(names[5]);
}

static void none_does_nothing(void **state)
{
	struct scene s = scene_begin("none", PVS_ACT_ALL);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_RT;
	s.ctx.cs = PVS_CS_LOCK;
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++)
		scene_step(&s, event, 1000, PVS_KEEP);
	scene_end(&s);
}

/* ---- boost ---------------------------------------------------------------------------------- */

static void critical_section(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);
	const struct pvs_decision want = {.set = PVS_SET_NICE | PVS_SET_SLICE,
					  .boost = PVS_BOOST_CS,
					  .nice = -10,
					  .slice_ns = 5 * MS,
					  .hold_ns = 500 * US};

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_NORMAL;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	s.ctx.cs = PVS_CS_LOCK;
	scene_step(&s, PVS_EVENT_HINT, 10, PVS_APPLY);
	scene_decided(&s, &want);
	/* In effect: nothing to say until half of its time is over. */
	scene_step(&s, PVS_EVENT_TICK, 200, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 60, PVS_APPLY);
	/* The reason is gone. */
	s.ctx.cs = 0;
	scene_step(&s, PVS_EVENT_KICK, 10, PVS_BASELINE);
	scene_step(&s, PVS_EVENT_TICK, 10, PVS_KEEP);
	scene_end(&s);
}

/* Who never leaves his critical section does not keep its boost, whatever the budget. */
static void critical_section_for_too_long(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.cs = PVS_CS_PREEMPT;
	s.ctx.cs_age_ns = 2 * MS;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	s.ctx.cs_age_ns = 2 * MS + 1;
	scene_step(&s, PVS_EVENT_TICK, 100, PVS_BASELINE);
	s.ctx.cs = 0;
	s.ctx.cs_age_ns = 0;
	s.ctx.pending = PVS_PENDING_PREEMPT_OFF;
	s.ctx.hint_age_ns = 2 * MS;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	s.ctx.hint_age_ns = 2 * MS + 1;
	scene_step(&s, PVS_EVENT_TICK, 100, PVS_BASELINE);
	scene_end(&s);
}

static void interrupts(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);
	const struct pvs_decision want = {.set = PVS_SET_NICE | PVS_SET_SLICE,
					  .boost = PVS_BOOST_IRQ,
					  .nice = -10,
					  .slice_ns = 5 * MS,
					  .hold_ns = 300 * US};

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.pending = PVS_PENDING_SOFTIRQ;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_decided(&s, &want);
	s.ctx.pending = 0;
	scene_step(&s, PVS_EVENT_HINT, 100, PVS_BASELINE);
	/* Raised by the host, for a vCPU that does not run: no hint says it. */
	s.ctx.run_state = PVS_RUN_PREEMPTED;
	s.ctx.hint_status = PVS_HINT_NONE;
	scene_step(&s, PVS_EVENT_KICK, 100, PVS_KEEP);
	s.ctx.sources |= PVS_SRC_INJECT;
	scene_step(&s, PVS_EVENT_KICK, 100, PVS_APPLY);
	scene_decided(&s, &want);
	scene_end(&s);
}

/* An interrupt for a vCPU on which a real-time task sleeps is that task's. */
static void interrupt_for_a_real_time_task(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.pending = PVS_PENDING_RT_WAITER;
	s.ctx.run_state = PVS_RUN_PREEMPTED;
	scene_step(&s, PVS_EVENT_KICK, 100, PVS_KEEP);
	s.ctx.sources |= PVS_SRC_INJECT;
	scene_step(&s, PVS_EVENT_KICK, 100, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_RT);
	assert_int_equal(s.ctx.out.nice, -20);
	/* Unless that is known to be later. */
	s.ctx.boost = PVS_BOOST_NONE;
	s.ctx.next_event = s.ctx.now_ns + 5 * MS;
	scene_step(&s, PVS_EVENT_KICK, 100, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_IRQ);
	s.ctx.boost = PVS_BOOST_NONE;
	s.ctx.next_event = s.ctx.now_ns + 1100 * US;
	scene_step(&s, PVS_EVENT_KICK, 100, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_RT);
	scene_end(&s);
}

static void real_time_task(void **state)
{
	struct scene s = scene_begin("boost", PVS_ACT_ALL);
	struct pvs_decision want = {.set = PVS_SET_FIFO | PVS_SET_NICE | PVS_SET_SLICE |
					   PVS_SET_SERVICE,
				    .boost = PVS_BOOST_RT,
				    .nice = -20,
				    .slice_ns = 200 * US,
				    .prio = 10,
				    .hold_ns = 20 * MS};

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_RT;
	s.ctx.rt_prio = 80;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_decided(&s, &want); /* 10: as much as the VM may have */
	s.ctx.rt_prio = 3;
	scene_step(&s, PVS_EVENT_TICK, 9999, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 1, PVS_APPLY);
	want.prio = 3;
	scene_decided(&s, &want);
	s.ctx.class = PVS_CLASS_NORMAL;
	scene_step(&s, PVS_EVENT_HINT, 10, PVS_BASELINE);
	scene_end(&s);
}

/* A wake-up is served fast because the boost was there before it. */
static void boost_while_halted(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_IDLE;
	s.ctx.pending = PVS_PENDING_RT_WAITER;
	s.ctx.run_state = PVS_RUN_HALTED;
	scene_step(&s, PVS_EVENT_HALT, 0, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_RT);
	assert_int_equal(s.ctx.out.hold_ns, 0);
	scene_step(&s, PVS_EVENT_TICK, 50000, PVS_KEEP);
	/* It wakes; what the guest says still is of before. */
	s.ctx.run_state = PVS_RUN_RUNNING;
	s.ctx.state_ns = 0;
	s.ctx.pending = 0;
	scene_step(&s, PVS_EVENT_VCPU_RUN, 1000, PVS_KEEP);
	s.ctx.class = PVS_CLASS_RT;
	scene_step(&s, PVS_EVENT_HINT, 100, PVS_APPLY);
	assert_int_equal(s.ctx.out.hold_ns, 20 * MS);
	/* It runs something else, with the task asleep: no reason, once a moment is over. */
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.pending = PVS_PENDING_RT_WAITER;
	s.ctx.state_ns = 0;
	scene_step(&s, PVS_EVENT_TICK, 999, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 1, PVS_BASELINE);
	/* It halts and nobody waits. */
	s.ctx.pending = 0;
	s.ctx.class = PVS_CLASS_IDLE;
	s.ctx.boost = PVS_BOOST_RT;
	scene_step(&s, PVS_EVENT_HALT, 10, PVS_BASELINE);
	scene_end(&s);
}

static void next_event_is_near(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.next_event = s.ctx.now_ns + 5 * MS;
	scene_step(&s, PVS_EVENT_TICK, 3999, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 1, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_RT);
	/* It is over and was not served: the vCPU did not get to run. But not for ever. */
	s.ctx.state_ns = 5 * MS;
	scene_step(&s, PVS_EVENT_TICK, 9000, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 2000, PVS_APPLY);
	scene_step(&s, PVS_EVENT_TICK, 1, PVS_BASELINE);
	scene_end(&s);
}

/* Where interrupts are heard of, a halted vCPU whose task's timer is later needs no boost yet. */
static void boost_comes_with_the_timer(void **state)
{
	struct scene s = scene_begin("boost", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_IDLE;
	s.ctx.pending = PVS_PENDING_RT_WAITER;
	s.ctx.run_state = PVS_RUN_HALTED;
	s.ctx.next_event = s.ctx.now_ns + 5 * MS;
	s.ctx.sources |= PVS_SRC_INJECT;
	scene_step(&s, PVS_EVENT_HALT, 0, PVS_KEEP);
	scene_step(&s, PVS_EVENT_KICK, 5000, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_RT);
	/* It woke; once its next timer is told, what it woke for is over. */
	s.ctx.run_state = PVS_RUN_RUNNING;
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.state_ns = 0;
	scene_step(&s, PVS_EVENT_VCPU_RUN, 20, PVS_KEEP);
	s.ctx.next_event = s.ctx.now_ns + 5 * MS;
	scene_step(&s, PVS_EVENT_HINT, 100, PVS_BASELINE);
	scene_end(&s);
}

/* Others of the VM wait for the lock that a preempted vCPU has, whatever its guest does. */
static void boost_for_the_lock_it_holds(void **state)
{
	struct scene s = scene_begin("boost", PVS_ACT_ALL);
	const struct pvs_decision want = {.set = PVS_SET_FIFO | PVS_SET_NICE | PVS_SET_SLICE,
					  .boost = PVS_BOOST_LOCK,
					  .nice = -20,
					  .slice_ns = 200 * US,
					  .prio = 1,
					  .hold_ns = 200 * US};

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.run_state = PVS_RUN_PREEMPTED;
	scene_step(&s, PVS_EVENT_VCPU_STOP, 0, PVS_KEEP);
	s.ctx.held = PVS_HELD_VMM;
	scene_step(&s, PVS_EVENT_TICK, 10, PVS_APPLY);
	scene_decided(&s, &want);
	s.ctx.held = 0;
	s.ctx.run_state = PVS_RUN_RUNNING;
	scene_step(&s, PVS_EVENT_VCPU_RUN, 10, PVS_BASELINE);
	/* A real-time task's boost is more, and stays. */
	s.ctx.class = PVS_CLASS_RT;
	scene_step(&s, PVS_EVENT_HINT, 10, PVS_APPLY);
	s.ctx.held = PVS_HELD_VMM;
	s.ctx.run_state = PVS_RUN_PREEMPTED;
	scene_step(&s, PVS_EVENT_VCPU_STOP, 10, PVS_KEEP);
	s.ctx.boost = PVS_BOOST_NONE;
	/* Who tells no good hints gets nothing. */
	s.ctx.held = PVS_HELD_VMM;
	s.ctx.run_state = PVS_RUN_PREEMPTED;
	s.ctx.hint_status = PVS_HINT_MALFORMED;
	scene_step(&s, PVS_EVENT_TICK, 10, PVS_KEEP);
	scene_end(&s);
}

/* Between boosts @want, which no budget pays for, for those whose hints are good and who may. */
static void between_boosts(const struct pvs_tunable *base, uint32_t actuators,
			   const struct pvs_decision *want, int nice, uint64_t slice_ns)
{
	const struct pvs_policy_options options = {.tunables = base, .n_tunables = 1};
	struct scene s = {policy_opened("boost", &options), context(PVS_EVENT_HINT, actuators)};

	s.ctx.class = PVS_CLASS_NORMAL;
	scene_step(&s, PVS_EVENT_INIT, 0, PVS_KEEP);
	s.ctx.hint_status = PVS_HINT_OK;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_decided(&s, want);
	s.ctx.class = PVS_CLASS_RT;
	scene_step(&s, PVS_EVENT_HINT, 10, PVS_APPLY);
	assert_int_equal(s.ctx.out.boost, PVS_BOOST_RT);
	assert_int_equal(s.ctx.out.nice, nice);
	assert_int_equal(s.ctx.out.slice_ns, slice_ns);
	s.ctx.class = PVS_CLASS_NORMAL;
	s.ctx.state_ns = 5 * MS;
	scene_step(&s, PVS_EVENT_HINT, 10, PVS_APPLY);
	scene_decided(&s, want);
	s.ctx.ceiling = PVS_ACT_NICE_DOWN;
	scene_step(&s, PVS_EVENT_TICK, 10, PVS_KEEP);
	scene_end(&s);
}

static void boost_leaves_a_slice(void **state)
{
	const struct pvs_decision want = {.set = PVS_SET_SLICE | PVS_SET_SERVICE,
					  .slice_ns = 100 * US};

	/* The boost has the same slice: a change costs its turn. */
	between_boosts(&(struct pvs_tunable){"base_slice_us", 100}, NICE_AND_SLICE, &want, -20,
		       100 * US);
}

/* Less than a fair share, where that can be undone. */
static void boost_gives_back(void **state)
{
	const struct pvs_decision want = {.set = PVS_SET_NICE | PVS_SET_SERVICE, .nice = 2};

	between_boosts(&(struct pvs_tunable){"base_nice", 2}, NICE_AND_SLICE | PVS_ACT_NICE_UP,
		       &want, -20, 200 * US);
}

static void boost_takes_what_there_is(void **state)
{
	static const struct {
		uint32_t actuators;
		int verdict;
		uint32_t set;
	} cases[] = {
		{PVS_ACT_ALL, PVS_APPLY,
		 PVS_SET_FIFO | PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_SERVICE},
		{NICE_AND_SLICE, PVS_APPLY, PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_SERVICE},
		{UNPRIVILEGED, PVS_APPLY, PVS_SET_SLICE | PVS_SET_SERVICE},
		{PVS_ACT_NICE_UP | PVS_ACT_AFFINITY, PVS_KEEP, 0},
		{0, PVS_KEEP, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s = scene_begin("boost", cases[i].actuators);

		s.ctx.hint_status = PVS_HINT_OK;
		s.ctx.class = PVS_CLASS_RT;
		scene_step(&s, PVS_EVENT_TICK, 0, cases[i].verdict);
		assert_int_equal(s.ctx.out.set, cases[i].set);
		scene_end(&s);
	}
}

/* What works here is not what this VM may have. */
static void boost_keeps_below_the_ceiling(void **state)
{
	struct scene s = scene_begin("boost", PVS_ACT_ALL);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_RT;
	s.ctx.ceiling = PVS_ACT_SLICE;
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_APPLY);
	assert_int_equal(s.ctx.out.set, PVS_SET_SLICE | PVS_SET_SERVICE);
	scene_end(&s);
}

static void boost_believes_only_good_hints(void **state)
{
	struct scene s = scene_begin("boost", PVS_ACT_ALL);

	s.ctx.class = PVS_CLASS_RT;
	s.ctx.boost = PVS_BOOST_RT;
	s.ctx.hint_status = PVS_HINT_TORN;
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_BASELINE);
	s.ctx.hint_status = PVS_HINT_MALFORMED;
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_KEEP);
	s.ctx.hint_status = PVS_HINT_NONE;
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_KEEP);
	scene_end(&s);
}

/* ---- lock-holder ---------------------------------------------------------------------------- */

static const struct pvs_decision lock_boost = {.set = PVS_SET_NICE | PVS_SET_SLICE,
					       .boost = PVS_BOOST_LOCK,
					       .nice = -15,
					       .slice_ns = 10 * MS,
					       .hold_ns = 2 * MS};

static void lock_is_held(void **state)
{
	struct scene s = scene_begin("lock-holder", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.cs = PVS_CS_RCU;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP); /* nobody waits for that */
	s.ctx.cs = PVS_CS_LOCK;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_decided(&s, &lock_boost);
	scene_step(&s, PVS_EVENT_TICK, 999, PVS_KEEP);
	scene_step(&s, PVS_EVENT_VCPU_STOP, 1, PVS_APPLY);
	s.ctx.cs = 0;
	scene_step(&s, PVS_EVENT_KICK, 10, PVS_BASELINE);
	s.ctx.pending = PVS_PENDING_LOCK;
	scene_step(&s, PVS_EVENT_TICK, 10, PVS_APPLY);
	/* Its thread waits for something in the host; it still has the lock. */
	scene_step(&s, PVS_EVENT_HALT, 10, PVS_KEEP);
	s.ctx.hint_age_ns = 5 * MS + 1;
	scene_step(&s, PVS_EVENT_TICK, 10, PVS_BASELINE);
	scene_end(&s);
}

static void others_wait(void **state)
{
	struct scene s = scene_begin("lock-holder", NICE_AND_SLICE);
	struct pvs_decision want = lock_boost;

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.wait_vcpu = PVS_WAIT_NOBODY;
	s.ctx.vcpu = 2;
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_KEEP);
	s.ctx.vcpu = 0;
	s.ctx.wait_vcpu = 2;
	s.ctx.wait_reason = PVS_WAIT_SPINLOCK;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	want.target = 2;
	scene_decided(&s, &want);
	scene_step(&s, PVS_EVENT_TICK, 500, PVS_KEEP);
	/* vCPU 2 keeps it for as long as somebody waits, without a word of its own. */
	s.ctx.vcpu = 2;
	s.ctx.boost = PVS_BOOST_LOCK;
	s.ctx.wait_vcpu = PVS_WAIT_NOBODY;
	scene_step(&s, PVS_EVENT_TICK, 499, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 1, PVS_APPLY);
	scene_decided(&s, &want);
	scene_step(&s, PVS_EVENT_TICK, 999, PVS_KEEP);
	scene_step(&s, PVS_EVENT_TICK, 1, PVS_BASELINE);
	scene_end(&s);
}

static int count_element(void *opaque, const void *key, const void *value)
{
	(*(unsigned *)opaque)++;
	return 0;
}

static unsigned holders(const struct scene *s)
{
	unsigned n = 0;

	assert_int_equal(pvs_policy_map_each(s->policy, 0, count_element, &n), 0);
	return n;
}

/* vCPUs that may be plugged and are not, or are no longer: there is nothing to boost nor to keep.
 */
static void waits_for_who_is_not_there(void **state)
{
	struct scene s = scene_begin("lock-holder", NICE_AND_SLICE);
	struct pvs_policy_map map;

	assert_int_equal(pvs_policy_map(s.policy, 0, &map), 0);
	assert_string_equal(map.name, "vcpus");
	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.n_vcpus = 4096;
	for (unsigned i = 1; i < 4096; i++) {
		s.ctx.wait_vcpu = i;
		scene_step(&s, PVS_EVENT_HINT, 1, PVS_KEEP);
	}
	assert_int_equal(holders(&s), 1);
	scene_step(&s, PVS_EVENT_EXIT, 0, PVS_KEEP);
	assert_int_equal(holders(&s), 0);
	s.ctx.vcpu = 1;
	s.ctx.wait_vcpu = 0;
	scene_step(&s, PVS_EVENT_HINT, 1, PVS_KEEP);
	assert_int_equal(holders(&s), 1);
	scene_end(&s);
}

static void waits_for_nobody(void **state)
{
	struct scene s = scene_begin("lock-holder", NICE_AND_SLICE);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.wait_vcpu = 0; /* itself */
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	s.ctx.wait_vcpu = 4; /* does not exist */
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	s.ctx.wait_vcpu = 3;
	s.ctx.hint_status = PVS_HINT_TORN;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	scene_end(&s);
}

static void lock_holder_without_others(void **state)
{
	static const struct pvs_tunable others = {"others", 0};
	const struct pvs_policy_options options = {.tunables = &others, .n_tunables = 1};
	struct scene s = {policy_opened("lock-holder", &options),
			  context(PVS_EVENT_HINT, NICE_AND_SLICE)};

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.wait_vcpu = 3;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	scene_end(&s);
}

static void lock_holder_unprivileged(void **state)
{
	struct scene s = scene_begin("lock-holder", UNPRIVILEGED);
	struct pvs_decision want = lock_boost;

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.cs = PVS_CS_LOCK;
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_APPLY);
	want.set = PVS_SET_SLICE;
	want.nice = 0;
	scene_decided(&s, &want);
	scene_end(&s);
}

/* ---- template ------------------------------------------------------------------------------- */

static void template_works(void **state)
{
	struct scene s = scene_begin(policy_object("template"), NICE_AND_SLICE);
	const struct pvs_decision want = {
		.set = PVS_SET_NICE, .boost = PVS_BOOST_RT, .nice = -10, .hold_ns = 10 * MS};

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_RT;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_decided(&s, &want);
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_KEEP);
	s.ctx.class = PVS_CLASS_NORMAL;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_BASELINE);
	s.ctx.class = PVS_CLASS_RT;
	s.ctx.actuators = UNPRIVILEGED;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	scene_end(&s);
}

static void template_is_short(void **state)
{
	const char *path = getenv("PVS_TEMPLATE");
	FILE *file = fopen(path, "r");
	unsigned lines = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	assert_in_range(lines, 10, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in),
		cmocka_unit_test(none_does_nothing),
		cmocka_unit_test(critical_section),
		cmocka_unit_test(critical_section_for_too_long),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(interrupt_for_a_real_time_task),
		cmocka_unit_test(real_time_task),
		cmocka_unit_test(boost_while_halted),
		cmocka_unit_test(next_event_is_near),
		cmocka_unit_test(boost_comes_with_the_timer),
		cmocka_unit_test(boost_for_the_lock_it_holds),
		cmocka_unit_test(boost_leaves_a_slice),
		cmocka_unit_test(boost_gives_back),
		cmocka_unit_test(boost_takes_what_there_is),
		cmocka_unit_test(boost_keeps_below_the_ceiling),
		cmocka_unit_test(boost_believes_only_good_hints),
		cmocka_unit_test(lock_is_held),
		cmocka_unit_test(others_wait),
		cmocka_unit_test(waits_for_nobody),
		cmocka_unit_test(waits_for_who_is_not_there),
		cmocka_unit_test(lock_holder_without_others),
		cmocka_unit_test(lock_holder_unprivileged),
		cmocka_unit_test(template_works),
		cmocka_unit_test(template_is_short),
	};

	return run_policy_tests(tests);
}
