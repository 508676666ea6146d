/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include "model_guest.h"

struct bench {
	struct model_guest *g;
	struct model_queue rx, tx;
};

static int set_up(void **state)
{
	static struct bench b;

	b.g = model_guest_new();
	model_guest_start(b.g, 2, 2, false);
	model_queue_layout(&b.rx, b.g, SLUICE_QUEUE_RX, 0, 8);
	model_queue_layout(&b.tx, b.g, SLUICE_QUEUE_TX, 0, 8);
	assert_int_equal(model_queue_open(&b.rx), 0);
	assert_int_equal(model_queue_open(&b.tx), 0);
	*state = &b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	model_guest_free(b->g);
	return 0;
}

/* Refused: -EINVAL, and no queue any the wiser. */
static void refused(struct bench *b, uint64_t offset, uint64_t value, unsigned size)
{
	assert_int_equal(nic_doorbell(b->g->nic, offset, value, size), -EINVAL);
	assert_int_equal(model_query(&b->rx).state, SLUICE_QSTATE_ENABLED);
	assert_int_equal(model_query(&b->rx).producer, 0);
	assert_int_equal(model_query(&b->tx).state, SLUICE_QSTATE_ENABLED);
	assert_int_equal(model_query(&b->tx).producer, 0);
}

static void wild_accesses(void **state)
{
	struct bench *b = *state;

	for (unsigned size = 0; size < 8; size++)
		refused(b, SLUICE_DB_RX_FREE, 1, size);
	refused(b, 0x04, 1, 8);
	refused(b, 0x01, 1, 8);
	refused(b, 0x20, 1, 8);
	refused(b, SLUICE_DOORBELL_PAGE - 8, 1, 8);
	refused(b, 2 * SLUICE_DOORBELL_PAGE, 1, 8);
	refused(b, UINT64_MAX, 1, 8);
	refused(b, UINT64_MAX - SLUICE_DOORBELL_PAGE + 1, 1, 8);
	/* Reserved bits, and ARM where it means nothing. */
	refused(b, SLUICE_DB_RX_FREE, 1 | SLUICE_DB_ARM, 8);
	refused(b, SLUICE_DB_TX_SUB, 1 | SLUICE_DB_ARM, 8);
	refused(b, SLUICE_DB_RX_CPL, 1ull << 33, 8);
	refused(b, SLUICE_DB_TX_CPL, 1ull << 63, 8);
	/* The second pair has no queues. */
	refused(b, SLUICE_DOORBELL_PAGE + SLUICE_DB_RX_FREE, 1, 8);
}

static void wild_index(struct bench *b, struct model_queue *q, unsigned doorbell, uint64_t value,
		       const char *why)
{
	unsigned events = b->g->n_events;
	const struct sluice_event *e = &b->g->events[events];
	uint64_t stats[SLUICE_N_QUEUE_STATS];

	assert_int_equal(nic_doorbell(b->g->nic, doorbell, value, 8), 0);
	assert_int_equal(model_query(q).state, SLUICE_QSTATE_ERROR);
	assert_int_equal(model_query(q).error, SLUICE_QERR_BAD_INDEX);
	assert_int_equal(b->g->n_events, events + 1);
	assert_int_equal(e->type, SLUICE_EVENT_QUEUE_ERROR);
	assert_int_equal(e->port, 0);
	assert_int_equal(e->arg, q->type << 16);
	assert_int_equal(e->arg64, SLUICE_QERR_BAD_INDEX);
	assert_int_equal(e->timestamp, b->g->now_ns);
	assert_string_equal(b->g->log, why);
	assert_int_equal(nic_queue_stats(b->g->nic, q->type, 0, stats), 0);
	assert_int_equal(stats[SLUICE_QSTAT_ERRORS], 1);
	/* A failed queue is deaf, and does not tell twice. */
	assert_int_equal(nic_doorbell(b->g->nic, doorbell, value, 8), 0);
	assert_int_equal(b->g->n_events, events + 1);
}

static void indices_outside_the_rings(void **state)
{
	struct bench *b = *state;

	wild_index(b, &b->rx, SLUICE_DB_RX_FREE, 9,
		   "receive queue 0 stopped: its producer doorbell retreats or exceeds the ring");
	wild_index(b, &b->tx, SLUICE_DB_TX_SUB, UINT32_MAX,
		   "transmit queue 0 stopped: its producer doorbell retreats or exceeds the ring");
}

static void completion_indices_ahead_of_the_device(void **state)
{
	struct bench *b = *state;

	wild_index(b, &b->rx, SLUICE_DB_RX_CPL, 1,
		   "receive queue 0 stopped: its completion doorbell retreats or runs ahead of the "
		   "device");
	wild_index(
		b, &b->tx, SLUICE_DB_TX_CPL, UINT32_MAX | SLUICE_DB_ARM,
		"transmit queue 0 stopped: its completion doorbell retreats or runs ahead of the "
		"device");
}

static void counted(void **state)
{
	struct bench *b = *state;
	uint64_t stats[SLUICE_N_QUEUE_STATS];

	assert_int_equal(model_rx_post(&b->rx, 3), 0);
	assert_int_equal(model_consume(&b->rx, true), 0);
	assert_int_equal(nic_queue_stats(b->g->nic, SLUICE_QUEUE_RX, 0, stats), 0);
	assert_int_equal(stats[SLUICE_QSTAT_DOORBELLS], 2);
	assert_int_equal(model_query(&b->rx).producer, 3);
}

/* Buffers may be handed over before the queue is enabled. */
static void disabled_queue_listens(void **state)
{
	struct bench *b = *state;

	assert_int_equal(nic_queue_disable(b->g->nic, SLUICE_QUEUE_RX, 0), 0);
	assert_int_equal(model_rx_post(&b->rx, 3), 0);
	assert_int_equal(model_query(&b->rx).producer, 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wild_accesses),
		TEST(indices_outside_the_rings),
		TEST(completion_indices_ahead_of_the_device),
		TEST(counted),
		TEST(disabled_queue_listens),
	};

	return cmocka_run_group_tests_name("doorbell", tests, NULL, NULL);
}
