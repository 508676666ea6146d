// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Frames for benchmark programs; linked into the native build of each. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stdint.h>
#include <string.h>

uint32_t bench_udp(uint8_t *frame, uint32_t len, uint16_t port);
uint32_t bench_frame(uint8_t *frame);

static uint16_t ip_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < sizeof(struct iphdr); i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return htons((uint16_t)~sum);
}

uint32_t bench_udp(uint8_t *frame, uint32_t len, uint16_t port)
{
	struct ethhdr eth = {.h_dest = {2, 0, 0, 0, 0, 1},
			     .h_source = {2, 0, 0, 0, 0, 2},
			     .h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .tot_len = htons((uint16_t)(len - sizeof(eth))),
			   .id = htons(0x1234),
			   .ttl = 64,
			   .protocol = IPPROTO_UDP,
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

uint32_t bench_frame(uint8_t *frame)
{
	return bench_udp(frame, 1514, 443);
}
