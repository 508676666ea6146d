/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The device's log. A guest can provoke lines at will, so only so many a second get through. */
#include <stdarg.h>
#include <stdio.h>

#include "fw_internal.h"

#define LINES_PER_SECOND 32u
#define NS_PER_SECOND    1000000000ull

static bool may_log(struct fw_log_budget *budget, uint64_t now)
{
	if (now - budget->window_ns >= NS_PER_SECOND) {
		budget->window_ns = now;
		budget->lines = 0;
	}
	if (budget->lines >= LINES_PER_SECOND) {
		budget->dropped++;
		return false;
	}
	budget->lines++;
	return true;
}

void fw_log(struct fw *fw, int port, const char *fmt, ...)
{
	struct fw_log_budget *budget = &fw->log_budget;
	char text[512];
	va_list args;

	if (!may_log(budget, fw->ops->clock_ns(fw->opaque)))
		return;
	if (budget->dropped) {
		snprintf(text, sizeof(text), "%u lines were not logged: too many a second",
			 budget->dropped);
		budget->dropped = 0;
		fw->ops->log(fw->opaque, -1, text);
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fw->ops->log(fw->opaque, port, text);
}
