// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Maps that hold maps and programs from the start, and every attribute of a BTF definition. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
};

struct inner first SEC(".maps");
static struct inner second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} by_name SEC(".maps") = {
	.values = {[1] = &first, [3] = &second},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(key_size, 6);
			__uint(value_size, 3);
			__uint(max_entries, 7);
			__uint(map_flags, BPF_F_NO_PREALLOC);
		});
} inlined SEC(".maps");

int tail(struct xdp_md *ctx);
int tail_of_tail(struct xdp_md *ctx);
int never(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[2] = (void *)&tail},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} more_jumps SEC(".maps") = {
	.values = {(void *)&tail_of_tail},
};

/* Nothing refers to it, so what it holds is not loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} unused SEC(".maps") = {
	.values = {(void *)&never},
};

struct locked {
	__u64 count;
	struct {
		__u32 before;
		struct bpf_spin_lock lock;
	} inside;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 10);
	__type(key, __u32);
	__type(value, struct locked);
	__uint(map_flags, BPF_F_NUMA_NODE);
	__uint(numa_node, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} with_lock SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 10);
	__type(value, __u32);
	__uint(map_extra, 3);
} bloom SEC(".maps");

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	__u32 key = 1;
	void *map = bpf_map_lookup_elem(&by_name, &key);

	if (map && bpf_map_lookup_elem(map, &key))
		bpf_tail_call(ctx, &jumps, 2);
	return XDP_ABORTED;
}

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &more_jumps, 0);
	return XDP_DROP;
}

SEC("xdp")
int tail_of_tail(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp")
int never(struct xdp_md *ctx)
{
	return *(volatile int *)0;
}
