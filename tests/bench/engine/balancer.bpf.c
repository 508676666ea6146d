// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * An L4 load balancer: a virtual address and port stands for many servers. A connection stays with
 * its server, by a table of connections; a new one gets the server that a ring of consistent
 * hashing says. The packet goes on inside another, addressed to that server (IP in IP).
 */
#include "bench.h"
#include "hash.h"

#define VIPS        16
#define RING        4099 /* places on the ring of a virtual address */
#define SERVERS     512
#define CONNECTIONS 65536
#define FLOWS       16384
#define F_NO_TABLE  1u /* this service's connections are not kept */

struct vip {
	__be32 address;
	__be16 port;
	__u8 protocol;
	__u8 pad;
};

struct vip_info {
	__u32 flags;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct vip);
	__type(value, struct vip_info);
	__uint(max_entries, VIPS);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct tuple);
	__type(value, __u32); /* server */
	__uint(max_entries, CONNECTIONS);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32); /* server */
	__uint(max_entries, VIPS *RING);
} rings SEC(".maps");

struct server {
	__be32 address;
	__u8 mac[ETH_ALEN]; /* of the router that leads there */
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct server);
	__uint(max_entries, SERVERS);
} servers SEC(".maps");

struct counters {
	__u64 frames;
	__u64 bytes;
};

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

/* ---- What comes in: packets in IP in IP, as the iteration before left them ------------------ */

static __always_inline _Bool decapsulate(struct xdp_md *ctx)
{
	struct ethhdr *eth;
	struct headers h;

	if (!udp_headers(ctx, &h) || h.ip->protocol != IPPROTO_IPIP ||
	    bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)))
		return 0;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	__builtin_memset(eth, 2, 2 * ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
	return 1;
}

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	__u32 flow = zero_choose(seq & 31, 0x100000 + (seq >> 5 & 0x7fffff), pick(seq, FLOWS));
	struct headers h;

	if (!decapsulate(ctx) || !set_flow(ctx, flow) || !udp_headers(ctx, &h))
		return 0;
	h.ip->daddr = bpf_htonl(0xc6336400 | (flow & (VIPS - 1)));
	return 1;
}

/* ---- The program ---------------------------------------------------------------------------- */

static __always_inline void count(void *map, __u32 index, __u32 bytes)
{
	struct counters *counters = bpf_map_lookup_elem(map, &index);

	if (counters) {
		counters->frames++;
		counters->bytes += bytes;
	}
}

static __always_inline __u32 *from_ring(const struct vip_info *vip, const struct tuple *tuple)
{
	__u32 place = vip->number * RING + jhash_tuple(tuple) % RING;

	return bpf_map_lookup_elem(&rings, &place);
}

/* The server of a connection, or NULL. */
static __always_inline __u32 *choose(const struct vip_info *vip, const struct tuple *tuple,
				     _Bool opens)
{
	__u32 *server;

	if (!opens && !(vip->flags & F_NO_TABLE)) {
		server = bpf_map_lookup_elem(&connections, tuple);
		if (server)
			return server;
	}
	server = from_ring(vip, tuple);
	if (server && !(vip->flags & F_NO_TABLE))
		bpf_map_update_elem(&connections, tuple, server, BPF_ANY);
	return server;
}

static __always_inline __u16 header_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (unsigned i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (__u16)~sum;
}

/* Put the packet into another, to @server; its source address says which flow it is of. */
static __always_inline int encapsulate(struct xdp_md *ctx, const struct server *server, __u32 hash,
				       __u8 tos, __u16 inner_length)
{
	struct ethhdr *eth;
	struct iphdr *ip;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(eth->h_dest, server->mac, ETH_ALEN);
	__builtin_memset(eth->h_source, 4, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
	*ip = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*ip) / 4,
		.tos = tos,
		.tot_len = bpf_htons(inner_length + sizeof(*ip)),
		.ttl = 64,
		.protocol = IPPROTO_IPIP,
		.saddr = bpf_htonl(0xac100000 | (hash & 0xffff)),
		.daddr = server->address,
	};
	ip->check = header_checksum(ip);
	return XDP_TX;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct tuple tuple = {};
	struct vip_info *vip_info;
	struct vip vip = {};
	struct server *server;
	__u32 *number;
	__u16 length;
	__u8 tos;

	if ((void *)(tcp + 1) > end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (ip->ihl != 5 || ip->frag_off & bpf_htons(0x3fff))
		return XDP_DROP;
	length = bpf_ntohs(ip->tot_len);
	tos = ip->tos;
	tuple.saddr = ip->saddr;
	tuple.daddr = ip->daddr;
	tuple.source = tcp->source;
	tuple.dest = tcp->dest;
	tuple.protocol = IPPROTO_TCP;
	vip.address = tuple.daddr;
	vip.port = tuple.dest;
	vip.protocol = IPPROTO_TCP;
	vip_info = bpf_map_lookup_elem(&vips, &vip);
	if (!vip_info) {
		vip.port = 0; /* a service of all ports */
		vip_info = bpf_map_lookup_elem(&vips, &vip);
	}
	if (!vip_info)
		return XDP_PASS;
	number = choose(vip_info, &tuple, tcp->syn);
	server = number ? bpf_map_lookup_elem(&servers, number) : 0;
	if (!server)
		return XDP_DROP;
	count(&vip_counters, vip_info->number, length);
	count(&server_counters, *number, length);
	return encapsulate(ctx, server, tuple.saddr ^ tuple.source, tos, length);
}

#ifdef BENCH_NATIVE
static int fill_services(bench_update_fn update, void *opaque)
{
	int ret = 0;

	for (__u32 i = 0; !ret && i < VIPS; i++) {
		const struct vip vip = {.address = bpf_htonl(0xc6336400 | i),
					.port = i % 4 == 3 ? 0 : bpf_htons(443),
					.protocol = IPPROTO_TCP};
		const struct vip_info info = {.number = i};

		ret = update(opaque, "vips", &vip, &info);
	}
	for (__u32 i = 0; !ret && i < SERVERS; i++) {
		const struct server server = {.address = bpf_htonl(0x0a640000 | i),
					      .mac = {2, 0, 0, 1, 0, (__u8)(i & 7)}};

		ret = update(opaque, "servers", &i, &server);
	}
	for (__u32 i = 0; !ret && i < VIPS * RING; i++) {
		const __u32 server = pick(i ^ 0x5bd1e995, SERVERS);

		ret = update(opaque, "rings", &i, &server);
	}
	return ret;
}

static int fill(bench_update_fn update, void *opaque)
{
	int ret = fill_services(update, opaque);

	for (__u32 i = 0; !ret && i < FLOWS; i++) {
		struct tuple key = flow_tuple(i, IPPROTO_TCP);
		const __u32 server = i % SERVERS;

		key.daddr = bpf_htonl(0xc6336400 | (i & (VIPS - 1)));
		ret = update(opaque, "connections", &key, &server);
	}
	return ret;
}

static uint32_t frame(uint8_t *bytes)
{
	const struct ethhdr eth = {.h_proto = bpf_htons(ETH_P_IP)};
	const struct iphdr outer = {
		.version = 4, .ihl = 5, .tot_len = bpf_htons(1406), .protocol = IPPROTO_IPIP};

	bench_tcp(bytes + sizeof(outer), 1400, 443);
	memcpy(bytes, &eth, sizeof(eth));
	memcpy(bytes + sizeof(eth), &outer, sizeof(outer));
	return 1400 + sizeof(outer);
}

const struct bench_info bench_info = {
	.class = "real",
	.what = "L4 balancer: connections, consistent hashing, IP in IP",
	.iterations = 512,
	.fill = fill,
	.frame = frame,
};
#endif
