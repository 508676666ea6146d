// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The longest of 50000 prefixes that the destination has, and a counter of its next hop. */
#include "bench.h"

#define ROUTES    50000
#define NEXT_HOPS 64

struct prefix {
	__u32 bits;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct prefix);
	__type(value, __u32);
	__uint(max_entries, ROUTES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, NEXT_HOPS);
} next_hops SEC(".maps");

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;

	if (!udp_headers(ctx, &h))
		return 0;
	h.ip->daddr = routed_address(seq);
	return 1;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct prefix key = {.bits = 32};
	struct headers h;
	__u32 *next_hop;
	__u64 *frames;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	key.address = h.ip->daddr;
	next_hop = bpf_map_lookup_elem(&routes, &key);
	if (!next_hop)
		return XDP_DROP;
	frames = bpf_map_lookup_elem(&next_hops, next_hop);
	if (!frames)
		return XDP_ABORTED;
	++*frames;
	return (int)*next_hop;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	const struct bench_prefix *prefixes = bench_prefixes(ROUTES);
	int ret = 0;

	for (__u32 i = 0; !ret && i < ROUTES; i++) {
		const __u32 next_hop = i % NEXT_HOPS;

		ret = update(opaque, "routes", &prefixes[i], &next_hop);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "map-heavy",
	.what = "next hop by longest prefix, 50000 routes",
	.iterations = 512,
	.fill = fill,
	.frame = bench_frame,
};
#endif
