/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Policies: callbacks in BPF, loaded, run and looked into. Included by pvs.h. */
#ifndef PVS_POLICY_H
#define PVS_POLICY_H

#include "pvs.h"

/* ---- Policies (policy.c, policy_engine.c, policy_kernel.c) ----------------------------------- */

struct pvs_policy;

enum pvs_policy_host {
	PVS_HOST_ENGINE = 0, /* Sluice's engine in this process */
	PVS_HOST_KERNEL,     /* the host's kernel, each callback by BPF_PROG_TEST_RUN */
};

struct pvs_tunable {
	const char *name;
	int64_t value;
};

struct pvs_policy_options {
	enum pvs_policy_host host;
	uint8_t engine;  /* enum bpfe_engine */
	uint32_t budget; /* instructions a callback may run; 0: 100000 */
	const struct pvs_tunable *tunables;
	size_t n_tunables;
};

struct pvs_policy_info {
	char name[PVS_NAME_LEN]; /* the object's `const char pvs_policy_name[]`, else the file's */
	uint32_t version;        /* `const unsigned pvs_policy_version`, else 0 */
	uint32_t callbacks;      /* bit 1 << enum pvs_event: those it has */
	uint64_t runs[PVS_EVENT_MAX], run_ns[PVS_EVENT_MAX], faults;
};

/*
 * Load the object of @size bytes at @data (copied). @name is for messages and if the object has
 * none. Every callback is verified, for a context of sizeof(struct pvs_ctx) bytes, before this
 * returns. Several policies may be loaded at once; each has maps of its own. Blocks while
 * verifying; any thread. -EINVAL: no policy, or an unknown tunable; -EACCES: refused by the
 * verifier; the log says which callback, where and why.
 */
int pvs_policy_load(const void *data, size_t size, const char *name,
		    const struct pvs_policy_options *options, struct pvs_policy **policy,
		    struct pvs_log *log);
/* The policy of this name that is built in (none, boost, deadline, lock-holder, fair-budget), or
 * the file of this path. Same errors; -ENOENT. */
int pvs_policy_open(const char *name, const struct pvs_policy_options *options,
		    struct pvs_policy **policy, struct pvs_log *log);
void pvs_policy_put(struct pvs_policy *policy);
struct pvs_policy *pvs_policy_get(struct pvs_policy *policy);
void pvs_policy_info(const struct pvs_policy *policy, struct pvs_policy_info *info);
/* Names of the built-in policies, NULL-terminated. */
const char *const *pvs_policy_names(void);

/*
 * Run the callback of ctx->event, PVS_KEEP if there is none. ctx->out is cleared and its target set
 * before, and is as the program gave it afterwards: the caller judges it; the rest of @ctx is not
 * changed, whatever the program does. -EIO: it was cut short (budget) or failed; -ERANGE: not an
 * enum pvs_verdict; -EINVAL: no such event. One thread at a time, registered with the engine
 * (bpfe_thread_register(); pvs_loop's is).
 */
int pvs_policy_run(struct pvs_policy *policy, struct pvs_ctx *ctx);

/* ---- Looking into a policy (policy_inspect.c): control plane, any thread --------------------- */

/* Name of an event's callback ("vcpu_run"), NULL: no such event. */
const char *pvs_event_name(uint32_t event);

#define PVS_TUNABLE_NAME_LEN 64

struct pvs_tunable_info {
	char name[PVS_TUNABLE_NAME_LEN];
	char type[32];          /* as the source has it: "unsigned int", "__u64", "bool" */
	uint32_t size;          /* bytes: 1, 2, 4 or 8 */
	int64_t value, initial; /* as set, and as the object has it */
	int64_t min, max;       /* what its type holds, of int64_t */
};

/* What verifying and compiling a callback took. */
struct pvs_policy_callback {
	const char *function; /* of the object; valid as long as the policy */
	uint32_t insns, stack_bytes, states, jit_bytes;
	uint64_t insns_verified, verify_ns;
	const char *engine; /* "interp", "jit", "kernel" */
};

struct pvs_policy_map {
	char name[PVS_NAME_LEN];
	uint32_t type, key_size, value_size, max_entries;
	uint32_t value_bytes; /* that a reader of one value gets */
	bool global;          /* a section of global variables: one value */
};

/* The @i-th: tunables by name, maps in the order of the object. -ENOENT: no more of them. */
int pvs_policy_tunable(const struct pvs_policy *policy, uint32_t i, struct pvs_tunable_info *info);
int pvs_policy_map(const struct pvs_policy *policy, uint32_t i, struct pvs_policy_map *map);
/* -ENOENT: it has no such callback; -EOPNOTSUPP: its host does not say. */
int pvs_policy_callback(const struct pvs_policy *policy, enum pvs_event event,
			struct pvs_policy_callback *info);

/*
 * Call @fn with each key and value of map @i as they are now, while the policy may run: a value is
 * copied at once, two of them not at the same time. @fn returns 0 to go on. Returns what @fn
 * returned, -ENOENT: no such map, -ENOMEM, or 0.
 */
typedef int (*pvs_policy_element_fn)(void *opaque, const void *key, const void *value);
int pvs_policy_map_each(struct pvs_policy *policy, uint32_t i, pvs_policy_element_fn fn,
			void *opaque);

/* Call @fn with each global variable as it is now: @type is its BTF type's name, @bytes has @size
 * bytes. As above. */
typedef int (*pvs_policy_global_fn)(void *opaque, const char *name, const char *type,
				    const void *bytes, size_t size);
int pvs_policy_globals(struct pvs_policy *policy, pvs_policy_global_fn fn, void *opaque);

#endif
