/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Receive-side scaling: hash over addresses, and ports where the frame has them whole, then the
 * indirection table. Fragments hash over addresses only, so that those of a packet stay together.
 */
#include "rx_internal.h"

#include <string.h>
#include <netinet/in.h>

struct rss_fields {
	uint8_t addresses; /* offset in the network header */
	uint8_t len;
	uint8_t type, type_tcp, type_udp;
};

static const struct rss_fields rss_ipv4 = {12, 8, SLUICE_RX_HASH_IPV4, SLUICE_RX_HASH_TCPV4,
					   SLUICE_RX_HASH_UDPV4};
static const struct rss_fields rss_ipv6 = {8, 32, SLUICE_RX_HASH_IPV6, SLUICE_RX_HASH_TCPV6,
					   SLUICE_RX_HASH_UDPV6};

void rx_rss_select(struct rx_frame *f)
{
	const struct rx_headers *h = &f->headers;
	const struct rss_fields *fields = h->l3_proto == 4 ? &rss_ipv4 : &rss_ipv6;
	uint8_t input[TOEPLITZ_INPUT];
	size_t len = fields->len;

	f->rss_type = SLUICE_RX_HASH_NONE;
	if (h->l3_proto) {
		f->rss_type = fields->type;
		memcpy(input, f->data + h->l3 + fields->addresses, len);
		if (h->l4_proto) {
			f->rss_type =
				h->l4_proto == IPPROTO_TCP ? fields->type_tcp : fields->type_udp;
			memcpy(input + len, f->data + h->l4, 4);
			len += 4;
		}
		f->rss_hash = toeplitz_hash(&f->port->rss_hash, input, len);
	}
	/* cppcheck-suppress nullPointer ; nic_receive() refuses a frame without a port */
	f->queue = f->port->rss_table[f->rss_hash & (SLUICE_RSS_TABLE - 1)];
}
