/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What of a policy's wish is granted, and why the rest is not. */
#include <errno.h>

#include "vm_test.h"

/* Something that is granted. */
#define GOOD SELF, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_RT

static void ask(const struct pvs_decision *d)
{
	answer(&f, PVS_APPLY, d);
	kick(&f, 0);
}

static void expect(enum pvs_reject reject, uint32_t set, enum pvs_boost boost)
{
	const struct pvs_vcpu_stats s = stats_of(&f, 0);

	assert_int_equal(s.reject, reject);
	assert_int_equal(s.set, set);
	assert_int_equal(s.boost, boost);
	assert_int_equal(f.host[0].reject, reject);
	assert_int_equal(shown_boost(&f, 0), boost);
	if (reject)
		assert_int_equal(s.rejects[reject], 1);
}

static void test_granted(void **state)
{
	const struct pvs_actuator_note *n;

	vm_start(&f, NULL);
	ask(&(struct pvs_decision){GOOD});
	expect(PVS_REJECT_NONE, PVS_SET_NICE, PVS_BOOST_RT);
	n = note_at(&f, 0);
	assert_int_equal(n->tid, TID(0));
	assert_int_equal(n->sched.set, PVS_SET_NICE);
	assert_int_equal(n->sched.nice, -5);
	assert_int_equal(f.host[0].decision, 1);
	/* The same again changes nothing and calls nobody. */
	kick(&f, 0);
	assert_int_equal(notes(&f), 1);
	assert_int_equal(f.host[0].decision, 1);
	answer(&f, PVS_KEEP, NULL);
	kick(&f, 0);
	assert_int_equal(notes(&f), 1);
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 0);
	assert_int_equal(notes(&f), 2);
	expect_restored(&f, 0);
	expect(PVS_REJECT_NONE, 0, PVS_BOOST_NONE);
	assert_int_equal(f.host[0].decision, 2);
	kick(&f, 0);
	assert_int_equal(notes(&f), 2);
}

/* Everything out of its range is a fault of the policy: nothing of it is done. */
static void test_ranges(void **state)
{
	static const struct pvs_decision bad[] = {
		{SELF, .set = PVS_SET_ALL + 1},
		{SELF, .set = PVS_SET_NICE, .boost = PVS_BOOST_MAX},
		{SELF, .set = PVS_SET_NICE, .nice = -21, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_NICE, .nice = 20},
		{SELF, .set = PVS_SET_SLICE, .slice_ns = 99999},
		{SELF, .set = PVS_SET_SLICE, .slice_ns = 100000001},
		{SELF, .set = PVS_SET_FIFO, .prio = 0, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_FIFO, .prio = 100, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_DEADLINE, .dl_runtime = 1023, .dl_deadline = 5000,
		 .dl_period = 5000, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_DEADLINE, .dl_runtime = 5001, .dl_deadline = 5000,
		 .dl_period = 5000, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_DEADLINE, .dl_runtime = 5000, .dl_deadline = 5001,
		 .dl_period = 5000, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_DEADLINE, .dl_runtime = 5000, .dl_deadline = 5001,
		 .dl_period = 1ull << 63, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_WEIGHT, .weight = 0},
		{SELF, .set = PVS_SET_WEIGHT, .weight = 10001, .boost = PVS_BOOST_RT},
		{SELF, .set = PVS_SET_AFFINITY, .affinity = 0},
		{SELF, .set = PVS_SET_CAPACITY, .capacity = 1025},
		{SELF, .set = PVS_SET_CAPACITY, .avoid = 256},
	};

	vm_start(&f, &(struct pvs_vm_config){.limits = {.ceiling = PVS_ACT_ALL}});
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(&(struct pvs_decision){GOOD});
		assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
		ask(&bad[i]);
		assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_POLICY);
		assert_int_equal(stats_of(&f, 0).set, 0);
		assert_int_equal(notes(&f), 2 * (i + 1));
		expect_restored(&f, 0);
	}
	assert_false(pvs_vm_policy_failed(f.vm));
}

static void test_no_such_target(void **state)
{
	vm_start(&f, NULL);
	pvs_vm_vcpu_remove(f.vm, 3);
	ask(&(struct pvs_decision){GOOD});
	ask(&(struct pvs_decision){.target = VCPUS, .set = PVS_SET_NICE, .nice = 5});
	expect(PVS_REJECT_POLICY, PVS_SET_NICE, PVS_BOOST_RT);
	ask(&(struct pvs_decision){.target = 3, .set = PVS_SET_NICE, .nice = 5});
	assert_int_equal(stats_of(&f, 0).rejects[PVS_REJECT_POLICY], 2);
	assert_int_equal(notes(&f), 1);
}

/* The strongest class that may be had; what is above it is said. */
static void test_classes(void **state)
{
	const struct pvs_decision all = {SELF,
					 .set = PVS_SET_DEADLINE | PVS_SET_FIFO | PVS_SET_NICE |
						PVS_SET_SLICE,
					 .dl_runtime = 2000,
					 .dl_deadline = 3000,
					 .dl_period = 4000,
					 .prio = 50,
					 .nice = -10,
					 .slice_ns = 200000,
					 .boost = PVS_BOOST_RT};
	static const struct {
		uint32_t ceiling, actuators, set;
		enum pvs_reject reject;
	} rows[] = {
		{PVS_ACT_ALL, PVS_ACT_ALL, PVS_SET_DEADLINE, PVS_REJECT_NONE},
		{PVS_ACT_ALL, PVS_ACT_ALL & ~PVS_ACT_DEADLINE, PVS_SET_FIFO, PVS_REJECT_ACTUATOR},
		{PVS_ACT_ALL & ~PVS_ACT_DEADLINE, PVS_ACT_ALL, PVS_SET_FIFO, PVS_REJECT_CEILING},
		{0, PVS_ACT_ALL, PVS_SET_NICE | PVS_SET_SLICE, PVS_REJECT_CEILING},
		{PVS_ACT_ALL, PVS_ACT_SLICE | PVS_ACT_NICE_UP, PVS_SET_SLICE, PVS_REJECT_ACTUATOR},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pvs_vm_config config = {.limits = {.ceiling = rows[i].ceiling}};
		struct pvs_actuator a;

		vm_setup(NULL);
		pvs_actuator_recorder(rows[i].actuators, &a);
		config.actuator = a;
		vm_start(&f, &config);
		f.actuator = a;
		ask(&all);
		expect(rows[i].reject, rows[i].set, PVS_BOOST_RT);
		if (rows[i].set == PVS_SET_FIFO)
			assert_int_equal(note_at(&f, -1)->sched.prio, 10);
		if (i + 1 < sizeof(rows) / sizeof(rows[0]))
			vm_end(&f);
	}
}

static void test_less_is_given(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.limits = {.ceiling = PVS_ACT_ALL,
							.prio_max = 3,
							.nice_min = -4,
							.has_nice_min = true}});
	ask(&(struct pvs_decision){SELF, .set = PVS_SET_FIFO, .prio = 4, .boost = PVS_BOOST_CS});
	expect(PVS_REJECT_CEILING, PVS_SET_FIFO, PVS_BOOST_CS);
	assert_int_equal(note_at(&f, -1)->sched.prio, 3);
	ask(&(struct pvs_decision){SELF, .set = PVS_SET_FIFO, .prio = 3, .boost = PVS_BOOST_CS});
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_NONE);
	assert_int_equal(notes(&f), 1);
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_CEILING);
	assert_int_equal(note_at(&f, -1)->sched.nice, -4);
}

/* A lower ceiling takes back what is above it, and holds for what is asked next. */
static void test_another_ceiling(void **state)
{
	vm_start(&f, &(struct pvs_vm_config){.limits = {.ceiling = PVS_ACT_ALL}});
	ask(&(struct pvs_decision){GOOD});
	expect(PVS_REJECT_NONE, PVS_SET_NICE, PVS_BOOST_RT);
	pvs_vm_set_ceiling(f.vm, PVS_ACT_SLICE, f.now);
	expect_restored(&f, 0);
	expect(PVS_REJECT_NONE, 0, PVS_BOOST_NONE);
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_CEILING);
	assert_int_equal(stats_of(&f, 0).set, 0);
	pvs_vm_set_ceiling(f.vm, 0, f.now);
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(stats_of(&f, 0).set, PVS_SET_NICE);
	ask(&(struct pvs_decision){SELF, .set = PVS_SET_FIFO, .prio = 3, .boost = PVS_BOOST_RT});
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_CEILING);
}

static void test_nothing_permitted(void **state)
{
	struct pvs_vm_config config = {0};

	pvs_actuator_recorder(0, &config.actuator);
	vm_start(&f, &config);
	f.actuator = config.actuator;
	assert_int_equal(pvs_vm_actuators(f.vm), 0);
	ask(&(struct pvs_decision){GOOD});
	expect(PVS_REJECT_ACTUATOR, 0, PVS_BOOST_NONE);
	assert_int_equal(notes(&f), 0);
}

/* Who pays nothing gets nothing that others would miss. */
static void test_gains_cost(void **state)
{
	static const struct pvs_decision gains[] = {
		{SELF, .set = PVS_SET_NICE, .nice = -1},
		{SELF, .set = PVS_SET_FIFO, .prio = 1},
		{SELF, .set = PVS_SET_WEIGHT, .weight = 101},
		{SELF, .set = PVS_SET_DEADLINE, .dl_runtime = 2000, .dl_deadline = 2000,
		 .dl_period = 2000},
	};
	static const struct pvs_decision free_ones[] = {
		{SELF, .set = PVS_SET_NICE, .nice = 1},
		{SELF, .set = PVS_SET_WEIGHT, .weight = 100},
		{SELF, .set = PVS_SET_SLICE, .slice_ns = 100000},
		{SELF, .set = PVS_SET_AFFINITY, .affinity = 2},
	};

	vm_start(&f, &(struct pvs_vm_config){.limits = {.ceiling = PVS_ACT_ALL}});
	for (unsigned i = 0; i < 4; i++) {
		ask(&gains[i]);
		assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_POLICY);
		assert_int_equal(stats_of(&f, 0).set, 0);
	}
	assert_int_equal(notes(&f), 0);
	for (unsigned i = 0; i < 4; i++) {
		ask(&free_ones[i]);
		expect(PVS_REJECT_NONE, free_ones[i].set, PVS_BOOST_NONE);
	}
	assert_int_equal(notes(&f), 4);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
}

static void test_cap(void **state)
{
	vm_start(&f, NULL); /* two of four */
	answer(&f, PVS_APPLY, &(struct pvs_decision){GOOD});
	kick(&f, 0);
	kick(&f, 1);
	kick(&f, 2);
	assert_int_equal(pvs_vm_boosted(f.vm), 2);
	assert_int_equal(stats_of(&f, 2).reject, PVS_REJECT_CONCURRENT);
	assert_int_equal(f.policy.last.vm_boosted, 2);
	assert_int_equal(f.policy.last.vm_cap, 2);
	/* Who has a place may change what it has. */
	answer(&f, PVS_APPLY,
	       &(struct pvs_decision){SELF, .set = PVS_SET_NICE, .nice = -9,
				      .boost = PVS_BOOST_CS});
	kick(&f, 1);
	assert_int_equal(stats_of(&f, 1).reject, PVS_REJECT_NONE);
	assert_int_equal(note_at(&f, -1)->sched.nice, -9);
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 0);
	answer(&f, PVS_APPLY, &(struct pvs_decision){GOOD});
	kick(&f, 2);
	assert_int_equal(stats_of(&f, 2).reject, PVS_REJECT_NONE);
	assert_int_equal(pvs_vm_boosted(f.vm), 2);
}

static void test_shown_needs_its_feature(void **state)
{
	const struct pvs_decision d = {SELF, .set = PVS_SET_CAPACITY | PVS_SET_YIELD,
				       .capacity = 300, .avoid = 200};

	vm_start(&f, NULL);
	ask(&d);
	expect(PVS_REJECT_NONE, PVS_SET_CAPACITY | PVS_SET_YIELD, PVS_BOOST_NONE);
	assert_int_equal(f.host[0].capacity, 200 << 16 | 300);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT | PVS_STATE_YIELD);
	/* A capacity stays; the wish to yield lasts as long as its decision. */
	answer(&f, PVS_BASELINE, NULL);
	kick(&f, 0);
	assert_int_equal(f.host[0].capacity, 200 << 16 | 300);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT);

	pvs_vm_negotiated(f.vm, PVS_F_INTENT, f.now);
	ask(&d);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_FEATURE);
	assert_int_equal(stats_of(&f, 0).set, 0);
	assert_int_equal(f.host[0].capacity, 0);
	assert_int_equal(shown_flags(&f, 0), PVS_STATE_PRESENT);
}

static void test_malformed_hints_buy_nothing(void **state)
{
	vm_start(&f, NULL);
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(pvs_vm_boosted(f.vm), 1);
	f.guest[0].intent = ~0ull;
	kick(&f, 0);
	assert_int_equal(f.policy.last.hint_status, PVS_HINT_MALFORMED);
	assert_int_equal(f.policy.last.class, 0);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_MALFORMED);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
	expect_restored(&f, 0);
	/* Nor by way of another vCPU's event. */
	answer(&f, PVS_APPLY,
	       &(struct pvs_decision){
		       .target = 0, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_LOCK});
	kick(&f, 1);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
	pvs_guest_set_intent(&f.guest[0], PVS_CLASS_RT, 0, 1, 0);
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_NONE);
	assert_int_equal(pvs_vm_boosted(f.vm), 1);
}

static void test_torn_hints_are_ignored(void **state)
{
	vm_start(&f, NULL);
	ask(&(struct pvs_decision){GOOD});
	f.guest[0].seq = 1;
	answer(&f, PVS_KEEP, NULL);
	kick(&f, 0);
	assert_int_equal(f.policy.last.hint_status, PVS_HINT_TORN);
	expect(PVS_REJECT_TORN, PVS_SET_NICE, PVS_BOOST_RT);
	f.guest[0].seq = 2;
	kick(&f, 0);
	assert_int_equal(stats_of(&f, 0).reject, PVS_REJECT_NONE);
}

static void test_a_vcpu_without_a_thread(void **state)
{
	vm_make(&f, NULL);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 0, 0, NULL), 0);
	f.policy.callbacks = PVS_DOUBLE_ALL;
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	ask(&(struct pvs_decision){GOOD});
	expect(PVS_REJECT_ACTUATOR, 0, PVS_BOOST_NONE);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 0, TID(0), NULL), 0);
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(stats_of(&f, 0).boost, PVS_BOOST_RT);
}

/* ---- Actuators that fail -------------------------------------------------------------------- */

static struct {
	unsigned applied, restored, released;
	int err;
} broken;

static uint32_t broken_probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	return wanted;
}

static int broken_capture(void *opaque, pid_t tid, void **thread)
{
	*thread = &broken;
	return tid == TID(3) ? -ESRCH : 0;
}

static int broken_apply(void *opaque, void *thread, const struct pvs_sched *sched)
{
	broken.applied++;
	return broken.err;
}

static void broken_restore(void *opaque, void *thread)
{
	broken.restored++;
}

static void broken_release(void *opaque, void *thread)
{
	broken.released++;
}

static const struct pvs_actuator_ops broken_ops = {.probe = broken_probe,
						   .capture = broken_capture,
						   .apply = broken_apply,
						   .restore = broken_restore,
						   .release = broken_release};

static void test_actuator_errors(void **state)
{
	const struct pvs_vm_config config = {.actuator = {.ops = &broken_ops}};
	char text[200] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	memset(&broken, 0, sizeof(broken));
	vm_make(&f, &config);
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 3, TID(3), &log), -ESRCH);
	assert_string_equal(text, "thread 134217731: its scheduling cannot be read (ESRCH); a "
				  "thread of this machine that exists is needed\n");
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 0, TID(0), NULL), 0);
	f.policy.callbacks = PVS_DOUBLE_ALL;
	pvs_vm_set_policy(f.vm, &f.policy, false, f.now);
	pvs_vm_negotiated(f.vm, FEATURES, f.now);
	broken.err = -EPERM;
	ask(&(struct pvs_decision){GOOD});
	expect(PVS_REJECT_ACTUATOR, 0, PVS_BOOST_NONE);
	assert_int_equal(broken.applied, 1);
	assert_int_equal(broken.restored, 1);
	assert_int_equal(stats_of(&f, 0).actuator_errors, 1);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
	broken.err = 0;
	ask(&(struct pvs_decision){GOOD});
	assert_int_equal(pvs_vm_boosted(f.vm), 1);
	pvs_vm_vcpu_remove(f.vm, 0);
	assert_int_equal(broken.released, 1);
	assert_int_equal(pvs_vm_boosted(f.vm), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_granted, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_ranges, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_no_such_target, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_classes, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_less_is_given, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_permitted, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_gains_cost, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_cap, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_shown_needs_its_feature, vm_setup,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_another_ceiling, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_malformed_hints_buy_nothing, vm_setup,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_torn_hints_are_ignored, vm_setup, vm_teardown),
		cmocka_unit_test_setup_teardown(test_a_vcpu_without_a_thread, vm_setup,
						vm_teardown),
		cmocka_unit_test_setup_teardown(test_actuator_errors, vm_setup, vm_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
