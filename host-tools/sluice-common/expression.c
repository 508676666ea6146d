// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* libpcap's headers and Linux's both have a struct bpf_insn: this file includes only the former. */
#include "expression.h"
#include "error.h"

#include <pcap/pcap.h>
#include <stddef.h>

#define SNAPLEN 65535

/* What libpcap calls struct bpf_insn is Linux's struct sock_filter. */
G_STATIC_ASSERT(sizeof(struct bpf_insn) == 8);
G_STATIC_ASSERT(offsetof(struct bpf_insn, jt) == 2 && offsetof(struct bpf_insn, k) == 4);

static gboolean compile(struct expression *expression, const char *text, pcap_t *pcap,
			gboolean optimize, GError **error)
{
	struct bpf_program program;

	if (pcap_compile(pcap, &program, text, optimize, PCAP_NETMASK_UNKNOWN)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "filter '%s': %s", text,
			    pcap_geterr(pcap));
		return FALSE;
	}
	expression->n_insns = program.bf_len;
	expression->insns = g_memdup2(program.bf_insns, program.bf_len * sizeof(struct bpf_insn));
	pcap_freecode(&program);
	return TRUE;
}

gboolean expression_compile(struct expression *expression, const char *text, const char *dlt,
			    gboolean optimize, GError **error)
{
	int type = pcap_datalink_name_to_val(dlt ? dlt : "EN10MB");
	gboolean ok;
	pcap_t *pcap;

	if (type < 0) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE,
			    "libpcap knows no link type '%s'; Ethernet is EN10MB", dlt);
		return FALSE;
	}
	pcap = pcap_open_dead(type, SNAPLEN);
	if (!pcap) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "libpcap cannot be used");
		return FALSE;
	}
	ok = compile(expression, text, pcap, optimize, error);
	pcap_close(pcap);
	return ok;
}

void expression_clear(struct expression *expression)
{
	g_free(expression->insns);
	expression->insns = NULL;
}
