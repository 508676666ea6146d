/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a run of the bench found. */
#ifndef SLUICE_BENCH_RESULTS_H
#define SLUICE_BENCH_RESULTS_H

#include "column.h"
#include "stats.h"

#define MAX_COLUMNS 12

/* A program in a column. */
struct cell {
	char *why;  /* not measured, and why; NULL: it was */
	double *ns; /* of one operation, in each round; NaN where it was left out */
	struct summary summary;
	struct code_facts facts;
};

struct row {
	struct bench_program *program;
	struct cell cells[MAX_COLUMNS];
};

/* A column, and why it is not there. */
struct column_state {
	const struct column *column;
	char *why; /* NULL: it is */
};

/* Reading maps with one thread and with two. */
struct scaling {
	const struct bench_program *program;
	const struct column *column;
	double ratio;       /* what two do, by what one does; NaN: not measured */
	struct summary one; /* ns of an operation */
	char *why;
};

/* Loading a program, ns of processor time. */
struct loading {
	const struct bench_program *program;
	const struct column *column;
	uint32_t insns;
	struct summary program_ns; /* verifying and compiling */
	struct summary whole_ns;   /* object file and maps too */
	struct summary compile_ns; /* compiling alone, wall time; of none if it is not known */
	double *program_rounds, *whole_rounds, *compile_rounds;
	char *why;
};

struct results {
	struct column_state columns[MAX_COLUMNS];
	unsigned n_columns;
	unsigned rounds;
	int cpu;
	GPtrArray *rows;     /* struct row */
	GPtrArray *scalings; /* struct scaling */
	GPtrArray *loadings; /* struct loading */
	GPtrArray *failures; /* char *: mismatches and what else must not be */
	struct json_object *machine;
};

struct results *results_new(void);
void results_free(struct results *results);

/* Number of the column called @name, or -1. */
int results_column(const struct results *results, const char *name);

/* Median ratio of @row's column @a to @b; NaN if either was not measured. */
double row_ratio(const struct results *results, const struct row *row, const char *a,
		 const char *b);

/* Geometric mean of row_ratio() over programs of class @class ("all": the three classes of
 * programs). */
double results_geomean(const struct results *results, const char *class, const char *a,
		       const char *b);

/* The highest row_ratio() of the three classes of programs; *program gets its name. NaN of none. */
double results_worst(const struct results *results, const char *a, const char *b,
		     const char **program);

/* Is it one of the three classes that geometric means are made of? */
gboolean class_is_summed(const char *class);
extern const char *const summed_classes[]; /* NULL at the end */

#endif
