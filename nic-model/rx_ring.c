/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The chosen queue's rings: a free buffer before the frame is written, its completion after. */
#include "rx_internal.h"

#include <endian.h>
#include <string.h>

/* Count a frame that ends here. */
static bool rx_drop(struct rx_frame *f, enum sluice_port_stat why)
{
	f->port->stats[why]++;
	return false;
}

bool rx_ring_take(struct rx_frame *f)
{
	struct nic_queue *q = &f->nic->rx_queues[f->queue];
	const void *entry;
	int ret;

	if (q->state != SLUICE_QSTATE_ENABLED)
		return rx_drop(f, SLUICE_STAT_RX_DROP_NO_QUEUE);
	if (f->len > q->rx_room) {
		q->stats[SLUICE_QSTAT_ERRORS]++;
		return rx_drop(f, SLUICE_STAT_RX_DROP_TOO_LONG);
	}
	ret = cpl_ring_has_room(&q->cpl) ? queue_peek(f->nic, q, 0, &entry) : 0;
	if (ret < 0)
		return rx_drop(f, SLUICE_STAT_RX_DROP_DMA);
	if (!ret) {
		q->stats[SLUICE_QSTAT_NO_BUFFER]++;
		return rx_drop(f, SLUICE_STAT_RX_DROP_NO_BUFFER);
	}
	memcpy(&f->desc, entry, sizeof(f->desc));
	if (f->desc.reserved) {
		queue_fail(f->nic, q, SLUICE_QERR_BAD_DESC,
			   "a free-buffer descriptor has its reserved field set");
		return rx_drop(f, SLUICE_STAT_RX_DROP_DMA);
	}
	f->q = q;
	return true;
}

/* Of the frame as the guest gets it, so that it holds whatever a program changed. */
static uint8_t checksum_status(struct rx_frame *f)
{
	if (f->xdp_ran)
		rx_parse(f->data, f->len, &f->headers);
	return rx_csum_verify(f->data, &f->headers);
}

static void fill_completion(struct rx_frame *f, int dma, struct sluice_rx_cpl *cpl)
{
	uint16_t flags = SLUICE_RX_FIRST | SLUICE_RX_LAST;

	memset(cpl, 0, sizeof(*cpl));
	cpl->buffer_id = f->desc.buffer_id;
	cpl->timestamp = htole64(f->timestamp);
	if (f->xdp_ran)
		flags |= SLUICE_RX_XDP_RAN;
	if (dma) {
		flags |= SLUICE_RX_ERROR;
		cpl->error = SLUICE_RX_ERR_DMA;
	} else {
		cpl->offset = htole16((uint16_t)f->q->config.headroom);
		cpl->length = htole16((uint16_t)f->len);
		cpl->rss_hash = htole32(f->rss_hash);
		cpl->meta_len = f->meta_len;
		cpl->hash_csum = f->rss_type | checksum_status(f);
	}
	cpl->flags = htole16(flags);
}

enum nic_outcome rx_ring_complete(struct rx_frame *f, int dma)
{
	struct nic_queue *q = f->q;
	uint64_t *stats = f->port->stats;
	struct sluice_rx_cpl cpl;
	int ret;

	fill_completion(f, dma, &cpl);
	desc_ring_advance(&q->ring, 1);
	ret = queue_complete(f->nic, q, &cpl);
	if (!ret)
		stats[SLUICE_STAT_RX_DMA_BYTES] += sizeof(cpl);
	if (ret || dma) {
		stats[SLUICE_STAT_RX_DROP_DMA]++;
		/* A queue that failed has counted its error already. */
		q->stats[SLUICE_QSTAT_ERRORS] += !ret;
		return NIC_RX_DROPPED;
	}
	stats[SLUICE_STAT_RX_DELIVERED_FRAMES]++;
	stats[SLUICE_STAT_RX_DELIVERED_BYTES] += f->len;
	if ((cpl.hash_csum & SLUICE_RX_CSUM_MASK) == SLUICE_RX_CSUM_BAD)
		stats[SLUICE_STAT_RX_CSUM_BAD]++;
	q->stats[SLUICE_QSTAT_FRAMES]++;
	q->stats[SLUICE_QSTAT_BYTES] += f->len;
	return NIC_RX_DELIVERED;
}
