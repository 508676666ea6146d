// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "policy_double.h"

#include <stdio.h>
#include <string.h>

struct pvs_policy *pvs_policy_get(struct pvs_policy *policy)
{
	policy->refs++;
	return policy;
}

void pvs_policy_put(struct pvs_policy *policy)
{
	policy->refs--;
}

void pvs_policy_info(const struct pvs_policy *policy, struct pvs_policy_info *info)
{
	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "%s", policy->name ? policy->name : "double");
	info->version = 7;
	info->callbacks = policy->callbacks;
}

int pvs_policy_run(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	policy->runs[ctx->event]++;
	if (policy->n_log < DOUBLE_LOG)
		policy->log[policy->n_log++] = (uint8_t)(ctx->event << 4 | ctx->vcpu);
	policy->last = *ctx;
	if (policy->run)
		return policy->run(policy, ctx);
	ctx->out = policy->out;
	if (policy->out.target == PVS_DOUBLE_SELF)
		ctx->out.target = ctx->vcpu;
	return policy->verdict;
}
