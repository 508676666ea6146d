// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Values under a lock, by look-up and as global data, and in maps of maps. */
#include "common.h"

struct bucket {
	struct bpf_spin_lock lock;
	__u32 tokens;
	__u64 refilled_at;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __be32);
	__type(value, struct bucket);
	__uint(max_entries, 256);
} buckets SEC(".maps");

struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
} table0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, 2);
	__array(values, struct table);
} tables SEC(".maps") = {.values = {&table0}};

static int take(struct bucket *b, __u64 now)
{
	int pass = 0;

	bpf_spin_lock(&b->lock);
	if (now - b->refilled_at > 1000000) {
		b->refilled_at = now;
		b->tokens = 8;
	}
	if (b->tokens) {
		b->tokens--;
		pass = 1;
	}
	bpf_spin_unlock(&b->lock);
	return pass;
}

SEC("xdp")
int police(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 now = bpf_ktime_get_ns();
	struct bucket fresh = {.tokens = 8, .refilled_at = now}, *b;
	__be32 source;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	source = ip->saddr;
	b = bpf_map_lookup_elem(&buckets, &source);
	if (!b) {
		bpf_map_update_elem(&buckets, &source, &fresh, BPF_NOEXIST);
		return XDP_PASS;
	}
	return take(b, now) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int count_by_queue(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index, index = 1;
	void *inner = bpf_map_lookup_elem(&tables, &queue);
	__u64 *value;

	if (!inner)
		return XDP_PASS;
	value = bpf_map_lookup_elem(inner, &index);
	if (value)
		__sync_fetch_and_add(value, 1);
	return XDP_PASS;
}
