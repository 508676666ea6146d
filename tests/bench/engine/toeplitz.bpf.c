// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The hash that network cards spread flows by, over addresses and ports, bit by bit. */
#include "bench.h"

/* A key with no pattern; cards get one at random. 12 bytes of input use the first 16 of it. */
static const __u32 key[4] = {0x8f3a51c6, 0x27d90be4, 0x5b16f872, 0xe04d9c31};

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	__u32 input[3], hash = 0;

	if (!udp_headers(ctx, &h) || h.ip->ihl != 5)
		return XDP_PASS;
	input[0] = bpf_ntohl(h.ip->saddr);
	input[1] = bpf_ntohl(h.ip->daddr);
	input[2] = (__u32)bpf_ntohs(h.udp->source) << 16 | bpf_ntohs(h.udp->dest);
#pragma unroll
	for (int word = 0; word < 3; word++) {
		__u64 window = (__u64)key[word] << 32 | key[word + 1];
		__u32 bits = input[word];

		for (int bit = 0; bit < 32; bit++) {
			if (bits & 0x80000000)
				hash ^= (__u32)(window >> 32);
			bits <<= 1;
			window <<= 1;
		}
	}
	return (int)hash;
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "Toeplitz hash of addresses and ports",
	.iterations = 256,
	.frame = bench_frame,
};
#endif
