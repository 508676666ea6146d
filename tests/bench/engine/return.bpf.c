// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The least a program can do: what the loop and a call cost. */
#include "bench.h"

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return 1;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	return XDP_PASS;
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "return XDP_PASS",
	.iterations = 1024,
	.frame = bench_frame,
};
#endif
