/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The opaque pages: what the policy is given of the guest's, and what it has stored in the host's.
 */
#include <stdlib.h>

#include "vm_test.h"

#define WITH_OPAQUE (FEATURES | PVS_F_OPAQUE)
#define MANY        66u

static const struct pvs_opaque_line zero;

static struct pvs_opaque_line *guest_line(unsigned line)
{
	return &((struct pvs_opaque_page *)&f.guest[VCPUS])->line[line];
}

static struct pvs_opaque_line *host_line(unsigned line)
{
	return &((struct pvs_opaque_page *)&f.host[VCPUS])->line[line];
}

/* Eight words that no other line has. */
static struct pvs_opaque_line words_of(uint64_t first)
{
	struct pvs_opaque_line line;

	for (unsigned i = 0; i < PVS_OPAQUE_WORDS; i++)
		line.word[i] = first * 1000 + i + 1;
	return line;
}

static void publishes(int verdict, struct pvs_decision out, uint64_t first)
{
	const struct pvs_opaque_line words = words_of(first);

	out.set |= PVS_SET_OPAQUE;
	memcpy(out.opaque, words.word, sizeof(words));
	answer(&f, verdict, &out);
}

static void start(uint64_t features)
{
	vm_start(&f, NULL);
	pvs_vm_negotiated(f.vm, features, f.now);
}

static void test_snapshot(void **state)
{
	start(WITH_OPAQUE);
	for (unsigned i = 0; i < PVS_OPAQUE_LINES; i++)
		*guest_line(i) = words_of(i);
	for (uint32_t v = 0; v < VCPUS; v++) {
		const struct pvs_opaque_line expected = words_of(v);

		kick(&f, v);
		assert_memory_equal(f.policy.last.opaque, &expected, sizeof(expected));
	}
}

/* Each event has the line as it is then. It is no hint: that it changed is no event. */
static void test_each_event_looks(void **state)
{
	start(WITH_OPAQUE);
	kick(&f, 1);
	assert_int_equal(f.policy.last.opaque[7], 0);
	f.policy.n_log = 0;
	guest_line(1)->word[7] = 5;
	tick(&f);
	expect_callbacks(&f, "t0 t1 t2 t3 ");
	kick(&f, 1);
	assert_int_equal(f.policy.last.opaque[7], 5);
	guest_line(1)->word[7] = 6;
	event(&f, 1, PVS_EVENT_HALT);
	assert_int_equal(f.policy.last.opaque[7], 6);
}

/* Whatever the verdict, and about whom: the line is that of the vCPU that was asked about. */
static void test_published(void **state)
{
	const struct pvs_decision self = {SELF}, other = {.target = 2};
	const struct {
		int verdict;
		struct pvs_decision out;
	} answers[] = {
		{PVS_KEEP, self},
		{PVS_BASELINE, self},
		{PVS_APPLY, self},
		{PVS_APPLY, rt_boost},
		{PVS_BASELINE, other},
		{PVS_APPLY, other},
		{PVS_APPLY, {.target = VCPUS}},
	};

	start(WITH_OPAQUE);
	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct pvs_opaque_line expected = words_of(i + 1);

		publishes(answers[i].verdict, answers[i].out, i + 1);
		kick(&f, 1);
		assert_memory_equal(host_line(1), &expected, sizeof(expected));
		assert_memory_equal(host_line(0), &zero, sizeof(zero));
		assert_memory_equal(host_line(2), &zero, sizeof(zero));
	}
}

static void test_keeps_what_is_in_effect(void **state)
{
	start(WITH_OPAQUE);
	kick_for_boost(&f, 1);
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	kick(&f, 1);
	assert_int_equal(shown_boost(&f, 1), PVS_BOOST_RT);
	assert_int_equal(f.host[1].decision, 1);
	assert_int_equal(host_line(1)->word[0], 7001);
	/* Without the flag what is there stays. */
	answer(&f, PVS_APPLY, &rt_boost);
	kick(&f, 1);
	assert_int_equal(host_line(1)->word[0], 7001);
}

/* A line is stored, and told to be dirty, when it is another one. */
static void test_stored_once(void **state)
{
	size_t without;

	start(WITH_OPAQUE);
	kick(&f, 3);
	f.dirty_bytes = 0;
	kick(&f, 3);
	without = f.dirty_bytes;
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	f.dirty_bytes = 0;
	kick(&f, 3);
	assert_int_equal(f.dirty_bytes, without + sizeof(struct pvs_opaque_line));
	f.dirty_bytes = 0;
	kick(&f, 3);
	assert_int_equal(f.dirty_bytes, without);
}

static int fails(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	const struct pvs_opaque_line words = words_of(9);

	memcpy(ctx->out.opaque, words.word, sizeof(words));
	ctx->out.set = PVS_SET_OPAQUE;
	if (ctx->vcpu == 1)
		return -5;
	ctx->out.set |= PVS_SET_ALL + 1;
	return PVS_APPLY;
}

static void test_no_answer(void **state)
{
	start(WITH_OPAQUE);
	f.policy.run = fails;
	kick(&f, 1); /* a fault */
	kick(&f, 2); /* out of range, which is one */
	assert_memory_equal(host_line(1), &zero, sizeof(zero));
	assert_memory_equal(host_line(2), &zero, sizeof(zero));
	/* An exit has no answer. */
	f.policy.run = NULL;
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	pvs_vm_vcpu_remove(f.vm, 3);
	assert_int_equal(f.policy.runs[PVS_EVENT_EXIT], VCPUS + 1);
	assert_memory_equal(host_line(3), &zero, sizeof(zero));
}

static void test_not_negotiated(void **state)
{
	start(FEATURES);
	*guest_line(1) = words_of(1);
	*host_line(1) = words_of(2);
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	kick(&f, 1);
	assert_memory_equal(f.policy.last.opaque, &zero, sizeof(zero));
	assert_int_equal(host_line(1)->word[0], 2001);
	assert_int_equal(f.host[1].reject, PVS_REJECT_FEATURE);
	answer(&f, PVS_APPLY, &rt_boost);
	kick(&f, 1);
	assert_int_equal(f.host[1].reject, PVS_REJECT_NONE);
	pvs_vm_negotiated(f.vm, 0, f.now);
	assert_int_equal(host_line(1)->word[0], 2001);
}

static void test_cleared(void **state)
{
	struct pvs_policy next = {.callbacks = PVS_DOUBLE_ALL};

	start(WITH_OPAQUE);
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	kick(&f, 1);
	pvs_vm_negotiated(f.vm, 0, f.now);
	assert_memory_equal(host_line(1), &zero, sizeof(zero));
	answer(&f, PVS_KEEP, NULL);
	pvs_vm_negotiated(f.vm, WITH_OPAQUE, f.now);
	assert_memory_equal(host_line(1), &zero, sizeof(zero));
	/* A policy's words go with it, unless the next one takes over. */
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	kick(&f, 1);
	pvs_vm_set_policy(f.vm, &next, true, f.now);
	assert_int_equal(host_line(1)->word[0], 7001);
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	assert_int_equal(host_line(0)->word[0], 7001); /* what INIT was answered */
	answer(&f, PVS_KEEP, NULL);
	pvs_vm_set_policy(f.vm, NULL, false, f.now);
	assert_memory_equal(host_line(0), &zero, sizeof(zero));
	assert_memory_equal(host_line(1), &zero, sizeof(zero));
	assert_int_equal(next.refs, 0);
}

static void test_pages_move(void **state)
{
	struct pvs_host_page *old;

	start(WITH_OPAQUE);
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 7);
	kick(&f, 3);
	old = f.host;
	f.host = aligned_alloc(PVS_PAGE_STRIDE, (VCPUS + 1) * sizeof(*f.host));
	assert_non_null(f.host);
	memset(f.host, 0xff, (VCPUS + 1) * sizeof(*f.host));
	pvs_vm_set_pages(f.vm, f.guest, f.host, pvs_vm_pages_grant(f.vm));
	assert_int_equal(host_line(3)->word[0], 7001);
	assert_memory_equal(host_line(63), &zero, sizeof(zero));
	free(old);
	/* Unmapped, or taken back: neither is touched. */
	answer(&f, PVS_KEEP, NULL);
	*guest_line(2) = words_of(1);
	pvs_vm_take_pages(f.vm);
	kick(&f, 2);
	assert_memory_equal(f.policy.last.opaque, &zero, sizeof(zero));
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 8);
	kick(&f, 2);
	assert_memory_equal(host_line(2), &zero, sizeof(zero));
	pvs_vm_set_pages(f.vm, NULL, NULL, pvs_vm_pages_grant(f.vm));
	kick(&f, 2);
	assert_memory_equal(f.policy.last.opaque, &zero, sizeof(zero));
}

/* More vCPUs than lines share them. */
static void test_lines_are_shared(void **state)
{
	struct pvs_vm_config config = {.name = "many", .n_vcpus = MANY};
	struct pvs_opaque_page *guest, *host;
	const struct pvs_opaque_line in = words_of(1), out = words_of(2);

	vm_start(&f, NULL);
	config.guest = aligned_alloc(PVS_PAGE_STRIDE, (MANY + 1) * sizeof(*config.guest));
	config.host = aligned_alloc(PVS_PAGE_STRIDE, (MANY + 1) * sizeof(*config.host));
	assert_true(config.guest && config.host);
	memset(config.guest, 0, (MANY + 1) * sizeof(*config.guest));
	memset(config.host, 0, (MANY + 1) * sizeof(*config.host));
	guest = (struct pvs_opaque_page *)&config.guest[MANY];
	host = (struct pvs_opaque_page *)&config.host[MANY];
	pvs_vm_destroy(f.vm);
	config.actuator = f.actuator;
	assert_int_equal(pvs_vm_create(&config, &f.vm, NULL), 0);
	for (uint32_t v = 0; v < MANY; v++)
		assert_int_equal(pvs_vm_vcpu_add(f.vm, v, 0, NULL), 0);
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	pvs_vm_negotiated(f.vm, PVS_F_OPAQUE, f.now);
	guest->line[1] = in;
	publishes(PVS_KEEP, (struct pvs_decision){SELF}, 2);
	kick(&f, MANY - 1);
	assert_memory_equal(f.policy.last.opaque, &in, sizeof(in));
	assert_memory_equal(&host->line[1], &out, sizeof(out));
	answer(&f, PVS_KEEP, NULL);
	kick(&f, 1);
	assert_memory_equal(f.policy.last.opaque, &in, sizeof(in));
	for (unsigned i = 0; i < PVS_OPAQUE_LINES; i++)
		if (i != 1)
			assert_memory_equal(&host->line[i], &zero, sizeof(zero));
	pvs_vm_destroy(f.vm);
	f.vm = NULL;
	free(config.guest);
	free(config.host);
}

/* The context also says how old a hint may be: as long as a tick is now. */
static void test_length_of_a_tick(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.limits = {.tick_ns = 2 * MS}});
	kick_for_boost(&f, 0);
	tick(&f);
	assert_int_equal(f.policy.last.tick_ns, 2 * MS);
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 0);
	for (unsigned i = 0; i <= PVS_QUIET_AFTER; i++)
		f.now = tick(&f);
	tick(&f);
	assert_int_equal(f.policy.last.tick_ns, 2 * MS * PVS_QUIET_TICKS);
	/* The next comes as soon as it would with something to look after. */
	kick(&f, 0);
	tick(&f);
	assert_int_equal(f.policy.last.tick_ns, 2 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_snapshot, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_each_event_looks, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_published, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_keeps_what_is_in_effect, vm_setup_all,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_stored_once, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_not_negotiated, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_cleared, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_pages_move, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_lines_are_shared, vm_setup_all, vm_teardown),
		cmocka_unit_test_setup_teardown(test_length_of_a_tick, vm_setup_all, vm_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
