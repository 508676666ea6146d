// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Look up elements of an array of 1024. */
#include "bench.h"
#include "map_keys.h"

#define ELEMENTS 1024

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, ELEMENTS);
} map SEC(".maps");

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < OPS; i++) {
		__u32 key = pick(seq * OPS + i, ELEMENTS);
		__u64 *value = bpf_map_lookup_elem(&map, &key);

		sum += value ? *value : 1;
	}
	return (int)sum;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	int ret = 0;

	for (__u32 i = 0; !ret && i < ELEMENTS; i++) {
		const __u64 value = i;

		ret = update(opaque, "map", &i, &value);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "maps",
	.what = "array look-up",
	.iterations = 256,
	.ops = OPS,
	.fill = fill,
	.frame = bench_frame,
};
#endif
