// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* VLAN loop, IPv4 options by IHL, IPv6 extension headers, ports, a hash map of flows. */
#include "common.h"

struct cursor {
	void *pos, *end;
};

static __always_inline int parse_eth(struct cursor *c, __be16 *proto)
{
	struct ethhdr *eth = c->pos;

	if ((void *)(eth + 1) > c->end)
		return -1;
	*proto = eth->h_proto;
	c->pos = eth + 1;
	for (int i = 0; i < 4; i++) {
		struct vlan_header *tag = c->pos;

		if (*proto != bpf_htons(ETH_P_8021Q) && *proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > c->end)
			return -1;
		*proto = tag->proto;
		c->pos = tag + 1;
	}
	return 0;
}

static __always_inline int parse_ipv4(struct cursor *c, struct flow *key)
{
	struct iphdr *ip = c->pos;
	int length;

	if ((void *)(ip + 1) > c->end)
		return -1;
	length = ip->ihl * 4;
	if (length < (int)sizeof(*ip) || c->pos + length > c->end)
		return -1;
	key->saddr[0] = ip->saddr;
	key->daddr[0] = ip->daddr;
	key->protocol = ip->protocol;
	c->pos += length;
	return 0;
}

static __always_inline int parse_ipv6(struct cursor *c, struct flow *key)
{
	struct ipv6hdr *ip = c->pos;
	__u8 next;

	if ((void *)(ip + 1) > c->end)
		return -1;
	__builtin_memcpy(key->saddr, &ip->saddr, 16);
	__builtin_memcpy(key->daddr, &ip->daddr, 16);
	next = ip->nexthdr;
	c->pos = ip + 1;
	for (int i = 0; i < 6; i++) {
		struct ipv6_opt_hdr *opt = c->pos;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		if ((void *)(opt + 1) > c->end)
			return -1;
		next = opt->nexthdr;
		c->pos += (opt->hdrlen + 1) * 8;
	}
	key->protocol = next;
	return 0;
}

static __always_inline int parse_ports(struct cursor *c, struct flow *key)
{
	if (key->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = c->pos;

		if ((void *)(tcp + 1) > c->end)
			return -1;
		key->sport = tcp->source;
		key->dport = tcp->dest;
	} else if (key->protocol == IPPROTO_UDP) {
		struct udphdr *udp = c->pos;

		if ((void *)(udp + 1) > c->end)
			return -1;
		key->sport = udp->source;
		key->dport = udp->dest;
	}
	return 0;
}

SEC("xdp")
int flows_by_key(struct xdp_md *ctx)
{
	struct cursor c = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	__u64 bytes = c.end - c.pos;
	struct flow key = {};
	struct flow_stats *stats;
	__be16 proto;
	int err = -1;

	if (parse_eth(&c, &proto))
		goto malformed;
	if (proto == bpf_htons(ETH_P_IP))
		err = parse_ipv4(&c, &key);
	else if (proto == bpf_htons(ETH_P_IPV6))
		err = parse_ipv6(&c, &key);
	if (err || parse_ports(&c, &key))
		goto malformed;
	stats = bpf_map_lookup_elem(&flows, &key);
	if (stats) {
		__sync_fetch_and_add(&stats->frames, 1);
		__sync_fetch_and_add(&stats->bytes, bytes);
	} else {
		struct flow_stats first = {1, bytes};

		bpf_map_update_elem(&flows, &key, &first, BPF_ANY);
	}
	count(1);
	return XDP_PASS;
malformed:
	count(0);
	return XDP_DROP;
}
