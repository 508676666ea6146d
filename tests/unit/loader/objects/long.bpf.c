// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A program longer than any may be. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int too_long(struct xdp_md *ctx)
{
	int x = ctx->rx_queue_index;

	asm volatile(".rept 65536\n"
		     "%[x] += 1\n"
		     ".endr\n"
		     : [x] "+r"(x));
	return x;
}
