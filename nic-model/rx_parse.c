/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Header offsets: Ethernet, up to two VLAN tags (IEEE 802.1Q), IPv4 (RFC 791), IPv6 with extension
 * headers (RFC 8200), TCP and UDP. A header that is malformed or reaches beyond the frame, and all
 * behind it, counts as not there.
 */
#include "rx_internal.h"

#include <string.h>
#include <netinet/in.h>
#include <linux/if_ether.h>

#define MAX_VLAN_TAGS  2u
#define VLAN_TAG_LEN   4u
#define IPV4_MIN_LEN   20u
#define IPV4_FRAGMENT  0x3fffu /* more-fragments bit and offset */
#define IPV6_LEN       40u
#define MAX_EXTENSIONS 8u
#define TCP_MIN_LEN    20u
#define UDP_LEN        8u

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* @avail: bytes of the packet from h->l4 on, link-layer padding excluded. */
static void parse_l4(const uint8_t *frame, uint8_t proto, size_t avail, struct rx_headers *h)
{
	const uint8_t *l4 = frame + h->l4;

	switch (proto) {
	case IPPROTO_TCP:
		if (avail < TCP_MIN_LEN || (l4[12] >> 4) * 4u < TCP_MIN_LEN ||
		    (l4[12] >> 4) * 4u > avail)
			return;
		h->l4_len = (uint16_t)avail;
		break;
	case IPPROTO_UDP:
		if (avail < UDP_LEN || be16(l4 + 4) < UDP_LEN || be16(l4 + 4) > avail)
			return;
		h->l4_len = be16(l4 + 4);
		break;
	default:
		return;
	}
	h->l4_proto = proto;
}

static void parse_ipv4(const uint8_t *frame, size_t len, struct rx_headers *h)
{
	const uint8_t *ip = frame + h->l3;
	size_t avail = len - h->l3;
	uint16_t header, total;

	if (avail < IPV4_MIN_LEN || ip[0] >> 4 != 4)
		return;
	header = (uint16_t)((ip[0] & 15) * 4);
	total = be16(ip + 2);
	if (header < IPV4_MIN_LEN || total < header || total > avail)
		return;
	h->l3_proto = 4;
	h->l3_len = header;
	h->fragment = be16(ip + 6) & IPV4_FRAGMENT;
	h->l4 = (uint16_t)(h->l3 + header);
	if (!h->fragment)
		parse_l4(frame, ip[9], (size_t)total - header, h);
}

/* Bytes of an extension header of which @avail are there; 0: unknown kind or cut short. */
static size_t extension_len(uint8_t proto, const uint8_t *ext, size_t avail)
{
	size_t len;

	if (avail < 8)
		return 0;
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		len = 8u + ext[1] * 8u;
		break;
	case IPPROTO_FRAGMENT:
		len = 8;
		break;
	default:
		return 0;
	}
	return len <= avail ? len : 0;
}

static void parse_ipv6(const uint8_t *frame, size_t len, struct rx_headers *h)
{
	const uint8_t *ip = frame + h->l3;
	size_t avail = len - h->l3;
	size_t at = IPV6_LEN, end;
	uint8_t proto;

	if (avail < IPV6_LEN || ip[0] >> 4 != 6)
		return;
	end = (size_t)IPV6_LEN + be16(ip + 4);
	if (end > avail)
		return;
	h->l3_proto = 6;
	h->l3_len = IPV6_LEN;
	proto = ip[6];
	for (unsigned i = 0; i < MAX_EXTENSIONS; i++) {
		size_t ext = extension_len(proto, ip + at, end - at);

		if (!ext)
			break;
		/* A fragment header of a whole packet has offset 0 and no more fragments. */
		if (proto == IPPROTO_FRAGMENT && be16(ip + at + 2) & 0xfff9) {
			h->fragment = true;
			return;
		}
		if (proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS)
			h->pseudo_hidden = true;
		proto = ip[at];
		at += ext;
	}
	h->l4 = (uint16_t)(h->l3 + at);
	parse_l4(frame, proto, end - at, h);
}

void rx_parse(const uint8_t *frame, size_t len, struct rx_headers *h)
{
	size_t at = ETH_HLEN;
	uint16_t type;

	memset(h, 0, sizeof(*h));
	if (len < ETH_HLEN)
		return;
	type = be16(frame + 12);
	while ((type == ETH_P_8021Q || type == ETH_P_8021AD) && h->n_vlan < MAX_VLAN_TAGS) {
		if (len - at < VLAN_TAG_LEN)
			return;
		type = be16(frame + at + 2);
		at += VLAN_TAG_LEN;
		h->n_vlan++;
	}
	h->l3 = (uint16_t)at;
	if (type == ETH_P_IP)
		parse_ipv4(frame, len, h);
	else if (type == ETH_P_IPV6)
		parse_ipv6(frame, len, h);
}
