/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "frames.h"

#include <string.h>
#include <netinet/in.h>

#include "model_guest.h"

static void put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

uint16_t frame_checksum(const uint8_t *data, size_t len, uint32_t start)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

size_t frame_l3(const struct frame_spec *spec)
{
	return 14 + 4 * spec->n_vlan;
}

size_t frame_l4(const struct frame_spec *spec)
{
	size_t l3 = frame_l3(spec);

	if (spec->ip == 4)
		return l3 + 20 + spec->ip_options;
	return l3 + 40 + (spec->ip_fragment ? 8 : 0) + 8 * spec->n_extension;
}

static size_t l4_header(const struct frame_spec *spec)
{
	return spec->proto == IPPROTO_TCP ? 20 : spec->proto == IPPROTO_UDP ? 8 : 0;
}

static void put_ethernet(uint8_t *buf, const struct frame_spec *spec)
{
	static const uint8_t src[6] = {0x02, 0, 0, 0, 0, 0x99};
	unsigned type = spec->ip == 4 ? 0x0800 : spec->ip == 6 ? 0x86dd : 0x88b5;
	size_t at = 12;

	memcpy(buf, spec->dst ? spec->dst : model_mac, 6);
	memcpy(buf + 6, src, 6);
	for (unsigned i = 0; i < spec->n_vlan; i++, at += 4) {
		put16(buf + at, i == 0 && spec->n_vlan > 1 ? 0x88a8 : 0x8100);
		put16(buf + at + 2, 100 + i);
	}
	put16(buf + at, type);
}

static void put_ipv4(uint8_t *buf, const struct frame_spec *spec)
{
	uint8_t *ip = buf + frame_l3(spec);
	unsigned header = 20 + spec->ip_options;

	ip[0] = (uint8_t)(0x40 | header / 4);
	put16(ip + 2, header + (unsigned)l4_header(spec) + spec->payload);
	put16(ip + 6, spec->ip_fragment);
	ip[8] = 64;
	ip[9] = spec->proto;
	memcpy(ip + 12, spec->src, 4);
	memcpy(ip + 16, spec->dst_ip, 4);
	memset(ip + 20, 1, spec->ip_options);
	put16(ip + 10, frame_checksum(ip, header, 0));
}

static void put_ipv6(uint8_t *buf, const struct frame_spec *spec)
{
	uint8_t *ip = buf + frame_l3(spec), *next = ip + 6;
	size_t l4 = frame_l4(spec), at = frame_l3(spec) + 40;

	ip[0] = 0x60;
	put16(ip + 4, (unsigned)(l4 - at + l4_header(spec) + spec->payload));
	ip[7] = 64;
	memcpy(ip + 8, spec->src, 16);
	memcpy(ip + 24, spec->dst_ip, 16);
	for (unsigned i = 0; i < spec->n_extension; i++, at += 8) {
		*next = spec->extension;
		next = buf + at;
	}
	if (spec->ip_fragment) {
		*next = IPPROTO_FRAGMENT;
		next = buf + at;
		put16(buf + at + 2, spec->ip_fragment);
	}
	*next = spec->proto;
}

static void put_transport(uint8_t *buf, const struct frame_spec *spec)
{
	const uint8_t *ip = buf + frame_l3(spec);
	uint8_t *l4 = buf + frame_l4(spec);
	size_t len = l4_header(spec) + spec->payload;
	uint32_t pseudo = spec->proto + (uint32_t)len;
	uint16_t sum;

	if (!l4_header(spec))
		return;
	put16(l4, spec->sport);
	put16(l4 + 2, spec->dport);
	for (unsigned i = 0; i < (spec->ip == 4 ? 8u : 32u); i += 2) {
		const uint8_t *word = ip + (spec->ip == 4 ? 12 : 8) + i;

		pseudo += (uint32_t)word[0] << 8 | word[1];
	}
	if (spec->proto == IPPROTO_TCP)
		l4[12] = 0x50;
	else
		put16(l4 + 4, (unsigned)len);
	sum = frame_checksum(l4, len, pseudo);
	if (spec->proto == IPPROTO_TCP)
		put16(l4 + 16, sum);
	else if (!spec->udp_no_csum)
		put16(l4 + 6, sum ? sum : 0xffff);
}

size_t frame_build(uint8_t buf[FRAME_MAX], const struct frame_spec *spec)
{
	size_t at = spec->ip ? frame_l4(spec) + l4_header(spec) : frame_l3(spec);
	size_t len = at + spec->payload + spec->pad;

	memset(buf, 0, len);
	for (unsigned i = 0; i < spec->payload; i++)
		buf[at + i] = (uint8_t)(i * 7 + 1);
	memset(buf + at + spec->payload, 0xee, spec->pad);
	put_ethernet(buf, spec);
	if (spec->ip == 4)
		put_ipv4(buf, spec);
	else if (spec->ip == 6)
		put_ipv6(buf, spec);
	if (spec->ip)
		put_transport(buf, spec);
	return len;
}

size_t frame_udp(uint8_t buf[FRAME_MAX], unsigned payload, uint32_t seq)
{
	const struct frame_spec spec = {
		.ip = 4,
		.src = {10, 0, 0, 2},
		.dst_ip = {10, 0, 0, 1},
		.proto = IPPROTO_UDP,
		.sport = 4000,
		.dport = 5000,
		.payload = payload,
		.udp_no_csum = true,
	};
	size_t len = frame_build(buf, &spec);

	if (payload >= sizeof(seq))
		memcpy(buf + frame_l4(&spec) + 8, &seq, sizeof(seq));
	return len;
}
