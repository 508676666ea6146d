/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the programs here share: headers, and the maps they count in. */
#ifndef VERIFIER_PROGS_COMMON_H
#define VERIFIER_PROGS_COMMON_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define noinline __attribute__((noinline))

struct vlan_header {
	__be16 tci;
	__be16 proto;
};

struct flow {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport, dport;
	__u8 protocol, pad[3];
};

struct flow_stats {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct flow);
	__type(value, struct flow_stats);
	__uint(max_entries, 1024);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 16);
} counters SEC(".maps");

static __always_inline void count(__u32 index)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &index);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

char _license[] SEC("license") = "Dual BSD/GPL";

#endif
