// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_steer: the NIC chooses the receive queue, and the port, by what the control plane wrote.
 *
 * IPv4 goes to the queue that is in `queues` at the low five bits of its source address, anything
 * else to the interface that is in `ports` at 0. Without an entry a frame passes as RSS says.
 *
 *   sluice run -m queues:7=192 -m ports:0=1 xdp_steer.bpf.o in.pcap
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define N_QUEUES 32

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, N_QUEUES);
	__type(key, __u32);
	__type(value, __u32); /* frames the queue should hold; not 0 */
} queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32); /* interface */
} ports SEC(".maps");

struct ip_frame {
	struct ethhdr eth;
	struct iphdr ip;
} __attribute__((packed));

SEC("xdp")
int xdp_steer(struct xdp_md *ctx)
{
	struct ip_frame *f = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if ((void *)(f + 1) > data_end || f->eth.h_proto != bpf_htons(ETH_P_IP))
		return bpf_redirect_map(&ports, 0, XDP_PASS);
	return bpf_redirect_map(&queues, bpf_ntohl(f->ip.saddr) % N_QUEUES, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
