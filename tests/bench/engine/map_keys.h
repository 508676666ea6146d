/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Keys for programs that measure one operation of a map: each iteration does OPS of them. */
#ifndef BENCH_MAP_KEYS_H
#define BENCH_MAP_KEYS_H

#define ENTRIES 100000
#define OPS     16

struct key16 {
	__u32 words[4];
};

/* The @i-th key; those from ENTRIES on are in no map. */
static __always_inline struct key16 key16(__u32 i)
{
	return (struct key16){{i, i * 0x85ebca6b, ~i, 0x10203040}};
}

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	return 1;
}

#ifdef BENCH_NATIVE
/* The first ENTRIES keys into map @map; key i has value i. */
static inline int fill_key16(bench_update_fn update, void *opaque, const char *map)
{
	int ret = 0;

	for (__u32 i = 0; !ret && i < ENTRIES; i++) {
		const struct key16 key = key16(i);
		const __u64 value = i;

		ret = update(opaque, map, &key, &value);
	}
	return ret;
}
#endif

#endif
