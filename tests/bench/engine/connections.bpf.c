// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * A table of connections that forgets those unused for longest: 16384 stay, and each sixteenth
 * frame is the first of one that has not been seen before.
 */
#include "bench.h"

#define FLOWS   16384
#define ENTRIES 65536

enum state {
	STATE_NEW,
	STATE_REPLIED,
	STATE_ESTABLISHED
};

struct connection {
	__u32 state;
	__u32 mark;
	__u64 frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct tuple);
	__type(value, struct connection);
	__uint(max_entries, ENTRIES);
} connections SEC(".maps");

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx,
			zero_choose(seq & 15, 0x100000 + (seq >> 4 & 0x7fffff), pick(seq, FLOWS)));
}

static __always_inline int known(struct connection *c)
{
	c->frames++;
	if (c->state < STATE_ESTABLISHED && c->frames > 2)
		c->state++;
	return c->state == STATE_ESTABLISHED ? XDP_TX : XDP_PASS;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct connection *found, fresh = {.state = STATE_NEW, .frames = 1};
	struct headers h;
	struct tuple key;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP) || h.ip->ihl != 5)
		return XDP_PASS;
	get_tuple(&h, &key);
	found = bpf_map_lookup_elem(&connections, &key);
	if (found)
		return known(found);
	fresh.mark = key.source;
	return bpf_map_update_elem(&connections, &key, &fresh, BPF_ANY) ? XDP_ABORTED : XDP_DROP;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	const struct connection old = {.state = STATE_ESTABLISHED, .frames = 3};
	int ret = 0;

	for (__u32 i = 0; !ret && i < FLOWS; i++) {
		struct tuple key = flow_tuple(i, IPPROTO_UDP);

		ret = update(opaque, "connections", &key, &old);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "map-heavy",
	.what = "connections in an LRU hash, one in 16 frames new",
	.iterations = 512,
	.fill = fill,
	.frame = bench_frame,
};
#endif
