/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a boost costs, to the ns, and how it ends. */
#include <errno.h>

#include "vm_test.h"

static const struct pvs_decision cs = {SELF, .set = PVS_SET_NICE, .nice = -5,
				       .boost = PVS_BOOST_CS};

/* Budgets that are easy to count with: 1 ms short, 10 ms other, nothing comes back. */
static const struct pvs_vm_config counted = {.limits = {.cs_budget_ns = 1000000,
							.boost_budget_ns = 10000000,
							.cs_refill_ppm = 1,
							.boost_refill_ppm = 1,
							.max_boosted = VCPUS}};

static void boost(uint32_t vcpu, const struct pvs_decision *d)
{
	answer(&f, PVS_APPLY, d);
	kick(&f, vcpu);
	answer(&f, PVS_KEEP, NULL);
}

/* A real-time boost for a while. */
static struct pvs_decision held(uint64_t hold_ns)
{
	struct pvs_decision d = rt_boost;

	d.hold_ns = hold_ns;
	return d;
}

/* ...for service threads too. */
static struct pvs_decision serving(int nice)
{
	struct pvs_decision d = rt_boost;

	d.set |= PVS_SET_SERVICE;
	d.nice = nice;
	return d;
}

static void hold_for(uint64_t ns)
{
	const struct pvs_decision d = held(ns);

	boost(0, &d);
}

static void serve(uint32_t vcpu, int nice)
{
	const struct pvs_decision d = serving(nice);

	boost(vcpu, &d);
}

static uint64_t expire(uint64_t by)
{
	f.now += by;
	return pvs_vm_expire(f.vm, f.now);
}

static void test_wall_clock(void **state)
{
	vm_start(&f, &counted);
	boost(0, &rt_boost);
	expire(0);
	f.now += 3000000;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).budget_boost, 7000003);
	assert_int_equal(stats_of(&f, 0).budget_cs, 1000000);
	assert_int_equal(stats_of(&f, 0).boost_ns, 3000000);
	assert_int_equal(f.host[0].budget_boost, 7000003);
	assert_int_equal(f.policy.last.budget_boost, 7000003);
	assert_int_equal(f.policy.last.boost, PVS_BOOST_RT);
	/* Nothing but one's own boost is paid for. */
	kick(&f, 1);
	assert_int_equal(stats_of(&f, 1).budget_boost, 10000000);
}

static void test_short_budget_pays_for_cs_and_irq(void **state)
{
	vm_start(&f, &counted);
	boost(0, &cs);
	boost(1, &(struct pvs_decision){SELF, .set = PVS_SET_NICE, .nice = -5,
					.boost = PVS_BOOST_IRQ});
	f.now += 400000;
	kick(&f, 0);
	kick(&f, 1);
	assert_int_equal(stats_of(&f, 0).budget_cs, 600000);
	assert_int_equal(stats_of(&f, 1).budget_cs, 600000);
	assert_int_equal(stats_of(&f, 1).budget_boost, 10000000);
}

/* The VM says when the budget will be spent; then the baseline is back, and until an eighth of the
 * budget has come back nothing is given. */
static void test_spent(void **state)
{
	struct pvs_vm_config config = counted;
	uint64_t next;

	config.limits.cs_refill_ppm = 500000;
	vm_start(&f, &config);
	tick(&f);
	boost(0, &cs);
	next = expire(0);
	assert_int_equal(next, START + 1000000); /* the next tick comes first */
	f.now += 1000000;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).budget_cs, 500000);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_CS);
	f.now += 900000;
	next = tick(&f);
	assert_int_equal(next, f.now + 100000);
	assert_int_equal(expire(99999), START + 2000000);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_CS);
	expire(1);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_NONE);
	assert_int_equal(stats_of(&f, 0).budget_cs, 0);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_BUDGET);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT | PVS_STATE_THROTTLED);
	assert_int_equal(f.host[0].reject, PVS_REJECT_BUDGET);
	assert_int_equal(f.host[0].budget_cs, 0);
	expect_restored(&f, 0);
	assert_int_equal(notes(&f), 2);

	/* It asks on: nothing until 125000 ns are back, which takes 250000. */
	f.now += 249998;
	boost(0, &cs);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_NONE);
	assert_int_equal(notes(&f), 2);
	assert_int_equal(stats_of(&f, 0).budget_cs, 124999);
	/* The other budget is full. */
	boost(0, &rt_boost);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
	f.now += 2;
	boost(0, &cs);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_CS);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT);
	assert_int_equal(stats_of(&f, 0).throttled_ns, 250000);
}

static void test_hold(void **state)
{
	vm_start(&f, &counted);
	tick(&f);
	hold_for(300000);
	assert_int_equal(expire(0), START + 300000);
	assert_int_equal(expire(299999), START + 300000);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
	expire(1);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_NONE);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_NONE);
	assert_int_equal(f.host[0].decision, 2);
	expect_restored(&f, 0);
	assert_int_equal(stats_of(&f, 0).budget_boost, 10000000 - 300000);
	/* Asked for again in time, a hold begins anew, without a call. */
	hold_for(300000);
	f.now += 200000;
	hold_for(300000);
	expire(200000);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
	assert_int_equal(notes(&f), 3);
	expire(100000);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_NONE);
	/* A hold beyond the end of time is none. */
	hold_for(UINT64_MAX);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
}

static void test_halted_costs_nothing(void **state)
{
	struct pvs_vm_config config = counted;

	config.sources = PVS_SRC_HALT;
	vm_start(&f, &config);
	event(&f, 0, PVS_EVENT_HALT);
	boost(0, &rt_boost);
	f.now += 50000000;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).budget_boost, 10000000);
	event(&f, 0, PVS_EVENT_VCPU_RUN);
	assert_int_equal(expire(0), START + 51 * MS);
	f.now += 4000000;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).budget_boost, 6000004);
	assert_int_equal(stats_of(&f, 0).boost_ns, 4000000);
}

/* Budgets that were spent elsewhere come back as any. */
static void test_spent_before(void **state)
{
	struct pvs_vm_config config = counted;

	config.spent_at = START;
	config.limits.boost_refill_ppm = 200000;
	vm_start(&f, &config);
	assert_int_equal(stats_of(&f, 0).budget_cs, 0);
	assert_int_equal(stats_of(&f, 0).budget_boost, 0);
	answer(&f, PVS_APPLY, &rt_boost);
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_BUDGET);
	assert_int_equal(stats_of(&f, 0).applied, 0);
	f.now += 10000 * MS;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).applied, 1);
}

static void test_switches_are_exact(void **state)
{
	struct pvs_vm_config config = counted;

	config.sources = PVS_SRC_SWITCH;
	vm_start(&f, &config);
	boost(0, &rt_boost);
	for (unsigned i = 0; i < 5; i++) {
		event(&f, 0, PVS_EVENT_VCPU_RUN);
		f.now += 100000;
		event(&f, 0, PVS_EVENT_VCPU_STOP);
		f.now += 900000;
	}
	event(&f, 0, PVS_EVENT_HALT);
	f.now += 7000000;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).run_ns, 500000);
	assert_int_equal(stats_of(&f, 0).wait_ns, 4500000);
	assert_int_equal(stats_of(&f, 0).boost_ns, 500000);
	assert_int_equal(f.host[0].run_ns, 500000);
	assert_int_equal(f.host[0].steal_ns, 4500000);
	assert_int_equal(f.host[0].last_in, START + 4000000);
	assert_int_equal(f.host[0].last_out, START + 4100000);
	assert_int_equal(f.host[0].host_ns, f.now - 7000000);
	assert_int_equal(shown_run(&f, 0), PVS_RUN_HALTED);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT | PVS_STATE_EXACT);
	assert_int_equal(f.policy.last.actuators, pvs_vm_actuators(f.vm));
}

static int sample(void *opaque, uint32_t vcpu, uint64_t *run_ns, uint64_t *wait_ns)
{
	if (vcpu >= VCPUS)
		return -EIO;
	*run_ns = f.ran[vcpu];
	*wait_ns = f.waited[vcpu];
	return 0;
}

static void test_run_time_is_charged_where_it_is_known(void **state)
{
	vm_start(&f, &counted);
	f.vm->sample = sample;
	f.ran[0] = 777000000; /* before the boost: not charged */
	boost(0, &rt_boost);
	f.now += 5000000;
	f.ran[0] += 1200000;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).budget_boost, 10000000 - 1200000 + 5);
	assert_int_equal(stats_of(&f, 0).boost_ns, 1200000);
	/* A figure that steps back is no refund. */
	f.ran[0] -= 1000000;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).boost_ns, 1200000);
	f.ran[0] += 1000000 + 500;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).boost_ns, 1200500);
}

static void test_state_from_samples(void **state)
{
	vm_start(&f, NULL);
	f.vm->sample = sample;
	f.ran[0] = f.ran[1] = f.ran[2] = 1000;
	tick(&f);
	f.now += PVS_SAMPLE_NS;
	f.ran[0] += 4000000;
	f.waited[1] += 4000000;
	tick(&f);
	assert_int_equal(shown_run(&f, 0), PVS_RUN_RUNNING);
	assert_int_equal(shown_run(&f, 1), PVS_RUN_PREEMPTED);
	assert_int_equal(shown_run(&f, 2), PVS_RUN_HALTED);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT);
	assert_int_equal(f.host[0].run_ns, 4001000);
	assert_int_equal(f.host[1].steal_ns, 4000000);
	/* Not looked up more often than the kernel has news. */
	f.now += PVS_SAMPLE_NS - 1;
	f.ran[2] += 1;
	tick(&f);
	assert_int_equal(stats_of(&f, 2).run_ns, 1000);
}

static void test_capacity_from_samples(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_SCHEDSTAT});
	f.vm->sample = sample;
	tick(&f);
	assert_int_equal(f.host[0].capacity, 1024);
	f.now += PVS_CAPACITY_WINDOW_NS;
	f.ran[0] = 30000000;
	f.waited[0] = 10000000;
	tick(&f);
	assert_int_equal(f.host[0].capacity, 768);
	assert_int_equal(f.host[1].capacity, 1024);
	/* One that does not run gets its reputation back. */
	f.now += PVS_CAPACITY_WINDOW_NS;
	tick(&f);
	assert_int_equal(f.host[0].capacity, 896);
	for (unsigned i = 0; i < 10; i++) {
		f.now += PVS_CAPACITY_WINDOW_NS;
		tick(&f);
	}
	assert_int_equal(f.host[0].capacity, 1024);
	/* What the policy says counts for more. */
	boost(0, &(struct pvs_decision){SELF, .set = PVS_SET_CAPACITY, .capacity = 5});
	f.now += PVS_CAPACITY_WINDOW_NS;
	f.ran[0] += 50000000;
	tick(&f);
	assert_int_equal(f.host[0].capacity, 5);
}

static void test_pool(void **state)
{
	struct pvs_pool *pool = pvs_pool_create(3, 1600000, 0);
	struct fixture other = {0};
	struct pvs_vm_config config = counted;

	config.pool = pool;
	vm_start(&f, &config);
	vm_start(&other, &config);
	boost(0, &rt_boost);
	boost(1, &rt_boost);
	answer(&other, PVS_APPLY, &rt_boost);
	kick(&other, 0);
	kick(&other, 1);
	assert_int_equal(stats_of(&other, 0).boost, PVS_BOOST_RT);
	assert_int_equal(stats_of(&other, 1).reject, PVS_REJECT_CONCURRENT);
	/* Three of them spend 1.6 ms. */
	f.now += 500000;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
	f.now += 300000;
	tick(&f);
	assert_int_equal(stats_of(&f, 1).boost, PVS_BOOST_NONE);
	assert_int_equal(stats_of(&f, 1).reject, PVS_REJECT_BUDGET);
	other.now = f.now;
	kick(&other, 0);
	assert_int_equal(stats_of(&other, 0).boost, PVS_BOOST_NONE);
	assert_int_equal(stats_of(&other, 0).reject, PVS_REJECT_BUDGET);
	boost(0, &rt_boost);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_BUDGET);
	vm_end(&other);
	vm_end(&f);
	vm_setup(NULL);
	vm_start(&f, NULL);
	pvs_pool_destroy(pool);
}

/* A guest that always asks never has more than its budget and what came back. */
static void test_always_boost(void **state)
{
	uint64_t boosted = 0;

	vm_start(&f, NULL);
	f.policy.callbacks = PVS_DOUBLE_ALL;
	pvs_vm_set_policy(f.vm, NULL, false, f.now);
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	answer(&f, PVS_APPLY, &rt_boost);
	for (unsigned ms = 0; ms < 20000; ms++) {
		uint64_t next = tick(&f);

		while (next < START + (ms + 1) * MS) {
			f.now = next;
			next = pvs_vm_expire(f.vm, f.now);
		}
		f.now = START + (ms + 1) * MS;
	}
	boosted = stats_of(&f, 0).boost_ns;
	/* 500 ms and 3 % of 20 s; it got nearly all of that, and not a ns more. */
	assert_in_range(boosted, 1050 * MS, 1100 * MS);
	assert_true(stats_of(&f, 0).throttled_ns > 10000 * MS);
	assert_true(stats_of(&f, 0).applied < 100);
	assert_int_equal(stats_of(&f, 0).applied,
			 stats_of(&f, 0).restored + (stats_of(&f, 0).boost ? 1 : 0));
	assert_true(pvs_vm_boosted(f.vm) <= 2);
}

/* ---- Service threads ------------------------------------------------------------------------ */

static void expect_service(uint32_t set, int nice)
{
	const struct pvs_actuator_note *all;
	size_t n = pvs_actuator_recorder_notes(&f.actuator, &all);

	while (n && all[n - 1].tid != TID(100))
		n--;
	assert_true(n > 0);
	assert_int_equal(all[n - 1].restored, !set);
	assert_int_equal(all[n - 1].sched.set, set);
	if (set)
		assert_int_equal(all[n - 1].sched.nice, nice);
}

static void test_services(void **state)
{
	vm_start(&f, &counted);
	assert_int_equal(pvs_vm_service_add(f.vm, TID(100), NULL), 0);
	assert_int_equal(pvs_vm_service_add(f.vm, TID(100), NULL), -EBUSY);
	assert_int_equal(pvs_vm_service_add(f.vm, 0, NULL), -EINVAL);
	boost(0, &rt_boost);
	assert_int_equal(notes(&f), 1); /* nobody asked for it */
	boost(1,
	      &(struct pvs_decision){SELF, .set = PVS_SET_NICE | PVS_SET_AFFINITY | PVS_SET_SERVICE,
				     .nice = -5, .affinity = 1, .boost = PVS_BOOST_RT});
	expect_service(PVS_SET_NICE, -5);
	assert_int_equal(note_at(&f, -1)->sched.affinity, 0);
	serve(2, -9);
	expect_service(PVS_SET_NICE, -9);
	/* A weaker one changes nothing. */
	serve(3, -2);
	expect_service(PVS_SET_NICE, -9);
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 2);
	expect_service(PVS_SET_NICE, -5);
	/* One more that comes later is served the same. */
	assert_int_equal(pvs_vm_service_add(f.vm, TID(101), NULL), 0);
	assert_int_equal(note_at(&f, -1)->tid, TID(101));
	assert_int_equal(note_at(&f, -1)->sched.nice, -5);
	pvs_vm_negotiated(f.vm, 0, f.now);
	expect_service(0, 0);
	assert_true(note_at(&f, -1)->restored);
}

static struct pvs_sched sched_of(pid_t tid)
{
	const struct pvs_actuator_note *all;
	size_t n = pvs_actuator_recorder_notes(&f.actuator, &all);

	while (n && all[n - 1].tid != tid)
		n--;
	assert_true(n > 0);
	return all[n - 1].sched;
}

/* What has to interrupt a FIFO vCPU goes before it, and no priority is above the VM's greatest. */
static void test_services_go_before_fifo(void **state)
{
	struct pvs_decision fifo = {SELF, .set = PVS_SET_FIFO | PVS_SET_SERVICE, .prio = 3,
				    .boost = PVS_BOOST_RT};
	struct pvs_vm_config config = counted;

	config.limits.ceiling = PVS_ACT_ALL;
	config.limits.prio_max = 10;
	vm_start(&f, &config);
	assert_int_equal(pvs_vm_service_add(f.vm, TID(100), NULL), 0);
	boost(0, &fifo);
	assert_int_equal(sched_of(TID(0)).prio, 3);
	assert_int_equal(sched_of(TID(100)).prio, 4);
	fifo.prio = 10;
	boost(0, &fifo);
	assert_int_equal(sched_of(TID(0)).prio, 9);
	assert_int_equal(sched_of(TID(100)).prio, 10);
}

/* A slice is no boost: it is for nothing, for service threads too, and nobody has to look after it.
 */
static void test_a_slice_for_nothing(void **state)
{
	const struct pvs_decision slice = {SELF, .set = PVS_SET_SLICE | PVS_SET_SERVICE,
					   .slice_ns = 100000};

	vm_start(&f, &counted);
	assert_int_equal(pvs_vm_service_add(f.vm, TID(100), NULL), 0);
	boost(0, &slice);
	assert_int_equal(sched_of(TID(100)).set, PVS_SET_SLICE);
	assert_int_equal(sched_of(TID(100)).slice_ns, 100000);
	f.now += 100 * MS;
	pvs_vm_tick(f.vm, f.now);
	assert_int_equal(stats_of(&f, 0).boost_ns, 0);
	assert_int_equal(stats_of(&f, 0).budget_boost, 10000000);
	/* A watchdog that finds the loop late has nothing to undo. */
	f.now += 10000 * MS;
	pvs_vm_tick(f.vm, f.now);
	assert_int_equal(sched_of(TID(100)).set, PVS_SET_SLICE);
	pvs_vm_negotiated(f.vm, 0, f.now);
	assert_int_equal(sched_of(TID(100)).set, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wall_clock, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_short_budget_pays_for_cs_and_irq, vm_setup,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_spent, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_hold, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_halted_costs_nothing, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_spent_before, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_switches_are_exact, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_run_time_is_charged_where_it_is_known,
						vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_state_from_samples, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_capacity_from_samples, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_pool, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_always_boost, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_services, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_services_go_before_fifo, vm_setup,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_a_slice_for_nothing, vm_setup, vm_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
