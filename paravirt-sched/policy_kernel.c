/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Policies in the host's kernel: the same object, loaded by libbpf, each callback a program of type
 * SYSCALL, whose context is the bytes that BPF_PROG_TEST_RUN copies in and back. What bounds a run
 * in time is the kernel's verifier: it takes no program that it cannot follow to its end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel_access.h"
#include "policy_kernel.h"

struct kernel_policy {
	struct bpf_object *object;
	struct bpf_program *programs[PVS_EVENT_MAX];
	int fds[PVS_EVENT_MAX];
};

/* Each callback becomes a SYSCALL program, which must be sleepable; what else the object holds is
 * not loaded. */
static int choose_programs(struct pvs_policy *policy, struct pvs_log *log)
{
	struct kernel_policy *host = policy->host;
	struct bpf_program *program;

	bpf_object__for_each_program(program, host->object)
		bpf_program__set_autoload(program, false);
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		if (policy->program[event] < 0)
			continue;
		program = bpf_object__find_program_by_name(
			host->object,
			bpfe_object_program_name(policy->object, (uint32_t)policy->program[event]));
		if (!program)
			return pvs_refuse(log, -EINVAL,
					  "policy '%s': libbpf finds no program for callback %s",
					  policy->name, pvs_event_names[event]);
		bpf_program__set_type(program, BPF_PROG_TYPE_SYSCALL);
		bpf_program__set_flags(program, BPF_F_SLEEPABLE);
		bpf_program__set_autoload(program, true);
		host->programs[event] = program;
	}
	return 0;
}

/* The callback whose function libbpf names in @text, NULL: none. When loading ends early it leaves
 * no other trace of where. */
static const char *refused_callback(const struct kernel_policy *host, const char *text)
{
	char words[256];

	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		if (!host->programs[event])
			continue;
		snprintf(words, sizeof(words), "prog '%s': failed to load",
			 bpf_program__name(host->programs[event]));
		if (strstr(text, words))
			return pvs_event_names[event];
	}
	return NULL;
}

static int explain(const struct pvs_policy *policy, int err, size_t said, struct pvs_log *log)
{
	const char *callback =
		log && said < log->size ? refused_callback(policy->host, log->buf + said) : NULL;

	if (err == -EPERM)
		return err; /* explained already */
	if (callback)
		pvs_log(log, "policy '%s': callback %s is refused by the host's kernel\n",
			policy->name, callback);
	/* The kernel's verifier says EINVAL of much that it understands and refuses. */
	return err == -EINVAL ? -EACCES : err;
}

/*
 * The verifier follows a SYSCALL program's accesses to its context without knowing how long that
 * is: a run with less is refused, before the bytes are copied. So bytes that cannot be copied tell
 * whether a run would be, and nothing runs.
 */
static bool stays_in_context(int fd)
{
	static char *const nowhere = (char *)1;
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = nowhere,
		    .ctx_size_in = sizeof(struct pvs_ctx));

	return bpf_prog_test_run_opts(fd, &run) == -EFAULT;
}

static int adopt_programs(struct pvs_policy *policy, struct pvs_log *log)
{
	struct kernel_policy *host = policy->host;

	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		if (!host->programs[event])
			continue;
		host->fds[event] = bpf_program__fd(host->programs[event]);
		if (!stays_in_context(host->fds[event]))
			return pvs_refuse(log, -EACCES,
					  "policy '%s': callback %s is refused: it accesses memory "
					  "beyond the %zu bytes of its context",
					  policy->name, pvs_event_names[event],
					  sizeof(struct pvs_ctx));
	}
	return 0;
}

static int load_programs(struct pvs_policy *policy, struct pvs_log *log)
{
	const struct kernel_policy *host = policy->host;
	const size_t said = log ? log->len : 0;
	const int err = pvs_kernel_object_load(host->object, log);

	if (err)
		return explain(policy, err, said, log);
	return adopt_programs(policy, log);
}

static int kernel_load(struct pvs_policy *policy, const struct pvs_policy_options *options,
		       struct pvs_log *log)
{
	struct kernel_policy *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return pvs_refuse(log, -ENOMEM, "policy '%s': out of memory", policy->name);
	policy->host = host;
	err = pvs_kernel_object_open(policy->image, policy->image_size, policy->name, &host->object,
				     log);
	if (!err)
		err = choose_programs(policy, log);
	return err ? err : load_programs(policy, log);
}

static void kernel_unload(struct pvs_policy *policy)
{
	struct kernel_policy *host = policy->host;

	if (!host)
		return;
	bpf_object__close(host->object);
	free(host);
}

static int kernel_run(struct pvs_policy *policy, enum pvs_event event, struct pvs_ctx *ctx,
		      int32_t *result)
{
	const struct kernel_policy *host = policy->host;
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = ctx, .ctx_size_in = sizeof(*ctx));

	/* The context is copied back to where it came from. */
	if (bpf_prog_test_run_opts(host->fds[event], &run) < 0)
		return -EIO;
	*result = (int32_t)run.retval;
	return 0;
}

static int kernel_callback_info(const struct pvs_policy *policy, enum pvs_event event,
				struct pvs_policy_callback *info)
{
	const struct kernel_policy *host = policy->host;
	struct bpf_prog_info program = {0};
	uint32_t size = sizeof(program);

	if (bpf_obj_get_info_by_fd(host->fds[event], &program, &size) < 0)
		return -EOPNOTSUPP;
	info->insns = program.xlated_prog_len / (uint32_t)sizeof(struct bpf_insn);
	info->jit_bytes = program.jited_prog_len;
	info->insns_verified = program.verified_insns;
	info->engine = "kernel";
	return 0;
}

/* libbpf keeps maps in an order of its own, and the engine's loader cuts their names. */
static int map_fd(const struct pvs_policy *policy, uint32_t i)
{
	const struct kernel_policy *host = policy->host;
	const char *name;
	struct bpf_map *map;

	if (i >= bpfe_object_n_maps(policy->object))
		return -ENOENT;
	name = bpfe_object_map(policy->object, i)->name;
	map = bpf_object__find_map_by_name(host->object, name);
	if (map)
		return bpf_map__fd(map);
	bpf_object__for_each_map(map, host->object)
	{
		if (!strncmp(bpf_map__name(map), name, BPFE_NAME_LEN - 1))
			return bpf_map__fd(map);
	}
	return -ENOENT;
}

static int kernel_map_next_key(struct pvs_policy *policy, uint32_t i, const void *key, void *next)
{
	const int fd = map_fd(policy, i);

	return fd < 0 ? -ENOENT : bpf_map_get_next_key(fd, key, next);
}

static int kernel_map_lookup(struct pvs_policy *policy, uint32_t i, const void *key, void *value)
{
	const int fd = map_fd(policy, i);

	return fd < 0 ? -ENOENT : bpf_map_lookup_elem(fd, key, value);
}

const struct pvs_policy_ops pvs_policy_kernel_ops = {
	.name = "kernel",
	.load = kernel_load,
	.unload = kernel_unload,
	.run = kernel_run,
	.callback_info = kernel_callback_info,
	.map_next_key = kernel_map_next_key,
	.map_lookup = kernel_map_lookup,
};

const struct bpf_program *pvs_policy_kernel_program(const struct pvs_policy *policy,
						    enum pvs_event event)
{
	const struct kernel_policy *host = policy->host;

	return policy->ops == &pvs_policy_kernel_ops && event < PVS_EVENT_MAX
		       ? host->programs[event]
		       : NULL;
}
