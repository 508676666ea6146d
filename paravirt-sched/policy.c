// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Policies, whatever runs them: loading, references, running a callback and counting that. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "policy_internal.h"

static const struct pvs_policy_ops *host_ops(enum pvs_policy_host host)
{
	switch (host) {
	case PVS_HOST_ENGINE:
		return &pvs_policy_engine_ops;
	case PVS_HOST_KERNEL:
		return &pvs_policy_kernel_ops;
	default:
		return NULL;
	}
}

static void destroy(struct pvs_policy *policy)
{
	if (policy->ops)
		policy->ops->unload(policy);
	bpfe_object_close(policy->object);
	free(policy->tunables);
	free(policy->image);
	free(policy);
}

static struct pvs_policy *create(const void *data, size_t size)
{
	struct pvs_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->image = malloc(size ? size : 1);
	if (!policy->image) {
		free(policy);
		return NULL;
	}
	if (size)
		memcpy(policy->image, data, size);
	policy->image_size = size;
	atomic_init(&policy->references, 1);
	return policy;
}

int pvs_policy_load(const void *data, size_t size, const char *name,
		    const struct pvs_policy_options *options, struct pvs_policy **policy,
		    struct pvs_log *log)
{
	static const struct pvs_policy_options defaults;
	const struct pvs_policy_ops *ops;
	struct pvs_policy *made;
	int ret;

	*policy = NULL;
	options = options ? options : &defaults;
	ops = host_ops(options->host);
	if (!ops)
		return pvs_refuse(log, -EINVAL, "policy '%s': there is no host number %d", name,
				  (int)options->host);
	made = create(data, size);
	if (!made)
		return pvs_refuse(log, -ENOMEM, "policy '%s': out of memory", name);
	ret = pvs_policy_read(made, name, options, log);
	if (!ret) {
		made->ops = ops;
		ret = ops->load(made, options, log);
	}
	if (ret) {
		destroy(made);
		return ret;
	}
	*policy = made;
	return 0;
}

struct pvs_policy *pvs_policy_get(struct pvs_policy *policy)
{
	if (policy)
		atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
	return policy;
}

void pvs_policy_put(struct pvs_policy *policy)
{
	if (policy && atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) == 1)
		destroy(policy);
}

/* ---- Running -------------------------------------------------------------------------------- */

/* One thread writes, so that a plain addition is enough. */
static void count(atomic_uint_least64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
			      memory_order_relaxed);
}

static bool is_verdict(int32_t result)
{
	return result == PVS_KEEP || result == PVS_APPLY || result == PVS_BASELINE;
}

int pvs_policy_run(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	const struct pvs_decision none = {.target = ctx->vcpu};
	struct pvs_ctx seen; /* it may write where it likes */
	int32_t result = 0;
	uint64_t begin;
	int ret;

	if (ctx->event >= PVS_EVENT_MAX)
		return -EINVAL;
	if (policy->program[ctx->event] < 0) {
		ctx->out = none;
		return PVS_KEEP;
	}
	memcpy(&seen, ctx, offsetof(struct pvs_ctx, out));
	seen.out = none;
	begin = pvs_clock_ns();
	ret = policy->ops->run(policy, ctx->event, &seen, &result);
	count(&policy->run_ns[ctx->event], pvs_clock_ns() - begin);
	count(&policy->runs[ctx->event], 1);
	if (!ret && !is_verdict(result))
		ret = -ERANGE;
	if (ret) {
		count(&policy->faults, 1);
		ctx->out = none;
		return ret;
	}
	ctx->out = seen.out;
	return result;
}

void pvs_policy_info(const struct pvs_policy *policy, struct pvs_policy_info *info)
{
	*info = (struct pvs_policy_info){.version = policy->version};
	memcpy(info->name, policy->name, sizeof(info->name));
	for (uint32_t i = 0; i < PVS_EVENT_MAX; i++) {
		info->callbacks |= policy->program[i] >= 0 ? 1u << i : 0;
		info->runs[i] = atomic_load_explicit(&policy->runs[i], memory_order_relaxed);
		info->run_ns[i] = atomic_load_explicit(&policy->run_ns[i], memory_order_relaxed);
	}
	info->faults = atomic_load_explicit(&policy->faults, memory_order_relaxed);
}
