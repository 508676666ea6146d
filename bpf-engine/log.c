/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The log that tells an author why something was refused. */
#include <stdarg.h>
#include <stdio.h>
#include "internal.h"

const char *bpfe_reason_name(enum bpfe_reason reason)
{
	static const char *const names[BPFE_REASON_MAX] = {
		[BPFE_OK] = "ok",
		[BPFE_BAD_ENCODING] = "bad-encoding",
		[BPFE_BAD_CONTROL] = "bad-control",
		[BPFE_BAD_MAP] = "bad-map",
		[BPFE_BAD_HELPER] = "bad-helper",
		[BPFE_BAD_REGISTER] = "bad-register",
		[BPFE_BAD_ARITHMETIC] = "bad-arithmetic",
		[BPFE_BAD_MEMORY] = "bad-memory",
		[BPFE_BAD_CONTEXT] = "bad-context",
		[BPFE_BAD_STACK] = "bad-stack",
		[BPFE_BAD_NULL] = "bad-null",
		[BPFE_BAD_RETURN] = "bad-return",
		[BPFE_POINTER_LEAK] = "pointer-leak",
		[BPFE_TOO_COMPLEX] = "too-complex",
		[BPFE_TOO_LARGE] = "too-large",
		[BPFE_NO_MEMORY] = "no-memory",
		[BPFE_CANCELLED] = "cancelled",
		[BPFE_BAD_REFERENCE] = "bad-reference",
	};

	if ((unsigned)reason >= BPFE_REASON_MAX)
		return "unknown";
	return names[reason];
}

static void append(struct bpfe_log *log, const char *fmt, va_list args)
{
	size_t room = log->size > log->len ? log->size - log->len : 0;
	int n;

	if (room <= 1) {
		log->truncated = true;
		return;
	}
	n = vsnprintf(log->buf + log->len, room, fmt, args);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		log->truncated = true;
		n = (int)(room - 1);
	}
	log->len += (size_t)n;
}

void bpfe_log(struct bpfe_log *log, const char *fmt, ...)
{
	va_list args;

	if (!log)
		return;
	va_start(args, fmt);
	append(log, fmt, args);
	va_end(args);
}

int bpfe_refuse(struct bpfe_log *log, int err, enum bpfe_reason reason, uint32_t insn,
		const char *fmt, ...)
{
	va_list args;

	if (!log)
		return err;
	va_start(args, fmt);
	append(log, fmt, args);
	va_end(args);
	if (log->len && log->buf[log->len - 1] != '\n')
		bpfe_log(log, "\n");
	if (log->reason == BPFE_OK) {
		log->reason = reason;
		log->insn = insn;
	}
	return err;
}
