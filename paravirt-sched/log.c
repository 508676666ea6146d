/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where refusals are explained. */
#include <stdarg.h>
#include <stdio.h>

#include "pvs.h"

static void log_append(struct pvs_log *log, const char *fmt, va_list args)
{
	int n;

	if (!log || log->len + 1 >= log->size)
		return;
	n = vsnprintf(log->buf + log->len, log->size - log->len, fmt, args);
	if (n > 0)
		log->len += (size_t)n < log->size - log->len ? (size_t)n : log->size - log->len - 1;
}

void pvs_log(struct pvs_log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_append(log, fmt, args);
	va_end(args);
}

int pvs_refuse(struct pvs_log *log, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_append(log, fmt, args);
	va_end(args);
	pvs_log(log, "\n");
	return err;
}
