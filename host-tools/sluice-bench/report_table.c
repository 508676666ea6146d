// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The report on a terminal. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Mitigations have a table of their own. */
static gboolean shown(const struct column_state *state)
{
	return !state->why && !column_is_mitigation(state->column);
}

static void print_machine(const struct results *results, FILE *out)
{
	json_object_object_foreach(results->machine, key, value)
		fprintf(out, "%-18s %s\n", key, json_object_get_string(value));
}

static void print_columns(const struct results *results, FILE *out)
{
	fputc('\n', out);
	for (unsigned c = 0; c < results->n_columns; c++) {
		const struct column_state *state = &results->columns[c];

		if (state->why)
			fprintf(out, "%-18s not measured: %s\n", state->column->name, state->why);
		else
			fprintf(out, "%-18s %s\n", state->column->name, state->column->what);
	}
}

/* Columns of programs' tables, so wide that all six fit a terminal of 120. */
enum {
	W_PROGRAM = 16,
	W_CELL = 13,
	W_RATIO = 9
};

/* ---- Programs ------------------------------------------------------------------------------- */

static void print_ratio(double ratio, FILE *out)
{
	if (isnan(ratio))
		fprintf(out, " %*s", W_RATIO, "-");
	else
		fprintf(out, " %*.2fx", W_RATIO - 1, ratio);
}

static void print_head(const struct results *results, const char *first, FILE *out)
{
	fprintf(out, "\n%-*s", W_PROGRAM, first);
	for (unsigned c = 0; c < results->n_columns; c++) {
		if (shown(&results->columns[c]))
			fprintf(out, " %*s", W_CELL, results->columns[c].column->name);
	}
	fprintf(out, " %*s %*s\n", W_RATIO, "vs linux", W_RATIO, "vs native");
}

/* "12.3 ±0.4": median and half of the distance between the quartiles */
static void print_cell(const struct cell *cell, FILE *out)
{
	char text[32];

	if (isnan(cell->summary.median))
		g_strlcpy(text, cell->why ? "refused" : "-", sizeof(text));
	else
		g_snprintf(text, sizeof(text), "%.1f ±%.1f", cell->summary.median,
			   (cell->summary.high - cell->summary.low) / 2);
	fprintf(out, " %*s", W_CELL + (int)(strlen(text) - (size_t)g_utf8_strlen(text, -1)), text);
}

static void print_row(const struct results *results, const struct row *row, FILE *out)
{
	fprintf(out, "%-*s", W_PROGRAM, row->program->name);
	for (unsigned c = 0; c < results->n_columns; c++) {
		if (shown(&results->columns[c]))
			print_cell(&row->cells[c], out);
	}
	print_ratio(row_ratio(results, row, "sluice-jit", "linux-jit"), out);
	print_ratio(row_ratio(results, row, "sluice-jit", "native"), out);
	fputc('\n', out);
}

static void print_programs(const struct results *results, FILE *out)
{
	const char *class = "";

	for (guint r = 0; r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);

		if (strcmp(class, row->program->info->class)) {
			class = row->program->info->class;
			print_head(results, class, out);
		}
		print_row(results, row, out);
	}
	for (guint r = 0; r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);

		for (unsigned c = 0; c < results->n_columns; c++) {
			if (row->cells[c].why)
				fprintf(out, "%s: %s\n", results->columns[c].column->name,
					row->cells[c].why);
		}
	}
}

/* ---- The rest ------------------------------------------------------------------------------- */

static void print_scalings(const struct results *results, FILE *out)
{
	if (results->scalings->len)
		fprintf(out, "\nTwo cores read one map: what they do together, by what one does\n");
	for (guint s = 0; s < results->scalings->len; s++) {
		const struct scaling *scaling = g_ptr_array_index(results->scalings, s);

		fprintf(out, "%-18s %-12s ", scaling->program->name, scaling->column->name);
		if (scaling->why)
			fprintf(out, "not measured: %s\n", scaling->why);
		else
			fprintf(out, "%.2fx (one: %.1f ns)\n", scaling->ratio, scaling->one.median);
	}
}

static void print_loadings(const struct results *results, FILE *out)
{
	if (results->loadings->len)
		fprintf(out, "\n%-18s %-12s %8s %22s %22s %14s\n", "Loading, ms", "", "insns",
			"verify and compile", "object and maps too", "compile, best");
	for (guint l = 0; l < results->loadings->len; l++) {
		const struct loading *x = g_ptr_array_index(results->loadings, l);

		fprintf(out, "%-18s %-12s ", x->program->name, x->column->name);
		if (x->why) {
			fprintf(out, "not measured: %s\n", x->why);
			continue;
		}
		fprintf(out, "%8u %12.3f ±%-8.3f %12.3f ±%-8.3f", x->insns,
			x->program_ns.median / 1e6, (x->program_ns.high - x->program_ns.low) / 2e6,
			x->whole_ns.median / 1e6, (x->whole_ns.high - x->whole_ns.low) / 2e6);
		if (isnan(x->compile_ns.min))
			fprintf(out, " %14s\n", "-");
		else
			fprintf(out, " %14.3f\n", x->compile_ns.min / 1e6);
	}
}

/* Machine code of all programs together, where both have it. */
static void print_code(const struct results *results, FILE *out)
{
	const int own = results_column(results, "sluice-jit");
	const int theirs = results_column(results, "linux-jit");
	uint64_t own_bytes = 0, their_bytes = 0;
	unsigned programs = 0;

	for (guint r = 0; own >= 0 && theirs >= 0 && r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);

		if (!row->cells[own].facts.bytes || !row->cells[theirs].facts.bytes)
			continue;
		own_bytes += row->cells[own].facts.bytes;
		their_bytes += row->cells[theirs].facts.bytes;
		programs++;
	}
	if (programs)
		fprintf(out,
			"\nMachine code of %u programs: sluice-jit %" PRIu64
			" bytes, linux-jit %" PRIu64 " bytes\n",
			programs, own_bytes, their_bytes);
}

/* Those that have a budget to look after while they run. */
static void print_counted(const struct results *results, FILE *out)
{
	const int own = results_column(results, "sluice-jit");
	gboolean any = FALSE;

	for (guint r = 0; own >= 0 && r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);

		if (!row->cells[own].facts.counted)
			continue;
		fprintf(out, "%s %s",
			any ? "," : "Instructions are counted while they run:", row->program->name);
		any = TRUE;
	}
	if (any)
		fputc('\n', out);
}

static void print_hardening(const struct results *results, FILE *out)
{
	const double all = results_geomean(results, "all", "hardened", "sluice-jit");

	if (isnan(all))
		return;
	fprintf(out, "\nHardening, geometric means: %.2fx of the code without it\n", all);
	for (size_t i = 0; i < n_columns_mitigation; i++) {
		const char *name = columns_mitigation[i].name;
		const double cost = results_geomean(results, "all", "hardened", name);

		if (!isnan(cost))
			fprintf(out, "%-18s %.2fx of the code without it; this part costs %.2fx\n",
				name, results_geomean(results, "all", name, "sluice-jit"), cost);
	}
}

static void print_geomean(const struct results *results, const char *class, const char *other,
			  FILE *out)
{
	const double ratio = results_geomean(results, class, "sluice-jit", other);

	if (isnan(ratio))
		fprintf(out, "geomean %s vs %s n/a\n", class, other);
	else
		fprintf(out, "geomean %s vs %s %.2f\n", class, other, ratio);
}

static void print_geomeans(const struct results *results, FILE *out)
{
	static const char *const others[] = {"linux-jit", "native"};

	fputc('\n', out);
	for (size_t o = 0; o < G_N_ELEMENTS(others); o++) {
		for (unsigned i = 0; summed_classes[i]; i++)
			print_geomean(results, summed_classes[i], others[o], out);
		print_geomean(results, "all", others[o], out);
	}
}

static void print_targets(const struct results *results, FILE *out)
{
	struct target targets[MAX_TARGETS];
	const unsigned n = targets_evaluate(results, targets);

	fputc('\n', out);
	for (unsigned i = 0; i < n; i++) {
		const struct target *t = &targets[i];

		fprintf(out, "target %-45s %s %-5.2f ", t->what, t->more ? ">=" : "<=", t->aim);
		if (isnan(t->value))
			fprintf(out, "%s\n", target_verdict(t));
		else
			fprintf(out, "%.2f%s%s: %s\n", t->value, t->detail ? " " : "",
				t->detail ? t->detail : "", target_verdict(t));
	}
}

void report_table(const struct results *results, FILE *out)
{
	print_machine(results, out);
	print_columns(results, out);
	fprintf(out,
		"\nns of one iteration (of one operation, in class maps): median of %u rounds, "
		"± half the distance between quartiles\n",
		results->rounds);
	print_programs(results, out);
	print_scalings(results, out);
	print_loadings(results, out);
	print_code(results, out);
	print_counted(results, out);
	print_hardening(results, out);
	print_targets(results, out);
	print_geomeans(results, out);
}
