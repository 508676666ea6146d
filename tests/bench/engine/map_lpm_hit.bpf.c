// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Look up addresses in 100000 prefixes of IPv4. */
#include "bench.h"
#include "map_keys.h"

struct prefix {
	__u32 bits;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct prefix);
	__type(value, __u64);
	__uint(max_entries, ENTRIES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} map SEC(".maps");

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < OPS; i++) {
		struct prefix key = {.bits = 32, .address = routed_address(seq * OPS + i)};
		__u64 *value = bpf_map_lookup_elem(&map, &key);

		sum += value ? *value : 1;
	}
	return (int)sum;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	const struct bench_prefix *prefixes = bench_prefixes(ENTRIES);
	int ret = 0;

	for (__u32 i = 0; !ret && i < ENTRIES; i++) {
		const __u64 value = i;

		ret = update(opaque, "map", &prefixes[i], &value);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "maps",
	.what = "longest prefix of 100000",
	.iterations = 256,
	.ops = OPS,
	.read_only = 1,
	.fill = fill,
	.frame = bench_frame,
};
#endif
