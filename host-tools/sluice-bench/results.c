// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "results.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

const char *const summed_classes[] = {"map-less", "map-heavy", "real", NULL};

gboolean class_is_summed(const char *class)
{
	return g_strv_contains(summed_classes, class);
}

static void row_free(gpointer data)
{
	struct row *row = data;

	for (unsigned c = 0; c < MAX_COLUMNS; c++) {
		g_free(row->cells[c].why);
		g_free(row->cells[c].ns);
	}
	g_free(row);
}

static void scaling_free(gpointer data)
{
	struct scaling *scaling = data;

	g_free(scaling->why);
	g_free(scaling);
}

static void loading_free(gpointer data)
{
	struct loading *loading = data;

	g_free(loading->program_rounds);
	g_free(loading->whole_rounds);
	g_free(loading->compile_rounds);
	g_free(loading->why);
	g_free(loading);
}

struct results *results_new(void)
{
	struct results *results = g_new0(struct results, 1);

	results->rows = g_ptr_array_new_with_free_func(row_free);
	results->scalings = g_ptr_array_new_with_free_func(scaling_free);
	results->loadings = g_ptr_array_new_with_free_func(loading_free);
	results->failures = g_ptr_array_new_with_free_func(g_free);
	return results;
}

void results_free(struct results *results)
{
	g_ptr_array_unref(results->rows);
	g_ptr_array_unref(results->scalings);
	g_ptr_array_unref(results->loadings);
	g_ptr_array_unref(results->failures);
	for (unsigned c = 0; c < results->n_columns; c++)
		g_free(results->columns[c].why);
	json_object_put(results->machine);
	g_free(results);
}

int results_column(const struct results *results, const char *name)
{
	for (unsigned c = 0; c < results->n_columns; c++) {
		if (!strcmp(results->columns[c].column->name, name))
			return (int)c;
	}
	return -1;
}

double row_ratio(const struct results *results, const struct row *row, const char *a, const char *b)
{
	const int x = results_column(results, a), y = results_column(results, b);

	if (x < 0 || y < 0 || !row->cells[x].ns || !row->cells[y].ns)
		return NAN;
	return stats_ratio(row->cells[x].ns, row->cells[y].ns, results->rounds);
}

double results_geomean(const struct results *results, const char *class, const char *a,
		       const char *b)
{
	g_autofree double *ratios = g_new(double, results->rows->len);
	size_t n = 0;

	for (guint r = 0; r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);
		const char *of = row->program->info->class;

		if (strcmp(class, "all") ? !strcmp(class, of) : class_is_summed(of))
			ratios[n++] = row_ratio(results, row, a, b);
	}
	return stats_geomean(ratios, n);
}

double results_worst(const struct results *results, const char *a, const char *b,
		     const char **program)
{
	double worst = NAN;

	for (guint r = 0; r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);
		const double ratio = class_is_summed(row->program->info->class)
					     ? row_ratio(results, row, a, b)
					     : NAN;

		if (isnan(ratio) || ratio <= worst)
			continue;
		worst = ratio;
		*program = row->program->name;
	}
	return worst;
}
