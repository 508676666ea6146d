/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Bytes become a classic program that is mostly valid; the unit tests and the fuzz target use it.
 */
#ifndef TEST_CLASSIC_GENERATE_H
#define TEST_CLASSIC_GENERATE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define GENERATE_MAX 64u

/* Six bytes an instruction; the last one is always a return. Returns how many, at least 1. */
uint32_t generate_classic(const uint8_t *choices, size_t size, struct sock_filter *insns);

#endif
