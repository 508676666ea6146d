// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * A load balancer as large as those that are in use: IPv4 and IPv6, VLAN tags, errors of ICMP that
 * belong to a connection, server names in TCP options and in QUIC connection ids, two kinds of
 * tunnel, counters. Nearly all of it is one function, as compilers made it when programs could have
 * no others. It is here for the time that loading it takes.
 */
#include "bench.h"
#include "hash.h"
#include <linux/ipv6.h>
#include "large_balancer_maps.h"
#include "large_balancer_parse.h"

/* ---- What comes in -------------------------------------------------------------------------- */

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct ethhdr *eth;
	struct headers h;

	if (!udp_headers(ctx, &h) || h.ip->protocol != IPPROTO_IPIP ||
	    bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)))
		return 0;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	eth->h_proto = bpf_htons(ETH_P_IP);
	return set_flow(ctx, pick(seq, FLOWS));
}

/* ---- Choosing a server ---------------------------------------------------------------------- */

static __always_inline __u32 jhash_address(const struct address *a, __u32 seed)
{
	return jhash_4words(a->words[0], a->words[1], a->words[2], a->words[3], seed);
}

static __always_inline __u32 flow_hash(const struct flow *f, __u32 flags)
{
	__u32 ports = (__u32)f->source_port << 16 | f->dest_port, hash;

	if (flags & SERVICE_SOURCE_HASH)
		ports = 0;
	if (flags & SERVICE_DEST_PORT)
		return jhash_4words(f->dest_port, f->protocol, 0, 0, 0x5eed);
	if (f->family == 4)
		return jhash_4words(f->source.words[0], f->dest.words[0], ports, f->protocol,
				    0x5eed);
	hash = jhash_address(&f->source, 0x5eed);
	hash = jhash_address(&f->dest, hash);
	return jhash_4words(hash, ports, f->protocol, 0, 0x5eed);
}

/* Look at the option at *pos: false if there is none more to look at. */
static __always_inline _Bool next_option(struct xdp_md *ctx, __u32 *pos, __u32 end, __u32 *name)
{
	__u8 *option = *pos < end ? at(ctx, *pos, 6) : 0;

	if (!option || !option[0])
		return 0;
	if (option[0] == 1) {
		*pos += 1;
		return 1;
	}
	if (option[0] == OPTION_KIND && option[1] == 6) {
		*name = (__u32)option[2] << 24 | option[3] << 16 | option[4] << 8 | option[5];
		return 0;
	}
	if (option[1] < 2)
		return 0;
	*pos += option[1];
	return 1;
}

/* The name in a TCP option, 0 without one. */
static __always_inline __u32 name_in_options(struct xdp_md *ctx, const struct packet *p)
{
	struct tcphdr *tcp = at(ctx, p->l4, sizeof(*tcp));
	__u32 pos = p->l4 + sizeof(*tcp), name = 0, end;

	if (!tcp)
		return 0;
	end = p->l4 + tcp->doff * 4;
#pragma clang loop unroll_count(12)
	for (int i = 0; i < OPTIONS; i++) {
		if (!next_option(ctx, &pos, end, &name))
			break;
	}
	return name;
}

/* The name in a connection id of QUIC, 0 without one: version 1 of our ids has 16 bits in it, 2 has
 * 24, 3 has 32. */
static __always_inline __u32 name_in_quic(struct xdp_md *ctx, const struct packet *p)
{
	const __u32 start = p->l4 + sizeof(struct udphdr);
	__u8 *first = at(ctx, start, 1), *id;

	if (!first)
		return 0;
	if (*first & 0x80) {
		/* a long header: version, length, id */
		if ((*first & 0x30) < 0x20)
			return 0; /* initial or 0-RTT: the id is the client's */
		id = at(ctx, start + 6, 8);
	} else {
		id = at(ctx, start + 1, 8);
	}
	if (!id)
		return 0;
	switch (id[0] >> 6) {
	case 1:
		return (__u32)(id[0] & 0x3f) << 10 | id[1] << 2 | id[2] >> 6;
	case 2:
		return (__u32)id[1] << 16 | id[2] << 8 | id[3];
	case 3:
		return (__u32)id[1] << 24 | id[2] << 16 | id[3] << 8 | id[4];
	default:
		return 0;
	}
}

/* The server that the client names; false if it names none that is known. */
static __always_inline _Bool named(struct xdp_md *ctx, const struct packet *p, __u32 flags,
				   __u32 *server)
{
	__u32 name = 0, *number;

	if (p->error)
		return 0;
	if (flags & SERVICE_QUIC && p->flow.protocol == IPPROTO_UDP)
		name = name_in_quic(ctx, p);
	if (flags & SERVICE_OPTION && p->flow.protocol == IPPROTO_TCP && !p->opens)
		name = name_in_options(ctx, p);
	if (!name)
		return 0;
	number = bpf_map_lookup_elem(&names, &name);
	if (!number) {
		count(&counters, COUNT_NAME_UNKNOWN, p->length);
		return 0;
	}
	count(&counters, COUNT_NAMED, p->length);
	*server = *number;
	return 1;
}

static __always_inline _Bool in_table(const struct packet *p, __u64 now, __u32 *server)
{
	struct connection *c;

	if (p->opens)
		return 0;
	c = bpf_map_lookup_elem(&connections, &p->flow);
	if (!c || (p->flow.protocol == IPPROTO_UDP && now - c->last > IDLE))
		return 0;
	c->last = now;
	*server = c->server;
	return 1;
}

static __always_inline _Bool on_ring(const struct packet *p, const struct service_info *service,
				     __u64 now, __u32 *server)
{
	const __u32 hash = flow_hash(&p->flow, service->flags);
	struct {
		__u32 bits;
		__be32 address;
	} source = {32, p->flow.source.words[0]};
	__u32 place = service->number * RING + hash % RING, *found;

	found = bpf_map_lookup_elem(&rings, &place);
	if (p->flow.family == 4) {
		__u32 *routed = bpf_map_lookup_elem(&source_routes, &source);

		if (routed)
			found = routed;
	}
	if (!found)
		return 0;
	*server = *found;
	count(&counters, COUNT_NEW, p->length);
	if (!(service->flags & SERVICE_NO_TABLE)) {
		const struct connection fresh = {.last = now, .server = *server};

		bpf_map_update_elem(&connections, &p->flow, &fresh, BPF_ANY);
	}
	return 1;
}

/* ---- Tunnels -------------------------------------------------------------------------------- */

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

static __always_inline void set_ethernet(struct ethhdr *eth, const struct own *from, __u16 proto)
{
	__builtin_memcpy(eth->h_dest, from->router, ETH_ALEN);
	__builtin_memcpy(eth->h_source, from->mac, ETH_ALEN);
	eth->h_proto = bpf_htons(proto);
}

static __always_inline void set_udp(struct udphdr *udp, __u32 hash, __u16 port, __u16 length)
{
	udp->source = bpf_htons((hash & 0x3fff) | 0xc000);
	udp->dest = bpf_htons(port);
	udp->len = bpf_htons(length + sizeof(*udp));
	udp->check = 0;
}

static __always_inline int tunnel4(struct xdp_md *ctx, const struct packet *p, __be32 to,
				   const struct own *from, __u32 hash, _Bool in_udp)
{
	const int more = sizeof(struct iphdr) + (in_udp ? sizeof(struct udphdr) : 0);
	const __u16 *words;
	struct ethhdr *eth;
	struct iphdr *ip;
	__u64 sum = 0;

	if (bpf_xdp_adjust_head(ctx, -more))
		return XDP_DROP;
	eth = at(ctx, 0, sizeof(*eth) + sizeof(*ip) + sizeof(struct udphdr));
	if (!eth)
		return XDP_DROP;
	set_ethernet(eth, from, ETH_P_IP);
	ip = (void *)(eth + 1);
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = p->tos,
		.tot_len = bpf_htons(p->length + (__u16)more),
		.ttl = 64,
		.protocol = in_udp                ? IPPROTO_UDP
			    : p->flow.family == 4 ? IPPROTO_IPIP
						  : IPPROTO_IPV6,
		.saddr = from->source4.words[0] ^ bpf_htonl(hash & 0xffff),
		.daddr = to,
	};
	words = (const __u16 *)ip;
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	ip->check = (__u16)~fold(sum);
	if (in_udp)
		set_udp((void *)(ip + 1), hash, p->flow.family == 4 ? 6635 : 6636, p->length);
	return XDP_TX;
}

static __always_inline int tunnel6(struct xdp_md *ctx, const struct packet *p,
				   const struct address *to, const struct own *from, __u32 hash,
				   _Bool in_udp)
{
	const int more = sizeof(struct ipv6hdr) + (in_udp ? sizeof(struct udphdr) : 0);
	struct address source = from->source6;
	struct ethhdr *eth;
	struct ipv6hdr *ip;

	if (bpf_xdp_adjust_head(ctx, -more))
		return XDP_DROP;
	eth = at(ctx, 0, sizeof(*eth) + sizeof(*ip) + sizeof(struct udphdr));
	if (!eth)
		return XDP_DROP;
	set_ethernet(eth, from, ETH_P_IPV6);
	ip = (void *)(eth + 1);
	source.words[3] ^= hash;
	*ip = (struct ipv6hdr){
		.version = 6,
		.priority = p->tos >> 4,
		.payload_len = bpf_htons(p->length + (in_udp ? sizeof(struct udphdr) : 0)),
		.nexthdr = in_udp                ? IPPROTO_UDP
			   : p->flow.family == 4 ? IPPROTO_IPIP
						 : IPPROTO_IPV6,
		.hop_limit = 64,
	};
	__builtin_memcpy(&ip->saddr, &source, sizeof(source));
	__builtin_memcpy(&ip->daddr, to, sizeof(*to));
	if (in_udp)
		set_udp((void *)(ip + 1), hash, p->flow.family == 4 ? 6635 : 6636, p->length);
	return XDP_TX;
}

static __always_inline int tunnel(struct xdp_md *ctx, const struct packet *p,
				  const struct server *server, __u32 hash)
{
	const __u32 zero = 0;
	const struct own *from = bpf_map_lookup_elem(&own, &zero);

	if (!from)
		return XDP_ABORTED;
	switch (server->flags & 3) {
	case 0:
		return tunnel4(ctx, p, server->address.words[0], from, hash, 0);
	case SERVER_UDP:
		return tunnel4(ctx, p, server->address.words[0], from, hash, 1);
	case SERVER_IPV6:
		return tunnel6(ctx, p, &server->address, from, hash, 0);
	default:
		return tunnel6(ctx, p, &server->address, from, hash, 1);
	}
}

/* ---- The program ---------------------------------------------------------------------------- */

static __always_inline const struct service_info *find_service(const struct packet *p)
{
	struct service key = {.address = p->flow.dest,
			      .port = p->flow.dest_port,
			      .protocol = p->flow.protocol,
			      .family = p->flow.family};
	const struct service_info *info = bpf_map_lookup_elem(&services, &key);

	if (info)
		return info;
	key.port = 0; /* of all ports */
	return bpf_map_lookup_elem(&services, &key);
}

/* Once for each family, so that what is constant in one is. */
static __always_inline int balance(struct xdp_md *ctx, struct packet *p)
{
	const struct service_info *service = find_service(p);
	const __u64 now = bpf_ktime_get_ns();
	struct server *server;
	__u32 number = 0;

	if (!service) {
		count(&counters, COUNT_NO_SERVICE, p->length);
		return XDP_PASS;
	}
	if (!named(ctx, p, service->flags, &number) &&
	    (service->flags & SERVICE_NO_TABLE || !in_table(p, now, &number)) &&
	    !on_ring(p, service, now, &number))
		number = SERVERS;
	server = bpf_map_lookup_elem(&servers, &number);
	if (!server) {
		count(&counters, COUNT_NO_SERVER, p->length);
		return XDP_DROP;
	}
	count(&vip_counters, service->number, p->length);
	count(&server_counters, number, p->length);
	return tunnel(ctx, p, server, flow_hash(&p->flow, 0));
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	struct packet p = {};
	__be16 proto = parse_ethernet(ctx, &p);
	int what;

	if (proto == bpf_htons(ETH_P_IP)) {
		what = parse_ipv4(ctx, &p);
		count(&counters, (__u32)what, p.length);
		if (what == COUNT_FRAMES)
			return balance(ctx, &p);
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		what = parse_ipv6(ctx, &p);
		count(&counters, (__u32)what, p.length);
		if (what == COUNT_FRAMES)
			return balance(ctx, &p);
	} else {
		return proto ? XDP_PASS : XDP_DROP;
	}
	return what == COUNT_ICMP ? XDP_PASS : XDP_DROP;
}

#ifdef BENCH_NATIVE
static int fill_servers(bench_update_fn update, void *opaque)
{
	const struct own from = {.source4 = {{bpf_htonl(0xac100000)}},
				 .mac = {2, 0, 0, 4, 0, 1},
				 .router = {2, 0, 0, 4, 0, 2}};
	const __u32 zero = 0;
	int ret = update(opaque, "own", &zero, &from);

	for (__u32 i = 0; !ret && i < SERVERS; i++) {
		const struct server server = {.address = {{bpf_htonl(0x0a640000 | i)}}};

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
	int ret = fill_servers(update, opaque);

	for (__u32 i = 0; !ret && i < VIPS; i++) {
		const struct service service = {.address = {{bpf_htonl(0xc6336400 | i)}},
						.port = bpf_htons(443),
						.protocol = IPPROTO_TCP,
						.family = 4};
		const struct service_info info = {.number = i, .flags = SERVICE_OPTION};

		ret = update(opaque, "services", &service, &info);
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
	.class = "load",
	.what = "large L4 balancer: how long it takes to load",
	.iterations = 512,
	.own = "connections",
	.fill = fill,
	.frame = frame,
};
#endif
