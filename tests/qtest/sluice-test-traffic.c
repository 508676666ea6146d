/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames between the wire and guest memory, without a program. */
#include "qemu/osdep.h"
#include "sluice.h"

static void sluice_check_received(QSluice *s, QSluiceQueue *rx, const uint8_t *frame, size_t len)
{
	uint8_t got[SLUICE_BUFFER];
	struct sluice_rx_cpl cpl = sluice_rx_wait(s, rx, got);

	g_assert_cmpmem(got, le16_to_cpu(cpl.length), frame, len);
	g_assert_cmpuint(le16_to_cpu(cpl.offset), ==, SLUICE_HEADROOM);
	g_assert_cmphex(le16_to_cpu(cpl.flags), ==, SLUICE_RX_FIRST | SLUICE_RX_LAST);
	g_assert_cmpuint(cpl.meta_len, ==, 0);
}

static void test_receive(void)
{
	static const size_t lengths[] = {14, 15, 60, 64, 65, 1514, SLUICE_BUFFER - SLUICE_HEADROOM};
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[SLUICE_BUFFER];
	uint64_t bytes = 0;
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		sluice_make_frame(frame, lengths[i], i);
		sluice_wire_send(s, frame, lengths[i]);
		sluice_check_received(s, &rx, frame, lengths[i]);
		bytes += lengths[i];
	}
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, ARRAY_SIZE(lengths));
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_bytes"), ==, bytes);
	g_assert_cmpuint(sluice_stat(s, "rx_no_program"), ==, ARRAY_SIZE(lengths));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* Many laps of every ring: indices run on, phases flip, buffers come back in order. */
static void test_receive_wrap(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[100];
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	for (i = 0; i < 5 * SLUICE_RING + 3; i++) {
		sluice_make_frame(frame, sizeof(frame), i);
		sluice_wire_send(s, frame, sizeof(frame));
		sluice_check_received(s, &rx, frame, sizeof(frame));
		sluice_rx_post(s, &rx, 1);
	}
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, 5 * SLUICE_RING + 3);
	sluice_stop(s);
}

static void test_receive_interrupt(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);

	/* Not armed: a completion, no interrupt. */
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_rx_wait(s, &rx, NULL);
	g_assert_false(sluice_interrupted(s, rx.vector));

	sluice_cpl_doorbell(s, &rx, SLUICE_QUEUE_RX, true);
	g_assert_false(sluice_interrupted(s, rx.vector));
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_interrupt(s, rx.vector);
	/* Once for each arming. */
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_delivered_frames", 3);
	g_assert_false(sluice_interrupted(s, rx.vector));

	/* Arming with completions pending fires at once. */
	sluice_cpl_doorbell(s, &rx, SLUICE_QUEUE_RX, true);
	g_assert_true(sluice_interrupted(s, rx.vector));
	g_assert_cmpuint(sluice_stat(s, "rx_interrupts"), ==, 2);
	sluice_stop(s);
}

/* With pause, frames wait on the wire while there is no buffer: none is lost. */
static void test_pause(void)
{
	QSluice *s = sluice_start(",rx-pause=on", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	for (i = 0; i < SLUICE_RING + 4; i++) {
		sluice_make_frame(frame, sizeof(frame), i);
		sluice_wire_send(s, frame, sizeof(frame));
	}
	for (i = 0; i < SLUICE_RING + 4; i++) {
		sluice_make_frame(frame, sizeof(frame), i);
		sluice_check_received(s, &rx, frame, sizeof(frame));
		sluice_rx_post(s, &rx, 1);
	}
	g_assert_cmpuint(sluice_stat(s, "rx_wire_frames"), ==, SLUICE_RING + 4);
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, SLUICE_RING + 4);
	g_assert_cmpuint(sluice_stat(s, "rx_drop_no_buffer"), ==, 0);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_no_buffer(void)
{
	QSluice *s = sluice_start(",rx-pause=off", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	for (i = 0; i < SLUICE_RING + 4; i++) {
		sluice_wire_send(s, frame, sizeof(frame));
		sluice_wait_stat(s, "rx_wire_frames", i + 1);
	}
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, SLUICE_RING);
	g_assert_cmpuint(sluice_stat(s, "rx_drop_no_buffer"), ==, 4);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_filter(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64], group[6] = {0x01, 0, 0x5e, 0, 0, 7};

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	frame[5] ^= 1; /* somebody else's */
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_drop_filter", 1);
	memset(frame, 0xff, 6);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_check_received(s, &rx, frame, sizeof(frame));

	memcpy(frame, group, 6);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_drop_filter", 2);
	sluice_cmd(s, SLUICE_OP_PORT_FILTER, NULL, 0,
		   sluice_attr(NULL, SLUICE_ATTR_MAC_LIST, group, 6), NULL, 0);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_check_received(s, &rx, frame, sizeof(frame));

	sluice_port_up(s, SLUICE_RX_MODE_PROMISC);
	sluice_make_frame(frame, sizeof(frame), 0);
	frame[5] ^= 1;
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_check_received(s, &rx, frame, sizeof(frame));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_lengths(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[10000];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	sluice_wire_send(s, frame, 13);
	sluice_wait_stat(s, "rx_drop_length", 1);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_drop_length", 2);
	/* A frame for the wire, but not for our buffers. */
	sluice_wire_send(s, frame, 2500);
	sluice_wait_stat(s, "rx_drop_too_long", 1);
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, 0);
	sluice_assert_balanced(s);
	sluice_wire_send(s, frame, 100);
	sluice_check_received(s, &rx, frame, 100);
	sluice_stop(s);
}

static void test_transmit(void)
{
	static const uint32_t lengths[] = {14, 60, 61, 1514, SLUICE_BUFFER};
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[SLUICE_BUFFER], got[SLUICE_BUFFER];
	struct sluice_tx_cpl cpl;
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	for (i = 0; i < 4 * SLUICE_RING + 1; i++) {
		uint32_t len = lengths[i % ARRAY_SIZE(lengths)];

		sluice_make_frame(frame, len, i);
		sluice_tx_frame(s, &tx, frame, len);
		cpl = sluice_tx_wait(s, &tx);
		g_assert_cmpuint(le16_to_cpu(cpl.status), ==, SLUICE_TX_ST_OK);
		g_assert_cmpuint(le32_to_cpu(cpl.sub_index), ==, i + 1);
		g_assert_cmpmem(got, sluice_wire_recv(s, got, sizeof(got)), frame, len);
	}
	g_assert_cmpuint(sluice_stat(s, "tx_guest_sent"), ==, 4 * SLUICE_RING + 1);
	g_assert_cmpuint(sluice_stat(s, "tx_wire_frames"), ==, 4 * SLUICE_RING + 1);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* A frame in several pieces, its checksum filled in. */
static void test_transmit_pieces(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64] = {0}, got[SLUICE_BUFFER];
	struct sluice_tx_desc desc = {0};
	struct sluice_tx_cpl cpl;
	uint32_t sum = 0;
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	frame[20] = frame[21] = 0;
	qtest_memwrite(s->qts, tx.buffers, frame, sizeof(frame));
	for (i = 0; i < 4; i++) {
		desc.addr = cpu_to_le64(tx.buffers + i * 16);
		desc.length = cpu_to_le32(16);
		desc.flags =
			cpu_to_le16((i == 0 ? SLUICE_TX_CSUM : 0) | (i == 3 ? SLUICE_TX_LAST : 0));
		desc.csum_start = cpu_to_le16(14);
		desc.csum_offset = cpu_to_le16(6);
		sluice_tx_desc(s, &tx, &desc);
	}
	sluice_tx_kick(s, &tx);
	cpl = sluice_tx_wait(s, &tx);
	g_assert_cmpuint(le16_to_cpu(cpl.status), ==, SLUICE_TX_ST_OK);
	g_assert_cmpuint(le32_to_cpu(cpl.sub_index), ==, 4);
	g_assert_cmpuint(sluice_wire_recv(s, got, sizeof(got)), ==, sizeof(frame));

	/* RFC 1071: with the checksum in place the sum is all ones. */
	for (i = 14; i < sizeof(frame); i += 2)
		sum += got[i] << 8 | got[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	g_assert_cmphex(sum, ==, 0xffff);
	got[20] = got[21] = 0;
	g_assert_cmpmem(got, sizeof(frame), frame, sizeof(frame));
	sluice_stop(s);
}

static void test_transmit_interrupt(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	sluice_cpl_doorbell(s, &tx, SLUICE_QUEUE_TX, true);
	sluice_tx_frame(s, &tx, frame, sizeof(frame));
	sluice_wait_interrupt(s, tx.vector);
	g_assert_cmpuint(sluice_stat(s, "tx_interrupts"), ==, 1);
	sluice_stop(s);
}

/*
 * A backend that takes nothing: what QEMU may hold is bounded, and what goes beyond is counted as
 * lost on the wire, not as sent.
 */
static void test_backend_full(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	unsigned wire = 0, lost = 0;
	uint64_t received;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	while (!lost) {
		struct sluice_tx_cpl cpl;

		sluice_tx_frame(s, &tx, frame, sizeof(frame));
		cpl = sluice_tx_wait(s, &tx);
		if (le16_to_cpu(cpl.status) == SLUICE_TX_ST_WIRE)
			lost++;
		else
			g_assert_cmpuint(le16_to_cpu(cpl.status), ==, SLUICE_TX_ST_OK);
		wire++;
		g_assert_cmpuint(wire, <, 10000);
	}
	g_assert_cmpuint(sluice_stat(s, "tx_drop_wire"), ==, lost);
	sluice_assert_balanced(s);
	/* All that was called sent is there. */
	for (received = 0; received < wire - lost; received++)
		g_assert_cmpuint(sluice_wire_recv(s, frame, sizeof(frame)), ==, sizeof(frame));
	sluice_assert_alive(s);
	g_assert_true(sluice_wire_quiet(s));
	sluice_stop(s);
}

/* A queue stops, starts over and goes while the other runs. */
static void test_queue_life(void)
{
	QSluice *s = sluice_start(",queues=2", "");
	QSluiceQueue rx, tx, rx1;
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_rx_create(s, &rx1, 1);
	sluice_make_frame(frame, sizeof(frame), 0);

	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_DISABLE, SLUICE_QUEUE_RX, 1), ==,
			 SLUICE_ST_OK);
	g_assert_cmpuint(sluice_queue_query(s, SLUICE_QUEUE_RX, 1).state, ==,
			 SLUICE_QSTATE_DISABLED);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_check_received(s, &rx, frame, sizeof(frame));
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_DESTROY, SLUICE_QUEUE_RX, 1), ==,
			 SLUICE_ST_OK);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_DESTROY, SLUICE_QUEUE_RX, 1), ==,
			 SLUICE_ST_NOT_FOUND);

	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_DISABLE, SLUICE_QUEUE_RX, 0), ==,
			 SLUICE_ST_OK);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_RESET, SLUICE_QUEUE_RX, 0), ==,
			 SLUICE_ST_OK);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_RX, 0), ==,
			 SLUICE_ST_OK);
	qtest_memset(s->qts, rx.cpl.base, 0, SLUICE_RING * sizeof(struct sluice_rx_cpl));
	rx.ring.index = rx.cpl.index = 0;
	sluice_rx_post(s, &rx, SLUICE_RING);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_check_received(s, &rx, frame, sizeof(frame));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* Every store of the device translated by an IOMMU, the publishing one too. */
static void test_iommu(void)
{
	QSluice *s = sluice_start_with(&(QSluiceOptions){.before = "-device intel-iommu"});
	QSluiceQueue rx, tx;
	uint8_t frame[64], got[64];
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	for (i = 0; i < 2 * SLUICE_RING; i++) {
		sluice_make_frame(frame, sizeof(frame), i);
		sluice_wire_send(s, frame, sizeof(frame));
		sluice_check_received(s, &rx, frame, sizeof(frame));
		sluice_rx_post(s, &rx, 1);
		sluice_tx_frame(s, &tx, frame, sizeof(frame));
		sluice_tx_wait(s, &tx);
		g_assert_cmpmem(got, sluice_wire_recv(s, got, sizeof(got)), frame, sizeof(frame));
	}
	sluice_stop(s);
}

/*
 * A backend that answers inside transmit, on the guest's own doorbell: the answer waits until the
 * NIC is done with the question. "Who has 10.0.2.2" to QEMU's user network.
 */
static void test_answer_inside(void)
{
	static const uint8_t question[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56,
		10,   0,    2,    15,   0,    0,    0,    0,    0,    0,    10,   0,    2,    2,
	};
	QSluice *s = sluice_start_with(&(QSluiceOptions){.netdev = "user"});
	QSluiceQueue rx, tx;
	uint8_t answer[SLUICE_BUFFER];
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	for (i = 0; i < 3 * SLUICE_RING; i++) {
		sluice_tx_frame(s, &tx, question, sizeof(question));
		g_assert_cmpuint(le16_to_cpu(sluice_tx_wait(s, &tx).status), ==, SLUICE_TX_ST_OK);
		/* The user network may say more than that. */
		do {
			sluice_rx_wait(s, &rx, answer);
			sluice_rx_post(s, &rx, 1);
		} while (answer[12] != 0x08 || answer[13] != 0x06 || answer[21] != 2);
		g_assert_cmpmem(answer + 28, 4, question + 38, 4);
	}
	sluice_assert_balanced(s);
	sluice_stop(s);
}

void sluice_add_traffic_tests(void)
{
	qtest_add_func("/sluice/traffic/iommu", test_iommu);
	qtest_add_func("/sluice/traffic/answer-inside-transmit", test_answer_inside);
	qtest_add_func("/sluice/traffic/receive", test_receive);
	qtest_add_func("/sluice/traffic/receive-wrap", test_receive_wrap);
	qtest_add_func("/sluice/traffic/receive-interrupt", test_receive_interrupt);
	qtest_add_func("/sluice/traffic/pause", test_pause);
	qtest_add_func("/sluice/traffic/no-buffer", test_no_buffer);
	qtest_add_func("/sluice/traffic/filter", test_filter);
	qtest_add_func("/sluice/traffic/lengths", test_lengths);
	qtest_add_func("/sluice/traffic/transmit", test_transmit);
	qtest_add_func("/sluice/traffic/transmit-pieces", test_transmit_pieces);
	qtest_add_func("/sluice/traffic/transmit-interrupt", test_transmit_interrupt);
	qtest_add_func("/sluice/traffic/backend-full", test_backend_full);
	qtest_add_func("/sluice/traffic/queue-life", test_queue_life);
}
