// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Frames and bytes of each flow, in a hash map; flows come as they are seen. */
#include "bench.h"

#define FLOWS 16384

struct counters {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct tuple);
	__type(value, struct counters);
	__uint(max_entries, 4 * FLOWS);
} flows SEC(".maps");

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return set_flow(ctx, pick(seq, FLOWS));
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	struct counters *counters;
	struct tuple key;
	__u64 bytes = ctx->data_end - ctx->data;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP) || h.ip->ihl != 5)
		return XDP_PASS;
	get_tuple(&h, &key);
	counters = bpf_map_lookup_elem(&flows, &key);
	if (counters) {
		counters->frames++;
		counters->bytes += bytes;
	} else {
		struct counters first = {1, bytes};

		bpf_map_update_elem(&flows, &key, &first, BPF_NOEXIST);
	}
	return XDP_PASS;
}

#ifdef BENCH_NATIVE
/* Half of the flows; the others come while it runs, and stay. */
static int fill(bench_update_fn update, void *opaque)
{
	const struct counters none = {0};
	int ret = 0;

	for (__u32 i = 0; !ret && i < FLOWS / 2; i++) {
		struct tuple key = flow_tuple(i, IPPROTO_UDP);

		ret = update(opaque, "flows", &key, &none);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "map-heavy",
	.what = "counters of each flow, 16384 flows in a hash",
	.iterations = 512,
	.fill = fill,
	.frame = bench_frame,
};
#endif
