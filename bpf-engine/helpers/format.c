/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The formats of bpf_snprintf() and bpf_trace_printk(): each conversion goes through snprintf(). */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "helpers/format.h"

#define MAX_WIDTH_DIGITS 3u

struct conversion {
	char flags[8];
	char width[MAX_WIDTH_DIGITS + 1];
	unsigned longs; /* l's: 0 is int, 1 and 2 are 64 bits */
	char type;
};

struct output {
	char *to;
	size_t size;
	size_t len; /* of the whole text */
};

static void put(struct output *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++, out->len++) {
		if (out->len + 1 < out->size)
			out->to[out->len] = text[i];
	}
}

/* Takes up to @max characters that are in @set. */
static const char *take(const char *at, const char *set, char *to, size_t max)
{
	size_t n = 0;

	while (n < max && *at && strchr(set, *at))
		to[n++] = *at++;
	to[n] = '\0';
	return at;
}

/* @at stands behind the '%'. Returns where the conversion ends, or NULL if it is not offered. */
static const char *parse(const char *at, struct conversion *c)
{
	char longs[3];

	at = take(at, "0+- ", c->flags, sizeof(c->flags) - 1);
	at = take(at, "0123456789", c->width, MAX_WIDTH_DIGITS);
	at = take(at, "l", longs, 2);
	c->longs = (unsigned)strlen(longs);
	c->type = *at;
	if (!*at || !strchr(c->longs ? "diuxX" : "diuxXc", *at))
		return NULL;
	return at + 1;
}

/* The conversion is put together from characters parse() let through, so it fits its argument. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int convert(char *text, size_t size, const struct conversion *c, uint64_t arg)
{
	char format[32];

	if (c->type == 'c') {
		snprintf(format, sizeof(format), "%%%s%sc", c->flags, c->width);
		return snprintf(text, size, format, (int)(uint8_t)arg);
	}
	if (!c->longs)
		arg = strchr("di", c->type) ? (uint64_t)(int64_t)(int32_t)arg : (uint32_t)arg;
	snprintf(format, sizeof(format), "%%%s%sll%c", c->flags, c->width, c->type);
	return snprintf(text, size, format, (unsigned long long)arg);
}
#pragma GCC diagnostic pop

int bpfe_format(char *to, size_t size, const char *format, const uint64_t *args, size_t n_args)
{
	struct output out = {.to = to, .size = size};
	size_t used = 0;

	for (const char *at = format; *at;) {
		struct conversion c;
		char text[1024]; /* the widest conversion: 999 characters */

		if (*at != '%') {
			put(&out, at++, 1);
			continue;
		}
		if (at[1] == '%') {
			put(&out, at, 1);
			at += 2;
			continue;
		}
		at = parse(at + 1, &c);
		if (!at || used == n_args)
			return -EINVAL;
		put(&out, text, (size_t)convert(text, sizeof(text), &c, args[used++]));
	}
	if (used != n_args)
		return -EINVAL;
	if (size)
		to[out.len < size ? out.len : size - 1] = '\0';
	return (int)out.len;
}
