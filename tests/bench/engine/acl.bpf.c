// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* An access list of 32 rules, compiled into the program: the first that fits decides. */
#include "bench.h"

struct rule {
	__u32 source, source_bits; /* host byte order; bits of the prefix */
	__u16 from, to;            /* destination ports */
	__u8 protocol;             /* 0: any */
	__u8 verdict;
};

#define NET(a, b, c, d) ((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct rule rules[32] = {
	{NET(10, 66, 0, 0), 16, 0, 65535, 0, XDP_DROP},
	{NET(192, 0, 2, 0), 24, 0, 65535, 0, XDP_DROP},
	{NET(10, 1, 0, 0), 16, 22, 22, IPPROTO_TCP, XDP_PASS},
	{NET(10, 2, 0, 0), 16, 22, 22, IPPROTO_TCP, XDP_PASS},
	{NET(0, 0, 0, 0), 0, 22, 22, IPPROTO_TCP, XDP_DROP},
	{NET(10, 3, 7, 0), 24, 53, 53, IPPROTO_UDP, XDP_PASS},
	{NET(10, 3, 8, 0), 24, 53, 53, IPPROTO_UDP, XDP_PASS},
	{NET(10, 3, 0, 0), 16, 53, 53, IPPROTO_UDP, XDP_DROP},
	{NET(10, 0, 16, 0), 20, 123, 123, IPPROTO_UDP, XDP_PASS},
	{NET(0, 0, 0, 0), 0, 123, 123, IPPROTO_UDP, XDP_DROP},
	{NET(10, 4, 0, 0), 14, 137, 139, IPPROTO_UDP, XDP_PASS},
	{NET(0, 0, 0, 0), 0, 137, 139, IPPROTO_UDP, XDP_DROP},
	{NET(0, 0, 0, 0), 0, 445, 445, IPPROTO_TCP, XDP_DROP},
	{NET(10, 0, 0, 0), 24, 5060, 5061, IPPROTO_UDP, XDP_PASS},
	{NET(10, 0, 1, 0), 24, 5060, 5061, IPPROTO_UDP, XDP_PASS},
	{NET(10, 0, 2, 0), 23, 5060, 5061, IPPROTO_UDP, XDP_TX},
	{NET(10, 0, 4, 0), 22, 16384, 32767, IPPROTO_UDP, XDP_PASS},
	{NET(10, 0, 8, 0), 21, 16384, 32767, IPPROTO_UDP, XDP_TX},
	{NET(172, 16, 0, 0), 12, 80, 80, IPPROTO_TCP, XDP_PASS},
	{NET(172, 16, 0, 0), 12, 443, 443, IPPROTO_TCP, XDP_PASS},
	{NET(172, 16, 0, 0), 12, 0, 65535, 0, XDP_DROP},
	{NET(10, 0, 32, 0), 19, 443, 443, IPPROTO_UDP, XDP_PASS},
	{NET(10, 0, 64, 0), 18, 443, 443, IPPROTO_UDP, XDP_TX},
	{NET(10, 0, 128, 0), 17, 443, 443, IPPROTO_UDP, XDP_DROP},
	{NET(10, 0, 0, 0), 16, 8443, 8443, IPPROTO_UDP, XDP_PASS},
	{NET(10, 1, 0, 0), 16, 443, 443, IPPROTO_UDP, XDP_PASS},
	{NET(198, 18, 0, 0), 15, 0, 65535, 0, XDP_DROP},
	{NET(100, 64, 0, 0), 10, 0, 1023, 0, XDP_DROP},
	{NET(100, 64, 0, 0), 10, 1024, 65535, 0, XDP_PASS},
	{NET(10, 0, 12, 0), 22, 443, 443, 0, XDP_PASS},
	{NET(10, 0, 0, 0), 8, 443, 443, IPPROTO_UDP, XDP_REDIRECT},
	{NET(0, 0, 0, 0), 0, 0, 65535, 0, XDP_DROP},
};

/* Sources all over 10.0.0.0/16: rules from the middle of the list to its end. */
static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, seq * 4099 & 0xffff);
}

static __always_inline _Bool fits(const struct rule *r, __u32 source, __u16 port, __u8 protocol)
{
	__u32 mask = r->source_bits ? ~0u << (32 - r->source_bits) : 0;

	return (source & mask) == r->source && port >= r->from && port <= r->to &&
	       (!r->protocol || r->protocol == protocol);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	__u32 source;
	__u16 port;
	__u8 protocol;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP) || h.ip->ihl != 5)
		return XDP_DROP;
	source = bpf_ntohl(h.ip->saddr);
	port = bpf_ntohs(h.udp->dest);
	protocol = h.ip->protocol;
#pragma unroll
	for (int i = 0; i < 32; i++) {
		if (fits(&rules[i], source, port, protocol))
			return rules[i].verdict;
	}
	return XDP_DROP;
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-less",
	.what = "access list of 32 rules",
	.iterations = 512,
	.frame = bench_frame,
};
#endif
