/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Results with given figures, as if they had been measured. */
#ifndef TEST_SLUICE_BENCH_MADE_UP_H
#define TEST_SLUICE_BENCH_MADE_UP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <report.h>

/* Columns native, linux-jit, sluice-jit, hardened and interp, three rounds, no program yet. */
struct results *made_up_results(void);

/* Add a program with these ns in each round of the first four columns; 0: not measured. */
void made_up_row(struct results *results, const char *class, const char *name, double native,
		 double linux_jit, double jit, double hardened);

/* What report_table() prints; free() it. */
char *made_up_table(const struct results *results);

/* Free results and their programs. */
void made_up_free(struct results *results);

#endif
