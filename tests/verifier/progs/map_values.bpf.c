// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Map values as tables: bounded variable offsets, loops over them, metadata before the packet. */
#include "common.h"

struct table {
	__u32 used;
	__u32 entries[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct table);
	__uint(max_entries, 2);
} tables SEC(".maps");

SEC("xdp")
int table_search(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 key = 0, wanted;
	struct table *table;

	if (data + 18 > end)
		return XDP_DROP;
	wanted = *(__u32 *)(data + 14);
	table = bpf_map_lookup_elem(&tables, &key);
	if (!table)
		return XDP_ABORTED;
	for (__u32 i = 0; i < 64; i++) {
		if (i >= table->used)
			break;
		if (table->entries[i] == wanted)
			return XDP_DROP;
	}
	table->entries[wanted & 63] = wanted;
	if (wanted < 64)
		table->entries[wanted]++;
	return XDP_PASS;
}

struct mark {
	__u32 hash;
	__u32 queue;
};

SEC("xdp")
int mark_frame(struct xdp_md *ctx)
{
	struct mark *mark;
	void *data;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return XDP_PASS;
	data = (void *)(long)ctx->data;
	mark = (void *)(long)ctx->data_meta;
	if ((void *)(mark + 1) > data)
		return XDP_ABORTED;
	mark->hash = bpf_get_prandom_u32();
	mark->queue = ctx->rx_queue_index;
	return XDP_PASS;
}

SEC("xdp")
int trim(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	int length = end - data;

	if (length > 128) {
		if (bpf_xdp_adjust_tail(ctx, 128 - length))
			return XDP_ABORTED;
		data = (void *)(long)ctx->data;
		end = (void *)(long)ctx->data_end;
		if (data + 14 > end)
			return XDP_ABORTED;
		count(((__u8 *)data)[13] & 15);
	}
	return XDP_PASS;
}
