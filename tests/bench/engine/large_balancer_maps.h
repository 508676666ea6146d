/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What large_balancer.bpf.c keeps in maps. */
#ifndef LARGE_BALANCER_MAPS_H
#define LARGE_BALANCER_MAPS_H

#define VIPS        64
#define RING        1021
#define SERVERS     512
#define CONNECTIONS 16384
#define FLOWS       4096
#define OPTIONS     12   /* of TCP that are looked at */
#define OPTION_KIND 0xb7 /* the one that names a server */
#define QUIC_PORT   443
#define IDLE        30000000000ull /* ns after which a connection of UDP is another */

/* Of ICMP and ICMPv6; <linux/icmp.h> includes what is no header for BPF. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 rest;
};

#define ICMP_UNREACHABLE  3
#define ICMP6_UNREACHABLE 1
#define ICMP6_TOO_BIG     2

struct address {
	__be32 words[4]; /* IPv4: the first */
};

struct flow {
	struct address source;
	struct address dest;
	__be16 source_port;
	__be16 dest_port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u8 pad[2];
};

struct service {
	struct address address;
	__be16 port;
	__u8 protocol;
	__u8 family;
};

enum {
	SERVICE_NO_TABLE = 1,    /* connections are not kept */
	SERVICE_SOURCE_HASH = 2, /* ports do not count */
	SERVICE_QUIC = 4,        /* connection ids name servers */
	SERVICE_OPTION = 8,      /* TCP options do */
	SERVICE_DEST_PORT = 16,  /* the destination port chooses */
};

struct service_info {
	__u32 flags;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct service);
	__type(value, struct service_info);
	__uint(max_entries, 2 * VIPS);
} services SEC(".maps");

struct connection {
	__u64 last; /* ns */
	__u32 server;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct flow);
	__type(value, struct connection);
	__uint(max_entries, CONNECTIONS);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, VIPS *RING);
} rings SEC(".maps");

enum {
	SERVER_IPV6 = 1,
	SERVER_UDP = 2
};

struct server {
	struct address address;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct server);
	__uint(max_entries, SERVERS);
} servers SEC(".maps");

/* Names of servers, as clients bring them along, to their numbers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, SERVERS);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(
		key, struct {
			__u32 bits;
			__be32 address;
		});
	__type(value, __u32);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} source_routes SEC(".maps");

enum counter {
	COUNT_FRAMES,
	COUNT_NEW,
	COUNT_NAMED,
	COUNT_NAME_UNKNOWN,
	COUNT_ICMP,
	COUNT_FRAGMENTS,
	COUNT_NO_SERVICE,
	COUNT_NO_SERVER,
	COUNT_MALFORMED,
	COUNTERS
};

struct counters {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, COUNTERS);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, VIPS);
} vip_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, SERVERS);
} server_counters SEC(".maps");

/* Where the balancer sends from. */
struct own {
	struct address source4, source6;
	__u8 mac[ETH_ALEN];
	__u8 router[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct own);
	__uint(max_entries, 1);
} own SEC(".maps");

#endif
