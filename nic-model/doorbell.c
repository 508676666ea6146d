/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BAR2: what a doorbell write means (docs/device-spec, "Doorbells"). */
#include "nic_internal.h"

#include <errno.h>

/* A queue that failed is deaf: its driver may not know yet. */
static bool queue_listens(const struct nic_queue *q)
{
	return q->state == SLUICE_QSTATE_ENABLED || q->state == SLUICE_QSTATE_DISABLED;
}

static void doorbell_submit(struct nic *nic, struct nic_queue *q, uint32_t producer)
{
	if (desc_ring_doorbell(&q->ring, producer)) {
		queue_fail(nic, q, SLUICE_QERR_BAD_INDEX,
			   "its producer doorbell retreats or exceeds the ring");
		return;
	}
	if (q->type == SLUICE_QUEUE_TX)
		tx_queue_kick(nic, q);
	else
		port_resume(nic, &nic->ports[q->port]);
}

static void doorbell_complete(struct nic *nic, struct nic_queue *q, uint32_t consumer, bool arm)
{
	if (cpl_ring_doorbell(&q->cpl, consumer, arm)) {
		queue_fail(nic, q, SLUICE_QERR_BAD_INDEX,
			   "its completion doorbell retreats or runs ahead of the device");
		return;
	}
	queue_notify(nic, q);
	/* Room in the completion ring may be what the queue waits for. */
	if (q->type == SLUICE_QUEUE_TX)
		tx_queue_kick(nic, q);
	else
		port_resume(nic, &nic->ports[q->port]);
}

int nic_doorbell(struct nic *nic, uint64_t offset, uint64_t value, unsigned size)
{
	uint64_t page = offset / SLUICE_DOORBELL_PAGE;
	unsigned doorbell = offset % SLUICE_DOORBELL_PAGE;
	bool completion = doorbell == SLUICE_DB_RX_CPL || doorbell == SLUICE_DB_TX_CPL;
	uint64_t known = completion ? UINT32_MAX | SLUICE_DB_ARM : UINT32_MAX;
	struct nic_queue *q;

	if (size != sizeof(uint64_t) || page >= nic->config.n_queue_pairs || value & ~known)
		return -EINVAL;
	switch (doorbell) {
	case SLUICE_DB_RX_FREE:
	case SLUICE_DB_RX_CPL:
		q = &nic->rx_queues[page];
		break;
	case SLUICE_DB_TX_SUB:
	case SLUICE_DB_TX_CPL:
		q = &nic->tx_queues[page];
		break;
	default:
		return -EINVAL;
	}
	if (q->state == SLUICE_QSTATE_NONE)
		return -EINVAL;
	q->stats[SLUICE_QSTAT_DOORBELLS]++;
	if (!queue_listens(q))
		return 0;
	if (completion)
		doorbell_complete(nic, q, (uint32_t)value, value & SLUICE_DB_ARM);
	else
		doorbell_submit(nic, q, (uint32_t)value);
	return 0;
}
