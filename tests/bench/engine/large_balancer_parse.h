/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* How large_balancer.bpf.c takes a frame apart. */
#ifndef LARGE_BALANCER_PARSE_H
#define LARGE_BALANCER_PARSE_H

#include "large_balancer_maps.h"

/* What is known of the frame. */
struct packet {
	struct flow flow;
	__u32 l3;     /* where the IP header is */
	__u32 l4;     /* where the transport's is */
	__u16 length; /* of the IP packet */
	__u8 tos;
	_Bool opens; /* SYN */
	_Bool error; /* of ICMP: the flow is that of the packet inside, turned round */
};

static __always_inline void count(void *map, __u32 index, __u32 bytes)
{
	struct counters *c = bpf_map_lookup_elem(map, &index);

	if (c) {
		c->frames++;
		c->bytes += bytes;
	}
}

/* @size bytes at @offset of the frame, or NULL. */
static __always_inline void *at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	/* Else compilers, which saw 32 bits of it loaded, compare no more with NULL. */
	asm volatile("" : "+r"(data));
	if (offset > 512 || data + offset + size > end)
		return 0;
	return data + offset;
}

static __always_inline _Bool parse_ports(struct xdp_md *ctx, struct packet *p)
{
	if (p->flow.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = at(ctx, p->l4, sizeof(*tcp));

		if (!tcp)
			return 0;
		p->flow.source_port = tcp->source;
		p->flow.dest_port = tcp->dest;
		p->opens = tcp->syn;
		return 1;
	}
	if (p->flow.protocol == IPPROTO_UDP) {
		struct udphdr *udp = at(ctx, p->l4, sizeof(*udp));

		if (!udp)
			return 0;
		p->flow.source_port = udp->source;
		p->flow.dest_port = udp->dest;
		return 1;
	}
	return 0;
}

/* The ports of the packet inside an error, which went the other way. */
static __always_inline _Bool parse_inner_ports(struct xdp_md *ctx, struct packet *p)
{
	struct udphdr *ports = at(ctx, p->l4, sizeof(*ports));

	if (!ports || (p->flow.protocol != IPPROTO_TCP && p->flow.protocol != IPPROTO_UDP))
		return 0;
	p->flow.source_port = ports->dest;
	p->flow.dest_port = ports->source;
	p->error = 1;
	return 1;
}

static __always_inline _Bool parse_icmp4(struct xdp_md *ctx, struct packet *p)
{
	struct icmp_header *icmp = at(ctx, p->l4, sizeof(*icmp) + sizeof(struct iphdr));
	struct iphdr *inner;

	if (!icmp || icmp->type != ICMP_UNREACHABLE)
		return 0;
	inner = (void *)(icmp + 1);
	if (inner->ihl != 5)
		return 0;
	p->flow.protocol = inner->protocol;
	p->flow.source.words[0] = inner->daddr;
	p->flow.dest.words[0] = inner->saddr;
	p->l4 += sizeof(*icmp) + sizeof(*inner);
	return parse_inner_ports(ctx, p);
}

static __always_inline _Bool parse_icmp6(struct xdp_md *ctx, struct packet *p)
{
	struct icmp_header *icmp = at(ctx, p->l4, sizeof(*icmp) + sizeof(struct ipv6hdr));
	struct ipv6hdr *inner;

	if (!icmp || (icmp->type != ICMP6_TOO_BIG && icmp->type != ICMP6_UNREACHABLE))
		return 0;
	inner = (void *)(icmp + 1);
	p->flow.protocol = inner->nexthdr;
	__builtin_memcpy(&p->flow.source, &inner->daddr, sizeof(p->flow.source));
	__builtin_memcpy(&p->flow.dest, &inner->saddr, sizeof(p->flow.dest));
	p->l4 += sizeof(*icmp) + sizeof(*inner);
	return parse_inner_ports(ctx, p);
}

static __always_inline int parse_ipv4(struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = at(ctx, p->l3, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl != 5)
		return COUNT_MALFORMED;
	if (ip->frag_off & bpf_htons(0x3fff))
		return COUNT_FRAGMENTS;
	p->flow.family = 4;
	p->flow.protocol = ip->protocol;
	p->flow.source.words[0] = ip->saddr;
	p->flow.dest.words[0] = ip->daddr;
	p->length = bpf_ntohs(ip->tot_len);
	p->tos = ip->tos;
	p->l4 = p->l3 + sizeof(*ip);
	if (ip->protocol == IPPROTO_ICMP)
		return parse_icmp4(ctx, p) ? COUNT_FRAMES : COUNT_ICMP;
	return parse_ports(ctx, p) ? COUNT_FRAMES : COUNT_MALFORMED;
}

static __always_inline int parse_ipv6(struct xdp_md *ctx, struct packet *p)
{
	struct ipv6hdr *ip = at(ctx, p->l3, sizeof(*ip));

	if (!ip || ip->version != 6)
		return COUNT_MALFORMED;
	if (ip->nexthdr == IPPROTO_FRAGMENT)
		return COUNT_FRAGMENTS;
	p->flow.family = 6;
	p->flow.protocol = ip->nexthdr;
	__builtin_memcpy(&p->flow.source, &ip->saddr, sizeof(p->flow.source));
	__builtin_memcpy(&p->flow.dest, &ip->daddr, sizeof(p->flow.dest));
	p->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	p->tos = (__u8)(ip->priority << 4 | ip->flow_lbl[0] >> 4);
	p->l4 = p->l3 + sizeof(*ip);
	if (ip->nexthdr == IPPROTO_ICMPV6)
		return parse_icmp6(ctx, p) ? COUNT_FRAMES : COUNT_ICMP;
	return parse_ports(ctx, p) ? COUNT_FRAMES : COUNT_MALFORMED;
}

/* EtherType behind the tags, 0 of a short frame. */
static __always_inline __be16 parse_ethernet(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *eth = at(ctx, 0, sizeof(*eth));
	__be16 proto;

	if (!eth)
		return 0;
	proto = eth->h_proto;
	p->l3 = sizeof(*eth);
#pragma unroll
	for (int i = 0; i < 2; i++) {
		__be16 *tag;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = at(ctx, p->l3, 4);
		if (!tag)
			return 0;
		proto = tag[1];
		p->l3 += 4;
	}
	return proto;
}

#endif
