/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The way of a frame from the guest to the wire:
 *
 *   doorbell      the guest names its producer index
 *   tx_desc       the chain of descriptors, read once and judged
 *   gather        payload from guest memory into NIC memory
 *   tx_csum       checksum, if asked for
 *   transmit      to the host
 *   completion    one per frame, in order, sent or not; interrupt if armed
 *
 * Each frame ends in one counter and one completion status.
 */
#include "tx_internal.h"

#include <endian.h>
#include <string.h>

/* Descriptors served before other queues and the rest of the host get their turn. */
#define TX_BUDGET 128u

static uint16_t gather(struct nic *nic, struct nic_port *port, const struct tx_chain *chain)
{
	size_t at = 0;

	for (uint32_t i = 0; i < chain->n; i++) {
		uint32_t length = chain->part[i].length;

		if (chain->part[i].addr > UINT64_MAX - length ||
		    nic->ops->dma_read(nic->opaque, chain->part[i].addr, nic->tx_frame + at,
				       length))
			return SLUICE_TX_ST_DMA;
		at += length;
	}
	port->stats[SLUICE_STAT_TX_DMA_BYTES] += at;
	return SLUICE_TX_ST_OK;
}

static uint16_t transmit(struct nic *nic, struct nic_port *port, const struct tx_chain *chain)
{
	uint16_t status = chain->status;

	if (status != SLUICE_TX_ST_OK)
		return status;
	if (!port->link || !port->enabled)
		return SLUICE_TX_ST_NO_LINK;
	status = gather(nic, port, chain);
	if (status != SLUICE_TX_ST_OK)
		return status;
	if (chain->csum)
		tx_csum_fill(nic->tx_frame, chain);
	return nic->ops->transmit(nic->opaque, port->id, nic->tx_frame, chain->len)
		       ? SLUICE_TX_ST_WIRE
		       : SLUICE_TX_ST_OK;
}

static const uint8_t status_counter[] = {
	[SLUICE_TX_ST_OK] = SLUICE_STAT_TX_GUEST_SENT,
	[SLUICE_TX_ST_BAD_DESC] = SLUICE_STAT_TX_DROP_DESC,
	[SLUICE_TX_ST_DMA] = SLUICE_STAT_TX_DROP_DMA,
	[SLUICE_TX_ST_TOO_LONG] = SLUICE_STAT_TX_DROP_TOO_LONG,
	[SLUICE_TX_ST_NO_LINK] = SLUICE_STAT_TX_DROP_LINK,
	[SLUICE_TX_ST_WIRE] = SLUICE_STAT_TX_DROP_WIRE,
};

static void account(struct nic_port *port, struct nic_queue *q, uint16_t status, size_t len)
{
	port->stats[SLUICE_STAT_TX_GUEST_FRAMES]++;
	port->stats[status_counter[status]]++;
	if (status != SLUICE_TX_ST_OK) {
		q->stats[SLUICE_QSTAT_ERRORS]++;
		return;
	}
	port->stats[SLUICE_STAT_TX_WIRE_FRAMES]++;
	port->stats[SLUICE_STAT_TX_WIRE_BYTES] += len;
	q->stats[SLUICE_QSTAT_FRAMES]++;
	q->stats[SLUICE_QSTAT_BYTES] += len;
}

/* False: the queue failed. */
static bool serve(struct nic *nic, struct nic_queue *q, const struct tx_chain *chain)
{
	struct nic_port *port = &nic->ports[q->port];
	uint16_t status = transmit(nic, port, chain);
	struct sluice_tx_cpl cpl = {.status = htole16(status)};

	account(port, q, status, chain->len);
	desc_ring_advance(&q->ring, chain->n);
	cpl.sub_index = htole32(q->ring.consumer);
	cpl.timestamp = htole64(nic->ops->clock_ns(nic->opaque));
	return queue_complete(nic, q, &cpl) == 0;
}

bool tx_queue_run(struct nic *nic, struct nic_queue *q, unsigned budget)
{
	struct tx_chain chain;
	bool more = false;

	while (cpl_ring_has_room(&q->cpl)) {
		enum tx_next next;

		if (!budget) {
			more = desc_ring_available(&q->ring);
			break;
		}
		next = tx_desc_next(nic, q, &chain);
		if (next == TX_NEXT_NONE || next == TX_NEXT_FAILED)
			break;
		if (next == TX_NEXT_FRAME && !serve(nic, q, &chain))
			break;
		budget -= budget < chain.n ? budget : chain.n;
	}
	queue_notify(nic, q);
	return more;
}

void tx_queue_kick(struct nic *nic, struct nic_queue *q)
{
	uint32_t bit = 1u << q->id;

	if (q->state != SLUICE_QSTATE_ENABLED || nic->tx_pending & bit)
		return;
	if (tx_queue_run(nic, q, TX_BUDGET)) {
		nic->tx_pending |= bit;
		nic->ops->schedule(nic->opaque);
	}
}

bool nic_process(struct nic *nic)
{
	uint32_t pending = nic->tx_pending;

	nic->tx_pending = 0;
	for (; pending; pending &= pending - 1) {
		unsigned id = (unsigned)__builtin_ctz(pending);
		struct nic_queue *q = &nic->tx_queues[id];

		if (q->state == SLUICE_QSTATE_ENABLED && tx_queue_run(nic, q, TX_BUDGET))
			nic->tx_pending |= 1u << id;
	}
	if (!nic->tx_pending)
		return false;
	nic->ops->schedule(nic->opaque);
	return true;
}
