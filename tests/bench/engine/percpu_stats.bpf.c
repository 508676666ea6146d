// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Statistics of each processor its own: protocols, lengths, kinds of port. */
#include "bench.h"

struct counters {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, 256);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 17); /* by the length's binary digits */
} lengths SEC(".maps");

enum port_kind {
	PORT_SYSTEM,
	PORT_USER,
	PORT_DYNAMIC,
	PORT_KINDS
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, PORT_KINDS);
} ports SEC(".maps");

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	__u32 x = spread(seq);

	if (!udp_headers(ctx, &h))
		return 0;
	h.ip->protocol = zero_choose(x & 7, IPPROTO_TCP, IPPROTO_UDP);
	h.ip->tot_len = bpf_htons(20 + (x >> 8 & 0x5ff));
	h.udp->dest = bpf_htons(x >> 16);
	return 1;
}

static __always_inline void count(void *map, __u32 index, __u32 bytes)
{
	struct counters *counters = bpf_map_lookup_elem(map, &index);

	if (counters) {
		counters->frames++;
		counters->bytes += bytes;
	}
}

static __always_inline __u32 binary_digits(__u32 x)
{
	__u32 digits = 0;

	if (x & 0xff00)
		digits += 8, x >>= 8;
	if (x & 0xf0)
		digits += 4, x >>= 4;
	if (x & 0xc)
		digits += 2, x >>= 2;
	return digits + (x & 2 ? 2 : x);
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;
	__u32 bytes, port, digits;
	__u64 *frames;

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP) || h.ip->ihl != 5)
		return XDP_PASS;
	bytes = bpf_ntohs(h.ip->tot_len);
	port = bpf_ntohs(h.udp->dest);
	count(&protocols, h.ip->protocol, bytes);
	digits = binary_digits(bytes);
	frames = bpf_map_lookup_elem(&lengths, &digits);
	if (frames)
		++*frames;
	if (port < 1024)
		count(&ports, PORT_SYSTEM, bytes);
	else if (port < 49152)
		count(&ports, PORT_USER, bytes);
	else
		count(&ports, PORT_DYNAMIC, bytes);
	return XDP_PASS;
}

#ifdef BENCH_NATIVE
const struct bench_info bench_info = {
	.class = "map-heavy",
	.what = "statistics in three per-CPU arrays",
	.iterations = 512,
	.frame = bench_frame,
};
#endif
