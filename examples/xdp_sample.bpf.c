// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_sample: tells the control plane of every frame that is not IPv4 or IPv6, through a ring
 * buffer: its length and its Ethernet header. All frames pass.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct sample {
	__u32 length;
	struct ethhdr header;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} samples SEC(".maps");

SEC("xdp")
int xdp_sample(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct sample *sample;

	if ((void *)(eth + 1) > data_end || eth->h_proto == bpf_htons(ETH_P_IP) ||
	    eth->h_proto == bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample)
		return XDP_PASS; /* nobody listens fast enough: counted by the ring buffer */
	sample->length = ctx->data_end - ctx->data;
	sample->header = *eth;
	bpf_ringbuf_submit(sample, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
