// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "policy_fixture.h"

#include <bpf_engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool policy_tests_begin(void)
{
	const char *folder = getenv("PVS_OBJECTS");

	if (!folder || !folder[0]) {
		puts("1..0 # SKIP no clang to make policies with (apt install clang)");
		return true;
	}
	bpfe_thread_register();
	return false;
}

int policy_tests_end(int failed)
{
	bpfe_rcu_barrier();
	bpfe_thread_unregister();
	return failed;
}

const char *test_object(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", getenv("PVS_OBJECTS"), name);
	return path;
}

const char *policy_object(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", getenv("PVS_POLICIES"), name);
	return path;
}

struct pvs_policy *policy_opened(const char *name, const struct pvs_policy_options *options)
{
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;
	int ret = pvs_policy_open(name, options, &policy, &log);

	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	return policy;
}

void policy_refused(const char *name, const struct pvs_policy_options *options, int err,
		    const char *expected)
{
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy = (struct pvs_policy *)text;
	int ret = pvs_policy_open(name, options, &policy, &log);

	assert_string_equal(text, expected);
	assert_int_equal(ret, err);
	assert_null(policy);
}

struct pvs_ctx context(enum pvs_event event, uint32_t actuators)
{
	return (struct pvs_ctx){
		.abi = PVS_POLICY_ABI,
		.event = event,
		.now_ns = 1000000000,
		.n_vcpus = 4,
		.n_online = 4,
		.sources = PVS_SRC_TICK | PVS_SRC_KICK | PVS_SRC_HALT,
		.actuators = actuators,
		.wait_vcpu = PVS_WAIT_NOBODY,
		.run_state = PVS_RUN_RUNNING,
		.budget_cs = 2000000,
		.budget_boost = 500000000,
		.vm_cap = 2,
		.ceiling = actuators,
		.prio_max = 10,
	};
}

void policy_keeps_context(const struct pvs_policy_options *options)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), options);
	struct pvs_ctx ctx = context(PVS_EVENT_KICK, PVS_ACT_ALL), before = ctx;

	ctx.vcpu = before.vcpu = 2;
	memset(&ctx.out, 0xff, sizeof(ctx.out));
	assert_int_equal(pvs_policy_run(policy, &ctx), PVS_APPLY);
	before.out = (struct pvs_decision){.set = PVS_SET_YIELD, .target = 2};
	assert_memory_equal(&ctx, &before, sizeof(ctx));
	pvs_policy_put(policy);
}

struct scene scene_begin(const char *policy, uint32_t actuators)
{
	return (struct scene){.policy = policy_opened(policy, NULL),
			      .ctx = context(PVS_EVENT_INIT, actuators)};
}

void scene_end(struct scene *scene)
{
	pvs_policy_put(scene->policy);
}

void scene_step(struct scene *scene, enum pvs_event event, uint64_t us, int verdict)
{
	struct pvs_ctx *ctx = &scene->ctx;
	int answer;

	ctx->event = event;
	ctx->now_ns += us * 1000;
	ctx->state_ns += us * 1000;
	answer = pvs_policy_run(scene->policy, ctx);
	if (answer != verdict)
		fail_msg("%s answered %d, not %d", pvs_event_name(event), answer, verdict);
	if (answer == PVS_APPLY && ctx->out.target == ctx->vcpu)
		ctx->boost = ctx->out.boost;
	if (answer == PVS_BASELINE)
		ctx->boost = PVS_BOOST_NONE;
}

void scene_decided(const struct scene *scene, const struct pvs_decision *want)
{
	const struct pvs_decision *out = &scene->ctx.out;

	assert_int_equal(out->set, want->set);
	assert_int_equal(out->boost, want->boost);
	assert_int_equal(out->target, want->target);
	assert_int_equal(out->nice, want->nice);
	assert_int_equal(out->slice_ns, want->slice_ns);
	assert_int_equal(out->prio, want->prio);
	assert_int_equal(out->hold_ns, want->hold_ns);
	assert_memory_equal(out, want, sizeof(*want));
}
