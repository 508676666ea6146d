// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A map as it was defined before BTF. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
	unsigned int unknown;
};

struct bpf_map_def SEC("maps") old = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 6,
	.value_size = 2,
	.max_entries = 77,
	.map_flags = BPF_F_NO_PREALLOC,
};

SEC("xdp")
int use_legacy(struct xdp_md *ctx)
{
	__u8 key[6] = {};

	return bpf_map_lookup_elem(&old, key) ? XDP_DROP : XDP_PASS;
}
