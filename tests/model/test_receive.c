/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Frames in, rings out, without a program; and whatever a guest can do wrong with its rings. */
#include <netinet/in.h>

#include "scenario.h"

static void delivered_as_it_came(void **state)
{
	struct scenario *s = *state;
	const struct frame_spec spec = {.ip = 4,
					.src = {66, 9, 149, 187},
					.dst_ip = {161, 142, 100, 80},
					.proto = IPPROTO_TCP,
					.sport = 2794,
					.dport = 1766,
					.payload = 100};
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, &spec);
	struct sluice_rx_cpl cpl;

	s->g->now_ns = 123456789;
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.buffer_id, 0);
	assert_int_equal(cpl.offset, 64);
	assert_int_equal(cpl.length, len);
	assert_int_equal(cpl.rss_hash, 0x51ccc178);
	assert_int_equal(cpl.flags, SLUICE_RX_FIRST | SLUICE_RX_LAST);
	assert_int_equal(cpl.vlan_tci, 0);
	assert_int_equal(cpl.timestamp, 123456789);
	assert_int_equal(cpl.mark, 0);
	assert_int_equal(cpl.meta_len, 0);
	assert_int_equal(cpl.hash_csum, SLUICE_RX_HASH_TCPV4 | SLUICE_RX_CSUM_L4_OK);
	assert_int_equal(cpl.error, SLUICE_RX_ERR_NONE);
	assert_memory_equal(model_rx_data(&s->rx[0], &cpl), frame, len);
	scenario_no_cpl(&s->rx[0]);
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_BYTES, len);
	scenario_expect_stat(s, SLUICE_STAT_RX_DMA_BYTES, len + 32);
	assert_int_equal(s->g->dma_bytes_written, len + 32);
	/* One write each for frame, completion's head and its last word. */
	assert_int_equal(s->g->dma_writes, 3);
}

static void bad_checksum_is_delivered_and_counted(void **state)
{
	struct scenario *s = *state;
	const struct frame_spec spec = {.ip = 6, .proto = IPPROTO_UDP, .payload = 9};
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, &spec);

	frame[len - 1] ^= 1;
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&s->rx[0]).hash_csum,
			 SLUICE_RX_HASH_UDPV6 | SLUICE_RX_CSUM_BAD);
	scenario_expect_stat(s, SLUICE_STAT_RX_CSUM_BAD, 1);
}

static void rss_spreads_over_queues(void **state)
{
	struct scenario *s = *state;
	uint16_t table[SLUICE_RSS_TABLE];
	unsigned expected[2] = {0};

	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = i % 2;
	assert_int_equal(nic_rss_set(s->g->nic, 0, NULL, table), 0);
	for (unsigned i = 0; i < 20; i++) {
		const struct frame_spec spec = {.ip = 4,
						.src = {10, 0, 0, 2},
						.dst_ip = {10, 0, 0, 1},
						.proto = IPPROTO_UDP,
						.sport = (uint16_t)(1000 + i),
						.dport = 53,
						.payload = 4};
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &spec);
		struct sluice_rx_cpl cpl;
		unsigned queue;

		assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
		queue = !model_poll(&s->rx[0], &cpl);
		if (queue)
			cpl = scenario_rx_cpl(&s->rx[1]);
		assert_int_equal(cpl.rss_hash % 2, queue);
		assert_memory_equal(model_rx_data(&s->rx[queue], &cpl), frame, len);
		expected[queue]++;
		assert_int_equal(model_rx_post(&s->rx[queue], 1), 0);
		assert_int_equal(model_consume(&s->rx[queue], false), 0);
	}
	/* Twenty flows that all hash to one parity would be a broken hash. */
	assert_true(expected[0] > 0 && expected[1] > 0);
}

static void many_laps(void **state)
{
	struct scenario *s = *state;

	for (uint32_t seq = 0; seq < 5 * SCENARIO_ENTRIES + 3; seq++) {
		struct sluice_rx_cpl cpl;
		uint32_t seen;

		assert_int_equal(scenario_receive_seq(s, seq), NIC_RX_DELIVERED);
		cpl = scenario_rx_cpl(&s->rx[0]);
		assert_int_equal(cpl.buffer_id, seq % SCENARIO_ENTRIES);
		memcpy(&seen, model_rx_data(&s->rx[0], &cpl) + 42, sizeof(seen));
		assert_int_equal(seen, seq);
		scenario_no_cpl(&s->rx[0]);
		assert_int_equal(model_consume(&s->rx[0], false), 0);
		assert_int_equal(model_rx_post(&s->rx[0], 1), 0);
	}
}

static void no_buffer(void **state)
{
	struct scenario *s = *state;
	uint64_t stats[SLUICE_N_QUEUE_STATS];
	unsigned reads;

	for (uint32_t i = 0; i < SCENARIO_ENTRIES; i++)
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DELIVERED);
	reads = s->g->dma_reads + s->g->dma_writes;
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DROPPED);
	assert_int_equal(s->g->dma_reads + s->g->dma_writes, reads);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_BUFFER, 3);
	assert_int_equal(nic_queue_stats(s->g->nic, SLUICE_QUEUE_RX, 0, stats), 0);
	assert_int_equal(stats[SLUICE_QSTAT_NO_BUFFER], 3);
	assert_int_equal(stats[SLUICE_QSTAT_FRAMES], SCENARIO_ENTRIES);
}

/* A driver that gives back buffers without acknowledging completions fills the completion ring. */
static void full_completion_ring_drops_instead_of_overwriting(void **state)
{
	struct scenario *s = *state;

	for (uint32_t i = 0; i < SCENARIO_ENTRIES; i++)
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DELIVERED);
	assert_int_equal(model_rx_post(&s->rx[0], SCENARIO_ENTRIES), 0);
	assert_int_equal(scenario_receive_seq(s, 99), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_BUFFER, 1);
	assert_int_equal(model_query(&s->rx[0]).state, SLUICE_QSTATE_ENABLED);
	for (uint32_t i = 0; i < SCENARIO_ENTRIES; i++)
		assert_int_equal(scenario_rx_cpl(&s->rx[0]).buffer_id, i);
	assert_int_equal(model_consume(&s->rx[0], false), 0);
	assert_int_equal(scenario_receive_seq(s, 100), NIC_RX_DELIVERED);
}

static void no_queue(void **state)
{
	struct scenario *s = *state;

	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	assert_int_equal(nic_queue_destroy(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_QUEUE, 2);
}

static void buffer_must_hold_the_frame(void **state)
{
	struct scenario *s = *state;
	struct model_queue q;
	uint8_t frame[FRAME_MAX];
	uint16_t table[SLUICE_RSS_TABLE] = {0};

	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(nic_queue_destroy(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	model_queue_layout(&q, s->g, SLUICE_QUEUE_RX, 0, 8);
	q.config.buffer_size = 512;
	q.config.headroom = 100;
	assert_int_equal(model_queue_open(&q), 0);
	assert_int_equal(model_rx_post(&q, 1), 0);
	assert_int_equal(nic_rss_set(s->g->nic, 0, NULL, table), 0);
	assert_int_equal(scenario_receive(s, frame, frame_udp(frame, 413 - 42, 0)), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_TOO_LONG, 1);
	/* The buffer is still there. */
	assert_int_equal(scenario_receive(s, frame, frame_udp(frame, 412 - 42, 0)),
			 NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&q).length, 412);
}

static void interrupts(void **state)
{
	struct scenario *s = *state;

	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DELIVERED);
	assert_int_equal(s->g->interrupts[0], 0); /* not armed yet */
	scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(model_consume(&s->rx[0], true), 0);
	assert_int_equal(s->g->interrupts[0], 0);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DELIVERED);
	assert_int_equal(scenario_receive_seq(s, 2), NIC_RX_DELIVERED);
	assert_int_equal(s->g->interrupts[0], 1);
	/* Arming with a completion not yet seen fires at once. */
	scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(model_consume(&s->rx[0], true), 0);
	assert_int_equal(s->g->interrupts[0], 2);
	assert_int_equal(s->g->interrupts[1], 0);
	scenario_expect_stat(s, SLUICE_STAT_RX_INTERRUPTS, 2);
}

static void descriptor_ring_unreadable(void **state)
{
	struct scenario *s = *state;

	s->g->dma_fail_at = 1;
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_DMA, 1);
	scenario_expect_failed(&s->rx[0], SLUICE_QERR_RING_DMA, 0);
	assert_string_equal(s->g->log,
			    "receive queue 0 stopped: its descriptor ring cannot be read");
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_QUEUE, 1);
	/* After a reset it works again. */
	assert_int_equal(nic_queue_reset(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(nic_queue_enable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	s->rx[0].producer = 0;
	assert_int_equal(model_rx_post(&s->rx[0], 4), 0);
	assert_int_equal(scenario_receive_seq(s, 2), NIC_RX_DELIVERED);
	scenario_rx_cpl(&s->rx[0]);
}

static void payload_unwritable(void **state)
{
	struct scenario *s = *state;
	struct sluice_rx_cpl cpl;

	s->g->dma_fail_at = 2;
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.flags, SLUICE_RX_FIRST | SLUICE_RX_LAST | SLUICE_RX_ERROR);
	assert_int_equal(cpl.error, SLUICE_RX_ERR_DMA);
	assert_int_equal(cpl.length, 0);
	assert_int_equal(cpl.buffer_id, 0);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_DMA, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_DMA_BYTES, 32);
	assert_int_equal(s->g->n_events, 0);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&s->rx[0]).buffer_id, 1);
}

/* Both writes of a completion: nothing must look like one afterwards. */
static void completion_unwritable(void **state)
{
	struct scenario *s = *state;

	s->g->dma_fail_at = 3;
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	scenario_expect_failed(&s->rx[0], SLUICE_QERR_CPL_DMA, 0);
	scenario_no_cpl(&s->rx[0]);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_DMA, 1);
}

static void completion_unpublishable(void **state)
{
	struct scenario *s = *state;

	s->g->dma_fail_at = 4;
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	scenario_expect_failed(&s->rx[0], SLUICE_QERR_CPL_DMA, 0);
	scenario_no_cpl(&s->rx[0]);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_DMA, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_FRAMES, 0);
}

/* Addresses of buffers that are not memory, at its end, and around the end of the address space. */
static void wild_buffers(void **state)
{
	static const uint64_t addrs[] = {
		0,          MODEL_MEMORY_BASE - 65, MODEL_MEMORY_BASE + MODEL_MEMORY_SIZE - 64,
		UINT64_MAX, UINT64_MAX - 63,        UINT64_MAX - 100};
	struct scenario *s = *state;
	unsigned n = sizeof(addrs) / sizeof(addrs[0]);

	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(nic_queue_reset(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(nic_queue_enable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	s->rx[0].producer = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct sluice_rx_desc desc = {.addr = addrs[i], .buffer_id = 0xdead0000 + i};

		model_rx_put(&s->rx[0], &desc);
	}
	assert_int_equal(model_submit(&s->rx[0]), 0);
	for (unsigned i = 0; i < n; i++) {
		unsigned writes = s->g->dma_writes;
		struct sluice_rx_cpl cpl;

		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DROPPED);
		cpl = scenario_rx_cpl(&s->rx[0]);
		/* Not even asked of the host when it would begin again at address 0. */
		assert_int_equal(s->g->dma_writes - writes,
				 addrs[i] > UINT64_MAX - s->rx[0].config.buffer_size ? 2 : 3);
		assert_int_equal(cpl.error, SLUICE_RX_ERR_DMA);
		assert_int_equal(cpl.buffer_id, 0xdead0000 + i);
	}
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_DMA, n);
}

static void reserved_field_of_a_descriptor(void **state)
{
	struct scenario *s = *state;
	struct sluice_rx_desc desc = {.addr = s->rx[0].buffers, .reserved = 1};

	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	memcpy(model_at(s->g, s->rx[0].config.ring_base, sizeof(desc)), &desc, sizeof(desc));
	assert_int_equal(nic_queue_enable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_DMA, 1);
	scenario_expect_failed(&s->rx[0], SLUICE_QERR_BAD_DESC, 0);
	assert_string_equal(s->g->log, "receive queue 0 stopped: a free-buffer descriptor has its "
				       "reserved field set");
}

/* While a queue is off the guest may rewrite its ring; copies made before must not be used. */
static void disable_forgets_copies(void **state)
{
	struct scenario *s = *state;
	struct sluice_rx_desc desc = {.addr = s->rx[0].buffers + 4096, .buffer_id = 77};

	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DELIVERED);
	scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	memcpy(model_at(s->g, s->rx[0].config.ring_base + sizeof(desc), sizeof(desc)), &desc,
	       sizeof(desc));
	assert_int_equal(nic_queue_enable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&s->rx[0]).buffer_id, 77);
}

static void queues_fail_alone(void **state)
{
	struct scenario *s = *state;
	uint16_t table[SLUICE_RSS_TABLE];

	s->g->dma_fail_at = 1;
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = 1;
	assert_int_equal(nic_rss_set(s->g->nic, 0, NULL, table), 0);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DELIVERED);
	scenario_rx_cpl(&s->rx[1]);
	assert_int_equal(model_query(&s->tx[0]).state, SLUICE_QSTATE_ENABLED);
}

static const struct CMUnitTest tests[] = {
	SCENARIO(delivered_as_it_came),
	SCENARIO(bad_checksum_is_delivered_and_counted),
	SCENARIO(rss_spreads_over_queues),
	SCENARIO(many_laps),
	SCENARIO(no_buffer),
	SCENARIO(full_completion_ring_drops_instead_of_overwriting),
	SCENARIO(no_queue),
	SCENARIO(buffer_must_hold_the_frame),
	SCENARIO(interrupts),
	SCENARIO(descriptor_ring_unreadable),
	SCENARIO(payload_unwritable),
	SCENARIO(completion_unwritable),
	SCENARIO(completion_unpublishable),
	SCENARIO(wild_buffers),
	SCENARIO(reserved_field_of_a_descriptor),
	SCENARIO(disable_forgets_copies),
	SCENARIO(queues_fail_alone),
};

SCENARIO_MAIN("receive", tests)
