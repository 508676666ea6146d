// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Send back what came: MAC addresses swapped, one hop less, the checksum adjusted to it. */
#include "bench.h"

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;

	if (!udp_headers(ctx, &h))
		return 0;
	h.ip->ttl = 64;
	h.ip->check = (__sum16)seq;
	return 1;
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 check;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->ttl <= 1)
		return XDP_DROP;
	swap_macs(eth);
	ip->ttl--;
	check = ip->check + bpf_htons(0x0100);
	ip->check = (__sum16)(check + (check >= 0xffff));
	return XDP_TX;
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "swap MAC addresses, decrement the TTL, adjust the checksum",
	.iterations = 1024,
	.frame = bench_frame,
};
#endif
