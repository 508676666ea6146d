// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Internet checksum of 1480 bytes. */
#include "bench.h"

#define BYTES 1480

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u16 *words = (__u16 *)(data + sizeof(struct ethhdr));
	__u32 sum = 0;

	if ((__u8 *)words + BYTES > end)
		return XDP_DROP;
	for (int i = 0; i < BYTES / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (int)(~sum & 0xffff);
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "internet checksum of 1480 bytes",
	.iterations = 128,
	.frame = bench_frame,
};
#endif
