/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a workload found, as JSON and as text. */
#ifndef REPORT_H
#define REPORT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "histogram.h"

void report_add(struct json_object *to, const char *name, uint64_t value);
/*
 * Into @to, in us: NAME_us, the distribution as an object {"VALUE": count}, where VALUE is the
 * greatest of a bucket; and NAME_p50_us, _p90_, _p99_, _p99.9_ and NAME_max_us.
 */
void report_histogram(struct json_object *to, const char *name, const struct histogram *histogram);
/* A line of the same figures in us. */
void report_line(const char *name, const struct histogram *histogram);
/* Print @object, on one line, and release it. */
void report_print(struct json_object *object);

#endif
