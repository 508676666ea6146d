// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The policies that give vCPUs shares of time: deadline and fair-budget. */
#include "policy_fixture.h"

#include <string.h>

#define US 1000ull
#define MS 1000000ull

#define NICE_AND_SLICE (PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_SLICE)

/* ---- deadline ------------------------------------------------------------------------------- */

static struct scene periodic(uint32_t actuators)
{
	struct scene s = scene_begin("deadline", actuators);

	s.ctx.hint_status = PVS_HINT_OK;
	s.ctx.class = PVS_CLASS_RT;
	s.ctx.dl_runtime = 2 * MS;
	s.ctx.dl_deadline = 8 * MS;
	s.ctx.dl_period = 10 * MS;
	return s;
}

static void as_a_deadline(void **state)
{
	struct scene s = periodic(PVS_ACT_ALL);
	const struct pvs_decision want = {.set = PVS_SET_DEADLINE | PVS_SET_NICE | PVS_SET_SLICE |
						 PVS_SET_SERVICE,
					  .boost = PVS_BOOST_DEADLINE,
					  .nice = -15,
					  .slice_ns = 2400 * US,
					  .dl_runtime = 2400 * US, /* 20 % more */
					  .dl_deadline = 8 * MS,
					  .dl_period = 10 * MS};

	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_decided(&s, &want);
	scene_step(&s, PVS_EVENT_TICK, 1000, PVS_KEEP);
	s.ctx.dl_runtime = 3 * MS;
	scene_step(&s, PVS_EVENT_HINT, 1000, PVS_APPLY);
	assert_int_equal(s.ctx.out.dl_runtime, 3600 * US);
	s.ctx.dl_runtime = s.ctx.dl_deadline = s.ctx.dl_period = 0;
	scene_step(&s, PVS_EVENT_HINT, 1000, PVS_BASELINE);
	scene_end(&s);
}

static void without_the_class(void **state)
{
	static const struct {
		uint32_t actuators;
		uint64_t deadline;
		int verdict;
		uint32_t set;
		int nice;
		uint64_t slice;
	} cases[] = {
		{NICE_AND_SLICE, 4 * MS, PVS_APPLY, PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_SERVICE,
		 -20, 2 * MS},
		{NICE_AND_SLICE, 10 * MS, PVS_APPLY, PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_SERVICE,
		 -15, 2400 * US},
		{NICE_AND_SLICE, 100 * MS, PVS_APPLY,
		 PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_SERVICE, -10, 2400 * US},
		{NICE_AND_SLICE, 101 * MS, PVS_APPLY,
		 PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_SERVICE, -5, 2400 * US},
		{PVS_ACT_SLICE, 10 * MS, PVS_APPLY, PVS_SET_SLICE | PVS_SET_SERVICE, 0, 2400 * US},
		{PVS_ACT_NICE_UP, 10 * MS, PVS_KEEP, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s = periodic(cases[i].actuators);

		s.ctx.dl_deadline = cases[i].deadline;
		s.ctx.dl_period = 200 * MS;
		scene_step(&s, PVS_EVENT_TICK, 0, cases[i].verdict);
		assert_int_equal(s.ctx.out.set, cases[i].set);
		assert_int_equal(s.ctx.out.nice, cases[i].nice);
		assert_int_equal(s.ctx.out.slice_ns, cases[i].slice);
		scene_end(&s);
	}
}

/* Half a CPU each: three do not fit into 120 %, and again when one gives its half back. */
static void capacity_of_a_vm(void **state)
{
	struct scene s = periodic(PVS_ACT_ALL);

	s.ctx.dl_runtime = 5 * MS / 12 * 10; /* with headroom 5 ms of 10 */
	s.ctx.dl_deadline = 10 * MS;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	s.ctx.vcpu = 1;
	s.ctx.boost = 0;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	s.ctx.vcpu = 2;
	s.ctx.boost = 0;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_KEEP);
	s.ctx.vm = 1; /* another VM has a sum of its own */
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	s.ctx.vm = 0;
	s.ctx.vcpu = 0;
	scene_step(&s, PVS_EVENT_EXIT, 0, PVS_KEEP);
	s.ctx.vcpu = 2;
	s.ctx.boost = 0;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	scene_end(&s);
}

/* More than a vCPU may have, when it has some: that is given back. */
static void capacity_of_a_vcpu(void **state)
{
	struct scene s = periodic(PVS_ACT_ALL);

	s.ctx.dl_deadline = 10 * MS;
	s.ctx.dl_runtime = 5 * MS;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_APPLY);
	s.ctx.dl_runtime = 5 * MS + 10 * US;
	scene_step(&s, PVS_EVENT_HINT, 0, PVS_BASELINE);
	scene_step(&s, PVS_EVENT_TICK, 0, PVS_KEEP);
	scene_end(&s);
}

static void what_cannot_be(void **state)
{
	static const struct {
		uint64_t runtime, deadline, period, age;
		uint32_t status;
	} cases[] = {
		{2 * MS, 1 * MS, 10 * MS, 0, PVS_HINT_OK},
		{2 * MS, 12 * MS, 10 * MS, 0, PVS_HINT_OK},
		{0, 8 * MS, 10 * MS, 0, PVS_HINT_OK},
		{850, 8 * MS, 10 * MS, 0, PVS_HINT_OK}, /* less than the kernel takes */
		{50 * US, 400 * US, 499 * US, 0, PVS_HINT_OK},
		{2 * MS, 8 * MS, 4001 * MS, 0, PVS_HINT_OK},
		{2 * MS, 8 * MS, 10 * MS, 2001 * MS, PVS_HINT_OK},
		{2 * MS, 8 * MS, 10 * MS, 0, PVS_HINT_MALFORMED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s = periodic(PVS_ACT_ALL);

		s.ctx.dl_runtime = cases[i].runtime;
		s.ctx.dl_deadline = cases[i].deadline;
		s.ctx.dl_period = cases[i].period;
		s.ctx.hint_age_ns = cases[i].age;
		s.ctx.hint_status = cases[i].status;
		scene_step(&s, PVS_EVENT_TICK, 0, PVS_KEEP);
		scene_end(&s);
	}
}

/* ---- fair-budget ---------------------------------------------------------------------------- */

struct pair {
	struct scene s;
	uint64_t run[2], wait[2];
	uint32_t boost[2];
	int verdict[2];
	struct pvs_decision out[2];
};

/* 21 ticks of 1 ms of two vCPUs, each of which runs @run and waits @wait of each. */
static void window(struct pair *p, uint64_t run0, uint64_t wait0, uint64_t run1, uint64_t wait1)
{
	const uint64_t run[2] = {run0, run1}, wait[2] = {wait0, wait1};

	p->verdict[0] = p->verdict[1] = PVS_KEEP;
	for (int tick = 0; tick < 21; tick++) {
		p->s.ctx.now_ns += MS;
		for (uint32_t v = 0; v < 2; v++) {
			int verdict;

			p->run[v] += run[v];
			p->wait[v] += wait[v];
			p->s.ctx.event = PVS_EVENT_TICK;
			p->s.ctx.vcpu = v;
			p->s.ctx.run_ns = p->run[v];
			p->s.ctx.wait_ns = p->wait[v];
			p->s.ctx.boost = p->boost[v];
			verdict = pvs_policy_run(p->s.policy, &p->s.ctx);
			if (verdict == PVS_KEEP)
				continue;
			p->verdict[v] = verdict;
			p->out[v] = p->s.ctx.out;
			p->boost[v] = verdict == PVS_APPLY ? p->s.ctx.out.boost : 0;
		}
	}
}

static struct pair pair_begin(uint32_t actuators)
{
	struct pair p = {.s = scene_begin("fair-budget", actuators)};

	p.s.ctx.sources |= PVS_SRC_SCHEDSTAT;
	p.s.ctx.n_vcpus = p.s.ctx.n_online = 2;
	return p;
}

/* One waits for most of its time, the other hardly: it is paid, the other is not. */
static void the_unlucky_is_paid(void **state)
{
	struct pair p = pair_begin(NICE_AND_SLICE);

	for (int i = 0; i < 3; i++)
		window(&p, 100 * US, 900 * US, 900 * US, 100 * US);
	assert_int_equal(p.verdict[0], PVS_APPLY);
	assert_int_equal(p.out[0].boost, PVS_BOOST_FAIR);
	assert_int_equal(p.out[0].set, PVS_SET_NICE | PVS_SET_SLICE);
	assert_true(p.out[0].nice < 0 && p.out[0].nice >= -8);
	assert_true(p.out[0].hold_ns > 2 * MS && p.out[0].hold_ns <= 40 * MS);
	assert_int_equal(p.verdict[1], PVS_KEEP);
	/* Then it is the other's turn, and it pays back. */
	for (int i = 0; i < 12; i++)
		window(&p, 900 * US, 100 * US, 100 * US, 900 * US);
	assert_int_equal(p.boost[0], PVS_BOOST_NONE);
	assert_int_equal(p.verdict[1], PVS_APPLY);
	assert_int_equal(p.boost[1], PVS_BOOST_FAIR);
	scene_end(&p.s);
}

static void equal_luck_changes_nothing(void **state)
{
	struct pair p = pair_begin(NICE_AND_SLICE);

	for (int i = 0; i < 20; i++) {
		window(&p, 500 * US, 500 * US, 500 * US, 500 * US);
		assert_int_equal(p.verdict[0], PVS_KEEP);
		assert_int_equal(p.verdict[1], PVS_KEEP);
	}
	scene_end(&p.s);
}

/* However long it waited, the strength is bounded. */
static void credit_is_bounded(void **state)
{
	struct pair p = pair_begin(NICE_AND_SLICE);

	for (int i = 0; i < 200; i++)
		window(&p, 0, 1000 * US, 1000 * US, 0);
	assert_int_equal(p.out[0].nice, -8);
	assert_int_equal(p.out[0].hold_ns, 40 * MS);
	scene_end(&p.s);
}

static void always_boosters_come_last(void **state)
{
	static const struct {
		uint32_t actuators;
		int verdict;
		struct pvs_decision want;
	} cases[] = {
		{NICE_AND_SLICE,
		 PVS_APPLY,
		 {.set = PVS_SET_NICE, .nice = 5, .target = 1, .hold_ns = 40 * MS}},
		{PVS_ACT_SLICE,
		 PVS_APPLY,
		 {.set = PVS_SET_SLICE, .slice_ns = 20 * MS, .target = 1, .hold_ns = 40 * MS}},
		{0, PVS_KEEP, {.set = 0}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair p = pair_begin(cases[i].actuators);

		p.s.ctx.hint_status = PVS_HINT_OK;
		p.s.ctx.pending = PVS_PENDING_PREEMPT_OFF;
		window(&p, 0, 1000 * US, 0, 1000 * US);
		assert_int_equal(p.verdict[1], cases[i].verdict);
		assert_memory_equal(&p.out[1], &cases[i].want, sizeof(p.out[1]));
		/* And is as the others when it stops to. */
		p.s.ctx.pending = PVS_PENDING_RT_WAITER;
		window(&p, 500 * US, 500 * US, 500 * US, 500 * US);
		assert_int_equal(p.verdict[1], PVS_BASELINE);
		scene_end(&p.s);
	}
}

static void needs_times(void **state)
{
	struct pair p = pair_begin(NICE_AND_SLICE);

	p.s.ctx.sources &= ~PVS_SRC_SCHEDSTAT;
	for (int i = 0; i < 5; i++) {
		window(&p, 0, 1000 * US, 1000 * US, 0);
		assert_int_equal(p.verdict[0], PVS_KEEP);
	}
	scene_end(&p.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_deadline),
		cmocka_unit_test(without_the_class),
		cmocka_unit_test(capacity_of_a_vm),
		cmocka_unit_test(capacity_of_a_vcpu),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(the_unlucky_is_paid),
		cmocka_unit_test(equal_luck_changes_nothing),
		cmocka_unit_test(credit_is_bounded),
		cmocka_unit_test(always_boosters_come_last),
		cmocka_unit_test(needs_times),
	};

	return run_policy_tests(tests);
}
