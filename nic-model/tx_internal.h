/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The stages of the transmit path. tx_path.c has them in order. */
#ifndef SLUICE_TX_INTERNAL_H
#define SLUICE_TX_INTERNAL_H

#include "nic_internal.h"

/* The descriptors of one frame, copied and in host byte order where named. */
struct tx_chain {
	uint32_t n; /* descriptors */
	struct {
		uint64_t addr;
		uint32_t length;
	} part[NIC_MAX_TX_DESCS];
	size_t len; /* bytes of the frame */
	bool csum;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t status; /* SLUICE_TX_ST_OK, or what is wrong with the descriptors */
};

enum tx_next {
	TX_NEXT_NONE,     /* nothing to do before the next doorbell */
	TX_NEXT_FRAME,    /* *chain has a frame; chain->n descriptors are not used up yet */
	TX_NEXT_PROGRESS, /* chain->n descriptors of an over-long chain passed over; ask again */
	TX_NEXT_FAILED,   /* the queue failed */
};

/* tx_desc.c: read and judge the descriptors of the next frame. */
enum tx_next tx_desc_next(struct nic *nic, struct nic_queue *q, struct tx_chain *chain);

/* tx_csum.c: fill in the checksum @chain asks for. The offsets lie in the frame. */
void tx_csum_fill(uint8_t *frame, const struct tx_chain *chain);

#endif
