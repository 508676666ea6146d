// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Functions called back, and a subprogram beside the programs that call it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static long static_callback(__u32 index, void *opaque)
{
	return index & 0x11;
}

long global_callback(__u32 index, void *opaque)
{
	return index & 0x22;
}

static __attribute__((noinline, section("xdp"))) int beside(int n)
{
	return n + 0x33;
}

SEC("xdp")
int passes_callbacks(struct xdp_md *ctx)
{
	long n = bpf_loop(3, static_callback, 0, 0);

	n += bpf_loop(4, global_callback, 0, 0);
	return n > 0 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int calls_beside(struct xdp_md *ctx)
{
	return beside(ctx->rx_queue_index);
}
