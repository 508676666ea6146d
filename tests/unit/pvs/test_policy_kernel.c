/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Policies in the host's kernel: what they share, what is refused, and that one object decides the
 * same there, in the interpreter and in compiled code. Skipped where bpf() does not work.
 */
#include "policy_fixture.h"

#include <bpf_engine.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VCPUS = 4,
	EVENTS = 6000
};

static const struct pvs_policy_options in_kernel = {.host = PVS_HOST_KERNEL};

static struct pvs_ctx run(struct pvs_policy *policy, enum pvs_event event, int want)
{
	struct pvs_ctx ctx = context(event, PVS_ACT_ALL);

	assert_int_equal(pvs_policy_run(policy, &ctx), want);
	return ctx;
}

static void callbacks_share_maps(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &in_kernel);
	struct pvs_policy *other = policy_opened(test_object("callbacks"), &in_kernel);

	assert_int_equal(run(policy, PVS_EVENT_TICK, PVS_BASELINE).out.set, 0);
	run(policy, PVS_EVENT_INIT, PVS_KEEP);
	assert_int_equal(run(policy, PVS_EVENT_TICK, PVS_APPLY).out.slice_ns, 97200);
	assert_int_equal(run(policy, PVS_EVENT_TICK, PVS_APPLY).out.slice_ns, 94200);
	/* Another one of the same object has maps of its own. */
	run(other, PVS_EVENT_TICK, PVS_BASELINE);
	pvs_policy_put(other);
	pvs_policy_put(policy);
}

static void tunables_set(void **state)
{
	static const struct pvs_tunable tunables[] = {
		{"limit", 255},      {"step", -100},      {"stop_at_limit", 1},
		{"offset_ns", -400}, {"period_ns", 1000},
	};
	const struct pvs_policy_options options = {
		.host = PVS_HOST_KERNEL, .tunables = tunables, .n_tunables = 5};
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &options);
	struct pvs_ctx ctx;

	run(policy, PVS_EVENT_INIT, PVS_KEEP);
	ctx = run(policy, PVS_EVENT_TICK, PVS_APPLY);
	assert_int_equal(ctx.out.slice_ns, 256); /* 100 - 100, limit, 1 */
	assert_int_equal(ctx.out.hold_ns, 1000 - 400 + 1 + 3);
	pvs_policy_put(policy);
}

static int note_element(void *opaque, const void *key, const void *value)
{
	char *text = opaque;
	uint64_t v;
	uint32_t k;

	memcpy(&k, key, 4);
	memcpy(&v, value, 8);
	sprintf(text + strlen(text), "%u=%llu ", k, (unsigned long long)v);
	return 0;
}

static int note_ticks(void *opaque, const char *name, const char *type, const void *bytes,
		      size_t size)
{
	if (!strcmp(name, "ticks"))
		memcpy(opaque, bytes, size);
	return 0;
}

static void state_can_be_seen(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &in_kernel);
	struct pvs_ctx ctx = context(PVS_EVENT_INIT, 0);
	uint64_t ticks = 0;
	char text[64] = "";

	ctx.vcpu = 3;
	assert_int_equal(pvs_policy_run(policy, &ctx), PVS_KEEP);
	ctx.event = PVS_EVENT_TICK;
	assert_int_equal(pvs_policy_run(policy, &ctx), PVS_APPLY);
	assert_int_equal(pvs_policy_map_each(policy, 0, note_element, text), 0);
	assert_string_equal(text, "3=97 ");
	assert_int_equal(pvs_policy_map_each(policy, 99, note_element, text), -ENOENT);
	assert_int_equal(pvs_policy_globals(policy, note_ticks, &ticks), 0);
	assert_int_equal(ticks, 1);
	pvs_policy_put(policy);
}

static void context_is_not_changed(void **state)
{
	policy_keeps_context(&in_kernel);
}

static void verdicts_are_checked(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &in_kernel);
	struct pvs_policy_info info;

	assert_int_equal(run(policy, PVS_EVENT_HALT, -ERANGE).out.set, 0);
	run(policy, PVS_EVENT_EXIT, PVS_KEEP);
	pvs_policy_info(policy, &info);
	assert_int_equal(info.faults, 1);
	assert_int_equal(info.runs[PVS_EVENT_HALT], 1);
	assert_int_equal(info.runs[PVS_EVENT_EXIT], 0);
	assert_true(info.run_ns[PVS_EVENT_HALT] > 0);
	pvs_policy_put(policy);
}

static void what_it_is(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &in_kernel);
	struct pvs_policy_callback callback;

	assert_int_equal(pvs_policy_callback(policy, PVS_EVENT_TICK, &callback), 0);
	assert_string_equal(callback.function, "on_tick");
	assert_string_equal(callback.engine, "kernel");
	assert_true(callback.insns > 0 && callback.insns_verified > 0);
	assert_int_equal(pvs_policy_callback(policy, PVS_EVENT_EXIT, &callback), -ENOENT);
	pvs_policy_put(policy);
}

/* The verifier's words are the kernel's; that they arrive, and whose callback it is, are ours. */
static void refused_by_the_verifier(void **state)
{
	static char text[65536];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;

	assert_int_equal(pvs_policy_open(test_object("before"), &in_kernel, &policy, &log),
			 -EACCES);
	assert_null(policy);
	assert_non_null(strstr(text, "BEGIN PROG LOAD LOG"));
	assert_non_null(strstr(text, "r0 = *(u32 *)(r1 -4)"));
	assert_non_null(strstr(text, "policy 'callbacks': callback exit is refused by the host's "
				     "kernel\n"));
}

static void refused_beyond_its_context(void **state)
{
	policy_refused(test_object("beyond"), &in_kernel, -EACCES,
		       "policy 'callbacks': callback exit is refused: it accesses memory beyond "
		       "the 432 bytes of its context\n");
}

/* ---- The same decisions --------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 16) % below;
}

/* One of a few, or anything below @below: what policies compare with is met often. */
static uint64_t often_small(uint64_t below)
{
	return draw(2) ? draw(3) : draw(below);
}

static void draw_hints(struct pvs_ctx *ctx)
{
	ctx->hint_status = (uint32_t)draw(8) ? PVS_HINT_OK : (uint32_t)draw(4);
	if (ctx->hint_status != PVS_HINT_OK)
		return;
	ctx->features = 0x3ff;
	ctx->hint_age_ns = often_small(10000000);
	ctx->class = (uint32_t)draw(PVS_CLASS_MAX);
	ctx->nice = (int32_t)draw(40) - 20;
	ctx->rt_prio = (uint32_t)draw(100);
	ctx->pending = (uint32_t)(draw(PVS_PENDING_ALL + 1) & draw(PVS_PENDING_ALL + 1));
	ctx->cs = (uint32_t)(draw(2) ? draw(PVS_CS_ALL + 1) : 0);
	ctx->cs_count = (uint32_t)draw(1u << 16);
	ctx->cs_age_ns = ctx->cs ? often_small(5000000) : 0;
	if (draw(2)) {
		ctx->dl_period = 1000000 + draw(100000000);
		ctx->dl_deadline = 1 + draw(ctx->dl_period);
		ctx->dl_runtime = 1 + draw(ctx->dl_deadline);
		ctx->next_event = ctx->now_ns + draw(2000000) - 1000000;
	}
	ctx->wait_reason = (uint32_t)draw(PVS_WAIT_MAX);
	ctx->wait_vcpu =
		ctx->wait_reason && draw(4) ? (uint32_t)draw(VCPUS) : (uint32_t)PVS_WAIT_NOBODY;
	ctx->ticket = draw(4) ? 0 : draw(1000);
	for (unsigned i = 0; i < PVS_OPAQUE_WORDS; i++)
		ctx->opaque[i] = often_small(UINT64_MAX);
}

static void draw_event(struct pvs_ctx *ctx, uint64_t now)
{
	*ctx = context((enum pvs_event)draw(PVS_EVENT_MAX), (uint32_t)draw(PVS_ACT_ALL + 1));
	ctx->now_ns = now;
	ctx->vcpu = (uint32_t)draw(VCPUS);
	ctx->sources = (uint32_t)draw(64);
	draw_hints(ctx);
	ctx->run_state = (uint32_t)draw(PVS_RUN_MAX);
	ctx->boost = (uint32_t)draw(PVS_BOOST_MAX);
	ctx->run_ns = draw(now);
	ctx->wait_ns = draw(now);
	ctx->boost_ns = draw(now);
	ctx->state_ns = often_small(10000000);
	ctx->budget_cs = often_small(2000000);
	ctx->budget_boost = often_small(500000000);
	ctx->vm_boosted = (uint32_t)draw(VCPUS + 1);
	ctx->vm_cap = (uint32_t)draw(VCPUS) + 1;
	ctx->prio_max = (uint32_t)draw(11);
	ctx->tick_ns = 1000000 * (1 + draw(10));
}

static void decide_the_same(const char *name, uint8_t engine)
{
	const struct pvs_policy_options in_engine = {.engine = engine};
	struct pvs_policy *here = policy_opened(name, &in_engine);
	struct pvs_policy *there = policy_opened(name, &in_kernel);
	struct pvs_ctx ours, theirs;
	uint64_t now = 1000000000;
	int verdict;

	random_state = engine;
	for (uint32_t i = 0; i < EVENTS; i++) {
		draw_event(&ours, now += draw(2000000));
		if (i < VCPUS) {
			ours.event = PVS_EVENT_INIT;
			ours.vcpu = i;
		}
		theirs = ours;
		verdict = pvs_policy_run(here, &ours);
		assert_int_equal(pvs_policy_run(there, &theirs), verdict);
		assert_memory_equal(&ours, &theirs, sizeof(ours));
	}
	pvs_policy_put(there);
	pvs_policy_put(here);
}

static void same_decisions(void **state)
{
	const uint8_t engine = *(const uint8_t *)*state;

	if (bpfe_engine_available(engine, NULL))
		skip();
	decide_the_same(test_object("callbacks"), engine);
	decide_the_same(test_object("opaque"), engine);
	for (const char *const *name = pvs_policy_names(); *name; name++)
		decide_the_same(*name, engine);
}

static bool kernel_takes_no_policy(void)
{
	static char text[65536];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;
	const int err = pvs_policy_open(test_object("callbacks"), &in_kernel, &policy, &log);

	pvs_policy_put(policy);
	if (err == -EPERM || err == -ENOSYS) {
		printf("1..0 # SKIP %s", text);
		return true;
	}
	return false;
}

int main(void)
{
	static uint8_t interp = BPFE_ENGINE_INTERP, jit = BPFE_ENGINE_JIT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callbacks_share_maps),
		cmocka_unit_test(tunables_set),
		cmocka_unit_test(state_can_be_seen),
		cmocka_unit_test(context_is_not_changed),
		cmocka_unit_test(verdicts_are_checked),
		cmocka_unit_test(what_it_is),
		cmocka_unit_test(refused_by_the_verifier),
		cmocka_unit_test(refused_beyond_its_context),
		cmocka_unit_test_prestate(same_decisions, &interp),
		cmocka_unit_test_prestate(same_decisions, &jit),
	};

	if (policy_tests_begin())
		return 0;
	if (kernel_takes_no_policy())
		return policy_tests_end(0);
	return policy_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
