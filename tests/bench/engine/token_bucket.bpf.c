// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A rate limit for each of 4096 sources. One in eight may not send at all, the others do not reach
 * their limit: verdicts do not hang on how fast the engine is. */
#include "bench.h"

#define SOURCES 4096
#define COST    1000 /* tokens a frame takes */

struct bucket {
	__u64 tokens;
	__u64 filled; /* when, ns */
	__u32 rate;   /* tokens in 1024 ns */
	__u32 burst;  /* most tokens it holds */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct bucket);
	__uint(max_entries, 2 * SOURCES);
} buckets SEC(".maps");

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, pick(seq, SOURCES));
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	struct bucket *bucket;
	__u64 now, tokens;
	__u32 source;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	source = h.ip->saddr;
	bucket = bpf_map_lookup_elem(&buckets, &source);
	if (!bucket)
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	tokens = bucket->tokens + ((now - bucket->filled) * bucket->rate >> 10);
	if (tokens > bucket->burst)
		tokens = bucket->burst;
	bucket->filled = now;
	if (tokens < COST) {
		bucket->tokens = tokens;
		return XDP_DROP;
	}
	bucket->tokens = tokens - COST;
	return XDP_PASS;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	int ret = 0;

	for (__u32 i = 0; !ret && i < SOURCES; i++) {
		const __u32 source = flow_tuple(i, IPPROTO_UDP).saddr;
		const struct bucket bucket = {.tokens = i & 7 ? 4000000000u : 0,
					      .rate = i & 7 ? 1u << 20 : 0,
					      .burst = 4000000000u};

		ret = update(opaque, "buckets", &source, &bucket);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "map-heavy",
	.what = "token bucket for each of 4096 sources",
	.iterations = 512,
	.own = "buckets",
	.fill = fill,
	.frame = bench_frame,
};
#endif
