// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* TCP options: a bounded loop whose step comes from the packet. */
#include "common.h"

#define MAX_OPTIONS 10

SEC("xdp")
int tcp_mss(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp;
	__u32 offset, limit;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    ip->protocol != IPPROTO_TCP || ip->ihl != 5)
		return XDP_PASS;
	tcp = (void *)(ip + 1);
	if ((void *)(tcp + 1) > end)
		return XDP_DROP;
	offset = sizeof(*tcp);
	limit = tcp->doff * 4;
	for (int i = 0; i < MAX_OPTIONS && offset < limit; i++) {
		__u8 *option = (void *)tcp + (offset & 63);

		if ((void *)(option + 4) > end)
			break;
		if (option[0] == 0)
			break;
		if (option[0] == 1) {
			offset++;
			continue;
		}
		if (option[0] == 2) {
			count(2);
			return option[2] < 2 ? XDP_DROP : XDP_PASS;
		}
		if (option[1] < 2)
			return XDP_DROP;
		offset += option[1];
	}
	return XDP_PASS;
}
