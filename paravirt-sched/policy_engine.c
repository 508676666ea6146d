// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Policies in Sluice's engine: each callback is a program over the bytes of its struct pvs_ctx, all
 * of them over one set of maps. A run that is cut short is the policy's fault.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

#define DEFAULT_BUDGET 100000u
#define LOG_SIZE       4096u

struct engine_policy {
	struct bpfe_map **maps; /* of the object */
	struct bpfe_program *programs[PVS_EVENT_MAX];
};

static int refuse(const struct pvs_policy *policy, enum pvs_event event, const char *why, int err,
		  struct pvs_log *log)
{
	pvs_log(log, "policy '%s': callback %s is refused:\n%s", policy->name,
		pvs_event_names[event], why);
	return err;
}

static int load_callback(struct pvs_policy *policy, enum pvs_event event,
			 const struct pvs_policy_options *options, char *text, struct pvs_log *log)
{
	struct engine_policy *host = policy->host;
	const struct bpfe_load_attr attr = {
		.type = BPFE_PROG_MEM,
		.mem_size = sizeof(struct pvs_ctx),
		.name = pvs_event_names[event],
		.budget = options->budget ? options->budget : DEFAULT_BUDGET,
		.engine = options->engine,
	};
	struct bpfe_log why = {.buf = text, .size = LOG_SIZE};
	int ret;

	text[0] = '\0';
	ret = bpfe_object_load_with_maps(policy->object, (uint32_t)policy->program[event], &attr,
					 host->maps, &host->programs[event], &why);
	return ret ? refuse(policy, event, text, ret, log) : 0;
}

static int load_all(struct pvs_policy *policy, const struct pvs_policy_options *options, char *text,
		    struct pvs_log *log)
{
	struct engine_policy *host = policy->host;
	struct bpfe_log why = {.buf = text, .size = LOG_SIZE};
	int ret;

	ret = bpfe_object_create_maps(policy->object, NULL, &host->maps, &why);
	if (ret) {
		pvs_log(log, "policy '%s': its maps cannot be made:\n%s", policy->name, text);
		return ret;
	}
	for (uint32_t event = 0; event < PVS_EVENT_MAX && !ret; event++) {
		if (policy->program[event] >= 0)
			ret = load_callback(policy, event, options, text, log);
	}
	return ret;
}

static int engine_load(struct pvs_policy *policy, const struct pvs_policy_options *options,
		       struct pvs_log *log)
{
	char *text = calloc(1, LOG_SIZE);
	int ret = -ENOMEM;

	policy->host = calloc(1, sizeof(struct engine_policy));
	if (text && policy->host)
		ret = load_all(policy, options, text, log);
	else
		pvs_refuse(log, ret, "policy '%s': out of memory", policy->name);
	free(text);
	return ret;
}

static void engine_unload(struct pvs_policy *policy)
{
	struct engine_policy *host = policy->host;

	if (!host)
		return;
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		if (host->programs[event])
			bpfe_program_put(host->programs[event]);
	}
	bpfe_object_put_maps(policy->object, host->maps);
	free(host);
}

static int engine_run(struct pvs_policy *policy, enum pvs_event event, struct pvs_ctx *ctx,
		      int32_t *answer)
{
	const struct engine_policy *host = policy->host;
	struct bpfe_result result;

	bpfe_rcu_read_lock();
	result = bpfe_run_mem(host->programs[event], ctx, sizeof(*ctx));
	bpfe_rcu_read_unlock();
	if (result.abort != BPFE_ABORT_NONE)
		return -EIO;
	*answer = (int32_t)result.retval;
	return 0;
}

static int engine_callback_info(const struct pvs_policy *policy, enum pvs_event event,
				struct pvs_policy_callback *info)
{
	const struct engine_policy *host = policy->host;
	struct bpfe_program_info program;

	bpfe_program_info(host->programs[event], &program);
	info->insns = program.n_insns;
	info->stack_bytes = program.stack_bytes;
	info->states = program.states;
	info->jit_bytes = program.jit_bytes;
	info->insns_verified = program.insns_verified;
	info->verify_ns = program.verify_ns;
	info->engine = bpfe_engine_name(program.engine);
	return 0;
}

static struct bpfe_map *map_at(const struct pvs_policy *policy, uint32_t i)
{
	const struct engine_policy *host = policy->host;

	return i < bpfe_object_n_maps(policy->object) ? host->maps[i] : NULL;
}

static int engine_map_next_key(struct pvs_policy *policy, uint32_t i, const void *key, void *next)
{
	struct bpfe_map *map = map_at(policy, i);

	return map ? bpfe_map_get_next_key(map, key, next) : -ENOENT;
}

static int engine_map_lookup(struct pvs_policy *policy, uint32_t i, const void *key, void *value)
{
	struct bpfe_map *map = map_at(policy, i);

	return map ? bpfe_map_lookup_copy(map, key, value) : -ENOENT;
}

const struct pvs_policy_ops pvs_policy_engine_ops = {
	.name = "engine",
	.load = engine_load,
	.unload = engine_unload,
	.run = engine_run,
	.callback_info = engine_callback_info,
	.map_next_key = engine_map_next_key,
	.map_lookup = engine_map_lookup,
};
