// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "hex.h"
#include "error.h"

#include <stdint.h>

static const char *skip_space(const char *text)
{
	while (g_ascii_isspace(*text) || *text == ':')
		text++;
	return text;
}

static void refuse(const char *what, const char *text, const char *at, GError **error)
{
	size_t number = (size_t)(at - text) + 1;
	char shown[8] = "";

	if (g_ascii_isprint(*at))
		g_snprintf(shown, sizeof(shown), " ('%c')", *at);
	if (!*at || g_ascii_isspace(*at) || *at == ':')
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: the digit before character %zu has no partner; write two digits "
			    "for each byte, as 0a ff",
			    what, number);
	else
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: character %zu%s is not a hexadecimal digit; write two digits for "
			    "each byte, as 0a ff",
			    what, number, shown);
}

GByteArray *hex_parse(const char *what, const char *text, GError **error)
{
	GByteArray *bytes = g_byte_array_new();
	const char *at;

	for (at = skip_space(text); *at; at = skip_space(at)) {
		int high = g_ascii_xdigit_value(at[0]), low;
		uint8_t byte;

		low = high < 0 ? -1 : g_ascii_xdigit_value(at[1]);
		if (low < 0) {
			refuse(what, text, at + (high >= 0), error);
			g_byte_array_unref(bytes);
			return NULL;
		}
		byte = (uint8_t)(high << 4 | low);
		g_byte_array_append(bytes, &byte, 1);
		at += 2;
	}
	return bytes;
}

char *hex_format(const void *data, size_t size, const char *separator)
{
	const uint8_t *bytes = data;
	GString *text = g_string_sized_new(3 * size);

	for (size_t i = 0; i < size; i++)
		g_string_append_printf(text, "%s%02x", i ? separator : "", bytes[i]);
	return g_string_free(text, FALSE);
}
