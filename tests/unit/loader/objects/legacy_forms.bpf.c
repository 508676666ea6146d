// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Maps from before BTF as Linux's samples (SAMPLES) and iproute2 define them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef SAMPLES
struct bpf_map_def_legacy {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 inner_map_idx;
	__u32 numa_node;
};

struct bpf_map_def_legacy SEC("maps") other = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 8,
	.value_size = 8,
	.max_entries = 9,
};

struct bpf_map_def_legacy SEC("maps") template = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 12,
	.max_entries = 1,
	.map_flags = BPF_F_NUMA_NODE,
	.numa_node = 1,
};

struct bpf_map_def_legacy SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 5,
	.inner_map_idx = 1,
};

SEC("xdp_outer")
int uses_outer(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&outer, &key) ? XDP_DROP : XDP_PASS;
}
#else
struct bpf_elf_map {
	__u32 type;
	__u32 size_key;
	__u32 size_value;
	__u32 max_elem;
	__u32 flags;
	__u32 id;
	__u32 pinning;
	__u32 inner_id;
	__u32 inner_idx;
};

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 1,
	.id = 42,
	.inner_idx = 2,
	.pinning = 2,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 3,
	.inner_id = 42,
};

struct bpf_elf_map SEC("maps") jumps = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.id = 7,
};

SEC("7/1")
int tail(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("prog")
int entry(struct xdp_md *ctx)
{
	__u32 key = 2;

	if (bpf_map_lookup_elem(&outer, &key))
		bpf_tail_call(ctx, &jumps, 1);
	return XDP_ABORTED;
}
#endif
