// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A router with tables of its own: longest prefix, the neighbour's address, one hop less. */
#include "bench.h"

#define ROUTES     50000
#define NEIGHBOURS 256
#define PORTS      8

struct prefix {
	__u32 bits;
	__be32 address;
};

struct route {
	__be32 gateway; /* 0: the destination itself is the neighbour */
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct prefix);
	__type(value, struct route);
	__uint(max_entries, ROUTES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} routes SEC(".maps");

struct neighbour_key {
	__be32 address;
	__u32 port;
};

struct neighbour {
	__u8 to[ETH_ALEN];
	__u8 from[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct neighbour_key);
	__type(value, struct neighbour);
	__uint(max_entries, 4 * NEIGHBOURS);
} neighbours SEC(".maps");

struct counters {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, PORTS);
} ports SEC(".maps");

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;

	if (!udp_headers(ctx, &h))
		return 0;
	h.ip->daddr = routed_address(seq);
	h.ip->ttl = zero_choose(seq & 63, 1, 64);
	h.ip->check = (__sum16)seq;
	return 1;
}

static __always_inline void decrease_ttl(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = (__sum16)(check + (check >= 0xffff));
	ip->ttl--;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct neighbour_key next = {};
	struct prefix key = {.bits = 32};
	struct neighbour *neighbour;
	struct counters *counters;
	struct headers h;
	struct route *route;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (h.ip->version != 4 || h.ip->ihl < 5)
		return XDP_DROP;
	if (h.ip->ttl <= 1)
		return XDP_PASS; /* the host answers */
	key.address = h.ip->daddr;
	route = bpf_map_lookup_elem(&routes, &key);
	if (!route)
		return XDP_DROP;
	next.address = route->gateway ? route->gateway : key.address;
	next.port = route->port;
	neighbour = bpf_map_lookup_elem(&neighbours, &next);
	if (!neighbour)
		return XDP_PASS; /* the host asks for it */
	decrease_ttl(h.ip);
	__builtin_memcpy(h.eth->h_dest, neighbour->to, ETH_ALEN);
	__builtin_memcpy(h.eth->h_source, neighbour->from, ETH_ALEN);
	counters = bpf_map_lookup_elem(&ports, &next.port);
	if (counters) {
		counters->frames++;
		counters->bytes += bpf_ntohs(h.ip->tot_len);
	}
	return (int)bpf_redirect(next.port, 0);
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	const struct bench_prefix *prefixes = bench_prefixes(ROUTES);
	int ret = 0;

	for (__u32 i = 0; !ret && i < ROUTES; i++) {
		const __u32 gateway = i % (NEIGHBOURS + 2); /* two are not there */
		const struct route route = {.gateway = bpf_htonl(0xac100001 + gateway),
					    .port = gateway % PORTS};

		ret = update(opaque, "routes", &prefixes[i], &route);
	}
	for (__u32 i = 0; !ret && i < NEIGHBOURS; i++) {
		const struct neighbour_key key = {.address = bpf_htonl(0xac100001 + i),
						  .port = i % PORTS};
		const struct neighbour neighbour = {.to = {2, 0, 0, 2, 0, (__u8)i},
						    .from = {2, 0, 0, 3, 0, (__u8)(i % PORTS)}};

		ret = update(opaque, "neighbours", &key, &neighbour);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "real",
	.what = "router: longest prefix, neighbour, one hop less",
	.iterations = 512,
	.fill = fill,
	.frame = bench_frame,
};
#endif
