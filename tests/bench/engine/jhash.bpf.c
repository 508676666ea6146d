// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Receive queue by a Jenkins hash of the five-tuple. */
#include "bench.h"
#include "hash.h"

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	struct tuple t = {};

	if (!udp_headers(ctx, &h) || h.ip->ihl != 5)
		return XDP_PASS;
	t.saddr = h.ip->saddr;
	t.daddr = h.ip->daddr;
	t.source = h.udp->source;
	t.dest = h.udp->dest;
	t.protocol = h.ip->protocol;
	return (int)jhash_tuple(&t);
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "Jenkins hash of the five-tuple",
	.iterations = 1024,
	.frame = bench_frame,
};
#endif
