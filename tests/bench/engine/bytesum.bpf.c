// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Sum of up to 64 bytes of payload, each looked for in the frame before it is read. */
#include "bench.h"

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u8 *end = (void *)(long)ctx->data_end;
	__u8 *pos = (__u8 *)(long)ctx->data + sizeof(struct ethhdr) + sizeof(struct iphdr);
	__u32 sum = 0;

	for (int i = 0; i < 64; i++) {
		if (pos + 1 > end)
			break;
		sum += *pos++;
	}
	return (int)sum;
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "sum of 64 bytes, each checked against the frame's end",
	.iterations = 512,
	.frame = bench_frame,
};
#endif
