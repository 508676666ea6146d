/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Verification of IPv4 header, TCP (RFC 9293) and UDP (RFC 768, RFC 8200 8.1) checksums. */
#include "rx_internal.h"

#include <netinet/in.h>

#include "csum.h"

#define CSUM_OK        0xffff /* sum over data that includes its checksum */
#define UDP_CSUM       6      /* offset */
#define IPV4_ADDRESSES 12
#define IPV6_ADDRESSES 8

static uint64_t pseudo_header(const uint8_t *frame, const struct rx_headers *h)
{
	const uint8_t *ip = frame + h->l3;
	uint64_t sum = h->l3_proto == 4 ? csum_add(0, ip + IPV4_ADDRESSES, 8)
					: csum_add(0, ip + IPV6_ADDRESSES, 32);

	return csum_add_u16(csum_add_u16(sum, h->l4_proto), h->l4_len);
}

uint8_t rx_csum_verify(const uint8_t *frame, const struct rx_headers *h)
{
	const uint8_t *l4 = frame + h->l4;

	if (h->l3_proto == 4 && csum_fold(csum_add(0, frame + h->l3, h->l3_len)) != CSUM_OK)
		return SLUICE_RX_CSUM_BAD;
	/* Without the real address of a routed or mobile packet the sum proves nothing. */
	if (!h->l4_proto || h->pseudo_hidden)
		return SLUICE_RX_CSUM_NONE;
	if (h->l4_proto == IPPROTO_UDP && !l4[UDP_CSUM] && !l4[UDP_CSUM + 1])
		return SLUICE_RX_CSUM_NONE;
	if (csum_fold(csum_add(pseudo_header(frame, h), l4, h->l4_len)) != CSUM_OK)
		return SLUICE_RX_CSUM_BAD;
	return SLUICE_RX_CSUM_L4_OK;
}
