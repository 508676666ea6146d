/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Runs of sluice-bpf as a user starts it, in a scratch folder of each test. */
#ifndef TEST_SLUICE_BPF_TOOL_H
#define TEST_SLUICE_BPF_TOOL_H

#include "../sluice-run/fixture.h"

#define sluice_bpf(...) run_tool("SLUICE_BPF", __VA_ARGS__, NULL)

/* The same with @input on standard input, arguments up to NULL. */
struct run sluice_bpf_input(const char *input, ...) G_GNUC_NULL_TERMINATED;

/* Expect exit code @status, nothing on standard output, and "sluice-bpf: " before @message. */
void expect_error(struct run run, int status, const char *message);

/* Expect exit code @status and this standard output whole. */
void expect_output(struct run run, int status, const char *text);

/* Expect exit code @status and standard output that @pattern (a regular expression) matches whole.
 */
void expect_match(struct run run, int status, const char *pattern);

/* An object with filter @expression, written by sluice-bpf filter as @name; its path. */
char *make_filter(void **state, const char *name, const char *expression);

/* 18 bytes: Ethernet with EtherType ARP, and 4 bytes more. */
#define ARP_FRAME "ffffffffffff 020000000001 0806 00010800"
#define ARP_BYTES "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00"

#endif
