// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "made_up.h"

#include <stdio.h>

#define ROUNDS 3

struct results *made_up_results(void)
{
	static const struct column *const columns[] = {&column_native, &column_linux, &column_jit,
						       &column_hardened, &column_interp};
	struct results *results = results_new();

	results->rounds = ROUNDS;
	results->machine = json_object_new_object();
	json_object_object_add(results->machine, "processor",
			       json_object_new_string("a <fast> one"));
	for (size_t c = 0; c < G_N_ELEMENTS(columns); c++)
		results->columns[results->n_columns++].column = columns[c];
	return results;
}

static void made_up_cell(struct cell *cell, double ns)
{
	cell->summary = stats_summary(NULL, 0);
	if (!ns)
		return;
	cell->ns = g_new(double, ROUNDS);
	for (unsigned r = 0; r < ROUNDS; r++)
		cell->ns[r] = ns;
	cell->summary = stats_summary(cell->ns, ROUNDS);
}

void made_up_row(struct results *results, const char *class, const char *name, double native,
		 double linux_jit, double jit, double hardened)
{
	const double ns[MAX_COLUMNS] = {native, linux_jit, jit, hardened};
	struct bench_program *program = g_new0(struct bench_program, 1);
	struct bench_info *info = g_new0(struct bench_info, 1);
	struct row *row = g_new0(struct row, 1);

	info->class = class;
	info->what = "made up";
	program->name = g_strdup(name);
	program->info = info;
	row->program = program;
	for (unsigned c = 0; c < MAX_COLUMNS; c++)
		made_up_cell(&row->cells[c], ns[c]);
	g_ptr_array_add(results->rows, row);
}

char *made_up_table(const struct results *results)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	report_table(results, out);
	fclose(out);
	return text;
}

void made_up_free(struct results *results)
{
	for (guint r = 0; r < results->rows->len; r++) {
		struct row *row = g_ptr_array_index(results->rows, r);

		g_free(row->program->name);
		g_free((gpointer)(uintptr_t)row->program->info);
		g_free(row->program);
	}
	results_free(results);
}
