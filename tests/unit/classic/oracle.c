// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <pcap/pcap.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Of oracle.h, whose <linux/filter.h> goes with no header of libpcap's. The layout is the same. */
#define ORACLE_MAX 4096u
struct sock_filter;
uint32_t oracle_compile(const char *expression, int optimize, struct sock_filter *insns, char *why,
			size_t size);
uint32_t oracle_filter(const struct sock_filter *insns, const void *frame, uint32_t len);
const char *oracle_image(const struct sock_filter *insn, uint32_t index);

_Static_assert(sizeof(struct bpf_insn) == 8 && offsetof(struct bpf_insn, k) == 4, "as sock_filter");

uint32_t oracle_compile(const char *expression, int optimize, struct sock_filter *insns, char *why,
			size_t size)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program program;
	uint32_t n = 0;

	if (pcap_compile(pcap, &program, expression, optimize, PCAP_NETMASK_UNKNOWN)) {
		snprintf(why, size, "%s", pcap_geterr(pcap));
	} else {
		if (program.bf_len <= ORACLE_MAX) {
			n = program.bf_len;
			memcpy((void *)insns, program.bf_insns, n * sizeof(*program.bf_insns));
		}
		pcap_freecode(&program);
	}
	pcap_close(pcap);
	return n;
}

uint32_t oracle_filter(const struct sock_filter *insns, const void *frame, uint32_t len)
{
	return bpf_filter((const struct bpf_insn *)insns, frame, len, len);
}

const char *oracle_image(const struct sock_filter *insn, uint32_t index)
{
	return bpf_image((const struct bpf_insn *)insn, (int)index);
}
