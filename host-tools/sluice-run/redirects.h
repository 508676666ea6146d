/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where a program redirected frames to, and how many. */
#ifndef SLUICE_RUN_REDIRECTS_H
#define SLUICE_RUN_REDIRECTS_H

#include <glib.h>
#include <nic_model.h>

struct redirect_target {
	enum nic_redirect_kind kind;
	uint32_t index;
	gboolean missing; /* no such interface or queue; of several: one of them */
	uint64_t frames;
};

struct redirects {
	GArray *targets; /* struct redirect_target, as they came up; NULL: none */
	uint64_t more;   /* frames to targets beyond the first REDIRECTS_MAX */
};

#define REDIRECTS_MAX 100u

/* Count the frame of which @redirect says what became; one that was not redirected is not. */
void redirects_count(struct redirects *redirects, const struct nic_redirect *redirect);
void redirects_clear(struct redirects *redirects);

/* "interface 3" and the like. The caller frees it. */
char *redirect_target_name(const struct redirect_target *target);

#endif
