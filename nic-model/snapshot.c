/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The NIC's guest-visible state as bytes, for vmstate. One description of the fields serves saving
 * and loading; a blob comes from a migration stream, so that loading believes nothing in it.
 *
 * Layout: fields back to back, little-endian, in the order of the visit_*() functions, always of
 * the same length for a given configuration.
 */
#include "nic_internal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define SNAPSHOT_MAGIC   0x534e4c53u /* "SLNS" */
#define SNAPSHOT_VERSION 1u

/* A walk over the blob, to count its bytes (neither buffer), to write or to read it. */
struct visitor {
	uint8_t *out;
	const uint8_t *in;
	size_t size; /* bytes of the buffer */
	size_t at;
	bool bad; /* buffer too short, or a value out of the range of its field */
};

static void visit(struct visitor *v, void *bytes, size_t n)
{
	if ((v->out || v->in) && n > v->size - v->at) {
		v->bad = true;
		return;
	}
	if (v->out)
		memcpy(v->out + v->at, bytes, n);
	else if (v->in)
		memcpy(bytes, v->in + v->at, n);
	v->at += n;
}

static void visit_u64(struct visitor *v, uint64_t *value)
{
	uint64_t raw = htole64(*value);

	visit(v, &raw, sizeof(raw));
	*value = le64toh(raw);
}

static void visit_u32(struct visitor *v, uint32_t *value)
{
	uint32_t raw = htole32(*value);

	visit(v, &raw, sizeof(raw));
	*value = le32toh(raw);
}

static void visit_u16(struct visitor *v, uint16_t *value)
{
	uint16_t raw = htole16(*value);

	visit(v, &raw, sizeof(raw));
	*value = le16toh(raw);
}

static void visit_u8(struct visitor *v, uint8_t *value)
{
	visit(v, value, sizeof(*value));
}

static void visit_bool(struct visitor *v, bool *value)
{
	uint8_t raw = *value;

	visit_u8(v, &raw);
	v->bad |= raw > 1;
	*value = raw == 1;
}

/* A field that must be as it is here. */
static void visit_fixed(struct visitor *v, uint32_t expected)
{
	uint32_t value = expected;

	visit_u32(v, &value);
	v->bad |= value != expected;
}

static void visit_header(struct visitor *v, const struct nic *nic)
{
	visit_fixed(v, SNAPSHOT_MAGIC);
	visit_fixed(v, SNAPSHOT_VERSION);
	visit_fixed(v, nic->config.n_ports);
	visit_fixed(v, nic->config.n_queue_pairs);
	visit_fixed(v, nic->config.n_vectors);
	visit_fixed(v, SLUICE_N_PORT_STATS);
	visit_fixed(v, SLUICE_N_QUEUE_STATS);
}

static void visit_port(struct visitor *v, struct nic_port *port)
{
	visit_bool(v, &port->enabled);
	visit_bool(v, &port->link);
	visit_u32(v, &port->speed);
	visit_u32(v, &port->mtu);
	visit_u32(v, &port->rx_mode);
	visit(v, port->mac, sizeof(port->mac));
	visit_u32(v, &port->n_multicast);
	visit(v, port->multicast, sizeof(port->multicast));
	visit(v, port->rss_key, sizeof(port->rss_key));
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		visit_u16(v, &port->rss_table[i]);
	for (unsigned i = 0; i < SLUICE_N_PORT_STATS; i++)
		visit_u64(v, &port->stats[i]);
}

static void visit_config(struct visitor *v, struct sluice_queue_config *c)
{
	uint64_t ring_base = c->ring_base, cpl_base = c->cpl_base;

	visit_u16(v, &c->queue);
	visit_u16(v, &c->vector);
	visit_u64(v, &ring_base);
	visit_u64(v, &cpl_base);
	c->ring_base = ring_base;
	c->cpl_base = cpl_base;
	visit_u32(v, &c->ring_size);
	visit_u32(v, &c->cpl_size);
	visit_u32(v, &c->buffer_size);
	visit_u32(v, &c->headroom);
}

static void visit_queue(struct visitor *v, struct nic_queue *q)
{
	visit_u8(v, &q->state);
	visit_u16(v, &q->error);
	visit_config(v, &q->config);
	visit_u32(v, &q->ring.producer);
	visit_u32(v, &q->ring.consumer);
	visit_u32(v, &q->cpl.producer);
	visit_u32(v, &q->cpl.consumer);
	visit_bool(v, &q->cpl.armed);
	visit_u32(v, &q->tx_skipped);
	for (unsigned i = 0; i < SLUICE_N_QUEUE_STATS; i++)
		visit_u64(v, &q->stats[i]);
}

static void visit_nic(struct visitor *v, struct nic *nic)
{
	visit_header(v, nic);
	for (unsigned i = 0; i < nic->config.n_ports; i++)
		visit_port(v, &nic->ports[i]);
	for (unsigned i = 0; i < nic->config.n_queue_pairs; i++) {
		visit_queue(v, &nic->rx_queues[i]);
		visit_queue(v, &nic->tx_queues[i]);
	}
}

/* ---- What may be believed of a loaded blob ------------------------------------------------ */

static bool port_ok(const struct nic *nic, const struct nic_port *port)
{
	const char *why;

	if (port->mtu < NIC_MIN_MTU || port->mtu > NIC_MAX_MTU || port->mac[0] & 1 ||
	    port->rx_mode & ~(SLUICE_RX_MODE_PROMISC | SLUICE_RX_MODE_ALLMULTI) ||
	    port->n_multicast > NIC_MAX_MULTICAST)
		return false;
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++) {
		if (port->rss_table[i] >= nic->config.n_queue_pairs)
			return false;
	}
	return nic_port_stats_balance(port->stats, &why);
}

/* Complete a queue of which only the visited fields are set. */
static bool queue_restore(const struct nic *nic, struct nic_queue *q, uint8_t type, unsigned id)
{
	struct nic_queue loaded = *q;

	if (loaded.state == SLUICE_QSTATE_NONE) {
		memset(q, 0, sizeof(*q));
		return true;
	}
	if ((loaded.state != SLUICE_QSTATE_DISABLED && loaded.state != SLUICE_QSTATE_ENABLED &&
	     loaded.state != SLUICE_QSTATE_ERROR) ||
	    loaded.error > SLUICE_QERR_BAD_DESC ||
	    (loaded.state == SLUICE_QSTATE_ERROR) != (loaded.error != SLUICE_QERR_NONE) ||
	    loaded.config.queue != id || queue_config_check(nic, type, &loaded.config))
		return false;
	queue_init(q, type, &loaded.config);
	q->state = loaded.state;
	q->error = loaded.error;
	q->ring.producer = loaded.ring.producer;
	q->ring.consumer = loaded.ring.consumer;
	q->cpl.producer = loaded.cpl.producer;
	q->cpl.consumer = loaded.cpl.consumer;
	q->cpl.armed = loaded.cpl.armed;
	q->tx_skipped = loaded.tx_skipped;
	memcpy(q->stats, loaded.stats, sizeof(q->stats));
	desc_ring_forget(&q->ring);
	return desc_ring_available(&q->ring) <= q->ring.size &&
	       q->cpl.producer - q->cpl.consumer <= q->cpl.size &&
	       q->tx_skipped <= (type == SLUICE_QUEUE_TX ? q->ring.size : 0);
}

static bool restore(struct nic *nic)
{
	for (unsigned i = 0; i < nic->config.n_ports; i++) {
		if (!port_ok(nic, &nic->ports[i]))
			return false;
		port_rss_changed(&nic->ports[i]);
	}
	for (unsigned i = 0; i < nic->config.n_queue_pairs; i++) {
		if (!queue_restore(nic, &nic->rx_queues[i], SLUICE_QUEUE_RX, i) ||
		    !queue_restore(nic, &nic->tx_queues[i], SLUICE_QUEUE_TX, i))
			return false;
	}
	return true;
}

/* Descriptors handed over before the snapshot are served without another doorbell. */
static void resume_transmit(struct nic *nic)
{
	for (unsigned i = 0; i < nic->config.n_queue_pairs; i++) {
		const struct nic_queue *q = &nic->tx_queues[i];

		if (q->state == SLUICE_QSTATE_ENABLED && desc_ring_available(&q->ring))
			nic->tx_pending |= 1u << i;
	}
	if (nic->tx_pending)
		nic->ops->schedule(nic->opaque);
}

size_t nic_save_size(const struct nic *nic)
{
	struct visitor v = {0};

	/* Counting changes nothing. */
	visit_nic(&v, (struct nic *)(uintptr_t)nic);
	return v.at;
}

int nic_save(const struct nic *nic, void *buf, size_t size)
{
	struct visitor v = {.out = buf, .size = size};

	if (size < nic_save_size(nic))
		return -ENOSPC;
	/* Saving changes nothing either. */
	visit_nic(&v, (struct nic *)(uintptr_t)nic);
	return (int)v.at;
}

int nic_load(struct nic *nic, const void *buf, size_t size)
{
	struct visitor v = {.in = buf, .size = size};
	bool link[SLUICE_MAX_PORTS];
	uint32_t speed[SLUICE_MAX_PORTS];

	for (unsigned i = 0; i < nic->config.n_ports; i++) {
		link[i] = nic->ports[i].link;
		speed[i] = nic->ports[i].speed;
	}
	nic_reset(nic);
	visit_nic(&v, nic);
	if (!v.bad && v.at == size && restore(nic)) {
		resume_transmit(nic);
		return 0;
	}
	nic_reset(nic);
	/* A reset leaves the carrier alone, which the blob must not have changed. */
	for (unsigned i = 0; i < nic->config.n_ports; i++) {
		nic->ports[i].link = link[i];
		nic->ports[i].speed = speed[i];
	}
	return -EINVAL;
}
