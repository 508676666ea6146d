// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Dynptrs over the frame and over memory, with slices and their buffers, as kfuncs give them. */
#include "common.h"

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
			      __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
				   __u32 size) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *ptr, __u32 start, __u32 end) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *ptr) __ksym;

static __u8 table[64];

SEC("xdp")
int swap_addresses(struct xdp_md *ctx)
{
	__u8 buffer[sizeof(struct ethhdr)], swap[ETH_ALEN];
	struct bpf_dynptr frame;
	struct ethhdr *eth;

	if (bpf_dynptr_from_xdp(ctx, 0, &frame))
		return XDP_ABORTED;
	eth = bpf_dynptr_slice_rdwr(&frame, 0, buffer, sizeof(buffer));
	if (!eth)
		return XDP_DROP;
	__builtin_memcpy(swap, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, swap, ETH_ALEN);
	return XDP_TX;
}

static noinline int options(const struct bpf_dynptr *packet, __u32 offset)
{
	__u8 buffer[4] = {}, *bytes = bpf_dynptr_slice(packet, offset, buffer, sizeof(buffer));

	return bytes ? bytes[0] << 8 | bytes[1] : -1;
}

SEC("xdp")
int walk(struct xdp_md *ctx)
{
	struct bpf_dynptr frame;
	int sum = 0;

	bpf_dynptr_from_xdp(ctx, 0, &frame);
	bpf_dynptr_adjust(&frame, sizeof(struct ethhdr), bpf_dynptr_size(&frame));
	for (int i = 0; i < 4; i++)
		sum += options(&frame, i * 4);
	return sum & 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int remember(struct xdp_md *ctx)
{
	struct bpf_dynptr memory;
	__u8 head[16] = {}, *bytes;

	bpf_xdp_load_bytes(ctx, 0, head, sizeof(head));
	bpf_dynptr_from_mem(table, sizeof(table), 0, &memory);
	bpf_dynptr_write(&memory, ctx->rx_queue_index * 16, head, sizeof(head), 0);
	bpf_dynptr_read(head, sizeof(head), &memory, 0, 0);
	bytes = bpf_dynptr_data(&memory, 16, 8);
	if (bytes)
		bytes[0] = head[3];
	return XDP_PASS;
}
