// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Receive queue by a Jenkins hash of the five-tuple. */
#include "bench.h"
#include "hash.h"

static __always_inline void vary(struct xdp_md *ctx, __u32 seq)
{
	set_flow(ctx, seq);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct udp_frame *frame;
	struct tuple t = {};

	if (!udp_frame(ctx, &frame) || frame->ip.ihl != 5)
		return XDP_PASS;
	t.saddr = frame->ip.saddr;
	t.daddr = frame->ip.daddr;
	t.source = frame->udp.source;
	t.dest = frame->udp.dest;
	t.protocol = frame->ip.protocol;
	return (int)jhash_tuple(&t);
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "Jenkins hash of the five-tuple",
	.iterations = 4096,
	.checked = 64,
	.frame = bench_frame,
};
#endif
