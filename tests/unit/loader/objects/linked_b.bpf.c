// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The other file. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

static struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 9);
	__type(key, __u32);
	__type(value, __u64);
} own SEC(".maps");

static volatile __u32 counter = 600;
__u32 from_b = 40000;

__u32 overridden(__u32 n)
{
	return n + 2000;
}

static __noinline __u32 mine(__u32 n)
{
	return n * 5 + counter;
}

/* in_b(2) = 2 * 5 + 600 */
__u32 in_b(__u32 n)
{
	return mine(n);
}

SEC("xdp")
int program_b(struct xdp_md *ctx)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(&own, &key) ? in_b(1) : *(int *)&from_b;
}
