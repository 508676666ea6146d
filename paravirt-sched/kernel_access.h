/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The host kernel's BPF: objects of ours are opened and loaded, and refusals explained. */
#ifndef PVS_KERNEL_ACCESS_H
#define PVS_KERNEL_ACCESS_H

#include <stddef.h>

#include "pvs.h"

struct bpf_object;

/*
 * Whether tracing programs can tell vCPU threads apart here: 0, or -ENOTSUP, explained in @log. The
 * kernel's programs see thread ids of the initial pid namespace, and BTF has to be there.
 */
int pvs_kernel_can_trace(struct pvs_log *log);

/* Whether the kernel takes schedulers for sched_ext, and has none now: 0, -ENOTSUP or -EBUSY,
 * explained in @log. */
int pvs_kernel_can_schedule(struct pvs_log *log);

/*
 * bpf() answered @err (negative) to @what: say so in @log, with what this process lacks and what
 * would permit it. Returns @err.
 */
int pvs_kernel_refuse(struct pvs_log *log, int err, const char *what);

/*
 * The end of what a verifier says, from the start of a line: its reason stands last, and all of it
 * is more than a log takes.
 */
const char *pvs_kernel_verifier_end(const char *text);

/* ---- kernel_object.c ------------------------------------------------------------------------ */

/*
 * Open the object of @size bytes at @data, which libbpf copies. What libbpf and the verifier say
 * from here to pvs_kernel_object_load() goes to @log, never to stderr. -EINVAL and others.
 */
int pvs_kernel_object_open(const void *data, size_t size, const char *name,
			   struct bpf_object **object, struct pvs_log *log);
/* The same for an object of pvs_kernel_objects. -ENOTSUP: built without clang. */
int pvs_kernel_object_open_own(const char *name, struct bpf_object **object, struct pvs_log *log);
/* Create its maps and have its programs verified. The caller closes the object. -EPERM, -EACCES,
 * -EINVAL and others of bpf(2). */
int pvs_kernel_object_load(struct bpf_object *object, struct pvs_log *log);
/* Set the @size bytes of the opened object's only read-only variable. -EINVAL: it is another. */
int pvs_kernel_object_set(const struct bpf_object *object, const void *value, size_t size);
/* Memory of a loaded object's zeroed global variables, of which there are @size bytes; NULL: there
 * are not, or errno. To be unmapped with munmap(memory, @size). */
void *pvs_kernel_object_globals(const struct bpf_object *object, size_t size);

#endif
