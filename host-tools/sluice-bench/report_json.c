// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "report.h"

#include <math.h>
#include <string.h>

static struct json_object *number(double value)
{
	return isnan(value) ? NULL : json_object_new_double(value);
}

static void add(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static struct json_object *text(const char *string)
{
	return string ? json_object_new_string(string) : NULL;
}

static struct json_object *summary_json(const struct summary *s)
{
	struct json_object *object = json_object_new_object();

	add(object, "median", number(s->median));
	add(object, "low", number(s->low));
	add(object, "high", number(s->high));
	add(object, "min", number(s->min));
	add(object, "max", number(s->max));
	return object;
}

static struct json_object *rounds_json(const double *values, unsigned n)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; values && i < n; i++)
		json_object_array_add(array, number(values[i]));
	return array;
}

static struct json_object *columns_json(const struct results *results)
{
	struct json_object *array = json_object_new_array();

	for (unsigned c = 0; c < results->n_columns; c++) {
		const struct column_state *state = &results->columns[c];
		struct json_object *object = json_object_new_object();

		add(object, "name", text(state->column->name));
		add(object, "what", text(state->column->what));
		add(object, "available", json_object_new_boolean(!state->why));
		add(object, "why", text(state->why));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *cell_json(const struct cell *cell, unsigned rounds)
{
	struct json_object *object = summary_json(&cell->summary);

	add(object, "rounds", rounds_json(cell->ns, rounds));
	add(object, "code_bytes", json_object_new_int64(cell->facts.bytes));
	add(object, "counted", json_object_new_boolean(cell->facts.counted));
	add(object, "why", text(cell->why));
	return object;
}

static struct json_object *row_json(const struct results *results, const struct row *row)
{
	struct json_object *object = json_object_new_object(), *cells = json_object_new_object();

	add(object, "name", text(row->program->name));
	add(object, "class", text(row->program->info->class));
	add(object, "what", text(row->program->info->what));
	add(object, "iterations", json_object_new_int64(row->program->info->iterations));
	add(object, "vs_linux_jit", number(row_ratio(results, row, "sluice-jit", "linux-jit")));
	add(object, "vs_native", number(row_ratio(results, row, "sluice-jit", "native")));
	add(object, "hardened_vs_linux_jit",
	    number(row_ratio(results, row, "hardened", "linux-jit")));
	add(object, "hardened_vs_jit", number(row_ratio(results, row, "hardened", "sluice-jit")));
	for (unsigned c = 0; c < results->n_columns; c++) {
		if (!results->columns[c].why)
			add(cells, results->columns[c].column->name,
			    cell_json(&row->cells[c], results->rounds));
	}
	add(object, "ns", cells);
	return object;
}

static struct json_object *programs_json(const struct results *results)
{
	struct json_object *array = json_object_new_array();

	for (guint r = 0; r < results->rows->len; r++)
		json_object_array_add(array,
				      row_json(results, g_ptr_array_index(results->rows, r)));
	return array;
}

static struct json_object *geomeans_of(const struct results *results, const char *a, const char *b)
{
	struct json_object *object = json_object_new_object();

	for (unsigned i = 0; summed_classes[i]; i++)
		add(object, summed_classes[i],
		    number(results_geomean(results, summed_classes[i], a, b)));
	add(object, "all", number(results_geomean(results, "all", a, b)));
	return object;
}

static struct json_object *geomeans_json(const struct results *results)
{
	struct json_object *object = json_object_new_object();

	add(object, "vs_linux_jit", geomeans_of(results, "sluice-jit", "linux-jit"));
	add(object, "vs_native", geomeans_of(results, "sluice-jit", "native"));
	add(object, "hardened_vs_linux_jit", geomeans_of(results, "hardened", "linux-jit"));
	add(object, "hardened_vs_jit", geomeans_of(results, "hardened", "sluice-jit"));
	return object;
}

static struct json_object *hardening_json(const struct results *results)
{
	struct json_object *object = json_object_new_object(), *costs = json_object_new_object();

	add(object, "all", number(results_geomean(results, "all", "hardened", "sluice-jit")));
	for (size_t i = 0; i < n_columns_mitigation; i++)
		add(object, columns_mitigation[i].name,
		    number(results_geomean(results, "all", columns_mitigation[i].name,
					   "sluice-jit")));
	for (size_t i = 0; i < n_columns_mitigation; i++) {
		const char *name = columns_mitigation[i].name;

		/* "no-masks" leaves masks out */
		add(costs, name + strlen("no-"),
		    number(results_geomean(results, "all", "hardened", name)));
	}
	add(object, "costs", costs);
	return object;
}

static struct json_object *scalings_json(const struct results *results)
{
	struct json_object *array = json_object_new_array();

	for (guint s = 0; s < results->scalings->len; s++) {
		const struct scaling *scaling = g_ptr_array_index(results->scalings, s);
		struct json_object *object = json_object_new_object();

		add(object, "name", text(scaling->program->name));
		add(object, "column", text(scaling->column->name));
		add(object, "ratio", number(scaling->ratio));
		add(object, "one_ns", summary_json(&scaling->one));
		add(object, "why", text(scaling->why));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *loadings_json(const struct results *results)
{
	struct json_object *array = json_object_new_array();

	for (guint l = 0; l < results->loadings->len; l++) {
		const struct loading *loading = g_ptr_array_index(results->loadings, l);
		struct json_object *object = json_object_new_object();

		add(object, "name", text(loading->program->name));
		add(object, "column", text(loading->column->name));
		add(object, "insns", json_object_new_int64(loading->insns));
		add(object, "program_ns", summary_json(&loading->program_ns));
		add(object, "whole_ns", summary_json(&loading->whole_ns));
		add(object, "compile_ns", summary_json(&loading->compile_ns));
		add(object, "why", text(loading->why));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *targets_json(const struct results *results)
{
	struct json_object *array = json_object_new_array();
	struct target targets[MAX_TARGETS];
	const unsigned n = targets_evaluate(results, targets);

	for (unsigned i = 0; i < n; i++) {
		struct json_object *object = json_object_new_object();

		add(object, "what", text(targets[i].what));
		add(object, "aim", number(targets[i].aim));
		add(object, "value", number(targets[i].value));
		add(object, "more_is_better", json_object_new_boolean(targets[i].more));
		add(object, "verdict", text(target_verdict(&targets[i])));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *failures_json(const struct results *results)
{
	struct json_object *array = json_object_new_array();

	for (guint i = 0; i < results->failures->len; i++)
		json_object_array_add(array, text(g_ptr_array_index(results->failures, i)));
	return array;
}

struct json_object *report_json(const struct results *results)
{
	struct json_object *object = json_object_new_object();

	add(object, "machine", json_object_get(results->machine));
	add(object, "rounds", json_object_new_int64(results->rounds));
	add(object, "columns", columns_json(results));
	add(object, "programs", programs_json(results));
	add(object, "geomean", geomeans_json(results));
	add(object, "hardening", hardening_json(results));
	add(object, "two_cores", scalings_json(results));
	add(object, "loading", loadings_json(results));
	add(object, "targets", targets_json(results));
	add(object, "failures", failures_json(results));
	return object;
}
