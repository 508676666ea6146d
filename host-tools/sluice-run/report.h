/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a run has shown, as a table or as JSON. */
#ifndef SLUICE_RUN_REPORT_H
#define SLUICE_RUN_REPORT_H

#include "program.h"
#include "redirects.h"
#include "streams.h"
#include <nic_model.h>

struct report {
	const struct program *program;
	const char *capture; /* its path */
	uint64_t frames;     /* fed to the NIC, repetitions included */
	uint64_t elapsed_ns; /* spent in the NIC for them */
	uint64_t stats[SLUICE_N_PORT_STATS];
	struct redirects redirects;
	struct streams streams;
};

void report_table(const struct report *report);
void report_json(const struct report *report);

#endif
