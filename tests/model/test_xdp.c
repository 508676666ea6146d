/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Real programs on the receive path: verdicts, moved frames, metadata, budget, replacement. */
#include <netinet/in.h>

#include "scenario.h"

static uint8_t frame[FRAME_MAX];

/* A TCP frame with a right checksum. */
static size_t tcp_frame(unsigned payload)
{
	const struct frame_spec spec = {.ip = 4,
					.src = {66, 9, 149, 187},
					.dst_ip = {161, 142, 100, 80},
					.proto = IPPROTO_TCP,
					.sport = 2794,
					.dport = 1766,
					.payload = payload};

	return frame_build(frame, &spec);
}

static void pass(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);
	struct sluice_rx_cpl cpl;
	uint64_t runs, insns;

	scenario_attach(s, program_verdict(XDP_PASS), 9);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.flags, SLUICE_RX_FIRST | SLUICE_RX_LAST | SLUICE_RX_XDP_RAN);
	assert_int_equal(cpl.length, len);
	assert_int_equal(cpl.rss_hash, 0x51ccc178);
	assert_int_equal(cpl.hash_csum, SLUICE_RX_HASH_TCPV4 | SLUICE_RX_CSUM_L4_OK);
	assert_memory_equal(model_rx_data(&s->rx[0], &cpl), frame, len);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_RUN, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_PASS, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_INSNS, 2);
	nic_program_stats(s->g->nic, 0, &runs, &insns);
	assert_int_equal(runs, 1);
	assert_int_equal(insns, 2);
}

/* What a dropped frame costs the guest: nothing. */
static void expect_untouched(struct scenario *s)
{
	assert_int_equal(s->g->dma_reads, 0);
	assert_int_equal(s->g->dma_writes, 0);
	assert_int_equal(s->g->interrupts[0], 0);
	assert_int_equal(model_query(&s->rx[0]).consumer, 0);
	scenario_no_cpl(&s->rx[0]);
}

static void drop(void **state)
{
	struct scenario *s = *state;

	assert_int_equal(model_consume(&s->rx[0], true), 0);
	scenario_attach(s, program_verdict(XDP_DROP), 9);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DROPPED_XDP);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_DROP, 100);
	expect_untouched(s);
	assert_int_equal(s->g->n_events, 0);
}

static void transmit(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);

	scenario_attach(s, program_verdict(XDP_TX), 9);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_TRANSMITTED);
	assert_int_equal(s->g->n_wire, 1);
	assert_int_equal(s->g->wire[0].len, len);
	assert_memory_equal(s->g->wire[0].bytes, frame, len);
	scenario_expect_stat(s, SLUICE_STAT_XDP_TX_SENT, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_FRAMES, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_BYTES, len);
	s->g->wire_broken = true;
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_TRANSMITTED);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_TX, 2);
	scenario_expect_stat(s, SLUICE_STAT_XDP_TX_DROPPED, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_FRAMES, 1);
	expect_untouched(s);
}

static void verdicts_without_meaning(void **state)
{
	static const uint32_t verdicts[] = {XDP_REDIRECT + 1, 77, 1000, UINT32_MAX};
	struct scenario *s = *state;

	for (unsigned i = 0; i < 4; i++) {
		scenario_attach(s, program_verdict(verdicts[i]), i + 1);
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_ABORTED);
	}
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_ABORTED, 4);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_BAD_VERDICT, 4);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_BUDGET, 0);
	expect_untouched(s);
}

/* Told at the 1st, 2nd, 4th, 8th... abort since the program was attached. */
static void aborts_do_not_flood_the_guest(void **state)
{
	struct scenario *s = *state;
	const struct sluice_event *e = &s->g->events[0];

	scenario_attach(s, program_verdict(XDP_ABORTED), 17);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_ABORTED);
	assert_int_equal(s->g->n_events, 10);
	assert_int_equal(e->type, SLUICE_EVENT_PROG_ABORT);
	assert_int_equal(e->port, 0);
	assert_int_equal(e->arg, 17);
	assert_int_equal(e->arg64, 0);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_ABORTED, 1000);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_BAD_VERDICT, 0);
	scenario_attach(s, program_verdict(XDP_ABORTED), 18);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_ABORTED);
	assert_int_equal(s->g->n_events, 11);
	assert_int_equal(s->g->events[10].arg, 18);
}

static void budget(void **state)
{
	struct scenario *s = *state;

	/* 1 + 2 * 100 + 2 instructions. */
	scenario_attach(s, program_loop(100, 203), 3);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DELIVERED);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_INSNS, 203);
	scenario_attach(s, program_loop(100, 100), 4);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_ABORTED);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_BUDGET, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_ABORTED, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_INSNS, 303);
	assert_int_equal(s->g->n_events, 1);
	assert_int_equal(s->g->events[0].arg, 4);
	/* 100 instructions in, an odd one: the jump is next... */
	assert_int_equal(s->g->events[0].arg64 >> 32, BPFE_ABORT_BUDGET);
	assert_int_equal((uint32_t)s->g->events[0].arg64, 2);
	scenario_attach(s, program_verdict(XDP_PASS), 5);
	assert_int_equal(scenario_receive_seq(s, 2), NIC_RX_DELIVERED);
}

static void program_knows_its_queue(void **state)
{
	struct scenario *s = *state;
	uint16_t table[SLUICE_RSS_TABLE];

	/* DROP + queue: queue 0 drops, queue 1 passes. */
	scenario_attach(s, program_queue_verdict(XDP_DROP), 1);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED_XDP);
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = 1;
	assert_int_equal(nic_rss_set(s->g->nic, 0, NULL, table), 0);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DELIVERED);
	scenario_rx_cpl(&s->rx[1]);
}

static void shrunk_head(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);
	struct sluice_rx_cpl cpl;

	scenario_attach(s, program_adjust_head(10, XDP_PASS), 1);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.offset, 64); /* the payload is where the headroom ends, always */
	assert_int_equal(cpl.length, len - 10);
	assert_memory_equal(model_rx_data(&s->rx[0], &cpl), frame + 10, len - 10);
	/* The hash is of the frame as it came; no IP header is found in what is left. */
	assert_int_equal(cpl.rss_hash, 0x51ccc178);
	assert_int_equal(cpl.hash_csum, SLUICE_RX_HASH_TCPV4 | SLUICE_RX_CSUM_NONE);
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_BYTES, len - 10);
	scenario_expect_stat(s, SLUICE_STAT_RX_WIRE_BYTES, len);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* Grown by the whole headroom, then at its tail, after frames full of other bytes went through:
 * nothing of them may be seen. */
static void growth_shows_no_earlier_frame(void **state)
{
	struct scenario *s = *state;
	struct sluice_rx_cpl cpl;
	uint8_t noise[1500];
	size_t len;

	memset(noise, 0xa5, sizeof(noise));
	memcpy(noise, model_mac, 6);
	scenario_attach(s, program_adjust_head(-(int32_t)BPFE_HEADROOM, XDP_PASS), 1);
	scenario_receive(s, noise, sizeof(noise));
	scenario_rx_cpl(&s->rx[0]);
	len = tcp_frame(5);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.length, len + BPFE_HEADROOM);
	assert_true(all_zero(model_rx_data(&s->rx[0], &cpl), BPFE_HEADROOM));
	assert_memory_equal(model_rx_data(&s->rx[0], &cpl) + BPFE_HEADROOM, frame, len);

	scenario_attach(s, program_adjust_tail(500, XDP_PASS), 2);
	scenario_receive(s, noise, 1000);
	scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.length, len + 500);
	assert_memory_equal(model_rx_data(&s->rx[0], &cpl), frame, len);
	assert_true(all_zero(model_rx_data(&s->rx[0], &cpl) + len, 500));
}

static void one_byte_of_headroom_too_much(void **state)
{
	struct scenario *s = *state;

	scenario_attach(s, program_adjust_head(-(int32_t)BPFE_HEADROOM - 1, XDP_PASS), 1);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_ABORTED);
}

static void grown_beyond_the_buffer(void **state)
{
	struct scenario *s = *state;
	uint8_t large[1522] = {0};

	memcpy(large, model_mac, 6);
	scenario_attach(s, program_adjust_tail(2048 - 64 - 1522, XDP_PASS), 1);
	assert_int_equal(scenario_receive(s, large, sizeof(large)), NIC_RX_DELIVERED);
	scenario_attach(s, program_adjust_tail(2048 - 64 - 1522 + 1, XDP_PASS), 1);
	assert_int_equal(scenario_receive(s, large, sizeof(large)), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_TOO_LONG, 1);
	assert_int_equal(model_query(&s->rx[0]).consumer, 1);
}

static void grown_frame_goes_out(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);

	scenario_attach(s, program_adjust_head(-16, XDP_TX), 1);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_TRANSMITTED);
	assert_int_equal(s->g->wire[0].len, len + 16);
	assert_true(all_zero(s->g->wire[0].bytes, 16));
	assert_memory_equal(s->g->wire[0].bytes + 16, frame, len);
}

static void metadata(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);
	struct sluice_rx_cpl cpl;
	const uint8_t *data;
	uint32_t value;

	scenario_attach(s, program_metadata(0x12345678), 1);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.offset, 64);
	assert_int_equal(cpl.length, len);
	assert_int_equal(cpl.meta_len, 4);
	data = model_rx_data(&s->rx[0], &cpl);
	memcpy(&value, data - 4, sizeof(value));
	assert_int_equal(value, 0x12345678);
	assert_true(all_zero(data - 64, 60));
	assert_memory_equal(data, frame, len);
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_BYTES, len);
	scenario_expect_stat(s, SLUICE_STAT_RX_DMA_BYTES, len + 4 + 32);
	assert_int_equal(s->g->dma_bytes_written, len + 4 + 32);
}

static void metadata_that_does_not_fit_the_headroom(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);
	struct sluice_rx_cpl cpl;

	scenario_attach(s, program_metadata_size(64), 1);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&s->rx[0]).meta_len, 64);
	scenario_attach(s, program_metadata_size(68), 2);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(cpl.meta_len, 0);
	assert_int_equal(cpl.offset, 64);
	assert_memory_equal(model_rx_data(&s->rx[0], &cpl), frame, len);
	scenario_attach(s, program_metadata_size(252), 3);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&s->rx[0]).meta_len, 0);
}

/* The checksum status is of the frame as delivered, whatever the program did to it. */
static void checksum_of_what_is_delivered(void **state)
{
	struct scenario *s = *state;
	size_t len = tcp_frame(50);
	uint8_t original = frame[60]; /* payload */
	struct sluice_rx_cpl cpl;

	scenario_attach(s, program_touch(60), 1);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	cpl = scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(model_rx_data(&s->rx[0], &cpl)[60], (uint8_t)(frame[60] + 1));
	assert_int_equal(cpl.hash_csum, SLUICE_RX_HASH_TCPV4 | SLUICE_RX_CSUM_BAD);
	/* A frame that arrives wrong and is mended by the program. */
	frame[60]--;
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	assert_int_equal(scenario_rx_cpl(&s->rx[0]).hash_csum,
			 SLUICE_RX_HASH_TCPV4 | SLUICE_RX_CSUM_L4_OK);
	scenario_expect_stat(s, SLUICE_STAT_RX_CSUM_BAD, 1);
	/* The caller's frame is not the program's to write. */
	assert_int_equal(frame[60], original - 1);
}

static void runs_also_without_a_queue(void **state)
{
	struct scenario *s = *state;

	scenario_attach(s, program_verdict(XDP_PASS), 1);
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_PASS, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_QUEUE, 1);
}

/* Frames that the port does not take are not shown to the program. */
static void filter_comes_first(void **state)
{
	struct scenario *s = *state;

	scenario_attach(s, program_verdict(XDP_TX), 1);
	tcp_frame(10);
	frame[5] ^= 1;
	assert_int_equal(scenario_receive(s, frame, 64), NIC_RX_DROPPED);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_RUN, 0);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_FILTER, 1);
}

/* Replacement between every frame: each frame is one program's, and the sums say whose. */
static void replaced_between_every_frame(void **state)
{
	static const uint32_t verdicts[] = {XDP_PASS, XDP_DROP, XDP_TX, XDP_ABORTED};
	struct scenario *s = *state;
	struct bpfe_program *progs[4];
	unsigned expected[5] = {0};

	for (unsigned i = 0; i < 4; i++)
		progs[i] = program_verdict(verdicts[i]);
	srandom(11);
	for (uint32_t i = 0; i < 5000; i++) {
		unsigned which = (unsigned)random() % 5;
		struct sluice_rx_cpl cpl;

		assert_int_equal(
			nic_set_program(s->g->nic, 0, which < 4 ? progs[which] : NULL, which + 1),
			0);
		expected[which]++;
		scenario_receive_seq(s, i);
		if (which == 0 || which == 4) {
			cpl = scenario_rx_cpl(&s->rx[0]);
			assert_int_equal(!!(cpl.flags & SLUICE_RX_XDP_RAN), which == 0);
			assert_int_equal(model_rx_post(&s->rx[0], 1), 0);
			assert_int_equal(model_consume(&s->rx[0], false), 0);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		bpfe_program_put(progs[i]);
	scenario_expect_stat(s, SLUICE_STAT_RX_WIRE_FRAMES, 5000);
	scenario_expect_stat(s, SLUICE_STAT_RX_NO_PROGRAM, expected[4]);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_RUN, 5000 - expected[4]);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_PASS, expected[0]);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_DROP, expected[1]);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_TX, expected[2]);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_ABORTED, expected[3]);
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_FRAMES, expected[0] + expected[4]);
}

static const struct CMUnitTest tests[] = {
	SCENARIO(pass),
	SCENARIO(drop),
	SCENARIO(transmit),
	SCENARIO(verdicts_without_meaning),
	SCENARIO(aborts_do_not_flood_the_guest),
	SCENARIO(budget),
	SCENARIO(program_knows_its_queue),
	SCENARIO(shrunk_head),
	SCENARIO(growth_shows_no_earlier_frame),
	SCENARIO(one_byte_of_headroom_too_much),
	SCENARIO(grown_beyond_the_buffer),
	SCENARIO(grown_frame_goes_out),
	SCENARIO(metadata),
	SCENARIO(metadata_that_does_not_fit_the_headroom),
	SCENARIO(checksum_of_what_is_delivered),
	SCENARIO(runs_also_without_a_queue),
	SCENARIO(filter_comes_first),
	SCENARIO(replaced_between_every_frame),
};

SCENARIO_MAIN("xdp", tests)
