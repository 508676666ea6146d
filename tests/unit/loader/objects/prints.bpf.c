// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A program that prints, for tools that show it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int prints(struct xdp_md *ctx)
{
	bpf_printk("queue %d", ctx->rx_queue_index);
	bpf_printk("a\tb %x", 0xbeef);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
