// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Operations on one map, many in one run, over a table of keys: what map_ops.c has the host's
 * kernel do. The loader sets the types and sizes of the maps.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PER_ROUND 8 /* operations for each round of bpf_loop(), whose cost is taken off */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 64);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, 16);
	__uint(value_size, 8);
	__uint(max_entries, 1);
} map SEC(".maps");

const volatile __u32 key_size = 4;
const volatile __u32 key_mask = 1; /* keys in the table, less one */
const volatile __u32 rounds = 1;
__u64 found;

static __always_inline void *key_at(void *table, __u32 i)
{
	return table + (i & key_mask) * key_size;
}

#define LOOP(name, body)                                                           \
	static long name##_round(__u32 round, void *context)                       \
	{                                                                          \
		void *table = bpf_map_lookup_elem(&keys, &(__u32){0});             \
		__u64 value = round, sum = 0;                                      \
                                                                                   \
		if (!table)                                                        \
			return 1;                                                  \
		for (__u32 i = 0; i < PER_ROUND; i++)                              \
			sum += body(key_at(table, round * PER_ROUND + i), &value); \
		*(__u64 *)context += sum;                                          \
		return 0;                                                          \
	}                                                                          \
                                                                                   \
	SEC("xdp") int name(struct xdp_md *xdp)                                    \
	{                                                                          \
		__u64 sum = 0;                                                     \
                                                                                   \
		bpf_loop(rounds, name##_round, &sum, 0);                           \
		found = sum;                                                       \
		return XDP_PASS;                                                   \
	}

static __always_inline __u64 do_nothing(void *key, __u64 *value)
{
	return *(volatile __u8 *)key;
}

static __always_inline __u64 do_look_up(void *key, __u64 *value)
{
	__u64 *there = bpf_map_lookup_elem(&map, key);

	return there ? *there : 0;
}

static __always_inline __u64 do_update(void *key, __u64 *value)
{
	return bpf_map_update_elem(&map, key, value, BPF_ANY) == 0;
}

static __always_inline __u64 do_replace(void *key, __u64 *value)
{
	return bpf_map_delete_elem(&map, key) == 0 &&
	       bpf_map_update_elem(&map, key, value, BPF_NOEXIST) == 0;
}

LOOP(empty, do_nothing)
LOOP(look_up, do_look_up)
LOOP(update, do_update)
LOOP(replace, do_replace)

char LICENSE[] SEC("license") = "GPL";
