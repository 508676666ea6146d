// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* xxHash32 of 512 bytes. */
#include "bench.h"
#include "hash.h"

#define BYTES 512

#define PRIME1 0x9e3779b1u
#define PRIME2 0x85ebca77u
#define PRIME3 0xc2b2ae3du

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq);
}

static __always_inline __u32 lane(__u32 acc, __u32 input)
{
	return rol32(acc + input * PRIME2, 13) * PRIME1;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 *words = (__u32 *)(data + sizeof(struct ethhdr));
	__u32 a = PRIME1 + PRIME2, b = PRIME2, c = 0, d = 0 - PRIME1, hash;

	if ((__u8 *)words + BYTES > end)
		return XDP_DROP;
	for (int i = 0; i < BYTES / 4; i += 4) {
		a = lane(a, words[i]);
		b = lane(b, words[i + 1]);
		c = lane(c, words[i + 2]);
		d = lane(d, words[i + 3]);
	}
	hash = rol32(a, 1) + rol32(b, 7) + rol32(c, 12) + rol32(d, 18) + BYTES;
	hash = (hash ^ hash >> 15) * PRIME2;
	hash = (hash ^ hash >> 13) * PRIME3;
	return (int)(hash ^ hash >> 16);
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "xxHash32 of 512 bytes",
	.iterations = 512,
	.frame = bench_frame,
};
#endif
