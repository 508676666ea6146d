/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* rx_pause: the wire waits instead of losing frames, and never waits for nothing. */
#include "scenario.h"

static void fill(struct scenario *s)
{
	for (uint32_t i = 0; i < SCENARIO_ENTRIES; i++) {
		assert_true(nic_can_receive(s->g->nic, 0));
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DELIVERED);
	}
	assert_false(nic_can_receive(s->g->nic, 0));
	assert_int_equal(s->g->resumes[0], 0);
}

static void expect_resumed(struct scenario *s)
{
	assert_int_equal(s->g->resumes[0], 1);
	assert_true(nic_can_receive(s->g->nic, 0));
}

static void without_rx_pause_frames_are_dropped(void **state)
{
	struct scenario *s = *state;

	for (uint32_t i = 0; i <= SCENARIO_ENTRIES; i++) {
		assert_true(nic_can_receive(s->g->nic, 0));
		scenario_receive_seq(s, i);
	}
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_BUFFER, 1);
}

/* A sender that asks first, against a guest slower than it. */
static void no_frame_is_lost(void **state)
{
	struct scenario *s = *state;
	uint32_t sent = 0, seen = 0;
	unsigned pauses = 0;

	while (sent < 1000) {
		struct sluice_rx_cpl cpl;

		if (nic_can_receive(s->g->nic, 0)) {
			assert_int_equal(scenario_receive_seq(s, sent++), NIC_RX_DELIVERED);
			continue;
		}
		pauses++;
		for (unsigned i = 0; i < 5 && model_poll(&s->rx[0], &cpl); i++) {
			uint32_t seq;

			memcpy(&seq, model_rx_data(&s->rx[0], &cpl) + 42, sizeof(seq));
			assert_int_equal(seq, seen++);
			assert_int_equal(model_rx_post(&s->rx[0], 1), 0);
		}
		assert_int_equal(model_consume(&s->rx[0], false), 0);
		assert_int_equal(s->g->resumes[0], pauses);
	}
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_FRAMES, 1000);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_BUFFER, 0);
}

static void buffers_resume(void **state)
{
	struct scenario *s = *state;

	fill(s);
	/* Completions acknowledged, but no buffer: not yet. */
	for (uint32_t i = 0; i < SCENARIO_ENTRIES; i++)
		scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(model_consume(&s->rx[0], true), 0);
	assert_int_equal(s->g->resumes[0], 0);
	assert_int_equal(model_rx_post(&s->rx[0], 1), 0);
	expect_resumed(s);
	assert_int_equal(model_rx_post(&s->rx[0], 1), 0);
	assert_int_equal(s->g->resumes[0], 1);
}

static void room_for_completions_resumes(void **state)
{
	struct scenario *s = *state;

	fill(s);
	assert_int_equal(model_rx_post(&s->rx[0], 4), 0);
	assert_int_equal(s->g->resumes[0], 0);
	scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(model_consume(&s->rx[0], false), 0);
	expect_resumed(s);
}

static void disable_resumes(void **state)
{
	struct scenario *s = *state;

	fill(s);
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 0), 0);
	expect_resumed(s);
}

static void queue_error_resumes(void **state)
{
	struct scenario *s = *state;

	fill(s);
	s->rx[0].producer += 100;
	assert_int_equal(model_submit(&s->rx[0]), 0);
	expect_resumed(s);
}

static void port_down_resumes(void **state)
{
	struct scenario *s = *state;

	fill(s);
	assert_int_equal(nic_port_enable(s->g->nic, 0, false), 0);
	expect_resumed(s);
}

static void link_down_resumes(void **state)
{
	struct scenario *s = *state;

	fill(s);
	nic_set_link(s->g->nic, 0, false, 0);
	expect_resumed(s);
}

static void rss_elsewhere_resumes(void **state)
{
	struct scenario *s = *state;
	uint16_t table[SLUICE_RSS_TABLE];

	fill(s);
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = 1;
	assert_int_equal(nic_rss_set(s->g->nic, 0, NULL, table), 0);
	expect_resumed(s);
}

static void reset_resumes(void **state)
{
	struct scenario *s = *state;

	fill(s);
	nic_reset(s->g->nic);
	expect_resumed(s);
}

static void any_queue_of_the_table_pauses(void **state)
{
	struct scenario *s = *state;
	uint16_t table[SLUICE_RSS_TABLE] = {0};

	table[5] = 1;
	assert_int_equal(nic_rss_set(s->g->nic, 0, NULL, table), 0);
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 1), 0);
	assert_int_equal(nic_queue_reset(s->g->nic, SLUICE_QUEUE_RX, 1), 0);
	assert_true(nic_can_receive(s->g->nic, 0)); /* a queue that is off holds nothing up */
	assert_int_equal(nic_queue_enable(s->g->nic, SLUICE_QUEUE_RX, 1), 0);
	assert_false(nic_can_receive(s->g->nic, 0));
}

#define PAUSE(fn) cmocka_unit_test_setup_teardown(fn, scenario_set_up_pause, scenario_tear_down)

static const struct CMUnitTest tests[] = {
	SCENARIO(without_rx_pause_frames_are_dropped),
	PAUSE(no_frame_is_lost),
	PAUSE(buffers_resume),
	PAUSE(room_for_completions_resumes),
	PAUSE(disable_resumes),
	PAUSE(queue_error_resumes),
	PAUSE(port_down_resumes),
	PAUSE(link_down_resumes),
	PAUSE(rss_elsewhere_resumes),
	PAUSE(reset_resumes),
	PAUSE(any_queue_of_the_table_pauses),
};

SCENARIO_MAIN("pause", tests)
