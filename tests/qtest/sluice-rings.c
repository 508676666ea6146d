/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports, queues, frames, programs and maps of the device, for the tests. */
#include "qemu/osdep.h"
#include <poll.h>
#include "sluice.h"

static const uint8_t sluice_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

/* ---- Ports and queues --------------------------------------------------------------------- */

void sluice_port_up(QSluice *s, uint32_t rx_mode)
{
	struct sluice_args_port_set args = {
		.valid = cpu_to_le32(SLUICE_PORT_SET_ENABLE | SLUICE_PORT_SET_RX_MODE |
				     SLUICE_PORT_SET_MTU),
		.rx_mode = cpu_to_le32(rx_mode),
		.mtu = cpu_to_le32(SLUICE_MTU),
		.enable = 1,
	};

	sluice_cmd(s, SLUICE_OP_PORT_SET, &args, sizeof(args), NULL, NULL, 0);
}

uint16_t sluice_queue_op(QSluice *s, uint16_t opcode, uint8_t type, unsigned queue)
{
	struct sluice_args_queue args = {.queue = cpu_to_le16(queue), .type = type};

	return sluice_run(s, opcode, &args, sizeof(args), NULL, NULL, 0).status;
}

struct sluice_resp_queue sluice_queue_query(QSluice *s, uint8_t type, unsigned queue)
{
	struct sluice_args_queue args = {.queue = cpu_to_le16(queue), .type = type};
	struct sluice_resp_queue resp;

	sluice_cmd(s, SLUICE_OP_QUEUE_QUERY, &args, sizeof(args), NULL, &resp, sizeof(resp));
	return resp;
}

void sluice_queue_config(QSluice *s, QSluiceQueue *q, unsigned queue,
			 struct sluice_queue_config *config)
{
	memset(q, 0, sizeof(*q));
	q->queue = queue;
	q->vector = 1 + queue;
	q->ring.size = SLUICE_RING;
	q->cpl.size = SLUICE_RING;
	q->ring.base = sluice_alloc(s, SLUICE_RING * sizeof(struct sluice_tx_desc));
	q->cpl.base = sluice_alloc(s, SLUICE_RING * sizeof(struct sluice_tx_cpl));
	q->buffers = sluice_alloc(s, SLUICE_RING * SLUICE_BUFFER);
	*config = (struct sluice_queue_config){
		.queue = cpu_to_le16(queue),
		.vector = cpu_to_le16(q->vector),
		.ring_base = cpu_to_le64(q->ring.base),
		.cpl_base = cpu_to_le64(q->cpl.base),
		.ring_size = cpu_to_le32(SLUICE_RING),
		.cpl_size = cpu_to_le32(SLUICE_RING),
	};
}

void sluice_rx_create(QSluice *s, QSluiceQueue *q, unsigned queue)
{
	struct sluice_queue_config config;

	sluice_queue_config(s, q, queue, &config);
	config.buffer_size = cpu_to_le32(SLUICE_BUFFER);
	config.headroom = cpu_to_le32(SLUICE_HEADROOM);
	sluice_cmd(s, SLUICE_OP_RX_QUEUE_CREATE, NULL, 0,
		   sluice_attr(NULL, SLUICE_ATTR_QUEUE, &config, sizeof(config)), NULL, 0);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_RX, queue), ==,
			 SLUICE_ST_OK);
}

void sluice_tx_create(QSluice *s, QSluiceQueue *q, unsigned queue)
{
	struct sluice_queue_config config;

	sluice_queue_config(s, q, queue, &config);
	sluice_cmd(s, SLUICE_OP_TX_QUEUE_CREATE, NULL, 0,
		   sluice_attr(NULL, SLUICE_ATTR_QUEUE, &config, sizeof(config)), NULL, 0);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_TX, queue), ==,
			 SLUICE_ST_OK);
}

static uint64_t sluice_ring_slot(const QSluiceRing *ring, size_t entry)
{
	return ring->base + ring->index % ring->size * entry;
}

void sluice_rx_post_at(QSluice *s, QSluiceQueue *q, uint64_t addr, uint32_t id)
{
	struct sluice_rx_desc desc = {.addr = cpu_to_le64(addr), .buffer_id = cpu_to_le32(id)};

	qtest_memwrite(s->qts, sluice_ring_slot(&q->ring, sizeof(desc)), &desc, sizeof(desc));
	q->ring.index++;
	sluice_doorbell(s, q->queue, SLUICE_DB_RX_FREE, q->ring.index);
}

void sluice_rx_post(QSluice *s, QSluiceQueue *q, unsigned n)
{
	while (n--) {
		unsigned slot = q->ring.index % q->ring.size;

		sluice_rx_post_at(s, q, q->buffers + slot * SLUICE_BUFFER, slot);
	}
}

static bool sluice_cpl_ready(QSluice *s, const QSluiceRing *cpl)
{
	uint64_t phase = sluice_ring_slot(cpl, sizeof(struct sluice_rx_cpl)) +
			 offsetof(struct sluice_rx_cpl, phase);

	return (qtest_readb(s->qts, phase) & SLUICE_PHASE) != cpl->index / cpl->size % 2;
}

static void sluice_cpl_wait(QSluice *s, QSluiceRing *cpl, void *entry)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;

	while (!sluice_cpl_ready(s, cpl))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	qtest_memread(s->qts, sluice_ring_slot(cpl, sizeof(struct sluice_rx_cpl)), entry,
		      sizeof(struct sluice_rx_cpl));
	cpl->index++;
}

bool sluice_rx_ready(QSluice *s, QSluiceQueue *q)
{
	return sluice_cpl_ready(s, &q->cpl);
}

void sluice_cpl_doorbell(QSluice *s, QSluiceQueue *q, uint8_t type, bool arm)
{
	sluice_doorbell(s, q->queue, type == SLUICE_QUEUE_RX ? SLUICE_DB_RX_CPL : SLUICE_DB_TX_CPL,
			q->cpl.index | (arm ? SLUICE_DB_ARM : 0));
}

struct sluice_rx_cpl sluice_rx_wait(QSluice *s, QSluiceQueue *q, void *frame)
{
	struct sluice_rx_cpl cpl;

	sluice_cpl_wait(s, &q->cpl, &cpl);
	g_assert_cmpuint(le16_to_cpu(cpl.offset) + le16_to_cpu(cpl.length), <=, SLUICE_BUFFER);
	if (frame) {
		g_assert_cmpuint(le32_to_cpu(cpl.buffer_id), <, q->ring.size);
		qtest_memread(s->qts,
			      q->buffers + le32_to_cpu(cpl.buffer_id) * SLUICE_BUFFER +
				      le16_to_cpu(cpl.offset),
			      frame, le16_to_cpu(cpl.length));
	}
	sluice_cpl_doorbell(s, q, SLUICE_QUEUE_RX, false);
	return cpl;
}

void sluice_tx_desc(QSluice *s, QSluiceQueue *q, const struct sluice_tx_desc *desc)
{
	qtest_memwrite(s->qts, sluice_ring_slot(&q->ring, sizeof(*desc)), desc, sizeof(*desc));
	q->ring.index++;
}

void sluice_tx_kick(QSluice *s, QSluiceQueue *q)
{
	sluice_doorbell(s, q->queue, SLUICE_DB_TX_SUB, q->ring.index);
}

void sluice_tx_frame(QSluice *s, QSluiceQueue *q, const void *frame, uint32_t len)
{
	uint64_t addr = q->buffers + q->ring.index % q->ring.size * SLUICE_BUFFER;
	struct sluice_tx_desc desc = {
		.addr = cpu_to_le64(addr),
		.length = cpu_to_le32(len),
		.flags = cpu_to_le16(SLUICE_TX_LAST),
	};

	g_assert_cmpuint(len, <=, SLUICE_BUFFER);
	qtest_memwrite(s->qts, addr, frame, len);
	sluice_tx_desc(s, q, &desc);
	sluice_tx_kick(s, q);
}

struct sluice_tx_cpl sluice_tx_wait(QSluice *s, QSluiceQueue *q)
{
	struct sluice_tx_cpl cpl;

	sluice_cpl_wait(s, &q->cpl, &cpl);
	sluice_cpl_doorbell(s, q, SLUICE_QUEUE_TX, false);
	return cpl;
}

void sluice_rss_zero(QSluice *s)
{
	__le16 table[SLUICE_RSS_TABLE] = {0};

	sluice_cmd(s, SLUICE_OP_RSS_SET, NULL, 0,
		   sluice_attr(NULL, SLUICE_ATTR_RSS_TABLE, table, sizeof(table)), NULL, 0);
}

void sluice_traffic(QSluice *s, QSluiceQueue *rx, QSluiceQueue *tx)
{
	sluice_rx_create(s, rx, 0);
	sluice_tx_create(s, tx, 0);
	sluice_rss_zero(s);
	sluice_rx_post(s, rx, SLUICE_RING);
	sluice_port_up(s, 0);
}

/* ---- The wire ----------------------------------------------------------------------------- */

void sluice_make_frame(uint8_t *frame, size_t len, uint8_t seed)
{
	static const uint8_t peer[6] = {0x02, 0, 0, 0, 0, 0x01};
	size_t i;

	g_assert_cmpuint(len, >=, 14);
	memcpy(frame, sluice_mac, 6);
	memcpy(frame + 6, peer, 6);
	frame[12] = 0x88; /* the local experimental Ethertype 1 */
	frame[13] = 0xb5;
	for (i = 14; i < len; i++)
		frame[i] = seed + i;
}

void sluice_wire_send(QSluice *s, const void *frame, size_t len)
{
	g_assert_cmpint(send(s->wire, frame, len, 0), ==, (ssize_t)len);
}

size_t sluice_wire_recv(QSluice *s, void *frame, size_t size)
{
	struct pollfd fd = {.fd = s->wire, .events = POLLIN};
	ssize_t len;

	g_assert_cmpint(poll(&fd, 1, SLUICE_PATIENCE / 1000), ==, 1);
	len = recv(s->wire, frame, size, 0);
	g_assert_cmpint(len, >, 0);
	return len;
}

bool sluice_wire_quiet(QSluice *s)
{
	struct pollfd fd = {.fd = s->wire, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}

/* ---- Programs and maps -------------------------------------------------------------------- */

struct bpf_insn sluice_insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	return (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

struct sluice_cmd_cpl sluice_load(QSluice *s, const struct bpf_insn *insns, unsigned n, char *log,
				  uint32_t log_size)
{
	struct sluice_args_prog_load args = {.log_level = cpu_to_le32(log ? 1 : 0)};
	QSluiceAttrs *attrs = sluice_attr(NULL, SLUICE_ATTR_INSNS, insns, n * sizeof(*insns));

	return sluice_run(s, SLUICE_OP_PROG_LOAD, &args, sizeof(args),
			  sluice_attr(attrs, SLUICE_ATTR_NAME, "qtest", 6), log, log_size);
}

uint32_t sluice_load_verdict(QSluice *s, int verdict)
{
	struct bpf_insn insns[] = {
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict),
		sluice_insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	struct sluice_cmd_cpl cpl = sluice_load(s, insns, ARRAY_SIZE(insns), NULL, 0);

	sluice_assert_status(cpl, OK);
	g_assert_cmpuint(cpl.result, >, 0);
	return cpl.result;
}

uint16_t sluice_attach(QSluice *s, uint32_t id)
{
	struct sluice_args_prog args = {.prog_id = cpu_to_le32(id)};

	return sluice_run(s, SLUICE_OP_PROG_ATTACH, &args, sizeof(args), NULL, NULL, 0).status;
}

uint16_t sluice_detach(QSluice *s, uint32_t id)
{
	struct sluice_args_prog args = {.prog_id = cpu_to_le32(id)};

	return sluice_run(s, SLUICE_OP_PROG_DETACH, &args, sizeof(args), NULL, NULL, 0).status;
}

uint32_t sluice_map_create(QSluice *s, uint32_t type, uint32_t key, uint32_t value,
			   uint32_t entries)
{
	struct sluice_args_map_create args = {
		.type = cpu_to_le32(type),
		.key_size = cpu_to_le32(key),
		.value_size = cpu_to_le32(value),
		.max_entries = cpu_to_le32(entries),
	};

	return sluice_cmd(s, SLUICE_OP_MAP_CREATE, &args, sizeof(args), NULL, NULL, 0);
}

struct sluice_cmd_cpl sluice_map_op(QSluice *s, uint16_t opcode, uint32_t map, const void *key,
				    uint32_t key_len, const void *value, uint32_t value_len,
				    void *resp, uint32_t resp_len)
{
	struct sluice_args_map args = {.map_id = cpu_to_le32(map)};
	QSluiceAttrs *attrs = NULL;

	if (key)
		attrs = sluice_attr(attrs, SLUICE_ATTR_KEY, key, key_len);
	if (value)
		attrs = sluice_attr(attrs, SLUICE_ATTR_VALUE, value, value_len);
	return sluice_run(s, opcode, &args, sizeof(args), attrs, resp, resp_len);
}
