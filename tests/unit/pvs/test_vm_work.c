/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A VM at work: what a guest asks and is shown, and when the loop has to look. */
#include <errno.h>
#include <stdlib.h>

#include "vm_test.h"

static void test_tickets(void **state)
{
	vm_start(&f, NULL);
	f.guest[1].ticket = 41;
	f.guest[1].notify = PVS_NOTIFY_TICKET;
	kick_for_boost(&f, 1);
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

/* vCPUs share a vector where there are more of them, and have none beside the configuration's. */
static void test_shared_vectors(void **state)
{
	static const struct {
		uint32_t n_vectors;
		unsigned told[VCPUS + 1];
	} cases[] = {
		{1, {0}}, {2, {0, VCPUS}}, {3, {0, 2, 2}}, {4, {0, 2, 1, 1}}, {9, {0, 1, 1, 1, 1}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vm_start(&f, &(struct pvs_vm_config){.n_vectors = cases[i].n_vectors});
		memset(f.vcpu_notices, 0, sizeof(f.vcpu_notices));
		for (uint32_t v = 0; v < VCPUS; v++) {
			f.guest[v].ticket = 1;
			f.guest[v].notify = PVS_NOTIFY_TICKET;
			kick(&f, v);
			assert_int_equal(f.host[v].ticket, 1);
		}
		assert_memory_equal(f.vcpu_notices, cases[i].told, sizeof(f.vcpu_notices));
		vm_end(&f);
		vm_setup_all(state);
	}
	vm_start(&f, NULL);
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
	f.policy.n_log = 0;
	pvs_vm_doorbell(f.vm, 2, f.now);
	expect_callbacks(&f, ""); /* it is for the record */
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
	kick_for_boost(&f, 1);
	host = aligned_alloc(PVS_PAGE_STRIDE, VCPUS * sizeof(*host));
	assert_non_null(host);
	memset(host, 0, VCPUS * sizeof(*host));
	f.host = host;
	pvs_vm_set_pages(f.vm, guest, host, pvs_vm_pages_grant(f.vm));
	assert_int_equal(shown_boost(&f, 1), PVS_BOOST_RT);
	assert_int_equal(host[1].decision, 1);
	assert_int_equal(host[1].budget_boost, 500 * MS);
	assert_int_equal(host[1].capacity, 1024);
	/* Unmapped: no hints, nothing is written, and it goes on. */
	memset(host, 0, VCPUS * sizeof(*host));
	pvs_vm_set_pages(f.vm, NULL, NULL, pvs_vm_pages_grant(f.vm));
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 1);
	tick(&f);
	pvs_vm_doorbell(f.vm, 1, f.now);
	expect_restored(&f, 1);
	pvs_vm_negotiated(f.vm, 0, f.now);
	assert_int_equal(host[1].state, 0);
	free(old);
}

/* ---- Pages that are taken back from a thread that may be stuck ------------------------------ */

static uint64_t taken; /* what pvs_vm_take_pages() said, in the midst of an event */

/* It hangs; meanwhile the guest has the pages back and writes to them. */
static int hang(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	if (ctx->event != PVS_EVENT_KICK)
		return PVS_KEEP;
	taken = pvs_vm_take_pages(f.vm);
	memset(f.host, 0x5a, VCPUS * sizeof(*f.host));
	memset(f.guest, 0x5a, VCPUS * sizeof(*f.guest));
	ctx->out = (struct pvs_decision){
		.target = ctx->vcpu, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_RT};
	return PVS_APPLY;
}

static void expect_untouched(void)
{
	const uint8_t *bytes = (const uint8_t *)f.host;

	for (size_t i = 0; i < VCPUS * sizeof(*f.host); i++)
		assert_int_equal(bytes[i], 0x5a);
}

static void test_pages_taken(void **state)
{
	uint64_t before, grant;

	vm_start(&f, NULL);
	before = pvs_vm_pages_grant(f.vm);
	taken = UINT64_MAX;
	f.policy.run = hang;
	kick(&f, 1);
	assert_int_equal(taken, 0);
	f.policy.run = NULL;
	expect_untouched();
	assert_int_equal(stats_of(&f, 1).boost, PVS_BOOST_RT);
	/* Nor later, though it does all that it does with pages; what it reads is no hint. */
	tick(&f);
	pvs_vm_doorbell(f.vm, 1, f.now);
	pvs_vm_negotiated(f.vm, 0, f.now);
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	kick(&f, 2);
	assert_int_equal(stats_of(&f, 2).hint.status, PVS_HINT_NONE);
	assert_int_equal(stats_of(&f, 2).ring_overruns, 0);
	/* Who was to set them before, and comes now, is late. */
	pvs_vm_set_pages(f.vm, f.guest, f.host, before);
	kick(&f, 2);
	expect_untouched();
	grant = pvs_vm_pages_grant(f.vm);
	assert_true(grant > before);
	memset(f.guest, 0, VCPUS * sizeof(*f.guest));
	pvs_vm_set_pages(f.vm, f.guest, f.host, grant);
	kick_for_boost(&f, 1);
	assert_int_equal(shown_boost(&f, 1), PVS_BOOST_RT);
}

static void take_in_the_midst(void *opaque, size_t offset, size_t size)
{
	taken = pvs_vm_take_pages(f.vm);
}

/* Who takes them back is told of those that are being written to. */
static void test_pages_taken_in_the_midst(void **state)
{
	static const struct pvs_vm_ops ops = {.host_dirty = take_in_the_midst};
	const struct pvs_vm_ops *plain;
	uint64_t before;

	vm_start(&f, NULL);
	plain = f.vm->ops;
	f.vm->ops = &ops;
	before = pvs_vm_pages_grant(f.vm);
	taken = 0;
	event(&f, 0, PVS_EVENT_VCPU_RUN);
	assert_int_equal(taken, before);
	f.vm->ops = plain;
	assert_int_equal(pvs_vm_take_pages(f.vm), 0);
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
	kick_for_boost(&f, 0);
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
	kick_for_boost(&f, 1);
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
	answer(&f, PVS_APPLY, &rt_boost);
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
	expect_callbacks(&f, "r1 h1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tickets, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_shared_vectors, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_capacity_notice, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_kicks_are_limited, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_doorbell, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_pages_move, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_pages_taken, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_pages_taken_in_the_midst, vm_setup_all,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_publishes_changes, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_lock_holder, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_idle_ticks, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_quiet_ticks, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_switch_events, vm_setup_all, vm_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
