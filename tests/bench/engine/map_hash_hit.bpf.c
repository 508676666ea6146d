// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Look up keys of 16 bytes that a hash of 100000 entries has. */
#include "bench.h"
#include "map_keys.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct key16);
	__type(value, __u64);
	__uint(max_entries, ENTRIES);
} map SEC(".maps");

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < OPS; i++) {
		struct key16 key = key16(pick(seq * OPS + i, ENTRIES));
		__u64 *value = bpf_map_lookup_elem(&map, &key);

		sum += value ? *value : 1;
	}
	return (int)sum;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	return fill_key16(update, opaque, "map");
}

const struct bench_info bench_info = {
	.class = "maps",
	.what = "hash look-up, hit",
	.iterations = 256,
	.ops = OPS,
	.read_only = 1,
	.fill = fill,
	.frame = bench_frame,
};
#endif
