// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Programs that share global variables and a map, and one with an array of programs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

int target(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} jump SEC(".maps") = {.values = {[0] = &target}};

const volatile __u32 step = 1;
__u32 total;

SEC("xdp")
int target(struct xdp_md *ctx)
{
	total += 100;
	return total;
}

SEC("xdp")
int adds(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	if (count)
		*count += step;
	total += step;
	return total;
}

SEC("xdp")
int reads(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	return count ? *count * 1000 + total : 0;
}

SEC("xdp")
int jumps(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jump, 0);
	return 0;
}
