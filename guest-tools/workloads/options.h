/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Numbers from the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

/* @text as a number of @min..@max; else says so and ends the program with status 2, as all do. */
uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max);
/* Seconds, with a fraction, as ns. */
uint64_t option_seconds(const char *name, const char *text);
/* The place of @text among @words, which end with NULL. */
int option_word(const char *name, const char *text, const char *const *words);

#endif
