// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* SipHash-2-4 of 64 bytes, as a cookie would take. */
#include "bench.h"
#include "hash.h"

struct sip {
	__u64 v0, v1, v2, v3;
};

static __always_inline void sip_round(struct sip *s)
{
	s->v0 += s->v1, s->v1 = rol64(s->v1, 13), s->v1 ^= s->v0, s->v0 = rol64(s->v0, 32);
	s->v2 += s->v3, s->v3 = rol64(s->v3, 16), s->v3 ^= s->v2;
	s->v0 += s->v3, s->v3 = rol64(s->v3, 21), s->v3 ^= s->v0;
	s->v2 += s->v1, s->v1 = rol64(s->v1, 17), s->v1 ^= s->v2, s->v2 = rol64(s->v2, 32);
}

static __always_inline void sip_word(struct sip *s, __u64 word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	const __u64 k0 = 0x0706050403020100, k1 = 0x0f0e0d0c0b0a0908;
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 *words = (__u64 *)(data + sizeof(struct ethhdr) + 12);
	struct sip s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			k1 ^ 0x7465646279746573};

	if ((__u8 *)words + 64 > end)
		return XDP_DROP;
	for (int i = 0; i < 8; i++)
		sip_word(&s, words[i]);
	sip_word(&s, (__u64)64 << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return (int)(s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "SipHash-2-4 of 64 bytes",
	.iterations = 512,
	.frame = bench_frame,
};
#endif
