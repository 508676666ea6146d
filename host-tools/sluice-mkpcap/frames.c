// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "frames.h"

#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define ETHERTYPE_8021AD 0x88a8
#define VLAN_TAG_LEN     4

/* The frame being put together. */
struct builder {
	const struct frame_config *config;
	uint64_t random; /* state */
	uint8_t *frame;
	size_t len;
	uint16_t source;
};

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint32_t below(struct builder *b, uint32_t bound)
{
	return next_random(&b->random) % bound;
}

static void append(struct builder *b, const void *data, size_t len)
{
	memcpy(b->frame + b->len, data, len);
	b->len += len;
}

static void append_u16(struct builder *b, uint16_t value)
{
	value = htons(value);
	append(b, &value, sizeof(value));
}

/* ---- Checksums (RFC 1071) ------------------------------------------------------------------- */

static uint32_t sum(uint32_t total, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		total += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return len & 1 ? total + (uint32_t)(bytes[len - 1] << 8) : total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons(~total & 0xffff);
}

/* ---- Layer 4 -------------------------------------------------------------------------------- */

static size_t payload_len(struct builder *b, size_t headers)
{
	/* About the mix of the Internet: small, medium, full frames as 7 to 4 to 1. */
	uint32_t kind = below(b, 12);
	size_t frame = kind < 7 ? 60 : kind < 11 ? 200 + below(b, 400) : FRAME_MAX;
	size_t taken = b->len + headers;

	return frame > taken ? frame - taken : 0;
}

static void append_payload(struct builder *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		b->frame[b->len++] = (uint8_t)i;
}

/* Fill in the checksum at @field over the segment from @start and @pseudo, its pseudo header's sum.
 */
static void set_checksum(struct builder *b, size_t start, size_t field, uint32_t pseudo)
{
	uint16_t check = fold(sum(pseudo, b->frame + start, b->len - start));

	if (!check)
		check = 0xffff; /* RFC 768: zero would mean none; both are zero to TCP */
	memcpy(b->frame + field, &check, sizeof(check));
}

/* A TCP, UDP or other segment of @len bytes behind the IP header; its pseudo header sums to
 * @addresses, length and protocol left out. */
static void append_segment(struct builder *b, uint8_t protocol, size_t len, uint32_t addresses)
{
	uint32_t pseudo = addresses + protocol + (uint32_t)len;
	size_t start = b->len;

	if (protocol == IPPROTO_TCP) {
		struct tcphdr tcp = {
			.source = htons(1024 + below(b, 60000)),
			.dest = htons(below(b, 2) ? 80 : 443),
			.seq = htonl(below(b, UINT32_MAX)),
			.doff = sizeof(tcp) / 4,
			.ack = 1,
			.window = htons(64240),
		};

		append(b, &tcp, sizeof(tcp));
		append_payload(b, len - sizeof(tcp));
		set_checksum(b, start, start + offsetof(struct tcphdr, check), pseudo);
	} else if (protocol == IPPROTO_UDP) {
		struct udphdr udp = {
			.source = htons(1024 + below(b, 60000)),
			.dest = htons(below(b, 4) ? 53 : 7),
			.len = htons(len),
		};

		append(b, &udp, sizeof(udp));
		append_payload(b, len - sizeof(udp));
		set_checksum(b, start, start + offsetof(struct udphdr, check), pseudo);
	} else {
		append_payload(b, len);
	}
}

static uint8_t choose_protocol(struct builder *b)
{
	uint32_t kind = below(b, 20);

	/* Protocol 253 is for experiments (RFC 3692): hosts do not answer it. */
	return kind < 11 ? IPPROTO_TCP : kind < 18 ? IPPROTO_UDP : 253;
}

static size_t header_len(uint8_t protocol)
{
	if (protocol == IPPROTO_TCP)
		return sizeof(struct tcphdr);
	return protocol == IPPROTO_UDP ? sizeof(struct udphdr) : 0;
}

/* ---- Layer 3 -------------------------------------------------------------------------------- */

static void append_ipv4(struct builder *b)
{
	uint8_t protocol = choose_protocol(b);
	size_t len =
		header_len(protocol) + payload_len(b, sizeof(struct iphdr) + header_len(protocol));
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(sizeof(ip) + len),
		.id = htons(below(b, 0x10000)),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = protocol,
		.saddr = htonl(0xc6120000u | b->source), /* 198.18.0.0 */
		.daddr = b->config->destination4.s_addr,
	};

	ip.check = fold(sum(0, &ip, sizeof(ip)));
	append(b, &ip, sizeof(ip));
	append_segment(b, protocol, len, sum(0, &ip.saddr, 8));
}

static void append_ipv6(struct builder *b)
{
	uint8_t protocol = choose_protocol(b);
	size_t len = header_len(protocol) +
		     payload_len(b, sizeof(struct ip6_hdr) + header_len(protocol));
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons(len),
		.ip6_nxt = protocol,
		.ip6_hlim = 64,
		.ip6_src.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0x51, 0xc0},
		.ip6_dst = b->config->destination6,
	};

	ip.ip6_src.s6_addr[14] = b->source >> 8;
	ip.ip6_src.s6_addr[15] = b->source & 0xff;
	append(b, &ip, sizeof(ip));
	append_segment(b, protocol, len, sum(0, &ip.ip6_src, 32));
}

/* A gratuitous ARP request (RFC 5227): nobody answers it. */
static void append_arp(struct builder *b, const uint8_t *mac)
{
	uint32_t address = htonl(0xc6120000u | b->source);
	struct ether_arp arp = {
		.arp_hrd = htons(ARPHRD_ETHER),
		.arp_pro = htons(ETHERTYPE_IP),
		.arp_hln = sizeof(arp.arp_sha),
		.arp_pln = sizeof(arp.arp_spa),
		.arp_op = htons(ARPOP_REQUEST),
	};

	memcpy(arp.arp_sha, mac, sizeof(arp.arp_sha));
	memcpy(arp.arp_spa, &address, sizeof(address));
	memcpy(arp.arp_tpa, &address, sizeof(address));
	append(b, &arp, sizeof(arp));
}

/* ---- Layer 2 -------------------------------------------------------------------------------- */

static void append_tags(struct builder *b)
{
	uint32_t kind = below(b, 12);

	if (kind == 0) {
		append_u16(b, ETHERTYPE_8021AD);
		append_u16(b, 1 + below(b, 4094));
	}
	if (kind < 4) {
		append_u16(b, ETHERTYPE_VLAN);
		append_u16(b, 1 + below(b, 4094));
	}
}

/* Cut the frame inside a header: Ethernet's is always left whole. */
static void cut(struct builder *b)
{
	size_t shortest = sizeof(struct ether_header);

	b->len = shortest + below(b, (uint32_t)(VLAN_TAG_LEN + sizeof(struct iphdr)) - 1);
}

size_t frame_make(const struct frame_config *config, uint64_t index, uint8_t *frame)
{
	struct builder b = {.config = config, .frame = frame};
	uint8_t source_mac[6] = {0x02, 0x12};
	uint32_t kind;

	/* Each frame has a stream of numbers of its own, so that it does not depend on others. */
	b.random = config->seed ^ index * 0xd1342543de82ef95u;
	b.random = next_random(&b.random);
	b.source = below(&b, config->n_sources);
	source_mac[4] = b.source >> 8;
	source_mac[5] = b.source & 0xff;
	append(&b, config->destination_mac, 6);
	append(&b, source_mac, sizeof(source_mac));
	append_tags(&b);
	kind = below(&b, 20);
	append_u16(&b, kind < 13 ? ETHERTYPE_IP : kind < 19 ? ETHERTYPE_IPV6 : ETHERTYPE_ARP);
	if (kind < 13)
		append_ipv4(&b);
	else if (kind < 19)
		append_ipv6(&b);
	else
		append_arp(&b, source_mac);
	if (below(&b, 1000) < config->malformed_permille)
		cut(&b);
	return b.len;
}
