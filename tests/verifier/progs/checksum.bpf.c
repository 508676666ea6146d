// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Loops over packet bytes, rewriting of headers, adjusting the head. */
#include "common.h"

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16) ~((sum & 0xffff) + (sum >> 16));
}

SEC("xdp")
int decrease_ttl(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__u8 mac[ETH_ALEN];
	__u32 sum = 0;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->ttl <= 1)
		return XDP_DROP;
	ip->ttl--;
	ip->check = 0;
	for (unsigned i = 0; i < sizeof(*ip) / 2; i++)
		sum += ((__u16 *)ip)[i];
	ip->check = fold(sum);
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int sum_payload(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 sum = 0;
	__u32 key = 3;
	__u64 *total;

	for (int i = 0; i < 256; i++) {
		__u8 *byte = data + i;

		if ((void *)(byte + 1) > end)
			break;
		sum += *byte;
	}
	total = bpf_map_lookup_elem(&counters, &key);
	if (!total)
		return XDP_ABORTED;
	*total += sum;
	return XDP_PASS;
}

struct tunnel {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
};

SEC("xdp")
int encapsulate(struct xdp_md *ctx)
{
	struct tunnel *outer;
	void *end;
	__u16 *word;
	__u32 sum = 0;
	__u16 length = ctx->data_end - ctx->data;

	/* Computed here, before the packet moves, and not where clang would sink it to. */
	asm volatile("" : "+r"(length));
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return XDP_ABORTED;
	outer = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if ((void *)(outer + 1) > end)
		return XDP_ABORTED;
	__builtin_memset(outer, 0, sizeof(*outer));
	outer->eth.h_proto = bpf_htons(ETH_P_IP);
	outer->ip.version = 4;
	outer->ip.ihl = 5;
	outer->ip.ttl = 64;
	outer->ip.protocol = IPPROTO_UDP;
	outer->ip.tot_len = bpf_htons(length + sizeof(outer->ip) + sizeof(outer->udp));
	outer->udp.dest = bpf_htons(4789);
	outer->udp.len = bpf_htons(length + sizeof(outer->udp));
	word = (__u16 *)&outer->ip;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 10; i++)
		sum += *word++;
	outer->ip.check = fold(sum);
	return XDP_TX;
}
