// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What is printed of given figures. */
#include "made_up.h"

#include <stdlib.h>
#include <string.h>

/* The lines of @text that begin with @start. */
static char *lines_of(const char *text, const char *start)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *found = g_string_new(NULL);

	for (char **line = lines; *line; line++) {
		if (g_str_has_prefix(*line, start))
			g_string_append_printf(found, "%s\n", *line);
	}
	return g_string_free(found, FALSE);
}

static void expect_lines(const struct results *results, const char *start, const char *expected)
{
	char *text = made_up_table(results);
	g_autofree char *lines = lines_of(text, start);

	assert_string_equal(lines, expected);
	free(text);
}

static void geometric_means(void **state)
{
	struct results *results = made_up_results();

	made_up_row(results, "map-less", "a", 10, 10, 5, 6);   /* 0.5 and 0.5 */
	made_up_row(results, "map-less", "b", 10, 40, 5, 6);   /* 0.125 and 0.5 */
	made_up_row(results, "map-heavy", "c", 8, 10, 10, 11); /* 1 and 1.25 */
	made_up_row(results, "real", "d", 10, 10, 20, 24);     /* 2 and 2 */
	made_up_row(results, "maps", "e", 1, 100, 1, 1);       /* in no mean */
	expect_lines(results, "geomean ",
		     "geomean map-less vs linux-jit 0.25\n"
		     "geomean map-heavy vs linux-jit 1.00\n"
		     "geomean real vs linux-jit 2.00\n"
		     "geomean all vs linux-jit 0.59\n"
		     "geomean map-less vs native 0.50\n"
		     "geomean map-heavy vs native 1.25\n"
		     "geomean real vs native 2.00\n"
		     "geomean all vs native 0.89\n");
	made_up_free(results);
}

/* A program that Linux refused is in no mean with Linux, and in those without. */
static void not_measured(void **state)
{
	struct results *results = made_up_results();

	made_up_row(results, "real", "a", 10, 0, 5, 6);
	made_up_row(results, "real", "b", 10, 10, 20, 24);
	results->columns[4].why = g_strdup("out of order");
	expect_lines(results, "geomean ",
		     "geomean map-less vs linux-jit n/a\n"
		     "geomean map-heavy vs linux-jit n/a\n"
		     "geomean real vs linux-jit 2.00\n"
		     "geomean all vs linux-jit 2.00\n"
		     "geomean map-less vs native n/a\n"
		     "geomean map-heavy vs native n/a\n"
		     "geomean real vs native 1.00\n"
		     "geomean all vs native 1.00\n");
	expect_lines(results, "interp ", "interp             not measured: out of order\n");
	made_up_free(results);
}

static void rows(void **state)
{
	struct results *results = made_up_results();

	made_up_row(results, "map-less", "parse", 10, 20, 15, 16);
	expect_lines(
		results, "parse ",
		"parse                10.0 ±0.0     20.0 ±0.0     15.0 ±0.0     16.0 ±0.0      "
		"       -     0.75x     1.50x\n");
	made_up_free(results);
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no member %s", name);
	return value;
}

static void json(void **state)
{
	struct results *results = made_up_results();
	struct json_object *report, *row;

	made_up_row(results, "map-less", "parse", 10, 20, 15, 18);
	g_ptr_array_add(results->failures, g_strdup("they differ"));
	report = report_json(results);
	row = json_object_array_get_idx(member(report, "programs"), 0);
	assert_string_equal(json_object_get_string(member(row, "name")), "parse");
	assert_string_equal(json_object_get_string(member(row, "class")), "map-less");
	assert_true(json_object_get_double(member(row, "vs_linux_jit")) == 0.75);
	assert_true(json_object_get_double(member(row, "hardened_vs_jit")) == 1.2);
	row = member(member(row, "ns"), "sluice-jit");
	assert_true(json_object_get_double(member(row, "median")) == 15);
	assert_int_equal(json_object_array_length(member(row, "rounds")), 3);
	row = member(member(report, "geomean"), "vs_native");
	assert_true(json_object_get_double(member(row, "map-less")) == 1.5);
	assert_true(json_object_get_double(member(row, "all")) == 1.5);
	assert_null(member(row, "real"));
	assert_string_equal(
		json_object_get_string(json_object_array_get_idx(member(report, "failures"), 0)),
		"they differ");
	assert_int_equal(json_object_array_length(member(report, "columns")), 5);
	json_object_put(report);
	made_up_free(results);
}

static void page(void **state)
{
	g_autofree char *dir = g_dir_make_tmp(NULL, NULL);
	g_autofree char *path = g_build_filename(dir, "report.html", NULL), *text = NULL;
	g_autofree char *gnuplot = g_find_program_in_path("gnuplot");
	struct results *results = made_up_results();
	GError *error = NULL;

	if (!gnuplot)
		skip();
	made_up_row(results, "map-less", "parse", 10, 20, 15, 18);
	if (!report_html(results, path, &error))
		fail_msg("%s", error->message);
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_true(g_str_has_prefix(text, "<!DOCTYPE html>"));
	assert_true(g_str_has_suffix(text, "</body></html>\n"));
	assert_non_null(strstr(text, "<svg"));
	assert_non_null(strstr(text, "a &lt;fast&gt; one"));
	assert_null(strstr(text, "a <fast> one"));
	assert_non_null(strstr(text, "geomean map-less vs linux-jit 0.75"));
	unlink(path);
	rmdir(dir);
	made_up_free(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometric_means),
		cmocka_unit_test(not_measured),
		cmocka_unit_test(rows),
		cmocka_unit_test(json),
		cmocka_unit_test(page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
