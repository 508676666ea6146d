/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A VM's life: callbacks in their order, hot plug, negotiation, policies that come and go. */
#include <errno.h>
#include <stdlib.h>

#include "vm_test.h"

static void test_refused(void **state)
{
	char text[400] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_vm *vm;

	vm_make(&f, NULL);
	assert_int_equal(pvs_vm_create(&(struct pvs_vm_config){0}, &vm, &log), -EINVAL);
	assert_int_equal(
		pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = PVS_MAX_VCPUS + 1}, &vm, &log),
		-EINVAL);
	assert_int_equal(
		pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = 1, .n_vectors = 66}, &vm, &log),
		-EINVAL);
	assert_int_equal(
		pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = 1, .limits = {.ceiling = 0x80}},
			      &vm, &log),
		-EINVAL);
	assert_int_equal(
		pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = 1, .limits = {.prio_max = 100}},
			      &vm, &log),
		-EINVAL);
	assert_int_equal(pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = 1,
							       .limits = {.tick_ns = UINT64_MAX}},
				       &vm, &log),
			 -EINVAL);
	assert_int_equal(
		pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = 1,
						      .limits = {.kicks_per_s = 1000000001}},
			      &vm, &log),
		-EINVAL);
	assert_string_equal(text, "0 vCPUs: 1 to 4096 are possible\n"
				  "4097 vCPUs: 1 to 4096 are possible\n"
				  "66 vectors: 0 to 65 are possible\n"
				  "ceiling 0x80: actuators are 0x7f\n"
				  "FIFO priority 100: 1 to 99 are possible\n"
				  "ticks of 18446744073709551615 ns: 1 to 3600000000000 are "
				  "possible\n"
				  "1000000001 kicks per second: 1 to 1000000000 are possible\n");
}

static void test_callbacks(void **state)
{
	vm_start(&f, NULL);
	expect_callbacks(&f, "i0 i1 i2 i3 ");
	event(&f, 1, PVS_EVENT_VCPU_RUN);
	event(&f, 1, PVS_EVENT_VCPU_STOP);
	event(&f, 1, PVS_EVENT_HALT);
	kick(&f, 1);
	expect_callbacks(&f, "r1 s1 h1 k1 ");
	/* What others may not send, and who is not there. */
	event(&f, 1, PVS_EVENT_INIT);
	event(&f, 1, PVS_EVENT_HINT);
	event(&f, 1, PVS_EVENT_TICK);
	event(&f, 1, PVS_EVENT_EXIT);
	event(&f, VCPUS, PVS_EVENT_KICK);
	expect_callbacks(&f, "");
	tick(&f);
	expect_callbacks(&f, "t0 t1 t2 t3 ");
	/* A hint is found at a kick and at a tick, once. */
	pvs_guest_set_intent(&f.guest[1], PVS_CLASS_RT, 0, 3, 0);
	kick(&f, 1);
	kick(&f, 1);
	expect_callbacks(&f, "H1 k1 k1 ");
	pvs_guest_set_cs(&f.guest[2], PVS_CS_LOCK, 5);
	tick(&f);
	tick(&f);
	expect_callbacks(&f, "t0 t1 H2 t2 t3 t0 t1 t2 t3 ");
	pvs_guest_set_deadline(&f.guest[0], 1, 2, 3, 4);
	event(&f, 0, PVS_EVENT_VCPU_RUN); /* sees it: no HINT of its own */
	kick(&f, 0);
	expect_callbacks(&f, "r0 k0 ");
	pvs_vm_set_policy(f.vm, NULL, false, f.now);
	expect_callbacks(&f, "e0 e1 e2 e3 ");
	kick(&f, 0);
	tick(&f);
	expect_callbacks(&f, "");
	assert_int_equal(stats_of(&f, 1).events[PVS_EVENT_KICK], 3);
	assert_int_equal(stats_of(&f, 1).events[PVS_EVENT_HINT], 1);
}

static void test_context(void **state)
{
	const struct pvs_vm_config config = {.index = 7, .sources = PVS_SRC_HALT};
	const struct pvs_ctx *c = &f.policy.last;

	vm_start(&f, &config);
	pvs_vm_set_clock_offset(f.vm, 1000);
	event(&f, 2, PVS_EVENT_VCPU_RUN);
	f.now += 50;
	pvs_guest_set_intent(&f.guest[2], PVS_CLASS_RT, -3, 44, PVS_PENDING_LOCK);
	pvs_guest_set_cs(&f.guest[2], PVS_CS_LOCK, 1);
	pvs_guest_set_deadline(&f.guest[2], 10, 20, 30, 3000);
	pvs_guest_set_wait(&f.guest[2], 1, PVS_WAIT_SPINLOCK);
	f.guest[2].ticket = 99;
	event(&f, 2, PVS_EVENT_VCPU_RUN);
	f.now += 70;
	event(&f, 2, PVS_EVENT_VCPU_STOP);
	assert_int_equal(c->abi, PVS_POLICY_ABI);
	assert_int_equal(c->event, PVS_EVENT_VCPU_STOP);
	assert_int_equal(c->now_ns, f.now);
	assert_int_equal(c->vm, 7);
	assert_int_equal(c->vcpu, 2);
	assert_int_equal(c->n_vcpus, VCPUS);
	assert_int_equal(c->n_online, VCPUS);
	assert_int_equal(c->sources, PVS_SRC_TICK | PVS_SRC_KICK | PVS_SRC_HALT);
	assert_int_equal(c->actuators, PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE));
	assert_int_equal(c->hint_status, PVS_HINT_OK);
	assert_int_equal(c->features, FEATURES);
	assert_int_equal(c->hint_age_ns, 70);
	assert_int_equal(c->class, PVS_CLASS_RT);
	assert_int_equal(c->nice, -3);
	assert_int_equal(c->rt_prio, 44);
	assert_int_equal(c->pending, PVS_PENDING_LOCK);
	assert_int_equal(c->cs, PVS_CS_LOCK);
	assert_int_equal(c->cs_count, 1);
	assert_int_equal(c->cs_age_ns, 70);
	assert_int_equal(c->dl_runtime, 10);
	assert_int_equal(c->dl_deadline, 20);
	assert_int_equal(c->dl_period, 30);
	assert_int_equal(c->next_event, 2000); /* on the host's clock */
	assert_int_equal(c->wait_vcpu, 1);
	assert_int_equal(c->wait_reason, PVS_WAIT_SPINLOCK);
	assert_int_equal(c->run_state, PVS_RUN_PREEMPTED);
	assert_int_equal(c->state_ns, 0);
	assert_int_equal(c->vm_cap, 2);
	assert_int_equal(c->ceiling, c->actuators);
	assert_int_equal(c->prio_max, 10);
	assert_int_equal(c->out.target, 2);
	assert_int_equal(stats_of(&f, 2).preempted_in_cs, 1);
	/* An event in a past that the host has no number for is not known. */
	pvs_vm_set_clock_offset(f.vm, 5000);
	kick(&f, 2);
	assert_int_equal(c->next_event, 0);
}

static void test_negotiated_to_nothing(void **state)
{
	vm_start(&f, NULL);
	kick_for_boost(&f, 0);
	kick_for_boost(&f, 1);
	tick(&f);
	pvs_vm_negotiated(f.vm, 0, f.now);
	expect_restored(&f, 0);
	expect_restored(&f, 1);
	assert_int_equal(notes(&f), 4);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
	for (uint32_t v = 0; v < VCPUS; v++) {
		struct pvs_host_page expected = {0};

		expected.state = f.host[v].state;
		assert_memory_equal(&f.host[v], &expected, sizeof(expected));
		assert_int_equal(shown_flags(&f, v), PVS_STATE_PRESENT);
		assert_int_equal(shown_run(&f, v), 0);
		assert_int_equal(shown_boost(&f, v), 0);
		assert_true(f.host[v].state >> PVS_STATE_GEN_SHIFT > 0);
	}
	f.policy.n_log = 0;
	kick(&f, 0);
	pvs_vm_doorbell(f.vm, 0, f.now);
	assert_int_equal(tick(&f), f.now + 10 * MS); /* ticks become rare */
	expect_callbacks(&f, "");
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	expect_callbacks(&f, "i0 i1 i2 i3 ");
	assert_int_equal(pvs_vm_features(f.vm), FEATURES);
}

static void test_negotiating_again_refills_nothing(void **state)
{
	vm_start(&f, NULL);
	kick_for_boost(&f, 0);
	f.now += 400 * MS;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).budget_boost, 112 * MS);
	pvs_vm_negotiated(f.vm, 0, f.now);
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	assert_int_equal(stats_of(&f, 0).budget_boost, 112 * MS);
}

static void test_hot_plug(void **state)
{
	vm_make(&f, NULL);
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	assert_int_equal(shown_flags(&f, 1), 0);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 1, TID(1), NULL), 0);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 1, TID(1), NULL), -EBUSY);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, VCPUS, TID(1), NULL), -EINVAL);
	assert_int_equal(shown_flags(&f, 1), PVS_STATE_PRESENT);
	expect_callbacks(&f, "i1 ");
	assert_int_equal(f.policy.last.n_online, 1);
	kick_for_boost(&f, 1);
	pvs_vm_vcpu_remove(f.vm, 1);
	expect_callbacks(&f, "k1 e1 ");
	expect_restored(&f, 1);
	assert_int_equal(shown_flags(&f, 1), 0);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
	kick(&f, 1);
	tick(&f);
	pvs_vm_vcpu_remove(f.vm, 1);
	expect_callbacks(&f, "");
	assert_int_equal(pvs_vm_vcpu_stats(f.vm, 1, &(struct pvs_vcpu_stats){0}), -ENOENT);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 1, TID(1), NULL), 0);
	expect_callbacks(&f, "i1 ");
}

static void test_policy_swap(void **state)
{
	struct pvs_policy other = {.callbacks = PVS_DOUBLE_ALL, .verdict = PVS_KEEP};

	vm_start(&f, NULL);
	kick_for_boost(&f, 0);
	f.policy.n_log = 0;
	f.config_notices = 0;
	pvs_vm_set_policy(f.vm, &other, false, f.now);
	expect_callbacks(&f, "e0 e1 e2 e3 ");
	assert_int_equal(f.policy.refs, 0);
	assert_int_equal(other.refs, 1);
	assert_int_equal(other.runs[PVS_EVENT_INIT], VCPUS);
	assert_int_equal(other.runs[PVS_EVENT_EXIT], 0);
	assert_ptr_equal(pvs_vm_policy(f.vm), &other);
	assert_int_equal(f.config_notices, 1);
	expect_restored(&f, 0);
	kick(&f, 2);
	assert_int_equal(other.runs[PVS_EVENT_KICK], 1);
	expect_callbacks(&f, "");
	pvs_vm_set_policy(f.vm, NULL, true, f.now);
	assert_int_equal(other.runs[PVS_EVENT_EXIT], VCPUS);
	assert_int_equal(other.refs, 0);
}

static void test_handover(void **state)
{
	struct pvs_policy other = {.callbacks = PVS_DOUBLE_ALL, .verdict = PVS_KEEP};
	const struct pvs_decision d = {SELF, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_RT,
				       .hold_ns = 5 * MS};

	vm_start(&f, NULL);
	answer(&f, PVS_APPLY, &d);
	kick(&f, 0);
	kick(&f, 1);
	pvs_vm_set_policy(f.vm, &other, true, f.now);
	assert_int_equal(pvs_vm_boosted(f.vm), 2);
	assert_int_equal(notes(&f), 2); /* not for a moment without */
	other.verdict = PVS_BASELINE;
	other.out.target = PVS_DOUBLE_SELF;
	kick(&f, 0);
	expect_restored(&f, 0);
	assert_int_equal(pvs_vm_boosted(f.vm), 1);
	f.now += 5 * MS;
	pvs_vm_expire(f.vm, f.now);
	expect_restored(&f, 1);
	/* Nobody takes over from the last one. */
	other.verdict = PVS_APPLY;
	other.out = rt_boost;
	kick(&f, 0);
	pvs_vm_set_policy(f.vm, NULL, true, f.now);
	expect_restored(&f, 0);
}

static int fails(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	ctx->out = policy->out;
	ctx->out.target = ctx->vcpu;
	return policy->verdict;
}

static void test_faults(void **state)
{
	vm_start(&f, NULL);
	kick_for_boost(&f, 0);
	kick_for_boost(&f, 1);
	f.policy.run = fails;
	f.policy.verdict = -EIO;
	kick(&f, 0);
	expect_restored(&f, 0);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_POLICY);
	assert_int_equal(f.host[0].reject, PVS_REJECT_POLICY);
	assert_int_equal(stats_of(&f, 1).boost, PVS_BOOST_RT);
	/* One that works ends the row. */
	for (unsigned i = 0; i < PVS_FAULTS_IN_ROW - 2; i++)
		kick(&f, 0);
	f.policy.verdict = PVS_KEEP;
	kick(&f, 0);
	f.policy.verdict = -ERANGE;
	for (unsigned i = 0; i < PVS_FAULTS_IN_ROW - 1; i++)
		kick(&f, 0);
	assert_false(pvs_vm_policy_failed(f.vm));
	assert_int_equal(stats_of(&f, 1).boost, PVS_BOOST_RT);
	f.config_notices = 0;
	kick(&f, 0);
	assert_true(pvs_vm_policy_failed(f.vm));
	expect_restored(&f, 1);
	for (uint32_t v = 0; v < VCPUS; v++)
		assert_int_equal(f.host[v].reject, PVS_REJECT_POLICY);
	assert_int_equal(f.config_notices, 1);
	/* Not asked any more, until another one or the same is put in place. */
	f.policy.n_log = 0;
	kick(&f, 0);
	tick(&f);
	expect_callbacks(&f, "");
	f.policy.verdict = PVS_APPLY;
	f.policy.out = rt_boost;
	pvs_vm_set_policy(f.vm, &f.policy, true, f.now);
	assert_false(pvs_vm_policy_failed(f.vm));
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
}

static void test_fault_from_outside(void **state)
{
	vm_start(&f, NULL);
	kick_for_boost(&f, 0);
	pvs_vm_fault(f.vm, PVS_REJECT_POLICY);
	expect_restored(&f, 0);
	assert_int_equal(f.host[3].reject, PVS_REJECT_POLICY);
}

/* A loop that was away for longer than the watchdog allows finds baselines. */
static void test_watchdog(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.limits = {.boost_budget_ns = 1000000000000ull}});
	tick(&f);
	kick_for_boost(&f, 0);
	f.now += 1001 * MS;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
	f.now += 1001 * MS + 1;
	tick(&f);
	expect_restored(&f, 0);
	assert_int_equal(f.vm->late, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_callbacks, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_context, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_negotiated_to_nothing, vm_setup_all,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_negotiating_again_refills_nothing,
						vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_hot_plug, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_policy_swap, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_handover, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_faults, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_fault_from_outside, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, vm_setup_all, vm_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
