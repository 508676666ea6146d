/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Bytes as pairs of hexadecimal digits. */
#ifndef SLUICE_COMMON_HEX_H
#define SLUICE_COMMON_HEX_H

#include <glib.h>

/*
 * Read pairs of digits with any white space or colons between pairs; no text is no bytes. NULL with
 * @error, which calls the text @what, for anything else.
 */
GByteArray *hex_parse(const char *what, const char *text, GError **error);

/* @size bytes as digits, with @separator ("" or " ") between pairs. The caller's to free. */
char *hex_format(const void *data, size_t size, const char *separator);

#endif
