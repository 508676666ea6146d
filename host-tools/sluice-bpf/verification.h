/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One program verified: what came of it and what it took. */
#ifndef SLUICE_BPF_VERIFICATION_H
#define SLUICE_BPF_VERIFICATION_H

#include "object_file.h"

struct verification {
	const struct object_file *file;
	const char *program; /* the object's */
	const char *section;
	uint32_t index;
	uint32_t n_insns; /* slots, subprograms included */
	int err;          /* 0: accepted */
	struct bpfe_log log;
	struct bpfe_verify_stats stats;
	struct bpfe_program_info info; /* of an accepted program */
};

/* Verify program @index under the limits of @attr with a log of @level. Frees nothing of @v. */
void verification_run(struct verification *v, const struct object_file *file, uint32_t index,
		      const struct bpfe_load_attr *attr, unsigned level);
void verification_clear(struct verification *v);

/* "bad-memory"; "ok" when accepted. */
const char *verification_reason(const struct verification *v);

#endif
