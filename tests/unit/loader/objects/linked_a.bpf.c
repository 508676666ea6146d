// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One of two files of a program, with names that the other has too. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u32);
} own SEC(".maps");

static volatile __u32 counter = 5;
extern __u32 from_b;
__u32 in_b(__u32 n);

__weak __u32 overridden(__u32 n)
{
	return n + 1;
}

static __noinline __u32 mine(__u32 n)
{
	return n * 3 + counter;
}

/* On queue 0: in_b(2) + (7 * 3 + 5) + (50 + 2000) + 40000. */
SEC("xdp")
int program_a(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 *count = bpf_map_lookup_elem(&shared, &key);
	__u32 *value = bpf_map_lookup_elem(&own, &key);

	if (!count || !value)
		return 0;
	*count += 1;
	return in_b(2) + mine(7) + overridden(50) + from_b + *value;
}
