/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the kernel grants before the VM has judged it (kernel/in_place.h) is what the VM would
 * grant: the two are compared for decisions and states of the VM at random.
 */
#include <stdlib.h>

#include "kernel/in_place.h"
#include "kernel_scx.h"
#include "vm_fixture.h"

static struct fixture f;
static unsigned seed;

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	seed = 1;
	vm_start(&f, NULL);
	return 0;
}

static int teardown(void **state)
{
	vm_end(&f);
	return 0;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand_r(&seed) % n;
}

static bool often(void)
{
	return below(8) != 0;
}

/* Mostly one that may be had; each field is now and then out of its range. */
static struct pvs_decision some_decision(void)
{
	return (struct pvs_decision){
		.set = below(often() ? PVS_SET_ALL + 1 : 2 * PVS_SET_ALL) &
		       (often() ? ~PVS_SET_DEADLINE : ~0u),
		.boost = below(often() ? PVS_BOOST_MAX : PVS_BOOST_MAX + 1),
		.nice = (int32_t)below(often() ? 40 : 44) - 20,
		.slice_ns = often() ? (100 + below(99000)) * 1000ull : below(2) * UINT64_MAX,
		.prio = often() ? 1 + below(20) : below(110),
		.weight = 1 + below(10100),
		.dl_runtime = 2000000,
		.dl_deadline = 4000000,
		.dl_period = often() ? 4000000 : 1,
		.affinity = often(),
		.capacity = below(1100),
		.hold_ns = below(2) * 1000,
	};
}

static void some_state(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	vm->limits.ceiling = often() ? PVS_ACT_ALL : below(PVS_ACT_ALL + 1);
	vm->actuators = often() ? PVS_ACT_ALL : below(PVS_ACT_ALL + 1);
	vm->limits.prio_max = 1 + below(12);
	vm->limits.nice_min = (int32_t)below(25) - 20;
	vm->limits.max_boosted = 1 + below(3);
	vm->boosted = below(4);
	v->effect.boost = below(2) ? PVS_BOOST_RT : PVS_BOOST_NONE;
	v->thread.base_nice = often() ? 0 : (int32_t)below(40) - 20;
	v->hint.status = often() ? PVS_HINT_OK : PVS_HINT_MALFORMED;
	v->cs.throttled = !often();
	v->boost.throttled = !often();
}

static void same_as_judged(void **state)
{
	struct pvs_vcpu *v = &f.vm->vcpus[0];
	struct in_place_limits limits;
	struct pvs_effect effect;
	enum pvs_reject reject;
	unsigned granted = 0, with_priority = 0;
	struct pvs_decision d;
	struct pvs_ctx ctx;
	uint64_t word;
	__u64 lasts;

	for (unsigned i = 0; i < 200000; i++) {
		some_state(f.vm, v);
		d = some_decision();
		pvs_fill_ctx(f.vm, v, PVS_EVENT_HALT, f.now, &ctx);
		limits = (struct in_place_limits){
			.nice_min = f.vm->limits.nice_min,
			.base_nice = v->thread.base_nice,
			.throttled = (v->cs.throttled ? IN_PLACE_NO_CS : 0) |
				     (v->boost.throttled ? IN_PLACE_NO_BOOST : 0),
			.boosted = f.vm->boosted,
		};
		word = in_place_grant(&ctx, &limits, &d, &lasts);
		if (pvs_judge(f.vm, v, &d, f.now, &effect, &reject) || d.set & PVS_SET_DEADLINE) {
			assert_int_equal(word, 0);
			continue;
		}
		assert_int_equal(word, scx_word(&effect.sched));
		granted += word != 0;
		with_priority += grant_prio(word) != 0;
	}
	/* The comparison was about something. */
	assert_true(granted > 20000 && with_priority > 5000);
	v->effect.boost = PVS_BOOST_NONE;
	f.vm->boosted = 0;
}

static void lasts_as_long_as_paid_for(void **state)
{
	struct pvs_decision d = {.set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_CS};
	const struct in_place_limits limits = {.nice_min = -20};
	struct pvs_ctx ctx = {
		.ceiling = PVS_ACT_ALL, .budget_cs = 1000, .budget_boost = MS, .vm_cap = 1};
	__u64 lasts;

	assert_int_equal(in_place_grant(&ctx, &limits, &d, &lasts), grant_of_nice(-5));
	assert_int_equal(lasts, 1000);
	d.boost = PVS_BOOST_RT;
	assert_int_equal(in_place_grant(&ctx, &limits, &d, &lasts), grant_of_nice(-5));
	assert_int_equal(lasts, MS);
	d.hold_ns = 500;
	assert_int_equal(in_place_grant(&ctx, &limits, &d, &lasts), grant_of_nice(-5));
	assert_int_equal(lasts, 500);
	/* Not judged for long: the VM's thread may be gone. */
	d.hold_ns = 0;
	ctx.budget_boost = UINT64_MAX;
	in_place_grant(&ctx, &limits, &d, &lasts);
	assert_int_equal(lasts, SCX_LONGEST_NS);
}

static void over_when_not_judged_in_time(void **state)
{
	const uint64_t word = grant_of_prio(7) | grant_of_nice(-3) | grant_of_slice(300000);
	const struct scx_grant provisional = {.word = word | GRANT_PROVISIONAL, .until = 1000};
	const struct scx_grant judged = {.word = word, .until = 1000};

	assert_int_equal(grant_in_force(&provisional, 999), word);
	assert_int_equal(grant_in_force(&provisional, 1000), 0);
	assert_int_equal(grant_in_force(&judged, 1000), word);
	assert_int_equal(grant_prio(word), 7);
	assert_int_equal(grant_nice(word), -3);
	assert_int_equal(grant_slice_ns(word), 300000);
}

/* A VM that does not judge: what is granted again and again ends when the first would have. */
static void not_longer_by_repetition(void **state)
{
	const uint64_t boost = grant_of_prio(7);
	struct scx_grant grant = {0};
	__u64 until = 0;

	grant.word = grant_replaced(0, boost, 1000, 500, &until);
	assert_int_equal(grant.word, boost | GRANT_PROVISIONAL | 1ull << GRANT_SERIAL_SHIFT);
	assert_int_equal(until, 1500);
	for (unsigned i = 2; i < 20; i++) {
		grant.word = grant_replaced(grant.word, i & 1 ? boost : 0, 1000 + i,
					    i & 1 ? 500 : 0, &until);
		assert_int_equal(grant.word >> GRANT_SERIAL_SHIFT, i);
		assert_int_equal(until, 1500);
		grant.until = until;
		assert_int_equal(grant_in_force(&grant, 1499), i & 1 ? boost : 0);
		assert_int_equal(grant_in_force(&grant, 1500), 0);
	}
	/* The same again is nothing new, and what may last for less does. */
	assert_int_equal(grant_replaced(grant.word, boost, 1100, 500, &until), 0);
	grant.word = grant_replaced(grant.word, grant_of_prio(8), 1100, 100, &until);
	assert_int_equal(until, 1200);
	/* The VM has judged an earlier one: it is there, and the next has its own time... */
	assert_int_not_equal(
		grant_replaced(grant.word | GRANT_HEARD, boost, 3000, 500, &until) & boost, 0);
	assert_int_equal(until, 3500);
	/* ...as after it has judged this one. */
	assert_int_not_equal(grant_replaced(boost, 0, 5000, 0, &until), 0);
	assert_int_equal(until, 5000 + SCX_LONGEST_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_as_judged, setup, teardown),
		cmocka_unit_test(lasts_as_long_as_paid_for),
		cmocka_unit_test(over_when_not_judged_in_time),
		cmocka_unit_test(not_longer_by_repetition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
