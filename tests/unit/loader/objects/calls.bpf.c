// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Two programs that share subprograms: static and global, called from code and from each other. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) int add_five(int x)
{
	return x + 5;
}

static __attribute__((noinline)) int add_six(int x)
{
	return add_five(x) + 1;
}

__attribute__((noinline)) int double_it(int x)
{
	return 2 * x;
}

SEC("xdp")
int calls_both(struct xdp_md *ctx)
{
	return double_it(add_six(ctx->rx_queue_index));
}

SEC("xdp/second")
int calls_one(struct xdp_md *ctx)
{
	return add_five(ctx->rx_queue_index);
}

SEC("xdp/second")
int calls_none(struct xdp_md *ctx)
{
	return XDP_PASS;
}
