/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#ifndef BPFE_FORMAT_H
#define BPFE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Arguments a format may take (Linux's MAX_BPRINTF_VARARGS). */
#define BPFE_FORMAT_ARGS 12u

/*
 * Format as the helpers that print do: %% %c, and %d %i %u %x %X with flags, width, l and ll. Text
 * that does not fit @size is cut, with a NUL after it unless @size is 0. Returns the length the
 * whole would have, NUL excluded. -EINVAL: a conversion that is not offered (%s and %p would follow
 * addresses, which programs do not have), a format that ends within one, or @n_args not what it
 * takes.
 */
int bpfe_format(char *to, size_t size, const char *format, const uint64_t *args, size_t n_args);

#endif
