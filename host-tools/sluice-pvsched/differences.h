/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Decisions that differ, printed or collected. */
#ifndef SLUICE_PVSCHED_DIFFERENCES_H
#define SLUICE_PVSCHED_DIFFERENCES_H

#include <json-c/json.h>
#include <pvs_replay.h>

struct differences {
	struct json_object *list; /* NULL: they are printed */
};

/* A pvs_replay_options.diff with a struct differences. */
void difference(void *opaque, const struct pvs_replay_diff *diff);

#endif
