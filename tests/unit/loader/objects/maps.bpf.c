// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Maps in every way a BTF definition can be written. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct flow {
	__u32 addr[2];
	__u16 ports[2];
};
typedef const struct flow flow_key;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, flow_key);
	__type(value, __u64);
	__uint(max_entries, 1000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 24);
	__uint(max_entries, 3);
} sized SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__type(key, __u32);
	__type(value, struct flow);
	__uint(value_size, sizeof(struct flow));
	__uint(max_entries, 4);
	__uint(pinning, 1);
} a_name_longer_than_fifteen SEC(".maps");

SEC("xdp")
int use_maps(struct xdp_md *ctx)
{
	struct flow flow = {};
	__u32 index = 1;

	if (!bpf_map_lookup_elem(&flows, &flow))
		return XDP_DROP;
	if (!bpf_map_lookup_elem(&sized, &index))
		return XDP_ABORTED;
	if (!bpf_map_lookup_elem(&a_name_longer_than_fifteen, &index))
		return XDP_TX;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
