// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Opening policies, complaints, JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pvsched.h"

#define LOG_SIZE 16384

void complain(const char *fmt, ...)
{
	va_list args;

	fputs("sluice-pvsched: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int try_policy(const char *name, const struct pvs_policy_options *options,
	       struct pvs_policy **policy, struct pvs_log *log)
{
	return pvs_policy_open(name, options, policy, log);
}

struct pvs_policy *open_policy(const char *name, const struct policy_args *args)
{
	static char text[LOG_SIZE];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;

	text[0] = '\0';
	if (try_policy(name, &args->options, &policy, &log)) {
		fprintf(stderr, "sluice-pvsched: %s", text);
		return NULL;
	}
	return policy;
}

void json_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, text ? json_object_new_string(text) : NULL);
}

void json_number(struct json_object *to, const char *name, int64_t value)
{
	json_object_object_add(to, name, json_object_new_int64(value));
}

void json_count(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

int json_print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return EXIT_FINE;
}
