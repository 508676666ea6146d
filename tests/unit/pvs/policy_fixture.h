/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Policies for tests: objects made at build time (PVS_OBJECTS names their folder), and contexts as
 * a VM makes them. Where there is no clang all tests skip, saying so.
 */
#ifndef TEST_PVS_POLICY_FIXTURE_H
#define TEST_PVS_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pvs.h>

/* What main() returns: the outcome of @tests, an array, in a thread that may run policies. */
#define run_policy_tests(tests) \
	(policy_tests_begin() ? 0 : policy_tests_end(cmocka_run_group_tests(tests, NULL, NULL)))

bool policy_tests_begin(void); /* true: skip */
int policy_tests_end(int failed);

/* Path of test object @name, in a static buffer. */
const char *test_object(const char *name);

/* Path of a policy of paravirt-sched/policies/ that is not built in, in a static buffer. */
const char *policy_object(const char *name);

/* Open a policy, which must succeed without a word. */
struct pvs_policy *policy_opened(const char *name, const struct pvs_policy_options *options);

/* Open a policy, which must be refused with @err and exactly @text. */
void policy_refused(const char *name, const struct pvs_policy_options *options, int err,
		    const char *text);

/* Test object "callbacks" with @options: a run changes nothing of a context but the decision. */
void policy_keeps_context(const struct pvs_policy_options *options);

/* A context as a VM of 4 vCPUs on a host that may do all of @actuators makes it: vCPU 0 runs, no
 * hints, budgets full. */
struct pvs_ctx context(enum pvs_event event, uint32_t actuators);

/* A policy and a vCPU, in whose ctx.boost a decision is in effect until the next one: a host that
 * grants everything and ends nothing. */
struct scene {
	struct pvs_policy *policy;
	struct pvs_ctx ctx;
};

struct scene scene_begin(const char *policy, uint32_t actuators);
void scene_end(struct scene *scene);

/* @event happens @us later; what the policy answered must be @verdict. */
void scene_step(struct scene *scene, enum pvs_event event, uint64_t us, int verdict);

/* And this is the decision: fields beside these are 0. */
void scene_decided(const struct scene *scene, const struct pvs_decision *want);

#endif
