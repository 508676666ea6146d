/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What becomes of results. */
#ifndef SLUICE_BENCH_REPORT_H
#define SLUICE_BENCH_REPORT_H

#include "results.h"
#include "targets.h"

#include <json-c/json.h>
#include <stdio.h>

/* Tables, geometric means, and which aims are met. */
void report_table(const struct results *results, FILE *out);

/* The same and every round; json_object_put() it. */
struct json_object *report_json(const struct results *results);

/* A page with plots, at @path. FALSE with @error, also when gnuplot is missing. */
gboolean report_html(const struct results *results, const char *path, GError **error);

/* The machine and what software is used, as an object of strings; json_object_put() it. */
struct json_object *machine_describe(int cpu);

#endif
