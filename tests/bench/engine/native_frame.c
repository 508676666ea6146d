// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Frames and routes for benchmark programs; linked into the native build of each. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdint.h>
#include <string.h>

uint32_t bench_udp(uint8_t *frame, uint32_t len, uint16_t port);
uint32_t bench_tcp(uint8_t *frame, uint32_t len, uint16_t port);
uint32_t bench_frame(uint8_t *frame);

struct bench_prefix {
	uint32_t bits;
	uint8_t address[4];
};

const struct bench_prefix *bench_prefixes(uint32_t n);

static uint16_t ip_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < sizeof(struct iphdr); i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return htons((uint16_t)~sum);
}

static uint32_t datagram(uint8_t *frame, uint32_t len, uint16_t port, uint8_t protocol)
{
	struct ethhdr eth = {.h_dest = {2, 0, 0, 0, 0, 1},
			     .h_source = {2, 0, 0, 0, 0, 2},
			     .h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .tot_len = htons((uint16_t)(len - sizeof(eth))),
			   .id = htons(0x1234),
			   .ttl = 64,
			   .protocol = protocol,
			   .saddr = htonl(0x0a000001),
			   .daddr = htonl(0xc6336407)};
	struct udphdr udp = {.source = htons(1024),
			     .dest = htons(port),
			     .len = htons((uint16_t)(len - sizeof(eth) - sizeof(ip)))};
	uint32_t noise = 1;

	for (uint32_t i = 0; i < len; i++) {
		noise = noise * 1664525 + 1013904223;
		frame[i] = (uint8_t)(noise >> 24);
	}
	ip.check = ip_checksum((const uint8_t *)&ip);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	memcpy(frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	return len;
}

uint32_t bench_udp(uint8_t *frame, uint32_t len, uint16_t port)
{
	return datagram(frame, len, port, IPPROTO_UDP);
}

uint32_t bench_tcp(uint8_t *frame, uint32_t len, uint16_t port)
{
	struct tcphdr tcp = {.source = htons(1024), .dest = htons(port), .doff = 5, .ack = 1};

	datagram(frame, len, port, IPPROTO_TCP);
	memcpy(frame + sizeof(struct ethhdr) + sizeof(struct iphdr), &tcp, sizeof(tcp));
	return len;
}

uint32_t bench_frame(uint8_t *frame)
{
	return bench_udp(frame, 1514, 443);
}

/* ---- Routes --------------------------------------------------------------------------------- */

#define MAX_PREFIXES (1u << 17)
#define BASE         0x08000000u /* 8.0.0.0/6 */

static uint32_t prefix_bits(uint32_t noise)
{
	uint32_t percent = noise % 100;

	if (percent < 60)
		return 24;
	if (percent < 90)
		return 19 + noise / 100 % 5;
	if (percent < 95)
		return 12 + noise / 100 % 7;
	return 25 + noise / 100 % 8;
}

/* Was this prefix, of at most 24 bits, there before? */
static int seen(uint32_t address, uint32_t bits)
{
	static uint8_t table[25][1u << 18];
	uint32_t network = (address & 0x03ffffff) >> (32 - bits);
	int before = table[bits][network];

	table[bits][network] = 1;
	return before;
}

const struct bench_prefix *bench_prefixes(uint32_t n)
{
	static struct bench_prefix prefixes[MAX_PREFIXES];
	uint32_t noise = 12345;

	for (uint32_t i = 0, made = 0; made < n && made < MAX_PREFIXES; i++) {
		uint32_t address, bits;

		noise = noise * 1664525 + 1013904223;
		bits = prefix_bits(noise >> 8);
		/* All the 2^18 networks of 24 bits come in turn. */
		address = BASE | (i * 0x9e3779b1u & 0x3ffff) << 8 | (noise >> 24);
		address &= ~0u << (32 - bits);
		if (bits <= 24 && seen(address, bits))
			continue;
		prefixes[made].bits = bits;
		address = htonl(address);
		memcpy(prefixes[made].address, &address, sizeof(address));
		made++;
	}
	return prefixes;
}
