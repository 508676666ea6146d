// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "measure.h"
#include "error.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CHECK_ITERATIONS 100u

/* A program open in all columns. */
struct work {
	struct results *results;
	const struct plan *plan;
	struct row *row;
	struct instance *instances[MAX_COLUMNS]; /* NULL: not in this one */
	unsigned runs[MAX_COLUMNS];              /* in a slice */
	double ns[MAX_RUNS];
	unsigned every[MAX_COLUMNS]; /* rounds of which it takes one */
};

static void fail(struct results *results, const struct bench_program *program,
		 const struct column *column, const GError *error)
{
	g_ptr_array_add(results->failures, g_strdup_printf("%s in %s: %s", program->name,
							   column->name, error->message));
}

/* ---- Opening and comparing ------------------------------------------------------------------ */

/* The engine must take every program; of another's refusal the report tells. */
static void refused(struct work *work, unsigned c, const GError *error)
{
	const struct column *column = work->results->columns[c].column;

	work->row->cells[c].why = g_strdup(error->message);
	if (!column->foreign)
		fail(work->results, work->row->program, column, error);
}

static uint32_t iterations(const struct work *work)
{
	const uint32_t all = work->row->program->info->iterations;

	return work->plan->check_only ? MIN(all, CHECK_ITERATIONS) : all;
}

/* What one mitigation costs is asked of programs alone, and not of single operations. */
static gboolean concerns(const struct column *column, const struct bench_program *program)
{
	if (column->no_maps)
		return !strcmp(program->info->class, "map-less");
	return !column_is_mitigation(column) || class_is_summed(program->info->class);
}

static void open_all(struct work *work)
{
	for (unsigned c = 0; c < work->results->n_columns; c++) {
		const struct column_state *state = &work->results->columns[c];
		g_autoptr(GError) error = NULL;

		if (state->why || !concerns(state->column, work->row->program))
			continue;
		work->instances[c] = state->column->open(state->column, work->row->program,
							 iterations(work), &error);
		if (!work->instances[c])
			refused(work, c, error);
	}
}

static void close_all(struct work *work)
{
	for (unsigned c = 0; c < work->results->n_columns; c++) {
		if (work->instances[c])
			work->instances[c]->column->close(work->instances[c]);
	}
}

/* Run it once, and see that it leaves what @first left. */
static gboolean check(struct instance *instance, const struct column *name_first,
		      const struct outcome *first, struct outcome *own, GError **error)
{
	const struct column *column = instance->column;
	double ns;

	return column->run(instance, 1, &ns, error) && column->outcome(instance, own, error) &&
	       (!name_first || outcome_equal(first, name_first->name, own, column->name, error));
}

/* FALSE: there is nothing to time. */
static gboolean check_all(struct work *work)
{
	g_autofree struct outcome *first = g_new0(struct outcome, 1);
	g_autofree struct outcome *other = g_new0(struct outcome, 1);
	const struct column *reference = NULL;
	gboolean fine = TRUE;

	for (unsigned c = 0; c < work->results->n_columns; c++) {
		g_autoptr(GError) error = NULL;

		if (!work->instances[c])
			continue;
		if (!check(work->instances[c], reference, first, reference ? other : first,
			   &error)) {
			fail(work->results, work->row->program, work->instances[c]->column, error);
			fine = FALSE;
		} else if (!reference) {
			reference = work->instances[c]->column;
		}
		if (work->instances[c]->column->facts)
			work->instances[c]->column->facts(work->instances[c],
							  &work->row->cells[c].facts);
	}
	return fine && reference;
}

/* ---- Rounds --------------------------------------------------------------------------------- */

/* Time of an operation: of the run in the middle, so that one which something came between does not
 * count. */
static double per_operation(const struct instance *instance, const double *ns, unsigned runs)
{
	const uint32_t ops = instance->program->info->ops;

	return stats_summary(ns, runs).median / instance->n / (ops ? ops : 1);
}

static gboolean has_maps(const struct instance *instance)
{
	return strcmp(instance->program->info->class, "map-less") != 0;
}

/* Tables are larger than the nearer caches: what the columns before left there must go first. */
static gboolean warm_up(const struct work *work, struct instance *instance, double *ns,
			GError **error)
{
	const uint32_t ops = MAX(instance->program->info->ops, 1);
	const unsigned runs = work->plan->warm_ops / instance->n / ops;

	return !has_maps(instance) ||
	       instance->column->run(instance, CLAMP(runs, 1, MAX_RUNS), ns, error);
}

static gboolean calibrate(struct work *work, unsigned c, GError **error)
{
	struct instance *instance = work->instances[c];
	double best = INFINITY, slice_ns = work->plan->slice_ns, ns;

	for (unsigned i = 0; i < 3; i++) {
		if (!instance->column->run(instance, 1, &ns, error))
			return FALSE;
		best = MIN(best, MAX(ns, 1));
	}
	if (has_maps(instance))
		slice_ns *= 4;
	work->runs[c] = (unsigned)CLAMP(slice_ns / best, 1, MAX_RUNS);
	/* What is much slower takes part less often. */
	work->every[c] = (unsigned)CLAMP(best / slice_ns / 2, 1, 5);
	return TRUE;
}

static gboolean slice(struct work *work, unsigned c, unsigned round, GError **error)
{
	struct instance *instance = work->instances[c];
	const unsigned runs = work->runs[c];

	if (!warm_up(work, instance, work->ns, error) ||
	    !instance->column->run(instance, runs, work->ns, error))
		return FALSE;
	work->row->cells[c].ns[round] = per_operation(instance, work->ns, runs);
	return TRUE;
}

/* Each round begins with another column. */
static gboolean take_round(struct work *work, unsigned round)
{
	for (unsigned i = 0; i < work->results->n_columns; i++) {
		const unsigned c = (i + round) % work->results->n_columns;
		g_autoptr(GError) error = NULL;

		if (!work->instances[c] || round % work->every[c])
			continue;
		if (!slice(work, c, round, &error)) {
			fail(work->results, work->row->program, work->instances[c]->column, error);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean calibrate_all(struct work *work)
{
	for (unsigned c = 0; c < work->results->n_columns; c++) {
		struct cell *cell = &work->row->cells[c];
		g_autoptr(GError) error = NULL;

		if (!work->instances[c])
			continue;
		cell->ns = g_new(double, work->plan->rounds);
		for (unsigned r = 0; r < work->plan->rounds; r++)
			cell->ns[r] = NAN;
		if (!calibrate(work, c, &error)) {
			fail(work->results, work->row->program, work->instances[c]->column, error);
			return FALSE;
		}
	}
	return TRUE;
}

static void take_rounds(struct work *work)
{
	gboolean fine = calibrate_all(work);

	for (unsigned round = 0; fine && round < work->plan->rounds; round++)
		fine = take_round(work, round);
	for (unsigned c = 0; c < work->results->n_columns; c++) {
		struct cell *cell = &work->row->cells[c];

		if (cell->ns)
			cell->summary = stats_summary(cell->ns, work->plan->rounds);
	}
}

static void say(const struct work *work)
{
	const struct results *results = work->results;

	fprintf(stderr, "%-10s %-16s", work->row->program->info->class, work->row->program->name);
	for (unsigned c = 0; c < results->n_columns && !work->plan->check_only; c++) {
		if (work->row->cells[c].ns)
			fprintf(stderr, " %s %.1f", results->columns[c].column->name,
				work->row->cells[c].summary.median);
	}
	fputs(work->plan->check_only ? " compared\n" : " ns\n", stderr);
}

void measure_program(struct results *results, struct bench_program *program,
		     const struct plan *plan)
{
	struct work work = {.results = results, .plan = plan, .row = g_new0(struct row, 1)};

	work.row->program = program;
	for (unsigned c = 0; c < MAX_COLUMNS; c++)
		work.row->cells[c].summary = stats_summary(NULL, 0);
	open_all(&work);
	if (check_all(&work) && !plan->check_only)
		take_rounds(&work);
	close_all(&work);
	g_ptr_array_add(results->rows, work.row);
	if (plan->progress)
		say(&work);
	bench_program_forget(program);
}

gboolean pin_to_cpu(int cpu, GError **error)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0 && cpu < CPU_SETSIZE)
		CPU_SET(cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE, "processor %d: %s", cpu,
		    g_strerror(errno));
	return FALSE;
}
