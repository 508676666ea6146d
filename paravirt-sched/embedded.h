/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF objects that are part of the library; embed.py writes the tables. */
#ifndef PVS_EMBEDDED_H
#define PVS_EMBEDDED_H

#include <stddef.h>

struct pvs_embedded {
	const char *name; /* NULL ends a table */
	const unsigned char *data;
	size_t size;
};

/* Both are empty where the library was built without clang. */
extern const struct pvs_embedded pvs_policy_objects[]; /* policies/ */
extern const struct pvs_embedded pvs_kernel_objects[]; /* kernel/: run in the host's kernel */

/* The entry of that name, or NULL. */
const struct pvs_embedded *pvs_embedded_find(const struct pvs_embedded *table, const char *name);

#endif
