/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "scenario.h"

static int set_up(void **state, bool rx_pause)
{
	static struct scenario s;

	s.g = model_guest_new();
	model_guest_start(s.g, 2, 2, rx_pause);
	for (unsigned i = 0; i < 2; i++) {
		model_queue_layout(&s.rx[i], s.g, SLUICE_QUEUE_RX, i, SCENARIO_ENTRIES);
		model_queue_layout(&s.tx[i], s.g, SLUICE_QUEUE_TX, i, SCENARIO_ENTRIES);
		assert_int_equal(model_queue_open(&s.rx[i]), 0);
		assert_int_equal(model_queue_open(&s.tx[i]), 0);
		assert_int_equal(model_rx_post(&s.rx[i], SCENARIO_ENTRIES), 0);
	}
	*state = &s;
	return 0;
}

int scenario_set_up(void **state)
{
	return set_up(state, false);
}

int scenario_set_up_pause(void **state)
{
	return set_up(state, true);
}

int scenario_tear_down(void **state)
{
	struct scenario *s = *state;

	model_guest_free(s->g);
	return 0;
}

enum nic_outcome scenario_receive(struct scenario *s, const void *frame, size_t len)
{
	enum nic_outcome outcome = nic_receive(s->g->nic, 0, frame, len);

	assert_null(model_imbalance(s->g));
	return outcome;
}

enum nic_outcome scenario_receive_seq(struct scenario *s, uint32_t seq)
{
	uint8_t frame[FRAME_MAX];

	return scenario_receive(s, frame, frame_udp(frame, 30, seq));
}

struct sluice_rx_cpl scenario_rx_cpl(struct model_queue *q)
{
	struct sluice_rx_cpl cpl;

	assert_true(model_poll(q, &cpl));
	return cpl;
}

struct sluice_tx_cpl scenario_tx_cpl(struct model_queue *q)
{
	struct sluice_tx_cpl cpl;

	assert_true(model_poll(q, &cpl));
	return cpl;
}

void scenario_no_cpl(struct model_queue *q)
{
	struct sluice_rx_cpl cpl;

	assert_false(model_poll(q, &cpl));
}

void scenario_attach(struct scenario *s, struct bpfe_program *prog, uint32_t id)
{
	assert_int_equal(nic_set_program(s->g->nic, 0, prog, id), 0);
	if (prog)
		bpfe_program_put(prog);
}

void scenario_expect_stat(struct scenario *s, enum sluice_port_stat stat, uint64_t expected)
{
	uint64_t value = model_stat(s->g, stat);

	if (value != expected)
		fail_msg("%s is %llu, not %llu", nic_port_stat_name(stat),
			 (unsigned long long)value, (unsigned long long)expected);
}

void scenario_expect_failed(struct model_queue *q, uint16_t error, unsigned event)
{
	const struct sluice_event *e = &q->g->events[event];

	assert_int_equal(model_query(q).state, SLUICE_QSTATE_ERROR);
	assert_int_equal(model_query(q).error, error);
	assert_int_equal(q->g->n_events, event + 1);
	assert_int_equal(e->type, SLUICE_EVENT_QUEUE_ERROR);
	assert_int_equal(e->arg, (uint32_t)q->type << 16 | q->config.queue);
	assert_int_equal(e->arg64, error);
}
