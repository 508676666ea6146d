/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Policies that are C functions of the test, in the place of policy.c's: what a VM does with a
 * policy is tested without BPF.
 */
#ifndef PVS_TEST_POLICY_DOUBLE_H
#define PVS_TEST_POLICY_DOUBLE_H

#include <pvs.h>

#define DOUBLE_LOG 64

struct pvs_policy {
	const char *name;
	uint32_t callbacks;
	int (*run)(struct pvs_policy *policy, struct pvs_ctx *ctx);
	int verdict;             /* if there is no run: this... */
	struct pvs_decision out; /* ...and this; target PVS_DOUBLE_SELF: the vCPU itself */
	int refs;
	unsigned runs[PVS_EVENT_MAX];
	uint8_t log[DOUBLE_LOG]; /* event << 4 | vCPU of each run, the first so many */
	unsigned n_log;
	struct pvs_ctx last; /* as it was called */
};

#define PVS_DOUBLE_SELF 0xffffffffu
#define PVS_DOUBLE_ALL  0xffu /* all callbacks */

#endif
