// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Set values of keys of 16 bytes that a hash of 100000 entries has. */
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
	int failed = 0;

	for (__u32 i = 0; i < OPS; i++) {
		struct key16 key = key16(pick(seq * OPS + i, ENTRIES));
		__u64 value = seq + i;

		failed += bpf_map_update_elem(&map, &key, &value, BPF_ANY) != 0;
	}
	return failed;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	return fill_key16(update, opaque, "map");
}

const struct bench_info bench_info = {
	.class = "maps",
	.what = "hash update of a key that is there",
	.iterations = 256,
	.ops = OPS,
	.fill = fill,
	.frame = bench_frame,
};
#endif
