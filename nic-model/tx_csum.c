/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Checksum offload as Linux asks for it (CHECKSUM_PARTIAL, include/linux/skbuff.h): the field holds
 * the sum of the pseudo header; the device adds everything from csum_start to the frame's end.
 */
#include "tx_internal.h"

#include <string.h>

#include "csum.h"

void tx_csum_fill(uint8_t *frame, const struct tx_chain *chain)
{
	uint16_t sum = (uint16_t)~csum_fold(
		csum_add(0, frame + chain->csum_start, chain->len - chain->csum_start));

	/* The same number in ones' complement; a UDP checksum of 0 would say that there is none. */
	if (!sum)
		sum = 0xffff;
	memcpy(frame + chain->csum_start + chain->csum_offset, &sum, sizeof(sum));
}
