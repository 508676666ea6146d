// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_vlan: two programs that move the start of the frame with bpf_xdp_adjust_head().
 *
 * xdp_vlan_pop takes the outer VLAN tag off, xdp_vlan_push puts tag 42 on frames without one. After
 * bpf_xdp_adjust_head() every pointer into the frame is stale, so both load ctx->data anew.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PUSHED_VLAN_ID 42

/* An Ethernet header with one tag: IEEE 802.1Q, 9.3. */
struct tagged_ethhdr {
	__u8 h_dest[ETH_ALEN];
	__u8 h_source[ETH_ALEN];
	__be16 tpid;
	__be16 tci;
	__be16 h_proto;
};

#define TAG_LEN ((int)(sizeof(struct tagged_ethhdr) - sizeof(struct ethhdr)))

static __always_inline _Bool is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

SEC("xdp")
int xdp_vlan_pop(struct xdp_md *ctx)
{
	struct tagged_ethhdr *tagged = (void *)(long)ctx->data;
	struct ethhdr plain, *eth;

	if ((void *)(tagged + 1) > (void *)(long)ctx->data_end || !is_tag(tagged->tpid))
		return XDP_PASS;
	__builtin_memcpy(&plain, tagged, 2 * ETH_ALEN);
	plain.h_proto = tagged->h_proto;

	if (bpf_xdp_adjust_head(ctx, TAG_LEN))
		return XDP_ABORTED;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(eth, &plain, sizeof(plain));
	return XDP_PASS;
}

SEC("xdp")
int xdp_vlan_push(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct tagged_ethhdr tag, *tagged;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end || is_tag(eth->h_proto))
		return XDP_PASS;
	__builtin_memcpy(&tag, eth, 2 * ETH_ALEN);
	tag.tpid = bpf_htons(ETH_P_8021Q);
	tag.tci = bpf_htons(PUSHED_VLAN_ID);
	tag.h_proto = eth->h_proto;

	if (bpf_xdp_adjust_head(ctx, -TAG_LEN))
		return XDP_ABORTED;
	tagged = (void *)(long)ctx->data;
	if ((void *)(tagged + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(tagged, &tag, sizeof(tag));
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
