/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400.0

uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max) {
		fprintf(stderr, "%s: '%s' is no number from %llu to %llu\n", name, text,
			(unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return value;
}

uint64_t option_seconds(const char *name, const char *text)
{
	double value;
	char *end;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !(value > 0) || value > SECONDS_MAX) {
		fprintf(stderr, "%s: '%s' is no number of seconds up to %.0f\n", name, text,
			SECONDS_MAX);
		exit(2);
	}
	return (uint64_t)(value * 1e9);
}

int option_word(const char *name, const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], text))
			return i;
	}
	fprintf(stderr, "%s: '%s' is none of:", name, text);
	for (int i = 0; words[i]; i++)
		fprintf(stderr, " %s", words[i]);
	fputc('\n', stderr);
	exit(2);
}
