// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What compilers write down differently: references to variables and functions, static and global,
 * not at the start of their sections. One frame gives a number that is right only if all are.
 */
#include <linux/bpf.h>

#define SEC(name)         __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name

#ifdef __clang__
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
#define noipa __attribute__((noinline))
#else
void *bpf_map_lookup_elem(void *map, const void *key) __attribute__((kernel_helper(1)));
#define noipa __attribute__((noinline, noipa))
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} before SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

volatile __u32 padding[3] = {1, 1, 1};
volatile __u32 table[4] = {10, 20, 30, 40};
static volatile __u32 private[4] = {100, 200, 300, 400};
volatile __u32 zeros[2];
volatile __u32 total;
const volatile __u32 scale = 1000;

noipa __u32 unrelated(__u32 n)
{
	return n ^ private[0];
}

noipa __u32 scaled(__u32 n)
{
	return n * scale;
}

static noipa __u32 shifted(__u32 n)
{
	return n + private[2];
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return unrelated(ctx->rx_queue_index);
}

/* On queue 0: 30 + 10 + 3 * 1000 + (4 + 300) + 2 + 70000. */
SEC("xdp")
int compute(struct xdp_md *ctx)
{
	__u32 key = 3, none = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);
	__u32 *other = bpf_map_lookup_elem(&before, &none);

	if (!count || !other)
		return 0;
	*count += 70000;
	*other = 5;
	total += 2;
	return table[2] + table[ctx->rx_queue_index & 3] + scaled(3) + shifted(4) + total +
	       (__u32)*count + zeros[1];
}

char _license[] SEC("license") = "GPL";
