/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Helpers that print and compare text; trace_printk goes to the device's log. */
#include <errno.h>
#include <string.h>
#include "helpers/format.h"
#include "helpers/helpers.h"

#define LINE_MAX_BYTES 1024u /* of a traced line, and of a format */
#define INSNS_PER_LINE 64u   /* what formatting costs of the run's budget */

/* Format @args to the device's log; the length of the line, as Linux returns it. */
static uint64_t trace(struct bpfe_run_env *env, const char *format, size_t format_size,
		      const uint64_t *args, size_t n_args)
{
	const struct bpfe_host *host = env->xdp ? env->xdp->host : NULL;
	char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
	size_t shown;
	int len;

	env->cost += INSNS_PER_LINE;
	if (format_size > sizeof(text) || format[format_size - 1])
		return bpfe_helper_error(-EINVAL);
	/* Copied: another run may change it under us if it lies in a map. */
	memcpy(text, format, format_size);
	text[format_size - 1] = '\0';
	len = bpfe_format(line, sizeof(line), text, args, n_args);
	if (len < 0)
		return bpfe_helper_error(len);
	shown = strlen(line);
	if (shown && line[shown - 1] == '\n')
		shown--;
	if (host && host->trace)
		host->trace(host->opaque, env->cpu, line, shown);
	return (uint64_t)len;
}

/* Conversions in a format, so that trace_printk, which is not told, passes as many arguments. The
 * registers a program did not set are 0. */
static size_t count_conversions(const char *format, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < size && format[i]; i++) {
		if (format[i] != '%')
			continue;
		if (format[i + 1] == '%')
			i++;
		else
			n++;
	}
	return n;
}

static BPFE_HELPER(trace_printk)
{
	const char *format = (const char *)(uintptr_t)r1;
	const uint64_t args[3] = {r3, r4, r5};
	size_t size = (uint32_t)r2, n = 0;

	if (size <= LINE_MAX_BYTES)
		n = count_conversions(format, size);
	if (n <= 3)
		return trace(env, format, size, args, n);
	env->cost += INSNS_PER_LINE;
	return bpfe_helper_error(-EINVAL);
}

/* Copy @bytes bytes of arguments at @data; how many there are, or -EINVAL. */
static int copy_args(uint64_t args[BPFE_FORMAT_ARGS], uint64_t data, uint64_t bytes)
{
	if (bytes % 8 || bytes > BPFE_FORMAT_ARGS * 8 || (bytes && !data))
		return -EINVAL;
	if (bytes)
		memcpy(args, (const void *)(uintptr_t)data, bytes);
	return (int)(bytes / 8);
}

static BPFE_HELPER(trace_vprintk)
{
	uint64_t args[BPFE_FORMAT_ARGS];
	int n = copy_args(args, r3, (uint32_t)r4);

	if (n < 0)
		return bpfe_helper_error(n);
	return trace(env, (const char *)(uintptr_t)r1, (uint32_t)r2, args, (size_t)n);
}

static BPFE_HELPER(snprintf_)
{
	uint64_t args[BPFE_FORMAT_ARGS];
	size_t size = (uint32_t)r2;
	char *to = (char *)(uintptr_t)r1;
	int n = copy_args(args, r4, (uint32_t)r5), len;

	if (to && size)
		memset(to, 0, size); /* the program may read all of it */
	env->cost += INSNS_PER_LINE + (size + strlen((const char *)(uintptr_t)r3)) / 8;
	if (n < 0)
		return bpfe_helper_error(n);
	len = bpfe_format(to, to ? size : 0, (const char *)(uintptr_t)r3, args, (size_t)n);
	return len < 0 ? bpfe_helper_error(len) : (uint64_t)len + 1;
}

static BPFE_HELPER(strncmp_)
{
	env->cost += (uint32_t)r2 / 8;
	return (uint64_t)(int64_t)strncmp((const char *)(uintptr_t)r1, (const char *)(uintptr_t)r3,
					  (uint32_t)r2);
}

const struct bpfe_helper bpfe_text_helpers[] = {
	{.id = BPF_FUNC_trace_printk,
	 .name = "bpf_trace_printk",
	 .fn = trace_printk,
	 .args = {BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE, BPFE_ARG_ANYTHING | BPFE_ARG_UNSET_OK,
		  BPFE_ARG_ANYTHING | BPFE_ARG_UNSET_OK, BPFE_ARG_ANYTHING | BPFE_ARG_UNSET_OK}},
	{.id = BPF_FUNC_trace_vprintk,
	 .name = "bpf_trace_vprintk",
	 .fn = trace_vprintk,
	 .args = {BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE, BPFE_ARG_MEM_RDONLY | BPFE_ARG_NULLABLE,
		  BPFE_ARG_SIZE_OR_ZERO}},
	{.id = BPF_FUNC_snprintf,
	 .name = "bpf_snprintf",
	 .fn = snprintf_,
	 .args = {BPFE_ARG_MEM_UNINIT | BPFE_ARG_NULLABLE, BPFE_ARG_SIZE_OR_ZERO,
		  BPFE_ARG_CONST_STR, BPFE_ARG_MEM_RDONLY | BPFE_ARG_NULLABLE,
		  BPFE_ARG_SIZE_OR_ZERO}},
	{.id = BPF_FUNC_strncmp,
	 .name = "bpf_strncmp",
	 .fn = strncmp_,
	 .args = {BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE, BPFE_ARG_CONST_STR}},
	{0},
};
