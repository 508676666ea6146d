// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "policy_fixture.h"

#include <bpf_engine.h>
#include <stdio.h>
#include <stdlib.h>

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
