// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Ethernet, up to two VLAN tags, IPv4, UDP; then by destination port. */
#include "bench.h"

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

static const __u16 ports[16] = {53,  80,   123, 443, 853, 4789, 5353,  6081,
				443, 8080, 53,  443, 179, 2152, 11211, 9999};

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;

	if (!udp_headers(ctx, &h))
		return 0;
	h.udp->dest = bpf_htons(ports[seq & 15]);
	return 1;
}

static __always_inline int by_port(__u16 port)
{
	switch (port) {
	case 53:
	case 853:
	case 5353:
		return XDP_TX;
	case 80:
	case 443:
	case 8080:
		return XDP_PASS;
	case 123:
	case 179:
		return XDP_PASS;
	case 4789:
	case 6081:
	case 2152:
		return XDP_REDIRECT;
	case 11211:
		return XDP_DROP;
	default:
		return XDP_ABORTED;
	}
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip;
	struct udphdr *udp;
	__be16 proto;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	proto = eth->h_proto;
	data = eth + 1;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct vlan_tag *tag = data;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end)
			return XDP_DROP;
		proto = tag->proto;
		data = tag + 1;
	}
	if (proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = data;
	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return XDP_DROP;
	if (ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;
	if (ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = data + ip->ihl * 4;
	if ((void *)(udp + 1) > end)
		return XDP_DROP;
	return by_port(bpf_ntohs(udp->dest));
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "Ethernet, VLAN, IPv4, UDP, switch on the port",
	.iterations = 1024,
	.frame = bench_frame,
};
#endif
