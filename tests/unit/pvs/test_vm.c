/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A VM's life: callbacks in their order, hot plug, negotiation, policies that come and go. */
#include <errno.h>
#include <stdlib.h>

#include "vm_fixture.h"

#define SELF .target = PVS_DOUBLE_SELF

static const struct pvs_decision rt = {SELF, .set = PVS_SET_NICE, .nice = -5,
				       .boost = PVS_BOOST_RT};

static struct fixture f;

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	f.policy.callbacks = PVS_DOUBLE_ALL;
	return 0;
}

static int teardown(void **state)
{
	vm_end(&f);
	return 0;
}

/* What ran since the last call, as "event vCPU" pairs. */
static void expect_ran(const char *expected)
{
	static const char names[] = "irshkHte";
	char text[4 * DOUBLE_LOG] = "";
	size_t len = 0;

	for (unsigned i = 0; i < f.policy.n_log; i++) {
		text[len++] = names[f.policy.log[i] >> 4];
		text[len++] = (char)('0' + (f.policy.log[i] & 15));
		text[len++] = ' ';
	}
	text[len] = '\0';
	assert_string_equal(text, expected);
	f.policy.n_log = 0;
}

static void boost(uint32_t vcpu)
{
	answer(&f, PVS_APPLY, &rt);
	kick(&f, vcpu);
	answer(&f, PVS_KEEP, NULL);
}

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
	expect_ran("i0 i1 i2 i3 ");
	event(&f, 1, PVS_EVENT_VCPU_RUN);
	event(&f, 1, PVS_EVENT_VCPU_STOP);
	event(&f, 1, PVS_EVENT_HALT);
	kick(&f, 1);
	expect_ran("r1 s1 h1 k1 ");
	/* What others may not send, and who is not there. */
	event(&f, 1, PVS_EVENT_INIT);
	event(&f, 1, PVS_EVENT_HINT);
	event(&f, 1, PVS_EVENT_TICK);
	event(&f, 1, PVS_EVENT_EXIT);
	event(&f, VCPUS, PVS_EVENT_KICK);
	expect_ran("");
	tick(&f);
	expect_ran("t0 t1 t2 t3 ");
	/* A hint is found at a kick and at a tick, once. */
	pvs_guest_set_intent(&f.guest[1], PVS_CLASS_RT, 0, 3, 0);
	kick(&f, 1);
	kick(&f, 1);
	expect_ran("H1 k1 k1 ");
	pvs_guest_set_cs(&f.guest[2], PVS_CS_LOCK, 5);
	tick(&f);
	tick(&f);
	expect_ran("t0 t1 H2 t2 t3 t0 t1 t2 t3 ");
	pvs_guest_set_deadline(&f.guest[0], 1, 2, 3, 4);
	event(&f, 0, PVS_EVENT_VCPU_RUN); /* sees it: no HINT of its own */
	kick(&f, 0);
	expect_ran("r0 k0 ");
	pvs_vm_set_policy(f.vm, NULL, false, f.now);
	expect_ran("e0 e1 e2 e3 ");
	kick(&f, 0);
	tick(&f);
	expect_ran("");
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
	boost(0);
	boost(1);
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
	expect_ran("");
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	expect_ran("i0 i1 i2 i3 ");
	assert_int_equal(pvs_vm_features(f.vm), FEATURES);
}

static void test_negotiating_again_refills_nothing(void **state)
{
	vm_start(&f, NULL);
	boost(0);
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
	expect_ran("i1 ");
	assert_int_equal(f.policy.last.n_online, 1);
	boost(1);
	pvs_vm_vcpu_remove(f.vm, 1);
	expect_ran("k1 e1 ");
	expect_restored(&f, 1);
	assert_int_equal(shown_flags(&f, 1), 0);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
	kick(&f, 1);
	tick(&f);
	pvs_vm_vcpu_remove(f.vm, 1);
	expect_ran("");
	assert_int_equal(pvs_vm_vcpu_stats(f.vm, 1, &(struct pvs_vcpu_stats){0}), -ENOENT);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 1, TID(1), NULL), 0);
	expect_ran("i1 ");
}

static void test_policy_swap(void **state)
{
	struct pvs_policy other = {.callbacks = PVS_DOUBLE_ALL, .verdict = PVS_KEEP};

	vm_start(&f, NULL);
	boost(0);
	f.policy.n_log = 0;
	f.config_notices = 0;
	pvs_vm_set_policy(f.vm, &other, false, f.now);
	expect_ran("e0 e1 e2 e3 ");
	assert_int_equal(f.policy.refs, 0);
	assert_int_equal(other.refs, 1);
	assert_int_equal(other.runs[PVS_EVENT_INIT], VCPUS);
	assert_int_equal(other.runs[PVS_EVENT_EXIT], 0);
	assert_ptr_equal(pvs_vm_policy(f.vm), &other);
	assert_int_equal(f.config_notices, 1);
	expect_restored(&f, 0);
	kick(&f, 2);
	assert_int_equal(other.runs[PVS_EVENT_KICK], 1);
	expect_ran("");
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
	other.out = rt;
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
	boost(0);
	boost(1);
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
	expect_ran("");
	f.policy.verdict = PVS_APPLY;
	f.policy.out = rt;
	pvs_vm_set_policy(f.vm, &f.policy, true, f.now);
	assert_false(pvs_vm_policy_failed(f.vm));
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
}

static void test_fault_from_outside(void **state)
{
	vm_start(&f, NULL);
	boost(0);
	pvs_vm_fault(f.vm, PVS_REJECT_POLICY);
	expect_restored(&f, 0);
	assert_int_equal(f.host[3].reject, PVS_REJECT_POLICY);
}

/* A loop that was away for longer than the watchdog allows finds baselines. */
static void test_watchdog(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.limits = {.boost_budget_ns = 1000000000000ull}});
	tick(&f);
	boost(0);
	f.now += 1001 * MS;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
	f.now += 1001 * MS + 1;
	tick(&f);
	expect_restored(&f, 0);
	assert_int_equal(f.vm->late, 1);
}

static void test_tickets(void **state)
{
	vm_start(&f, NULL);
	f.guest[1].ticket = 41;
	f.guest[1].notify = PVS_NOTIFY_TICKET;
	boost(1);
	assert_int_equal(f.policy.last.ticket, 41);
	assert_int_equal(f.host[1].ticket, 41);
	assert_int_equal(f.host[1].decision, 1);
	assert_int_equal(f.vcpu_notices[2], 1);
	kick(&f, 1);
	assert_int_equal(f.policy.last.ticket, 0);
	assert_int_equal(f.vcpu_notices[2], 1);
	f.guest[1].ticket = 42;
	f.guest[1].notify = 0;
	tick(&f);
	assert_int_equal(f.host[1].ticket, 42);
	assert_int_equal(f.vcpu_notices[2], 1);
}

static void test_capacity_notice(void **state)
{
	const struct pvs_decision d = {SELF, .set = PVS_SET_CAPACITY, .capacity = 9};

	vm_start(&f, NULL);
	f.guest[3].notify = PVS_NOTIFY_CAPACITY;
	f.vcpu_notices[4] = 0;
	kick(&f, 3);
	answer(&f, PVS_APPLY, &d);
	kick(&f, 3);
	kick(&f, 3);
	assert_int_equal(f.vcpu_notices[4], 1);
}

static void test_kicks_are_limited(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.limits = {.kicks_per_s = 1000}});
	f.policy.n_log = 0;
	for (unsigned i = 0; i < 100; i++)
		kick(&f, 0);
	/* 10 ms' worth at once */
	assert_int_equal(f.policy.runs[PVS_EVENT_KICK], 10);
	assert_int_equal(stats_of(&f, 0).rate_limited, 90);
	assert_int_equal(f.host[0].reject, PVS_REJECT_RATE);
	kick(&f, 1);
	assert_int_equal(f.policy.runs[PVS_EVENT_KICK], 11);
	f.now += MS - 1;
	kick(&f, 0);
	assert_int_equal(f.policy.runs[PVS_EVENT_KICK], 11);
	f.now += 1;
	kick(&f, 0);
	assert_int_equal(f.policy.runs[PVS_EVENT_KICK], 12);
	/* What the host sees by itself is not. */
	for (unsigned i = 0; i < 100; i++)
		event(&f, 0, PVS_EVENT_VCPU_RUN);
	assert_int_equal(f.policy.runs[PVS_EVENT_VCPU_RUN], 100);
}

static void put_marks(uint32_t vcpu, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(pvs_guest_ring_put(
			&f.guest[vcpu], f.host[vcpu].ring_tail,
			&(struct pvs_ring_entry){.ts = i, .type = PVS_RING_MARK, .arg = i}));
}

static void test_doorbell(void **state)
{
	vm_start(&f, NULL);
	put_marks(2, 3);
	pvs_vm_doorbell(f.vm, 2, f.now);
	assert_int_equal(stats_of(&f, 2).ring_taken, 3);
	assert_int_equal(f.host[2].ring_tail, 3);
	put_marks(2, PVS_RING_ENTRIES);
	tick(&f); /* without a doorbell too */
	assert_int_equal(stats_of(&f, 2).ring_taken, 3 + PVS_RING_ENTRIES);
	f.guest[2].ring_head += 1000;
	pvs_vm_doorbell(f.vm, 2, f.now);
	assert_int_equal(stats_of(&f, 2).ring_overruns, 1);
	assert_int_equal(f.host[2].ring_tail, f.guest[2].ring_head);
	pvs_vm_doorbell(f.vm, VCPUS, f.now);
	pvs_vm_doorbell(f.vm, UINT32_MAX, f.now);
	/* Old entries of before are not taken after a reset. */
	put_marks(2, 5);
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	tick(&f);
	assert_int_equal(stats_of(&f, 2).ring_taken, 3 + PVS_RING_ENTRIES);
}

static void test_pages_move(void **state)
{
	struct pvs_guest_page *guest = f.guest;
	struct pvs_host_page *host, *old;

	vm_start(&f, NULL);
	guest = f.guest;
	old = f.host;
	boost(1);
	host = aligned_alloc(PVS_PAGE_STRIDE, VCPUS * sizeof(*host));
	assert_non_null(host);
	memset(host, 0, VCPUS * sizeof(*host));
	f.host = host;
	pvs_vm_set_pages(f.vm, guest, host);
	assert_int_equal(shown_boost(&f, 1), PVS_BOOST_RT);
	assert_int_equal(host[1].decision, 1);
	assert_int_equal(host[1].budget_boost, 500 * MS);
	assert_int_equal(host[1].capacity, 1024);
	/* Unmapped: no hints, nothing is written, and it goes on. */
	memset(host, 0, VCPUS * sizeof(*host));
	pvs_vm_set_pages(f.vm, NULL, NULL);
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 1);
	tick(&f);
	pvs_vm_doorbell(f.vm, 1, f.now);
	expect_restored(&f, 1);
	pvs_vm_negotiated(f.vm, 0, f.now);
	assert_int_equal(host[1].state, 0);
	free(old);
}

/* Only what changes is written; a guest that writes the host's page harms only itself. */
static void test_publishes_changes(void **state)
{
	vm_start(&f, NULL);
	f.dirty_bytes = 0;
	for (unsigned i = 0; i < 5; i++) {
		f.now += MS;
		tick(&f);
	}
	assert_int_equal(f.dirty_bytes, 0);
	memset(&f.host[0], 0xee, sizeof(f.host[0]));
	boost(0);
	assert_int_equal(shown_boost(&f, 0), PVS_BOOST_RT);
	assert_int_equal(f.host[0].decision, 1);
	assert_int_equal(f.host[0].ring_tail, 0);
}

static void test_lock_holder(void **state)
{
	vm_start(&f, NULL);
	pvs_guest_set_wait(&f.guest[0], 3, PVS_WAIT_SPINLOCK);
	answer(&f, PVS_APPLY,
	       &(struct pvs_decision){
		       .target = 3, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_LOCK});
	f.policy.callbacks = PVS_DOUBLE_ALL;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_NONE);
	assert_int_equal(stats_of(&f, 3).boost, PVS_BOOST_LOCK);
	assert_int_equal(shown_boost(&f, 3), PVS_BOOST_LOCK);
	assert_int_equal(note_at(&f, -1)->tid, TID(3));
	/* The holder pays. */
	f.now += MS;
	tick(&f);
	assert_int_equal(stats_of(&f, 0).budget_boost, 500 * MS);
	assert_int_equal(stats_of(&f, 3).budget_boost, 500 * MS - 970000);
}

static void test_idle_ticks(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_HALT});
	answer(&f, PVS_KEEP, NULL);
	for (uint32_t v = 0; v < VCPUS; v++)
		event(&f, v, PVS_EVENT_HALT);
	assert_int_equal(tick(&f), f.now + 10 * MS);
	event(&f, 0, PVS_EVENT_VCPU_RUN);
	assert_int_equal(pvs_vm_expire(f.vm, f.now), f.now + MS);
	event(&f, 0, PVS_EVENT_HALT);
	assert_int_equal(tick(&f), f.now + 10 * MS);
	boost(1);
	assert_true(pvs_vm_expire(f.vm, f.now) <= f.now + MS);
}

static void test_quiet_ticks(void **state)
{
	vm_start(&f, NULL);
	for (unsigned i = 0; i < PVS_QUIET_AFTER - 1; i++)
		assert_int_equal(tick(&f), f.now + MS);
	assert_int_equal(tick(&f), f.now + 4 * MS);
	assert_int_equal(tick(&f), f.now + 4 * MS);
	f.now += MS;
	kick(&f, 0);
	assert_int_equal(pvs_vm_expire(f.vm, f.now), f.now + MS);
	for (unsigned i = 0; i < PVS_QUIET_AFTER; i++)
		tick(&f);
	assert_int_equal(tick(&f), f.now + 4 * MS);
	/* What is put into effect without a kick is looked at often. */
	answer(&f, PVS_APPLY, &rt);
	assert_int_equal(tick(&f), f.now + MS);
	answer(&f, PVS_KEEP, NULL);
	for (unsigned i = 0; i < 2 * PVS_QUIET_AFTER; i++)
		assert_int_equal(tick(&f), f.now + MS);
}

static void test_switch_events(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_SWITCH});
	f.policy.n_log = 0;
	pvs_vm_switch(f.vm,
		      &(struct pvs_switch){
			      .ns = f.now + 5, .vcpu = 1, .cpu = 6, .event = PVS_EVENT_VCPU_RUN});
	assert_int_equal(f.host[1].capacity, 7ull << 24 | 1024);
	assert_int_equal(f.host[1].last_in, f.now + 5);
	pvs_vm_switch(f.vm, &(struct pvs_switch){
				    .ns = f.now + 9, .vcpu = 1, .cpu = 6, .event = PVS_EVENT_HALT});
	assert_int_equal(f.host[1].run_ns, 4);
	pvs_vm_switch(f.vm, &(struct pvs_switch){.vcpu = 1, .event = PVS_EVENT_KICK});
	pvs_vm_switch(f.vm, &(struct pvs_switch){.vcpu = VCPUS, .event = PVS_EVENT_HALT});
	expect_ran("r1 h1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_callbacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_context, setup, teardown),
		cmocka_unit_test_setup_teardown(test_negotiated_to_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_negotiating_again_refills_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hot_plug, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_swap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fault_from_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tickets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_capacity_notice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kicks_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doorbell, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_publishes_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_holder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle_ticks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quiet_ticks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switch_events, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
