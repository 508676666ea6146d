/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "model_guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t model_mac[6] = {0x02, 0x51, 0xc0, 0x00, 0x00, 0x01};

/* ---- Host operations ---------------------------------------------------------------------- */

void *model_at(struct model_guest *g, uint64_t addr, uint64_t len)
{
	if (addr < MODEL_MEMORY_BASE || addr - MODEL_MEMORY_BASE > MODEL_MEMORY_SIZE ||
	    MODEL_MEMORY_SIZE - (addr - MODEL_MEMORY_BASE) < len)
		return NULL;
	return g->memory + (addr - MODEL_MEMORY_BASE);
}

static bool dma_refused(struct model_guest *g)
{
	if (g->dma_fail_at && !--g->dma_fail_at)
		return true;
	return g->dma_off;
}

static int dma_read(void *opaque, uint64_t addr, void *buf, size_t len)
{
	struct model_guest *g = opaque;
	const void *at = model_at(g, addr, len);

	g->dma_reads++;
	if (dma_refused(g) || !at)
		return -EFAULT;
	memcpy(buf, at, len);
	return 0;
}

static int dma_write(void *opaque, uint64_t addr, const void *buf, size_t len)
{
	struct model_guest *g = opaque;
	void *at = model_at(g, addr, len);

	g->dma_writes++;
	if (dma_refused(g) || !at)
		return -EFAULT;
	memcpy(at, buf, len);
	g->dma_bytes_written += len;
	return 0;
}

static int dma_publish(void *opaque, uint64_t addr, uint64_t word)
{
	struct model_guest *g = opaque;
	void *at = model_at(g, addr, sizeof(word));

	g->dma_writes++;
	if (dma_refused(g) || !at || addr % sizeof(word))
		return -EFAULT;
	atomic_store_explicit((_Atomic uint64_t *)at, word, memory_order_release);
	g->dma_bytes_written += sizeof(word);
	return 0;
}

static void interrupt(void *opaque, unsigned vector)
{
	struct model_guest *g = opaque;

	if (vector < SLUICE_MAX_VECTORS)
		g->interrupts[vector]++;
}

static uint64_t clock_ns(void *opaque)
{
	const struct model_guest *g = opaque;

	return g->now_ns;
}

static int transmit(void *opaque, unsigned port, const void *frame, size_t len)
{
	struct model_guest *g = opaque;
	unsigned slot = g->n_wire % MODEL_WIRE_FRAMES;

	if (g->wire_broken || len > NIC_MAX_FRAME)
		return -EIO;
	memcpy(g->wire[slot].bytes, frame, len);
	g->wire[slot].port = port;
	g->wire[slot].len = len;
	g->n_wire++;
	return 0;
}

static void wire_resume(void *opaque, unsigned port)
{
	struct model_guest *g = opaque;

	if (port < SLUICE_MAX_PORTS)
		g->resumes[port]++;
}

static void worker_done(void *opaque)
{
	struct model_guest *g = opaque;

	atomic_fetch_add(&g->workers_done, 1);
}

static void schedule(void *opaque)
{
	struct model_guest *g = opaque;

	g->schedules++;
}

static void log_line(void *opaque, int port, const char *text)
{
	struct model_guest *g = opaque;

	g->n_log++;
	snprintf(g->log, sizeof(g->log), "%s", text);
}

const struct nic_host_ops model_host_ops = {
	.dma_read = dma_read,
	.dma_write = dma_write,
	.dma_publish = dma_publish,
	.interrupt = interrupt,
	.clock_ns = clock_ns,
	.transmit = transmit,
	.wire_resume = wire_resume,
	.worker_done = worker_done,
	.schedule = schedule,
	.log = log_line,
};

/* ---- The guest ---------------------------------------------------------------------------- */

static void *must(void *p)
{
	if (p)
		return p;
	fprintf(stderr, "model guest: out of memory\n");
	exit(EXIT_FAILURE);
}

struct model_guest *model_guest_new(void)
{
	struct model_guest *g = must(calloc(1, sizeof(*g)));

	g->memory = must(calloc(1, MODEL_MEMORY_SIZE));
	g->now_ns = 1000000000;
	return g;
}

void model_guest_free(struct model_guest *g)
{
	if (!g)
		return;
	nic_destroy(g->nic);
	free(g->memory);
	free(g);
}

static void record_event(void *opaque, const struct sluice_event *event)
{
	struct model_guest *g = opaque;

	if (g->n_events < MODEL_EVENTS)
		g->events[g->n_events] = *event;
	g->n_events++;
}

void model_guest_start(struct model_guest *g, unsigned pairs, unsigned vectors, bool rx_pause)
{
	struct nic_config config = {
		.n_ports = 1,
		.n_queue_pairs = pairs,
		.n_vectors = vectors,
		.rx_pause = rx_pause,
	};
	int ret;

	memcpy(config.mac[0], model_mac, sizeof(model_mac));
	ret = nic_create(&config, &model_host_ops, g, &g->nic);
	if (ret) {
		fprintf(stderr, "model guest: nic_create: %s\n", strerror(-ret));
		exit(EXIT_FAILURE);
	}
	nic_set_event_handler(g->nic, record_event, g);
	nic_set_link(g->nic, 0, true, 10000);
	nic_port_enable(g->nic, 0, true);
}

uint64_t model_alloc(struct model_guest *g, uint64_t size)
{
	uint64_t at = g->memory_used;

	if (size > MODEL_MEMORY_SIZE - at) {
		fprintf(stderr, "model guest: memory used up\n");
		exit(EXIT_FAILURE);
	}
	g->memory_used = at + (size + 63) / 64 * 64;
	return MODEL_MEMORY_BASE + at;
}

const char *model_imbalance(const struct model_guest *g)
{
	uint64_t stats[SLUICE_N_PORT_STATS];
	const char *why;

	nic_port_stats(g->nic, 0, stats);
	return nic_port_stats_balance(stats, &why) ? NULL : why;
}

uint64_t model_stat(const struct model_guest *g, enum sluice_port_stat stat)
{
	uint64_t stats[SLUICE_N_PORT_STATS];

	nic_port_stats(g->nic, 0, stats);
	return stats[stat];
}

/* ---- Queues ------------------------------------------------------------------------------- */

void model_queue_layout(struct model_queue *q, struct model_guest *g, uint8_t type, unsigned queue,
			uint32_t entries)
{
	bool rx = type == SLUICE_QUEUE_RX;
	uint32_t entry = rx ? sizeof(struct sluice_rx_desc) : sizeof(struct sluice_tx_desc);

	*q = (struct model_queue){.g = g, .type = type};
	q->config.queue = (uint16_t)queue;
	q->config.vector = (uint16_t)queue;
	q->config.ring_size = entries;
	q->config.cpl_size = entries;
	q->config.ring_base = model_alloc(g, (uint64_t)entries * entry);
	q->config.cpl_base = model_alloc(g, (uint64_t)entries * sizeof(struct sluice_rx_cpl));
	if (rx) {
		q->config.buffer_size = 2048;
		q->config.headroom = 64;
		q->buffers = model_alloc(g, (uint64_t)entries * q->config.buffer_size);
	}
}

int model_queue_open(struct model_queue *q)
{
	int ret = nic_queue_create(q->g->nic, q->type, &q->config);

	return ret ? ret : nic_queue_enable(q->g->nic, q->type, q->config.queue);
}

static void ring_put(struct model_queue *q, const void *desc, size_t size)
{
	uint64_t slot = q->producer++ & (q->config.ring_size - 1);
	void *at = model_at(q->g, q->config.ring_base + slot * size, size);

	/* A test may place a ring outside memory on purpose. */
	if (at)
		memcpy(at, desc, size);
}

void model_rx_put(struct model_queue *q, const struct sluice_rx_desc *desc)
{
	ring_put(q, desc, sizeof(*desc));
}

void model_tx_put(struct model_queue *q, const struct sluice_tx_desc *desc)
{
	ring_put(q, desc, sizeof(*desc));
}

void model_tx_frame(struct model_queue *q, const void *frame, uint32_t len)
{
	struct sluice_tx_desc desc = {
		.addr = model_alloc(q->g, len), .length = len, .flags = SLUICE_TX_LAST};

	memcpy(model_at(q->g, desc.addr, len), frame, len);
	model_tx_put(q, &desc);
}

int model_rx_post(struct model_queue *q, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = q->producer & (q->config.ring_size - 1);
		struct sluice_rx_desc desc = {
			.addr = q->buffers + (uint64_t)id * q->config.buffer_size,
			.buffer_id = id,
		};

		model_rx_put(q, &desc);
	}
	return model_submit(q);
}

static int ring_doorbell(struct model_queue *q, unsigned doorbell, uint64_t value)
{
	return nic_doorbell(q->g->nic, (uint64_t)q->config.queue * SLUICE_DOORBELL_PAGE + doorbell,
			    value, sizeof(value));
}

int model_submit(struct model_queue *q)
{
	return ring_doorbell(q, q->type == SLUICE_QUEUE_RX ? SLUICE_DB_RX_FREE : SLUICE_DB_TX_SUB,
			     q->producer);
}

int model_consume(struct model_queue *q, bool arm)
{
	return ring_doorbell(q, q->type == SLUICE_QUEUE_RX ? SLUICE_DB_RX_CPL : SLUICE_DB_TX_CPL,
			     q->consumer | (arm ? SLUICE_DB_ARM : 0));
}

bool model_poll(struct model_queue *q, void *cpl)
{
	const size_t size = sizeof(struct sluice_rx_cpl), head = size - sizeof(uint64_t);
	uint32_t cpl_size = q->config.cpl_size;
	uint8_t *at =
		model_at(q->g, q->config.cpl_base + (q->consumer & (cpl_size - 1)) * size, size);
	uint64_t word;

	if (!at)
		return false;
	word = atomic_load_explicit((_Atomic uint64_t *)(at + head), memory_order_acquire);
	if ((word >> 56 & SLUICE_PHASE) != !(q->consumer & cpl_size))
		return false;
	memcpy(cpl, at, head);
	memcpy((uint8_t *)cpl + head, &word, sizeof(word));
	q->consumer++;
	return true;
}

const uint8_t *model_rx_data(struct model_queue *q, const struct sluice_rx_cpl *cpl)
{
	if (cpl->buffer_id >= q->config.ring_size ||
	    cpl->offset + cpl->length > q->config.buffer_size)
		return NULL;
	return model_at(q->g,
			q->buffers + (uint64_t)cpl->buffer_id * q->config.buffer_size + cpl->offset,
			cpl->length);
}

struct sluice_resp_queue model_query(const struct model_queue *q)
{
	struct sluice_resp_queue resp = {0};

	nic_queue_query(q->g->nic, q->type, q->config.queue, &resp);
	return resp;
}
