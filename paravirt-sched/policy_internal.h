/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the parts of a policy share: the object as it was read (policy_object.c, tunables.c), what
 * is common to its hosts (policy.c), and the operations of a host (policy_engine.c,
 * policy_kernel.c).
 */
#ifndef PVS_POLICY_INTERNAL_H
#define PVS_POLICY_INTERNAL_H

#include <stdatomic.h>

#include "bpf_elf.h"
#include "pvs.h"

struct pvs_policy;

/* A host of policies. Except for run and the reading of maps, all in the thread that loads. */
struct pvs_policy_ops {
	const char *name; /* "engine", "kernel": for messages */

	/*
	 * Verify and load every callback the policy has (policy->program[event] >= 0), and make its
	 * maps. policy->image is the ELF object with the values of tunables in it; policy->object
	 * the same as the engine's loader sees it. Sets policy->host. Says in @log why not.
	 */
	int (*load)(struct pvs_policy *policy, const struct pvs_policy_options *options,
		    struct pvs_log *log);
	/* Also after a load that failed: policy->host may be NULL. */
	void (*unload)(struct pvs_policy *policy);

	/*
	 * Run the callback of @event, which the policy has, over @ctx, of which everything may be
	 * overwritten. The program's r0 in *result. -EIO: cut short.
	 */
	int (*run)(struct pvs_policy *policy, enum pvs_event event, struct pvs_ctx *ctx,
		   int32_t *result);

	/* What verification and compilation of a callback took; may be NULL: not known. */
	int (*callback_info)(const struct pvs_policy *policy, enum pvs_event event,
			     struct pvs_policy_callback *info);

	/* Elements of map @i of policy->object: as the system calls of those names; @value has
	 * room for pvs_policy_map.value_bytes. -ENOENT: no more, no such key, no such map. */
	int (*map_next_key)(struct pvs_policy *policy, uint32_t i, const void *key, void *next);
	int (*map_lookup)(struct pvs_policy *policy, uint32_t i, const void *key, void *value);
};

extern const struct pvs_policy_ops pvs_policy_engine_ops;
extern const struct pvs_policy_ops pvs_policy_kernel_ops;

struct pvs_policy {
	atomic_uint references;
	const struct pvs_policy_ops *ops;
	void *host;     /* the host's own */
	uint8_t *image; /* ELF, tunables set */
	size_t image_size;
	struct bpfe_object *object;
	char name[PVS_NAME_LEN];
	uint32_t version;
	int32_t program[PVS_EVENT_MAX]; /* number in the object, -1: none */
	struct pvs_tunable_info *tunables;
	uint32_t n_tunables;
	/* Written by the one thread that runs, read by any. */
	atomic_uint_least64_t runs[PVS_EVENT_MAX], run_ns[PVS_EVENT_MAX], faults;
};

/* Names of callbacks ("vcpu_run"), by enum pvs_event. */
extern const char *const pvs_event_names[PVS_EVENT_MAX];

/* Read policy->image: callbacks, name, version, tunables; then put @options' values of tunables
 * into both image and object. @file: what the policy is called if it does not say. */
int pvs_policy_read(struct pvs_policy *policy, const char *file,
		    const struct pvs_policy_options *options, struct pvs_log *log);

/* The parts of the above about tunables. */
int pvs_tunables_find(struct pvs_policy *policy, struct pvs_log *log);
int pvs_tunables_set(struct pvs_policy *policy, const struct pvs_policy_options *options,
		     struct pvs_log *log);

#endif
