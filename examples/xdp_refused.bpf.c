// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_refused: a program that Linux accepts and the NIC cannot run.
 *
 * It asks the host's routing table (bpf_fib_lookup) where a frame would go. The table is in the
 * guest's kernel, not in the NIC, so the device refuses the program and says why.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2

SEC("xdp")
int xdp_refused(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct bpf_fib_lookup route = {.family = AF_INET, .ifindex = ctx->ingress_ifindex};

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	route.ipv4_src = ip->saddr;
	route.ipv4_dst = ip->daddr;
	if (bpf_fib_lookup(ctx, &route, sizeof(route), 0) == BPF_FIB_LKUP_RET_BLACKHOLE)
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
