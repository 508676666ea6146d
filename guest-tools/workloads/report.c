/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
	const char *name;
	uint32_t ppm;
} figures[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99.9", 999000}};

#define FIGURES (sizeof(figures) / sizeof(figures[0]))

void report_add(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

/* Three digits after the point: a us is written with its ns. */
static struct json_object *us(uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03" PRIu64, ns / 1000, ns % 1000);
	return json_object_new_double_s((double)ns / 1e3, text);
}

static struct json_object *buckets(const struct histogram *histogram)
{
	struct json_object *object = json_object_new_object();
	char value[32];

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t upper = histogram_upper(i);

		if (!histogram->bucket[i])
			continue;
		if (upper > histogram->max)
			upper = histogram->max;
		snprintf(value, sizeof(value), "%" PRIu64 ".%03" PRIu64, upper / 1000,
			 upper % 1000);
		json_object_object_add(object, value, json_object_new_uint64(histogram->bucket[i]));
	}
	return object;
}

void report_histogram(struct json_object *to, const char *name, const struct histogram *histogram)
{
	char key[64];

	for (size_t i = 0; i < FIGURES; i++) {
		snprintf(key, sizeof(key), "%s_%s_us", name, figures[i].name);
		json_object_object_add(to, key,
				       us(histogram_percentile(histogram, figures[i].ppm)));
	}
	snprintf(key, sizeof(key), "%s_max_us", name);
	json_object_object_add(to, key, us(histogram->max));
	snprintf(key, sizeof(key), "%s_us", name);
	json_object_object_add(to, key, buckets(histogram));
}

void report_line(const char *name, const struct histogram *histogram)
{
	printf("%-14s", name);
	for (size_t i = 0; i < FIGURES; i++)
		printf("  %s %.1f", figures[i].name,
		       (double)histogram_percentile(histogram, figures[i].ppm) / 1e3);
	printf("  max %.1f us\n", (double)histogram->max / 1e3);
}

void report_print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}
