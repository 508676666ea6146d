/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What sluice-bpf stat shows of a program, sorts by and filters by. */
#ifndef SLUICE_BPF_STAT_COLUMNS_H
#define SLUICE_BPF_STAT_COLUMNS_H

#include "verification.h"

/* One program; outlives the object it came from. */
struct stat_row {
	char *file;
	char *program;
	const char *verdict; /* "success", "failure" as veristat has them */
	const char *reason;
	uint64_t size; /* instructions */
	uint64_t insns;
	uint64_t states;
	uint64_t duration_us;
	uint64_t peak_kib;
	uint64_t stack;
	uint64_t jited_size; /* bytes; 0: interpreted or refused */
	uint64_t compile_us;
};

struct stat_column {
	const char *name;   /* in options, CSV and JSON */
	const char *header; /* of the table */
	size_t offset;      /* in struct stat_row */
	gboolean number;    /* a uint64_t, else a string */
};

extern const struct stat_column stat_columns[];
extern const unsigned n_stat_columns;

static inline uint64_t stat_number(const struct stat_row *row, const struct stat_column *column)
{
	return *(const uint64_t *)(const void *)((const char *)row + column->offset);
}

static inline const char *stat_text(const struct stat_row *row, const struct stat_column *column)
{
	return *(const char *const *)(const void *)((const char *)row + column->offset);
}

/*
 * Sort @rows (struct stat_row) by @spec, "COLUMN[:asc|:desc],...": names rise and numbers fall
 * unless said otherwise. FALSE with @error.
 */
gboolean stat_sort(GArray *rows, const char *spec, GError **error);

/*
 * Does @row pass @filter: "[!]GLOB" over FILE/PROGRAM, or COLUMN OP VALUE with OP one of
 * = != < <= > >= ? FALSE in *passes if not; returns FALSE with @error if @filter makes no sense.
 */
gboolean stat_filter(const struct stat_row *row, const char *filter, gboolean *passes,
		     GError **error);

#endif
