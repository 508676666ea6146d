/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Measuring programs in turns, so that whatever else the machine does meets all columns alike. */
#ifndef SLUICE_BENCH_MEASURE_H
#define SLUICE_BENCH_MEASURE_H

#include "results.h"

struct plan {
	unsigned rounds;
	double slice_ns;     /* that a column gets in a round, about */
	uint32_t warm_ops;   /* operations on maps before a slice that is timed */
	gboolean check_only; /* compare what a few iterations leave; no times */
	gboolean progress;   /* a line on standard error for each program */
	int cpu;             /* that the bench is pinned to */
	int other_cpu;       /* another, for two threads; -1: there is none */
};

/*
 * One program in all columns that are there: what the first run leaves is compared, then rounds.
 * Adds a row to @results; what differs or fails is among its failures.
 */
void measure_program(struct results *results, struct bench_program *program,
		     const struct plan *plan);

/* Read maps with two threads in each column that can. Adds to @results. */
void measure_scaling(struct results *results, struct bench_program *program,
		     const struct plan *plan);

/* Load in the engine and in Linux. Adds to @results. */
void measure_loading(struct results *results, struct bench_program *program,
		     const struct plan *plan);

/* Pin the calling thread; FALSE with @error. */
gboolean pin_to_cpu(int cpu, GError **error);

#endif
