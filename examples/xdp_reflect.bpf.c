// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_reflect: a UDP echo service (RFC 862, port 7) that answers from inside the NIC.
 *
 * Swapping addresses and ports leaves every checksum right, because the Internet checksum does not
 * depend on the order of the words it adds up.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ECHO_PORT 7

struct echo_frame {
	struct ethhdr eth;
	struct iphdr ip; /* without options */
	struct udphdr udp;
} __attribute__((packed));

static __always_inline void swap_addresses(struct echo_frame *f)
{
	__u8 mac[ETH_ALEN];
	__be32 addr = f->ip.saddr;
	__be16 port = f->udp.source;

	__builtin_memcpy(mac, f->eth.h_source, ETH_ALEN);
	__builtin_memcpy(f->eth.h_source, f->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(f->eth.h_dest, mac, ETH_ALEN);
	f->ip.saddr = f->ip.daddr;
	f->ip.daddr = addr;
	f->udp.source = f->udp.dest;
	f->udp.dest = port;
}

SEC("xdp")
int xdp_reflect(struct xdp_md *ctx)
{
	struct echo_frame *f = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if ((void *)(f + 1) > data_end || f->eth.h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (f->ip.version != 4 || f->ip.ihl != 5 || f->ip.protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (f->ip.frag_off & bpf_htons(0x1fff) || f->udp.dest != bpf_htons(ECHO_PORT))
		return XDP_PASS;
	/* A group must not be answered, nor another echo server: the two would never stop. */
	if (f->eth.h_dest[0] & 1 || f->udp.source == bpf_htons(ECHO_PORT))
		return XDP_PASS;
	swap_addresses(f);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
