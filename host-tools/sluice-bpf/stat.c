// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf stat: a table of programs and what verifying them takes, as veristat makes it. */
#include "bpf.h"
#include "error.h"
#include "load_limits.h"
#include "stat_columns.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

struct options {
	char **files;
	char **filters;
	char *sort;
	gboolean json;
	gboolean csv;
	struct limits limits;
};

static void row_clear(gpointer data)
{
	struct stat_row *row = data;

	g_free(row->file);
	g_free(row->program);
}

/* ---- Printing ------------------------------------------------------------------------------- */

static char *cell(const struct stat_row *row, const struct stat_column *column)
{
	if (column->number)
		return g_strdup_printf("%" PRIu64, stat_number(row, column));
	return g_strdup(stat_text(row, column));
}

static int width_of(const GArray *rows, const struct stat_column *column)
{
	size_t width = strlen(column->header);

	for (guint i = 0; i < rows->len; i++) {
		g_autofree char *text = cell(&g_array_index(rows, struct stat_row, i), column);

		width = MAX(width, strlen(text));
	}
	return (int)width;
}

/* Names to the left, numbers to the right; no blanks at the end of a line. */
static void print_cell(const struct stat_column *column, const char *text, int width, gboolean last)
{
	if (column->number)
		printf("%*s%s", width, text, last ? "\n" : "  ");
	else
		printf("%-*s%s", width, text, last ? "\n" : "  ");
}

static void print_table(const GArray *rows)
{
	g_autofree int *widths = g_new(int, n_stat_columns);

	for (unsigned c = 0; c < n_stat_columns; c++) {
		widths[c] = width_of(rows, &stat_columns[c]);
		print_cell(&stat_columns[c], stat_columns[c].header, widths[c],
			   c + 1 == n_stat_columns);
	}
	for (unsigned c = 0; c < n_stat_columns; c++) {
		g_autofree char *rule = g_strnfill((gsize)widths[c], '-');

		print_cell(&stat_columns[c], rule, widths[c], c + 1 == n_stat_columns);
	}
	for (guint i = 0; i < rows->len; i++) {
		for (unsigned c = 0; c < n_stat_columns; c++) {
			g_autofree char *text =
				cell(&g_array_index(rows, struct stat_row, i), &stat_columns[c]);

			print_cell(&stat_columns[c], text, widths[c], c + 1 == n_stat_columns);
		}
	}
}

/* RFC 4180: what has a comma, a quote or a line end in it is quoted. */
static void print_csv_field(const char *text, gboolean last)
{
	if (strpbrk(text, ",\"\r\n")) {
		putchar('"');
		for (; *text; text++)
			printf(*text == '"' ? "\"\"" : "%c", *text);
		putchar('"');
	} else {
		fputs(text, stdout);
	}
	putchar(last ? '\n' : ',');
}

static void print_csv(const GArray *rows)
{
	for (unsigned c = 0; c < n_stat_columns; c++)
		print_csv_field(stat_columns[c].name, c + 1 == n_stat_columns);
	for (guint i = 0; i < rows->len; i++) {
		for (unsigned c = 0; c < n_stat_columns; c++) {
			g_autofree char *text =
				cell(&g_array_index(rows, struct stat_row, i), &stat_columns[c]);

			print_csv_field(text, c + 1 == n_stat_columns);
		}
	}
}

static void print_json(const GArray *rows)
{
	struct json_object *json = json_object_new_array();

	for (guint i = 0; i < rows->len; i++) {
		const struct stat_row *row = &g_array_index(rows, struct stat_row, i);
		struct json_object *object = json_object_new_object();

		for (unsigned c = 0; c < n_stat_columns; c++) {
			const struct stat_column *column = &stat_columns[c];

			json_object_object_add(
				object, column->name,
				column->number ? json_object_new_uint64(stat_number(row, column))
					       : json_object_new_string(stat_text(row, column)));
		}
		json_object_array_add(json, object);
	}
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

/* ---- Gathering ------------------------------------------------------------------------------ */

static struct stat_row row_of(const struct verification *v)
{
	return (struct stat_row){
		.file = g_path_get_basename(v->file->path),
		.program = g_strdup(v->program),
		.verdict = v->err ? "failure" : "success",
		.reason = verification_reason(v),
		.size = v->n_insns,
		.insns = v->stats.insns_processed,
		.states = v->stats.states,
		.duration_us = v->stats.verify_ns / 1000,
		.peak_kib = v->stats.peak_bytes / 1024,
		.stack = v->stats.stack_bytes,
		.jited_size = v->info.jit_bytes,
		.compile_us = v->info.jit_ns / 1000,
	};
}

static gboolean wanted(const struct options *o, const struct stat_row *row, gboolean *passes,
		       GError **error)
{
	*passes = TRUE;
	for (char **filter = o->filters; filter && *filter && *passes; filter++) {
		if (!stat_filter(row, *filter, passes, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean add_program(const struct options *o, const struct object_file *file, uint32_t index,
			    GArray *rows, GError **error)
{
	struct bpfe_load_attr attr = {0};
	struct verification v;
	struct stat_row row;
	gboolean passes, ok;

	limits_apply(&o->limits, &attr);
	verification_run(&v, file, index, &attr, 0);
	row = row_of(&v);
	verification_clear(&v);
	ok = wanted(o, &row, &passes, error);
	if (ok && passes)
		g_array_append_val(rows, row);
	else
		row_clear(&row);
	return ok;
}

static gboolean add_programs(const struct options *o, const struct object_file *file, GArray *rows,
			     GError **error)
{
	for (uint32_t i = 0; i < bpfe_object_n_programs(file->object); i++) {
		if (!add_program(o, file, i, rows, error))
			return FALSE;
	}
	return TRUE;
}

/* A file that cannot be used is told of and left out. Returns the exit code, or sets @error. */
static int gather(const struct options *o, GArray *rows, GError **error)
{
	int code = EXIT_FINE;

	for (char **path = o->files; *path; path++) {
		g_autoptr(GError) cause = NULL;
		struct object_file *file = object_file_open(*path, &cause);
		gboolean ok;

		if (!file) {
			fprintf(stderr, "sluice-bpf: %s\n", cause->message);
			code = EXIT_REFUSED;
			continue;
		}
		ok = add_programs(o, file, rows, error);
		object_file_close(file);
		if (!ok)
			return EXIT_USAGE;
	}
	return code;
}

/* ---- The command ---------------------------------------------------------------------------- */

static gboolean parse(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"sort", 's', 0, G_OPTION_ARG_STRING, &o->sort,
		 "Sort by columns: file, prog, verdict, reason, duration, insns, states, size, "
		 "memory, stack, jited_size, compile; names rise, numbers fall",
		 "COLUMN[:asc|:desc],..."},
		{"filter", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &o->filters,
		 "Only programs that fit: a pattern over FILE/PROGRAM or PROGRAM (! before it: "
		 "those it does not fit), or a comparison such as insns>1000; may be repeated",
		 "FILTER"},
		{"json", 'j', 0, G_OPTION_ARG_NONE, &o->json, "Print JSON", NULL},
		{"csv", 0, 0, G_OPTION_ARG_NONE, &o->csv, "Print comma-separated values", NULL},
		LIMIT_OPTIONS(&o->limits),
		{0},
	};

	if (!parse_options("stat", "PROG.o...",
			   "List programs with what verifying them takes.\n"
			   "Exit status: 0 done, refused programs included; 1 a file cannot be "
			   "used; 2 wrong usage.",
			   entries, argc, argv, &o->files, error))
		return FALSE;
	if (!o->files)
		return usage_error(error, "stat", "expected PROG.o...");
	if (o->json && o->csv)
		return usage_error(error, "stat", "--json and --csv exclude each other");
	return limits_parse(&o->limits, "stat", error);
}

static int list(const struct options *o, GError **error)
{
	g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct stat_row));
	int code;

	g_array_set_clear_func(rows, row_clear);
	/* What makes no sense is told before the work. */
	if (!stat_sort(rows, o->sort ? o->sort : "file,prog", error))
		return EXIT_USAGE;
	code = gather(o, rows, error);
	if (code == EXIT_USAGE)
		return code;
	stat_sort(rows, o->sort ? o->sort : "file,prog", NULL);
	(o->json ? print_json : o->csv ? print_csv : print_table)(rows);
	return code;
}

int cmd_stat(int argc, char **argv, GError **error)
{
	struct options options = {0};
	int code = EXIT_USAGE;

	if (parse(&options, argc, argv, error))
		code = list(&options, error);
	g_strfreev(options.files);
	g_strfreev(options.filters);
	g_free(options.sort);
	g_free(options.limits.helpers);
	return code;
}
