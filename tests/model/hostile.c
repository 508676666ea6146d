/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "hostile.h"

#include <string.h>

#include "frames.h"
#include "model_guest.h"
#include "programs.h"

#define PAIRS      2u
#define N_PROGRAMS 7u
#define RING_AREA  (512u << 10) /* where rings and some buffers lie */

static struct bpfe_program *programs[N_PROGRAMS];

struct hostile {
	struct model_guest *g;
	struct model_queue queues[2 * PAIRS]; /* as a sane driver has them; even: receive */
	uint64_t payload;                     /* guest memory for transmitted frames */
	const uint8_t *bytes;
	size_t left;
};

void hostile_init(void)
{
	programs[0] = program_verdict(XDP_PASS);
	programs[1] = program_verdict(XDP_TX);
	programs[2] = program_verdict(77);
	programs[3] = program_metadata(1);
	programs[4] = program_adjust_head(-64, XDP_PASS);
	programs[5] = program_adjust_tail(600, XDP_TX);
	programs[6] = program_loop(50, 20);
}

void hostile_fini(void)
{
	for (unsigned i = 0; i < N_PROGRAMS; i++)
		bpfe_program_put(programs[i]);
}

static uint8_t byte(struct hostile *h)
{
	if (!h->left)
		return 0;
	h->left--;
	return *h->bytes++;
}

static uint32_t number(struct hostile *h, unsigned n_bytes)
{
	uint32_t value = 0;

	while (n_bytes--)
		value = value << 8 | byte(h);
	return value;
}

/* ---- What a sane driver does: without it no frame gets far. ------------------------------- */

/* Take down and set up again a queue, whatever became of it. */
static void op_recover(struct hostile *h)
{
	struct model_queue *q = &h->queues[byte(h) % (2 * PAIRS)];

	nic_queue_disable(h->g->nic, q->type, q->config.queue);
	nic_queue_destroy(h->g->nic, q->type, q->config.queue);
	q->producer = q->consumer = 0;
	model_queue_open(q);
	if (q->type == SLUICE_QUEUE_RX)
		model_rx_post(q, q->config.ring_size);
}

/* Take what was completed and give buffers back. */
static void op_serve(struct hostile *h)
{
	uint8_t how = byte(h);
	struct model_queue *q = &h->queues[how % (2 * PAIRS)];
	struct sluice_resp_queue r = model_query(q);

	if (!r.state)
		return;
	q->producer = r.producer;
	q->consumer = r.cpl_producer;
	model_consume(q, how & 4);
	if (q->type == SLUICE_QUEUE_RX)
		model_rx_post(q, (q->config.ring_size - (r.producer - r.consumer)) &
					 (q->config.ring_size - 1));
}

static void op_transmit(struct hostile *h)
{
	uint8_t how = byte(h);
	struct model_queue *q = &h->queues[(how & 1) * 2 + 1];
	unsigned n = (how & 0xe0) == 0xe0 ? 40 : 1 + (how >> 1 & 3);

	q->producer = model_query(q).producer;
	for (unsigned i = 0; i < n; i++) {
		const struct sluice_tx_desc d = {
			.addr = h->payload + byte(h),
			.length = 14 + number(h, 2) % (how & 8 ? 10000 : 1000),
			.flags = (i + 1 == n && how < 250 ? SLUICE_TX_LAST : 0) |
				 (how & 16 ? SLUICE_TX_CSUM : 0),
			.csum_start = byte(h),
			.csum_offset = byte(h) & 31,
		};

		model_tx_put(q, &d);
	}
	model_submit(q);
}

static void start(struct hostile *h)
{
	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		struct model_queue *q = &h->queues[i];

		model_queue_layout(q, h->g, i % 2 ? SLUICE_QUEUE_TX : SLUICE_QUEUE_RX, i / 2,
				   i < 2 ? 16 : 64);
		model_queue_open(q);
		if (q->type == SLUICE_QUEUE_RX)
			model_rx_post(q, q->config.ring_size);
	}
	h->payload = model_alloc(h->g, 16384);
}

/* ---- What an insane one does. ------------------------------------------------------------- */

/* An address: mostly in the ring area, sometimes anything. */
static uint64_t address(struct hostile *h)
{
	uint8_t how = byte(h);

	if (how < 240)
		return MODEL_MEMORY_BASE + number(h, 3) % RING_AREA / 64 * 64;
	return (uint64_t)number(h, 4) << (how & 31);
}

/* A packet of any kind, then perhaps a byte changed. */
static size_t packet(struct hostile *h, uint8_t frame[FRAME_MAX])
{
	static const uint8_t extensions[] = {0, 43, 60, 51};
	uint8_t how = byte(h);
	const struct frame_spec spec = {
		.n_vlan = how & 3,
		.ip = how & 4 ? 4 : 6,
		.src = {byte(h)},
		.ip_options = (how >> 3 & 3) * 4,
		.ip_fragment = how > 240 ? (uint16_t)number(h, 2) : 0,
		.proto = how & 32 ? 6 : 17,
		.extension = extensions[how >> 3 & 3],
		.n_extension = how >> 6,
		.sport = byte(h),
		.payload = byte(h),
		.udp_no_csum = how & 64,
	};
	size_t len = frame_build(frame, &spec);

	if (byte(h) & 1)
		frame[12 + byte(h) % (len - 12)] ^= byte(h);
	return len;
}

static const char *op_receive(struct hostile *h)
{
	static uint8_t frame[NIC_MAX_FRAME + 16];
	uint8_t how = byte(h);
	size_t len = how & 1 ? number(h, 2) % sizeof(frame) : 0;
	uint64_t dropped = model_stat(h->g, SLUICE_STAT_RX_DROP_NO_BUFFER);
	bool offered = nic_can_receive(h->g->nic, 0);

	if (len) {
		memcpy(frame, model_mac, sizeof(model_mac));
		for (size_t i = 12 + (how & 6); i < len && i < 70; i++)
			frame[i] = byte(h);
	} else if (how & 2) {
		len = packet(h, frame);
	} else {
		len = frame_udp(frame, 10 + how, how);
		frame[35] = byte(h); /* source port: spreads over the queues */
	}
	nic_receive(h->g->nic, 0, frame, len);
	if (offered && nic_get_config(h->g->nic)->rx_pause &&
	    model_stat(h->g, SLUICE_STAT_RX_DROP_NO_BUFFER) != dropped)
		return "a frame was lost for want of a buffer in spite of rx_pause";
	return NULL;
}

/* A doorbell near the truth. */
static void op_doorbell(struct hostile *h)
{
	uint8_t how = byte(h), type = how & 1 ? SLUICE_QUEUE_RX : SLUICE_QUEUE_TX;
	unsigned queue = how >> 1 & 1;
	bool completion = how & 4;
	struct sluice_resp_queue q;
	uint64_t value;

	if (nic_queue_query(h->g->nic, type, queue, &q))
		return;
	if (completion)
		value = (how & 8 ? q.cpl_producer : q.cpl_consumer) |
			(how & 16 ? SLUICE_DB_ARM : 0);
	else
		value = q.producer + (byte(h) & 15);
	if (how > 250)
		value ^= number(h, 2);
	nic_doorbell(h->g->nic,
		     (uint64_t)queue * SLUICE_DOORBELL_PAGE + (type == SLUICE_QUEUE_RX ? 0 : 16) +
			     (completion ? 8 : 0),
		     value, 8);
}

static void op_wild_doorbell(struct hostile *h)
{
	uint64_t offset = number(h, 2), value = (uint64_t)number(h, 4) << (byte(h) & 32);

	nic_doorbell(h->g->nic, offset, value | number(h, 2), byte(h) % 9);
}

static void op_write_memory(struct hostile *h)
{
	uint8_t *at = model_at(h->g, MODEL_MEMORY_BASE + number(h, 3) % RING_AREA / 16 * 16, 32);
	uint8_t how = byte(h);

	if (how & 1) {
		const struct sluice_rx_desc rx = {.addr = address(h), .buffer_id = how};

		memcpy(at, &rx, sizeof(rx));
	} else if (how & 2) {
		const struct sluice_tx_desc tx = {
			.addr = address(h),
			.length = number(h, 2) % 4096,
			.flags = (how & 4 ? SLUICE_TX_LAST : 0) | (how & 8 ? SLUICE_TX_CSUM : 0),
			.csum_start = byte(h),
			.csum_offset = byte(h),
		};

		memcpy(at, &tx, sizeof(tx));
	} else {
		for (unsigned i = 0; i < 32; i++)
			at[i] = byte(h);
	}
}

static void op_create(struct hostile *h)
{
	uint8_t how = byte(h), type = how & 1 ? SLUICE_QUEUE_RX : SLUICE_QUEUE_TX;
	struct sluice_queue_config c = {
		.queue = how >> 1 & 1,
		.vector = how >> 2 & 3,
		.ring_base = address(h),
		.cpl_base = address(h),
		.ring_size = 8u << (byte(h) % 5),
	};

	c.cpl_size = c.ring_size << (how >> 4 & 1);
	if (type == SLUICE_QUEUE_RX) {
		c.buffer_size = 256 + number(h, 2) % 4096;
		c.headroom = byte(h);
	}
	if (how > 250)
		c.coalesce_usecs = number(h, 4);
	nic_queue_create(h->g->nic, type, &c);
	if (how & 32)
		nic_queue_enable(h->g->nic, type, c.queue);
}

static void op_queue(struct hostile *h)
{
	static int (*const ops[])(struct nic *, uint8_t, unsigned) = {
		nic_queue_enable, nic_queue_enable, nic_queue_disable, nic_queue_reset,
		nic_queue_destroy};
	uint8_t how = byte(h);

	ops[byte(h) % 5](h->g->nic, how & 3, how >> 2 & 3);
}

static void op_port(struct hostile *h)
{
	uint8_t how = byte(h);

	switch (how & 7) {
	case 0:
		nic_port_enable(h->g->nic, 0, how > 40);
		break;
	case 1:
		nic_set_link(h->g->nic, 0, how > 40, how);
		break;
	case 2:
		nic_port_set_mtu(h->g->nic, 0, number(h, 2));
		break;
	default:
		nic_port_set_rx_mode(h->g->nic, 0, how >> 3 & 7);
	}
}

static void op_rss(struct hostile *h)
{
	uint16_t table[SLUICE_RSS_TABLE];
	uint8_t how = byte(h);

	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = (uint16_t)((i ^ how) % (how > 250 ? 3 : PAIRS));
	nic_rss_set(h->g->nic, 0, NULL, table);
}

static void op_program(struct hostile *h)
{
	unsigned which = byte(h) % (N_PROGRAMS + 1);

	nic_set_program(h->g->nic, 0, which < N_PROGRAMS ? programs[which] : NULL, which + 1);
}

/* Host and memory let the NIC down for a while. */
static void op_trouble(struct hostile *h)
{
	h->g->dma_fail_at = byte(h) & 31;
	h->g->wire_broken = byte(h) > 200;
	h->g->now_ns += 1000000;
}

static const char *op_snapshot(struct hostile *h)
{
	static uint8_t blob[8192];
	int size = nic_save(h->g->nic, blob, sizeof(blob));

	if (size < 0)
		return "the state does not fit";
	if (byte(h) > 200)
		blob[number(h, 2) % (unsigned)size] ^= byte(h);
	else if (nic_load(h->g->nic, blob, (size_t)size))
		return "a saved state is refused";
	else
		return NULL;
	nic_load(h->g->nic, blob, (size_t)size);
	return NULL;
}

/* Frames and a driver that serves them most of the time, so that much is under way when something
 * odd happens. */
static const char *step(struct hostile *h)
{
	static void (*const odd[])(struct hostile *) = {
		op_doorbell, op_wild_doorbell, op_write_memory, op_write_memory, op_create,
		op_queue,    op_port,          op_rss,          op_program,      op_trouble,
	};
	const unsigned n_odd = sizeof(odd) / sizeof(odd[0]);
	uint8_t what = byte(h) & 63;

	if (what < 24)
		return op_receive(h);
	if (what < 30)
		op_serve(h);
	else if (what < 40)
		op_transmit(h);
	else if (what < 45)
		op_recover(h);
	else if (what < 45 + n_odd)
		odd[what - 45](h);
	else if (what == 63)
		return op_snapshot(h);
	else
		nic_process(h->g->nic);
	return NULL;
}

static const char *check(struct hostile *h)
{
	for (uint8_t type = SLUICE_QUEUE_RX; type <= SLUICE_QUEUE_TX; type++) {
		for (unsigned i = 0; i < PAIRS; i++) {
			struct sluice_resp_queue q;

			if (nic_queue_query(h->g->nic, type, i, &q))
				continue;
			if (q.producer - q.consumer > NIC_MAX_RING)
				return "the device is ahead of the guest";
			if (q.cpl_producer - q.cpl_consumer > NIC_MAX_CPL)
				return "the completion ring has overflowed";
			if ((q.state == SLUICE_QSTATE_ERROR) != (q.error != SLUICE_QERR_NONE))
				return "state and error of a queue disagree";
			if (q.state == SLUICE_QSTATE_DRAINING)
				return "a queue is left draining";
		}
	}
	return model_imbalance(h->g);
}

const char *hostile_run(const uint8_t *bytes, size_t size)
{
	struct hostile h = {.g = model_guest_new(), .bytes = bytes, .left = size};
	const char *broken = NULL;

	model_guest_start(h.g, PAIRS, PAIRS, byte(&h) & 1);
	start(&h);
	while (h.left && !broken) {
		broken = step(&h);
		if (!broken)
			broken = check(&h);
	}
	model_guest_free(h.g);
	return broken;
}
