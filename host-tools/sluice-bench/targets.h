/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the engine aims at, and whether it got there. */
#ifndef SLUICE_BENCH_TARGETS_H
#define SLUICE_BENCH_TARGETS_H

#include "results.h"

struct target {
	char what[96];
	double aim;
	double value;       /* NaN: not measured */
	gboolean more;      /* more is better */
	const char *detail; /* of the value, or NULL */
};

#define MAX_TARGETS 24

/* Fill @targets; returns how many. */
unsigned targets_evaluate(const struct results *results, struct target targets[MAX_TARGETS]);

/* "met", "missed" or "not measured" */
const char *target_verdict(const struct target *target);

#endif
