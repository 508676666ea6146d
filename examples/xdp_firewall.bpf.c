// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_firewall: drop frames by source address inside the NIC, count what passes by.
 *
 *   clang -O2 -g -target bpf -mcpu=v3 -I/usr/include/$(gcc -print-multiarch) \
 *         -c xdp_firewall.bpf.c -o xdp_firewall.bpf.o
 *   ip link set dev sl0 xdpoffload obj xdp_firewall.bpf.o sec xdp
 *
 * Block 192.0.2.7 while traffic runs (key ::ffff:192.0.2.7, value 0 frames so far):
 *   bpftool map update name blocked key hex 00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 07 \
 *                                   value hex 00 00 00 00 00 00 00 00
 *
 * Offloaded programs may use only ARRAY and HASH maps and no global variables, so everything the
 * program keeps is in its two maps.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "xdp_firewall.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct fw_source);
	__type(value, __u64);
	__uint(max_entries, FW_BLOCKED_MAX);
} blocked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, FW_VERDICTS);
} verdicts SEC(".maps");

struct vlan_tag {
	__be16 tci;
	__be16 encapsulated_proto;
};

#define MAX_VLAN_TAGS 2 /* 802.1ad: one service tag, one customer tag */

/* Where the parser stands, and where the frame ends. */
struct cursor {
	void *pos;
	void *end;
};

/* What the parser found out. */
struct frame {
	struct fw_source source;
	enum fw_verdict l3; /* FW_IPV4, FW_IPV6 or FW_OTHER_L3; FW_MALFORMED ends the parse */
	enum fw_verdict l4; /* FW_TCP, FW_UDP or FW_OTHER_L4; meaningful with the first two */
	_Bool tagged;
};

static __always_inline void count(__u32 index)
{
	__u64 *counter = bpf_map_lookup_elem(&verdicts, &index);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

/*
 * Step over the Ethernet header and its VLAN tags. Returns the EtherType in network byte order, or
 * 0 (which is no EtherType) when the frame is too short.
 */
static __always_inline __be16 parse_ethernet(struct cursor *c, _Bool *tagged)
{
	struct ethhdr *eth = c->pos;
	__be16 proto;

	if ((void *)(eth + 1) > c->end)
		return 0;
	proto = eth->h_proto;
	c->pos = eth + 1;

#pragma unroll
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag = c->pos;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > c->end)
			return 0;
		*tagged = 1;
		proto = tag->encapsulated_proto;
		c->pos = tag + 1;
	}
	return proto;
}

static __always_inline enum fw_verdict parse_l4(struct cursor *c, __u8 protocol)
{
	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = c->pos;

		if ((void *)(tcp + 1) > c->end)
			return FW_MALFORMED;
		return FW_TCP;
	}
	if (protocol == IPPROTO_UDP) {
		struct udphdr *udp = c->pos;

		if ((void *)(udp + 1) > c->end)
			return FW_MALFORMED;
		return FW_UDP;
	}
	return FW_OTHER_L4;
}

static __always_inline void parse_ipv4(struct cursor *c, struct frame *f)
{
	struct iphdr *ip = c->pos;

	f->l3 = FW_MALFORMED;
	if ((void *)(ip + 1) > c->end || ip->version != 4 || ip->ihl < 5)
		return;
	f->source.addr[0] = 0;
	f->source.addr[1] = 0;
	f->source.addr[2] = bpf_htonl(0xffff);
	f->source.addr[3] = ip->saddr;

	/* Only the first fragment has the transport header. */
	f->l4 = FW_OTHER_L4;
	if (!(ip->frag_off & bpf_htons(0x1fff))) {
		c->pos += ip->ihl * 4;
		f->l4 = parse_l4(c, ip->protocol);
	}
	if (f->l4 != FW_MALFORMED)
		f->l3 = FW_IPV4;
}

/* The transport header is looked for right after the fixed header, not behind extensions. */
static __always_inline void parse_ipv6(struct cursor *c, struct frame *f)
{
	struct ipv6hdr *ip6 = c->pos;

	f->l3 = FW_MALFORMED;
	if ((void *)(ip6 + 1) > c->end || ip6->version != 6)
		return;
	__builtin_memcpy(&f->source, &ip6->saddr, sizeof(f->source));
	c->pos = ip6 + 1;
	f->l4 = parse_l4(c, ip6->nexthdr);
	if (f->l4 != FW_MALFORMED)
		f->l3 = FW_IPV6;
}

static __always_inline void parse(struct cursor *c, struct frame *f)
{
	switch (parse_ethernet(c, &f->tagged)) {
	case 0:
		f->l3 = FW_MALFORMED;
		break;
	case bpf_htons(ETH_P_IP):
		parse_ipv4(c, f);
		break;
	case bpf_htons(ETH_P_IPV6):
		parse_ipv6(c, f);
		break;
	default:
		f->l3 = FW_OTHER_L3;
	}
}

static __always_inline _Bool is_blocked(const struct fw_source *source)
{
	__u64 *frames = bpf_map_lookup_elem(&blocked, source);

	if (frames)
		__sync_fetch_and_add(frames, 1);
	return frames;
}

SEC("xdp")
int xdp_firewall(struct xdp_md *ctx)
{
	struct cursor c = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	struct frame f = {};

	parse(&c, &f);
	if (f.tagged)
		count(FW_TAGGED);
	count(f.l3);
	if (f.l3 == FW_MALFORMED)
		goto drop;

	if (f.l3 != FW_OTHER_L3) {
		count(f.l4);
		if (is_blocked(&f.source)) {
			count(FW_BLOCKED);
			goto drop;
		}
	}
	count(FW_PASSED);
	return XDP_PASS;

drop:
	count(FW_DROPPED);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
