// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Records: reserved, filled on several paths, submitted or discarded; sent by copy; counted. */
#include "common.h"

struct event {
	__u32 length;
	__u16 proto;
	__u16 reason;
	__u8 head[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 longest = 1500; /* of frames to report */
__u64 reported;

static noinline int fill(struct event *e, struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;
	e->length = end - data;
	e->proto = bpf_ntohs(eth->h_proto);
	for (unsigned i = 0; i < sizeof(*eth); i++)
		e->head[i] = ((__u8 *)data)[i];
	return 0;
}

SEC("xdp")
int report(struct xdp_md *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return XDP_PASS;
	if (fill(e, ctx) || e->length > longest) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return XDP_DROP;
	}
	e->reason = 1;
	bpf_ringbuf_submit(e, 0);
	__sync_fetch_and_add(&reported, 1);
	return XDP_PASS;
}

SEC("xdp")
int report_copy(struct xdp_md *ctx)
{
	struct event e = {.length = ctx->data_end - ctx->data};

	bpf_xdp_load_bytes(ctx, 0, e.head, sizeof(e.head));
	bpf_ringbuf_output(&events, &e, sizeof(e), 0);
	return XDP_PASS;
}
