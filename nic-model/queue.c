/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Queues: a descriptor ring, a completion ring and a state.
 *
 *   NONE -create-> DISABLED <-enable/disable-> ENABLED -fault-> ERROR -reset-> DISABLED
 *   destroy: from DISABLED or ERROR to NONE
 *
 * DRAINING is passed within nic_queue_disable(): frames are handled whole, so that nothing is under
 * way between calls but transmit descriptors waiting, which are sent first.
 */
#include "nic_internal.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define RING_ALIGN 64u

struct nic_queue *queue_find(struct nic *nic, uint8_t type, unsigned queue)
{
	if (queue >= nic->config.n_queue_pairs)
		return NULL;
	switch (type) {
	case SLUICE_QUEUE_RX:
		return &nic->rx_queues[queue];
	case SLUICE_QUEUE_TX:
		return &nic->tx_queues[queue];
	default:
		return NULL;
	}
}

static uint32_t queue_entry_size(uint8_t type)
{
	return type == SLUICE_QUEUE_RX ? sizeof(struct sluice_rx_desc)
				       : sizeof(struct sluice_tx_desc);
}

static bool ring_ok(uint64_t base, uint32_t size, uint32_t max, uint32_t entry_size)
{
	return base % RING_ALIGN == 0 && size >= NIC_MIN_RING && size <= max &&
	       (size & (size - 1)) == 0 && base <= UINT64_MAX - (uint64_t)size * entry_size;
}

int queue_config_check(const struct nic *nic, uint8_t type, const struct sluice_queue_config *c)
{
	if (c->queue >= nic->config.n_queue_pairs || c->vector >= nic->config.n_vectors)
		return -EINVAL;
	if (!ring_ok(c->ring_base, c->ring_size, NIC_MAX_RING, queue_entry_size(type)) ||
	    !ring_ok(c->cpl_base, c->cpl_size, NIC_MAX_CPL, CPL_RING_ENTRY) ||
	    c->cpl_size < c->ring_size)
		return -EINVAL;
	if (c->flags || c->ring2_base || c->ring2_size || c->buffer2_size || c->coalesce_usecs ||
	    c->coalesce_frames)
		return -EINVAL;
	switch (type) {
	case SLUICE_QUEUE_RX:
		if (c->buffer_size < NIC_MIN_BUFFER || c->buffer_size > NIC_MAX_BUFFER ||
		    c->headroom > NIC_MAX_HEADROOM || c->headroom >= c->buffer_size)
			return -EINVAL;
		return 0;
	case SLUICE_QUEUE_TX:
		return c->buffer_size || c->headroom ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

void queue_init(struct nic_queue *q, uint8_t type, const struct sluice_queue_config *config)
{
	memset(q, 0, sizeof(*q));
	q->type = type;
	q->state = SLUICE_QSTATE_DISABLED;
	q->id = config->queue;
	q->config = *config;
	q->rx_room = config->buffer_size - config->headroom;
	desc_ring_init(&q->ring, config->ring_base, config->ring_size, queue_entry_size(type));
	cpl_ring_init(&q->cpl, config->cpl_base, config->cpl_size);
}

int nic_queue_create(struct nic *nic, uint8_t type, const struct sluice_queue_config *config)
{
	struct nic_queue *q = queue_find(nic, type, config->queue);
	int ret;

	if (!q)
		return -EINVAL;
	if (q->state != SLUICE_QSTATE_NONE)
		return -EEXIST;
	ret = queue_config_check(nic, type, config);
	if (ret)
		return ret;
	queue_init(q, type, config);
	return 0;
}

/* The queue, if it exists; else *ret says why not. */
static struct nic_queue *queue_existing(struct nic *nic, uint8_t type, unsigned queue, int *ret)
{
	struct nic_queue *q = queue_find(nic, type, queue);

	*ret = 0;
	if (q && q->state != SLUICE_QSTATE_NONE)
		return q;
	*ret = q ? -ENOENT : -EINVAL;
	return NULL;
}

int nic_queue_enable(struct nic *nic, uint8_t type, unsigned queue)
{
	int ret;
	struct nic_queue *q = queue_existing(nic, type, queue, &ret);

	if (!q)
		return ret;
	if (q->state != SLUICE_QSTATE_DISABLED)
		return -EBUSY;
	q->state = SLUICE_QSTATE_ENABLED;
	if (type == SLUICE_QUEUE_TX)
		tx_queue_kick(nic, q);
	return 0;
}

int nic_queue_disable(struct nic *nic, uint8_t type, unsigned queue)
{
	int ret;
	struct nic_queue *q = queue_existing(nic, type, queue, &ret);

	if (!q)
		return ret;
	if (q->state != SLUICE_QSTATE_ENABLED)
		return -EBUSY;
	if (type == SLUICE_QUEUE_TX) {
		q->state = SLUICE_QSTATE_DRAINING;
		/* The ring is finite and nobody can add to it during this call. */
		tx_queue_run(nic, q, UINT_MAX);
		nic->tx_pending &= ~(1u << q->id);
		if (q->state != SLUICE_QSTATE_DRAINING)
			return 0; /* failed on the way: stays in ERROR, as the event said */
	}
	q->state = SLUICE_QSTATE_DISABLED;
	desc_ring_forget(&q->ring);
	port_resume(nic, &nic->ports[q->port]);
	return 0;
}

int nic_queue_reset(struct nic *nic, uint8_t type, unsigned queue)
{
	int ret;
	struct nic_queue *q = queue_existing(nic, type, queue, &ret);

	if (!q)
		return ret;
	if (q->state != SLUICE_QSTATE_DISABLED && q->state != SLUICE_QSTATE_ERROR)
		return -EBUSY;
	q->state = SLUICE_QSTATE_DISABLED;
	q->error = SLUICE_QERR_NONE;
	q->tx_skipped = 0;
	desc_ring_reset(&q->ring);
	cpl_ring_reset(&q->cpl);
	return 0;
}

int nic_queue_destroy(struct nic *nic, uint8_t type, unsigned queue)
{
	int ret;
	struct nic_queue *q = queue_existing(nic, type, queue, &ret);

	if (!q)
		return ret;
	if (q->state != SLUICE_QSTATE_DISABLED && q->state != SLUICE_QSTATE_ERROR)
		return -EBUSY;
	memset(q, 0, sizeof(*q));
	return 0;
}

int nic_queue_query(struct nic *nic, uint8_t type, unsigned queue, struct sluice_resp_queue *resp)
{
	int ret;
	const struct nic_queue *q = queue_existing(nic, type, queue, &ret);

	if (!q)
		return ret;
	memset(resp, 0, sizeof(*resp));
	resp->state = q->state;
	resp->type = q->type;
	resp->error = htole16(q->error);
	resp->producer = htole32(q->ring.producer);
	resp->consumer = htole32(q->ring.consumer);
	resp->cpl_producer = htole32(q->cpl.producer);
	resp->cpl_consumer = htole32(q->cpl.consumer);
	return 0;
}

void queue_fail(struct nic *nic, struct nic_queue *q, uint16_t error, const char *why)
{
	q->state = SLUICE_QSTATE_ERROR;
	q->error = error;
	q->stats[SLUICE_QSTAT_ERRORS]++;
	nic_log(nic, (int)q->port, "%s queue %u stopped: %s",
		q->type == SLUICE_QUEUE_RX ? "receive" : "transmit", q->id, why);
	nic_event(nic, SLUICE_EVENT_QUEUE_ERROR, q->port, (uint32_t)q->type << 16 | q->id, error);
	port_resume(nic, &nic->ports[q->port]);
}

void queue_notify(struct nic *nic, struct nic_queue *q)
{
	struct nic_port *port = &nic->ports[q->port];

	if (!cpl_ring_take_interrupt(&q->cpl))
		return;
	q->stats[SLUICE_QSTAT_INTERRUPTS]++;
	port->stats[q->type == SLUICE_QUEUE_RX ? SLUICE_STAT_RX_INTERRUPTS
					       : SLUICE_STAT_TX_INTERRUPTS]++;
	nic->ops->interrupt(nic->opaque, q->config.vector);
}

int queue_peek(struct nic *nic, struct nic_queue *q, uint32_t ahead, const void **entry)
{
	int ret = desc_ring_peek(&q->ring, ahead, nic->ops, nic->opaque, entry);

	if (ret < 0)
		queue_fail(nic, q, SLUICE_QERR_RING_DMA, "its descriptor ring cannot be read");
	return ret;
}

int queue_complete(struct nic *nic, struct nic_queue *q, void *entry)
{
	int ret = cpl_ring_post(&q->cpl, entry, nic->ops, nic->opaque);

	if (ret < 0)
		queue_fail(nic, q, SLUICE_QERR_CPL_DMA, "its completion ring cannot be written");
	return ret;
}
