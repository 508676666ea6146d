// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * xdp_pass_count: pass every frame, count frames and bytes.
 *
 * The smallest useful program, and the one that replaces xdp_firewall under traffic in the demo:
 * every frame is counted either there or here.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Indices of `passed`. */
enum {
	PASSED_FRAMES,
	PASSED_BYTES,
	PASSED_COUNTERS
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, PASSED_COUNTERS);
} passed SEC(".maps");

static __always_inline void add(__u32 index, __u64 amount)
{
	__u64 *counter = bpf_map_lookup_elem(&passed, &index);

	if (counter)
		__sync_fetch_and_add(counter, amount);
}

SEC("xdp")
int xdp_pass_count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	add(PASSED_FRAMES, 1);
	add(PASSED_BYTES, data_end - data);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
