/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What programs may ask the NIC for while they run: its log, and the MTU of its ports. */
#include "nic_internal.h"

#include <ctype.h>
#include <stdio.h>

/* The guest wrote the text, the host's terminal shows it. */
static void trace(void *opaque, uint32_t cpu, const char *line, size_t len)
{
	char text[1024];
	size_t n = len < sizeof(text) - 1 ? len : sizeof(text) - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = isprint((unsigned char)line[i]) ? line[i] : '?';
	text[n] = '\0';
	nic_log(opaque, -1, "bpf_trace_printk, queue %u: %s", cpu, text);
}

static uint32_t mtu(void *opaque, uint32_t ifindex)
{
	const struct nic_port *port = port_of_ifindex(opaque, ifindex);

	return port ? port->mtu : 0;
}

void nic_host_init(struct nic *nic)
{
	nic->host = (struct bpfe_host){.trace = trace, .mtu = mtu, .opaque = nic};
}

void nic_set_fib(struct nic *nic, const struct bpfe_fib *fib)
{
	__atomic_store_n(&nic->host.fib, fib, __ATOMIC_RELEASE);
}
