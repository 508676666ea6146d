// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A page with the tables, and plots that gnuplot draws into it as SVG. */
#include "error.h"
#include "report.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* What plots are made of. */
struct plot {
	const char *title;
	const char *class; /* of the programs in it; "all": the three that are summed up */
	const char *const *columns;
	const char *base; /* values are ratios to this column; NULL: ns, on a logarithmic axis */
};

/* ---- Data for gnuplot ----------------------------------------------------------------------- */

static const struct cell *cell_of(const struct results *results, const struct row *row,
				  const char *column)
{
	const int c = results_column(results, column);

	return c < 0 || !row->cells[c].ns ? NULL : &row->cells[c];
}

/* One figure, or "?", which gnuplot leaves out. */
static void append_value(GString *data, const struct results *results, const struct row *row,
			 const struct plot *plot, const char *column)
{
	const struct cell *cell = cell_of(results, row, column);
	double value = cell ? cell->summary.median : NAN;

	if (plot->base)
		value = row_ratio(results, row, column, plot->base);
	if (isnan(value))
		g_string_append(data, " ?");
	else
		g_string_append_printf(data, " %.4g", value);
}

static gboolean in_plot(const struct plot *plot, const struct row *row)
{
	const char *class = row->program->info->class;

	return strcmp(plot->class, "all") ? !strcmp(plot->class, class) : class_is_summed(class);
}

/* A data block, a line for each program; NULL if there is none. */
static char *plot_data(const struct results *results, const struct plot *plot)
{
	GString *data = g_string_new(NULL);

	for (guint r = 0; r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);

		if (!in_plot(plot, row))
			continue;
		g_string_append_printf(data, "\"%s\"", row->program->name);
		for (unsigned i = 0; plot->columns[i]; i++)
			append_value(data, results, row, plot, plot->columns[i]);
		g_string_append_c(data, '\n');
	}
	return g_string_free(data, data->len == 0);
}

/* A column has one colour in all plots; what is not here gets gnuplot's. */
static const char *colour_of(const char *column)
{
	static const char *const colours[][2] = {
		{"native", "#7a7a7a"},      {"linux-jit", "#e69f00"},
		{"sluice-jit", "#0072b2"},  {"hardened", "#56b4e9"},
		{"no-blinding", "#009e73"}, {"no-random-start", "#f0e442"},
		{"no-masks", "#d55e00"},    {"no-packet-clamp", "#cc79a7"},
		{"no-fences", "#000000"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(colours); i++) {
		if (!strcmp(colours[i][0], column))
			return colours[i][1];
	}
	return NULL;
}

static void append_series(GString *script, const struct plot *plot, unsigned i)
{
	const char *colour = colour_of(plot->columns[i]);

	g_string_append_printf(script, "%s$data using %u%s title '%s'", i ? ", " : "", i + 2,
			       i ? "" : ":xtic(1)", plot->columns[i]);
	if (colour)
		g_string_append_printf(script, " lc rgb '%s'", colour);
}

static char *plot_script(const struct plot *plot, const char *data)
{
	GString *script = g_string_new("set terminal svg size 960,420 dynamic enhanced "
				       "font 'sans-serif,11' background 'white'\n"
				       "set datafile missing '?'\n"
				       "set style data histograms\n"
				       "set style histogram clustered gap 1\n"
				       "set style fill solid 0.85 noborder\n"
				       "set xtics rotate by -35 noenhanced\n"
				       "set grid ytics lc rgb '#dddddd'\n"
				       "set key outside top horizontal noenhanced\n");

	g_string_append_printf(
		script, "set ylabel '%s'\n%s", plot->base ? "ratio" : "ns, logarithmic",
		plot->base ? "set yrange [0:]\n"
			     "set arrow from graph 0,first 1 to graph 1,first 1 nohead "
			     "lc rgb '#888888' dt 2\n"
			   : "set logscale y\n");
	g_string_append_printf(script, "$data << END\n%sEND\nplot ", data);
	for (unsigned i = 0; plot->columns[i]; i++)
		append_series(script, plot, i);
	g_string_append_c(script, '\n');
	return g_string_free(script, FALSE);
}

/* ---- gnuplot -------------------------------------------------------------------------------- */

static gboolean failed(GError **error, const GError *cause)
{
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
		    "--html needs gnuplot (apt install gnuplot-nox): %s", cause->message);
	return FALSE;
}

/* SVG without the lines that only a file of its own needs; NULL with @error. */
static char *run_gnuplot(const char *script, GError **error)
{
	g_autofree char *path = NULL, *svg = NULL, *text = NULL;
	g_autoptr(GError) cause = NULL;
	const int fd = g_file_open_tmp("sluice-bench-XXXXXX.gp", &path, error);
	char *argv[] = {(char[]){"gnuplot"}, path, NULL};
	const char *start;
	int status;
	gboolean ok;

	if (fd < 0)
		return NULL;
	close(fd);
	ok = g_file_set_contents(path, script, -1, &cause) &&
	     g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &svg, &text, &status,
			  &cause) &&
	     g_spawn_check_wait_status(status, &cause);
	g_unlink(path);
	if (!ok) {
		failed(error, cause);
		return NULL;
	}
	start = strstr(svg, "<svg");
	return g_strdup(start ? start : "");
}

static gboolean append_plot(GString *page, const struct results *results, const struct plot *plot,
			    GError **error)
{
	g_autofree char *data = plot_data(results, plot);
	g_autofree char *script = data ? plot_script(plot, data) : NULL;
	g_autofree char *svg = script ? run_gnuplot(script, error) : NULL;

	if (!data)
		return TRUE;
	if (!svg)
		return FALSE;
	g_string_append_printf(page, "<h2>%s</h2>\n%s\n", plot->title, svg);
	return TRUE;
}

/* ---- The page ------------------------------------------------------------------------------- */

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<title>Sluice's BPF engine beside others</title>\n"
	"<style>body{font-family:sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}"
	"table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;"
	"border-bottom:1px solid #ddd}td.n{text-align:right}.met{color:#176f2c}"
	".missed{color:#b3261e}pre{overflow-x:auto;font-size:.8em}svg{max-width:100%;height:auto}"
	"</style></head><body>\n<h1>Sluice's BPF engine beside others</h1>\n";

static void append_escaped(GString *page, const char *before, const char *text, const char *behind)
{
	g_autofree char *escaped = g_markup_escape_text(text, -1);

	g_string_append_printf(page, "%s%s%s", before, escaped, behind);
}

static void append_machine(GString *page, const struct results *results)
{
	g_string_append(page, "<table>\n");
	json_object_object_foreach(results->machine, key, value)
	{
		append_escaped(page, "<tr><td>", key, "</td>");
		append_escaped(page, "<td>", json_object_get_string(value), "</td></tr>\n");
	}
	g_string_append(page, "</table>\n<h2>Columns</h2>\n<table>\n");
	for (unsigned c = 0; c < results->n_columns; c++) {
		const struct column_state *state = &results->columns[c];

		append_escaped(page, "<tr><td>", state->column->name, "</td>");
		append_escaped(page, state->why ? "<td>not measured: " : "<td>",
			       state->why ? state->why : state->column->what, "</td></tr>\n");
	}
	g_string_append(page, "</table>\n");
}

static void append_targets(GString *page, const struct results *results)
{
	struct target targets[MAX_TARGETS];
	const unsigned n = targets_evaluate(results, targets);

	g_string_append(page, "<h2>Targets</h2>\n<table>\n<tr><th>what</th><th>aim</th>"
			      "<th>measured</th><th></th></tr>\n");
	for (unsigned i = 0; i < n; i++) {
		const struct target *t = &targets[i];
		const char *verdict = target_verdict(t);

		append_escaped(page, "<tr><td>", t->what, "</td>");
		g_string_append_printf(page, "<td class=\"n\">%s %.2f</td><td class=\"n\">",
				       t->more ? "≥" : "≤", t->aim);
		if (!isnan(t->value))
			g_string_append_printf(page, "%.2f", t->value);
		g_string_append_printf(page, "</td><td class=\"%s\">%s</td></tr>\n", verdict,
				       verdict);
	}
	g_string_append(page, "</table>\n");
}

static gboolean append_plots(GString *page, const struct results *results, GError **error)
{
	static const char *const engines[] = {"native", "linux-jit", "sluice-jit", "hardened",
					      NULL};
	static const char *const own[] = {"sluice-jit", "hardened", NULL};
	static const char *const hardened[] = {"hardened", "no-blinding",     "no-random-start",
					       "no-masks", "no-packet-clamp", "no-fences",
					       NULL};
	static const struct plot plots[] = {
		{"By Linux's JIT: below 1 is faster than Linux", "all", own, "linux-jit"},
		{"By native code", "all", own, "native"},
		{"Programs without maps", "map-less", engines, NULL},
		{"Programs that live on maps", "map-heavy", engines, NULL},
		{"Real programs", "real", engines, NULL},
		{"Single operations of maps", "maps", engines, NULL},
		{"What hardening costs, and without one part of it", "all", hardened, "sluice-jit"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(plots); i++) {
		if (!append_plot(page, results, &plots[i], error))
			return FALSE;
	}
	return TRUE;
}

/* The report as a terminal has it, whole. */
static gboolean append_table(GString *page, const struct results *results, GError **error)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "no memory for the page");
		return FALSE;
	}
	report_table(results, out);
	fclose(out);
	append_escaped(page, "<h2>All figures</h2>\n<pre>", text, "</pre>\n");
	free(text);
	return TRUE;
}

gboolean report_html(const struct results *results, const char *path, GError **error)
{
	GString *page = g_string_new(head);
	g_autofree char *text = NULL;
	gboolean ok;

	append_machine(page, results);
	append_targets(page, results);
	ok = append_plots(page, results, error) && append_table(page, results, error);
	g_string_append(page, "</body></html>\n");
	text = g_string_free(page, FALSE);
	return ok && g_file_set_contents(path, text, -1, error);
}
