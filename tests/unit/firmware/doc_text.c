/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "doc_text.h"

#include <stdio.h>
#include <stdlib.h>

#define DOC_MAX 200000u

char *doc_text(const char *name)
{
	const char *dir = getenv("SLUICE_DEVICE_SPEC");
	char path[4096];
	char *text = calloc(1, DOC_MAX);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "docs/device-spec", name);
	file = fopen(path, "r");
	if (!file || !text || !fread(text, 1, DOC_MAX - 1, file)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fclose(file);
	return text;
}
