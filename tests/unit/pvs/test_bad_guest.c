/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Guests that write anything, at any time, also while it is read. */
#include <pthread.h>
#include <stdlib.h>

#include "bad_guest.h"
#include "vm_fixture.h"

static uint64_t random_state;

static uint64_t draw(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state >> 32;
}

static bool hint_ok(const struct pvs_hint *h)
{
	return h->class < PVS_CLASS_MAX && h->nice >= -20 && h->nice <= 19 && h->rt_prio < 100 &&
	       !(h->pending & ~PVS_PENDING_ALL) && !(h->cs & ~PVS_CS_ALL) &&
	       h->wait_reason < PVS_WAIT_MAX &&
	       (h->wait_vcpu < VCPUS || h->wait_vcpu == PVS_WAIT_NOBODY) &&
	       h->dl_runtime <= h->dl_deadline && h->dl_deadline <= h->dl_period &&
	       !(h->notify & ~PVS_NOTIFY_ALL);
}

/* 10^5 random pages, of which some are nearly right. */
static void test_random_pages(void **state)
{
	static struct pvs_guest_page page;
	uint64_t *words = (uint64_t *)&page;
	unsigned count[4] = {0};
	struct pvs_hint hint;

	random_state = 1;
	for (unsigned i = 0; i < 100000; i++) {
		const uint64_t mask = i % 3 ? 0x1000100030001ull * (i % 16) : ~0ull;

		for (size_t w = 0; w < PVS_RING_OFFSET / 8; w++)
			words[w] = (draw() << 32 | draw()) & mask;
		pvs_hint_read(&page, draw(), VCPUS, &hint);
		assert_in_range(hint.status, PVS_HINT_NONE, PVS_HINT_TORN);
		assert_true(hint_ok(&hint));
		assert_int_equal(!hint.reject, hint.status <= PVS_HINT_OK);
		count[hint.status]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_true(count[i] > 100);
}

static void test_random_scripts(void **state)
{
	static uint8_t script[3000];

	random_state = 2;
	for (unsigned i = 0; i < 3000; i++) {
		const size_t size = draw() % sizeof(script);
		const char *broken;

		for (size_t j = 0; j < size; j++)
			script[j] = (uint8_t)draw();
		broken = bad_guest_run(script, size);
		if (broken)
			fail_msg("script %u: %s", i, broken);
	}
}

/* ---- While it is read ----------------------------------------------------------------------- */

static struct {
	struct pvs_guest_page *pages;
	bool stop; /* atomic */
} racer;

static void *race(void *opaque)
{
	uint64_t x = 88172645463325252ull;

	while (!__atomic_load_n(&racer.stop, __ATOMIC_RELAXED)) {
		uint64_t *words = (uint64_t *)&racer.pages[x % VCPUS];

		for (unsigned i = 0; i < 34; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			__atomic_store_n(&words[i], i & 1 ? x : x & 0x3f0100000002ull,
					 __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static int judge_ctx(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	assert_true(ctx->class < PVS_CLASS_MAX && ctx->rt_prio < 100 && ctx->nice >= -20 &&
		    ctx->nice <= 19);
	assert_true(ctx->dl_runtime <= ctx->dl_deadline && ctx->dl_deadline <= ctx->dl_period);
	assert_true(ctx->wait_vcpu < VCPUS || ctx->wait_vcpu == PVS_WAIT_NOBODY);
	assert_int_equal(ctx->cs & ~PVS_CS_ALL, 0);
	if (ctx->hint_status != PVS_HINT_OK)
		assert_true(!ctx->class && !ctx->pending && !ctx->cs && !ctx->dl_deadline &&
			    !ctx->next_event && !ctx->ticket);
	ctx->out = (struct pvs_decision){
		.set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_RT, .target = ctx->vcpu};
	return PVS_APPLY;
}

static void test_changes_while_it_is_read(void **state)
{
	struct fixture f = {.policy = {.run = judge_ctx, .callbacks = PVS_DOUBLE_ALL}};
	pthread_t thread;

	vm_start(&f, &(struct pvs_vm_config){.limits = {.kicks_per_s = 1000000}});
	racer.pages = f.guest;
	racer.stop = false;
	assert_int_equal(pthread_create(&thread, NULL, race, NULL), 0);
	for (unsigned i = 0; i < 20000; i++) {
		f.now += 50000;
		kick(&f, i % VCPUS);
		pvs_vm_doorbell(f.vm, (i + 1) % VCPUS, f.now);
		if (i % 20 == 0)
			tick(&f);
		assert_true(pvs_vm_boosted(f.vm) <= 2);
	}
	__atomic_store_n(&racer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	pvs_vm_negotiated(f.vm, 0, f.now);
	for (uint32_t v = 0; v < VCPUS; v++) {
		const struct pvs_vcpu_stats s = stats_of(&f, v);

		assert_int_equal(s.set, 0);
		assert_true(s.boost_ns <= 500 * MS + (f.now - START) / 10);
		if (s.applied)
			expect_restored(&f, v);
	}
	vm_end(&f);
}

/* A storm costs what the rate allows, whatever its events are. */
static void test_storm(void **state)
{
	struct fixture f = {.policy = {.callbacks = PVS_DOUBLE_ALL}};

	vm_start(&f, NULL);
	for (unsigned i = 0; i < 1000000; i++) {
		f.now += 100; /* 10^7 a second, for 100 ms */
		if (i & 1)
			kick(&f, 0);
		else
			pvs_vm_doorbell(f.vm, 0, f.now);
	}
	/* 20000 a second and 10 ms' worth at once */
	assert_in_range(stats_of(&f, 0).events[PVS_EVENT_KICK], 0, 2200);
	assert_in_range(stats_of(&f, 0).rate_limited, 1000000 - 2200, 1000000 - 2190);
	vm_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pages),
		cmocka_unit_test(test_random_scripts),
		cmocka_unit_test(test_changes_while_it_is_read),
		cmocka_unit_test(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
