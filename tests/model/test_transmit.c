/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Frames from the guest to the wire, and each way that ends before it. */
#include <netinet/in.h>

#include "scenario.h"

static uint8_t frame[FRAME_MAX];

static void expect_status(struct scenario *s, uint16_t status)
{
	struct sluice_tx_cpl cpl;

	assert_int_equal(model_submit(&s->tx[0]), 0);
	assert_null(model_imbalance(s->g));
	cpl = scenario_tx_cpl(&s->tx[0]);
	assert_int_equal(cpl.status, status);
	assert_int_equal(cpl.sub_index, s->tx[0].producer);
	assert_int_equal(cpl.timestamp, s->g->now_ns);
	scenario_no_cpl(&s->tx[0]);
	assert_int_equal(model_consume(&s->tx[0], false), 0);
}

static void sent_as_it_was(void **state)
{
	struct scenario *s = *state;
	size_t len = frame_udp(frame, 100, 7);

	model_tx_frame(&s->tx[0], frame, (uint32_t)len);
	expect_status(s, SLUICE_TX_ST_OK);
	assert_int_equal(s->g->n_wire, 1);
	assert_int_equal(s->g->wire[0].len, len);
	assert_memory_equal(s->g->wire[0].bytes, frame, len);
	scenario_expect_stat(s, SLUICE_STAT_TX_GUEST_FRAMES, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_FRAMES, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_BYTES, len);
	scenario_expect_stat(s, SLUICE_STAT_TX_DMA_BYTES, len);
}

static void gathered_with_checksum(void **state)
{
	struct scenario *s = *state;
	const struct frame_spec spec = {.ip = 4,
					.src = {10, 0, 0, 2},
					.dst_ip = {10, 0, 0, 1},
					.proto = IPPROTO_TCP,
					.payload = 60};
	size_t len = frame_build(frame, &spec);
	uint64_t at = model_alloc(s->g, len);
	uint8_t *memory = model_at(s->g, at, len), pseudo[12] = {0};
	uint16_t sum;

	memcpy(pseudo, frame + 26, 8);
	pseudo[9] = IPPROTO_TCP;
	pseudo[11] = 80;
	sum = (uint16_t)~frame_checksum(pseudo, sizeof(pseudo), 0);
	memcpy(memory, frame, len);
	memory[50] = (uint8_t)(sum >> 8);
	memory[51] = (uint8_t)sum;
	for (size_t piece = 0; piece < len; piece += 19) {
		const struct sluice_tx_desc desc = {
			.addr = at + piece,
			.length = (uint32_t)(len - piece < 19 ? len - piece : 19),
			.flags = (piece + 19 >= len ? SLUICE_TX_LAST : 0) |
				 (piece ? 0 : SLUICE_TX_CSUM),
			.csum_start = 34,
			.csum_offset = 16,
		};

		model_tx_put(&s->tx[0], &desc);
	}
	expect_status(s, SLUICE_TX_ST_OK);
	assert_int_equal(s->g->wire[0].len, len);
	assert_memory_equal(s->g->wire[0].bytes, frame, len);
}

static void each_refusal(void **state)
{
	struct scenario *s = *state;
	uint32_t len = (uint32_t)frame_udp(frame, 100, 7);
	struct sluice_tx_desc desc = {
		.addr = model_alloc(s->g, 64), .length = 64, .flags = SLUICE_TX_LAST | 0x100};
	unsigned reads;

	model_tx_put(&s->tx[0], &desc);
	expect_status(s, SLUICE_TX_ST_BAD_DESC);
	scenario_expect_stat(s, SLUICE_STAT_TX_DROP_DESC, 1);

	desc.flags = SLUICE_TX_LAST;
	desc.length = NIC_MAX_FRAME + 1;
	model_tx_put(&s->tx[0], &desc);
	expect_status(s, SLUICE_TX_ST_TOO_LONG);
	scenario_expect_stat(s, SLUICE_STAT_TX_DROP_TOO_LONG, 1);

	desc.length = 64;
	desc.addr = 0;
	model_tx_put(&s->tx[0], &desc);
	expect_status(s, SLUICE_TX_ST_DMA);
	desc.addr = UINT64_MAX - 10; /* around the end of the address space: not even tried */
	model_tx_put(&s->tx[0], &desc);
	reads = s->g->dma_reads;
	expect_status(s, SLUICE_TX_ST_DMA);
	assert_int_equal(s->g->dma_reads, reads + 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_DROP_DMA, 2);

	nic_set_link(s->g->nic, 0, false, 0);
	model_tx_frame(&s->tx[0], frame, len);
	expect_status(s, SLUICE_TX_ST_NO_LINK);
	nic_set_link(s->g->nic, 0, true, 10000);
	assert_int_equal(nic_port_enable(s->g->nic, 0, false), 0);
	model_tx_frame(&s->tx[0], frame, len);
	expect_status(s, SLUICE_TX_ST_NO_LINK);
	assert_int_equal(nic_port_enable(s->g->nic, 0, true), 0);
	scenario_expect_stat(s, SLUICE_STAT_TX_DROP_LINK, 2);

	s->g->wire_broken = true;
	model_tx_frame(&s->tx[0], frame, len);
	expect_status(s, SLUICE_TX_ST_WIRE);
	scenario_expect_stat(s, SLUICE_STAT_TX_DROP_WIRE, 1);
	s->g->wire_broken = false;

	model_tx_frame(&s->tx[0], frame, len);
	expect_status(s, SLUICE_TX_ST_OK);
	assert_int_equal(s->g->n_wire, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_GUEST_FRAMES, 8);
	scenario_expect_stat(s, SLUICE_STAT_TX_GUEST_SENT, 1);
}

static void chain_without_end_waits(void **state)
{
	struct scenario *s = *state;
	struct sluice_tx_desc desc = {.addr = model_alloc(s->g, 64), .length = 32};

	model_tx_put(&s->tx[0], &desc);
	assert_int_equal(model_submit(&s->tx[0]), 0);
	scenario_no_cpl(&s->tx[0]);
	scenario_expect_stat(s, SLUICE_STAT_TX_GUEST_FRAMES, 0);
	desc.flags = SLUICE_TX_LAST;
	model_tx_put(&s->tx[0], &desc);
	expect_status(s, SLUICE_TX_ST_OK);
	assert_int_equal(s->g->wire[0].len, 64);
}

static void chain_without_end_in_a_full_ring(void **state)
{
	struct scenario *s = *state;
	const struct sluice_tx_desc desc = {.addr = model_alloc(s->g, 64), .length = 1};

	for (unsigned i = 0; i < SCENARIO_ENTRIES; i++)
		model_tx_put(&s->tx[0], &desc);
	assert_int_equal(model_submit(&s->tx[0]), 0);
	scenario_expect_failed(&s->tx[0], SLUICE_QERR_BAD_DESC, 0);
	assert_null(model_imbalance(s->g));
	scenario_expect_stat(s, SLUICE_STAT_TX_DROP_DESC, 1);
	assert_int_equal(s->g->n_wire, 0);
}

static void rings_unreachable(void **state)
{
	struct scenario *s = *state;
	uint32_t len = (uint32_t)frame_udp(frame, 100, 7);

	model_tx_frame(&s->tx[0], frame, len);
	s->g->dma_fail_at = 1;
	assert_int_equal(model_submit(&s->tx[0]), 0);
	scenario_expect_failed(&s->tx[0], SLUICE_QERR_RING_DMA, 0);
	scenario_expect_stat(s, SLUICE_STAT_TX_GUEST_FRAMES, 0);
	assert_null(model_imbalance(s->g));
	/* Sent, but the guest cannot be told. */
	model_tx_frame(&s->tx[1], frame, len);
	s->g->dma_fail_at = 3;
	assert_int_equal(model_submit(&s->tx[1]), 0);
	scenario_expect_failed(&s->tx[1], SLUICE_QERR_CPL_DMA, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_GUEST_SENT, 1);
	scenario_no_cpl(&s->tx[1]);
	assert_null(model_imbalance(s->g));
}

static void interrupts(void **state)
{
	struct scenario *s = *state;
	uint32_t len = (uint32_t)frame_udp(frame, 10, 7);

	assert_int_equal(model_consume(&s->tx[0], true), 0);
	for (unsigned i = 0; i < 3; i++)
		model_tx_frame(&s->tx[0], frame, len);
	assert_int_equal(model_submit(&s->tx[0]), 0);
	assert_int_equal(s->g->interrupts[0], 1);
	scenario_tx_cpl(&s->tx[0]);
	assert_int_equal(model_consume(&s->tx[0], true), 0);
	assert_int_equal(s->g->interrupts[0], 2);
	scenario_tx_cpl(&s->tx[0]);
	scenario_tx_cpl(&s->tx[0]);
	assert_int_equal(model_consume(&s->tx[0], true), 0);
	assert_int_equal(s->g->interrupts[0], 2);
	scenario_expect_stat(s, SLUICE_STAT_TX_INTERRUPTS, 2);
}

static struct model_queue open_large(struct scenario *s, unsigned entries)
{
	struct model_queue q;

	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_TX, 0), 0);
	assert_int_equal(nic_queue_destroy(s->g->nic, SLUICE_QUEUE_TX, 0), 0);
	model_queue_layout(&q, s->g, SLUICE_QUEUE_TX, 0, entries);
	assert_int_equal(model_queue_open(&q), 0);
	return q;
}

static void put_frames(struct model_queue *q, unsigned n)
{
	uint32_t len = (uint32_t)frame_udp(frame, 10, 7);

	for (unsigned i = 0; i < n; i++)
		model_tx_frame(q, frame, len);
}

/* A doorbell does a bounded amount of work; the rest is done when the host gets round to it. */
static void work_is_sliced(void **state)
{
	struct scenario *s = *state;
	struct model_queue q = open_large(s, 1024);
	unsigned slices = 1;

	put_frames(&q, 1000);
	assert_int_equal(model_submit(&q), 0);
	assert_true(s->g->n_wire > 0 && s->g->n_wire < 1000);
	assert_int_equal(s->g->schedules, 1);
	/* Doorbells meanwhile do not multiply the work. */
	assert_int_equal(model_submit(&q), 0);
	assert_int_equal(s->g->schedules, 1);
	while (nic_process(s->g->nic))
		slices++;
	assert_int_equal(s->g->schedules, slices);
	assert_int_equal(s->g->n_wire, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(scenario_tx_cpl(&q).sub_index, i + 1);
	assert_false(nic_process(s->g->nic));
	assert_null(model_imbalance(s->g));
}

/* Passing over what can never be a frame is work like any other. */
static void long_chain_is_sliced(void **state)
{
	struct scenario *s = *state;
	struct model_queue q = open_large(s, 1024);
	struct sluice_tx_desc desc = {.addr = model_alloc(s->g, 64), .length = 1};

	for (unsigned i = 0; i < 999; i++)
		model_tx_put(&q, &desc);
	desc.flags = SLUICE_TX_LAST;
	model_tx_put(&q, &desc);
	assert_int_equal(model_submit(&q), 0);
	assert_int_equal(s->g->schedules, 1);
	assert_true(model_query(&q).consumer < 500);
	while (nic_process(s->g->nic))
		;
	assert_int_equal(model_query(&q).consumer, 1000);
	assert_int_equal(scenario_tx_cpl(&q).status, SLUICE_TX_ST_TOO_LONG);
	assert_null(model_imbalance(s->g));
}

static void disable_drains(void **state)
{
	struct scenario *s = *state;
	struct model_queue q = open_large(s, 1024);

	put_frames(&q, 1000);
	assert_int_equal(model_submit(&q), 0);
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_TX, 0), 0);
	assert_int_equal(s->g->n_wire, 1000);
	assert_int_equal(model_query(&q).state, SLUICE_QSTATE_DISABLED);
	assert_int_equal(model_query(&q).consumer, 1000);
	assert_false(nic_process(s->g->nic));
}

static void failure_while_draining(void **state)
{
	struct scenario *s = *state;
	struct model_queue q = open_large(s, 1024);

	put_frames(&q, 1000);
	assert_int_equal(model_submit(&q), 0);
	s->g->dma_off = true;
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_TX, 0), 0);
	assert_int_equal(model_query(&q).state, SLUICE_QSTATE_ERROR);
	assert_null(model_imbalance(s->g));
	assert_false(nic_process(s->g->nic));
}

/* Frames handed over while a queue is off are sent when it is switched on. */
static void enable_serves_what_waits(void **state)
{
	struct scenario *s = *state;

	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_TX, 0), 0);
	put_frames(&s->tx[0], 3);
	assert_int_equal(model_submit(&s->tx[0]), 0);
	assert_int_equal(s->g->n_wire, 0);
	assert_int_equal(nic_queue_enable(s->g->nic, SLUICE_QUEUE_TX, 0), 0);
	assert_int_equal(s->g->n_wire, 3);
}

static void full_completion_ring_waits(void **state)
{
	struct scenario *s = *state;

	put_frames(&s->tx[0], SCENARIO_ENTRIES);
	assert_int_equal(model_submit(&s->tx[0]), 0);
	put_frames(&s->tx[0], 4);
	assert_int_equal(model_submit(&s->tx[0]), 0);
	assert_int_equal(s->g->n_wire, SCENARIO_ENTRIES);
	for (unsigned i = 0; i < SCENARIO_ENTRIES; i++)
		assert_int_equal(scenario_tx_cpl(&s->tx[0]).sub_index, i + 1);
	assert_int_equal(model_consume(&s->tx[0], false), 0);
	assert_int_equal(s->g->n_wire, SCENARIO_ENTRIES + 4);
	assert_int_equal(scenario_tx_cpl(&s->tx[0]).sub_index, SCENARIO_ENTRIES + 1);
}

static const struct CMUnitTest tests[] = {
	SCENARIO(sent_as_it_was),
	SCENARIO(gathered_with_checksum),
	SCENARIO(each_refusal),
	SCENARIO(chain_without_end_waits),
	SCENARIO(chain_without_end_in_a_full_ring),
	SCENARIO(rings_unreachable),
	SCENARIO(interrupts),
	SCENARIO(work_is_sliced),
	SCENARIO(long_chain_is_sliced),
	SCENARIO(disable_drains),
	SCENARIO(failure_while_draining),
	SCENARIO(enable_serves_what_waits),
	SCENARIO(full_completion_ring_waits),
};

SCENARIO_MAIN("transmit", tests)
