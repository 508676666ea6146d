/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Save and load: the guest goes on as if nothing had happened, and no blob can hurt. */
#include "scenario.h"

struct blob {
	uint8_t *bytes;
	size_t size;
};

static struct blob save(struct nic *nic)
{
	struct blob b = {.size = nic_save_size(nic)};

	b.bytes = malloc(b.size);
	assert_non_null(b.bytes);
	assert_int_equal(nic_save(nic, b.bytes, b.size), b.size);
	return b;
}

/* A second NIC of the same shape, over the same guest memory. */
static struct nic *other_nic(struct scenario *s, unsigned pairs)
{
	struct nic_config config = *nic_get_config(s->g->nic);
	struct nic *nic;

	config.n_queue_pairs = pairs;
	assert_int_equal(nic_create(&config, &model_host_ops, s->g, &nic), 0);
	return nic;
}

/* Something of everything: half-used rings, an error, filters, RSS, counters. */
static void busy_nic(struct scenario *s)
{
	static const uint8_t groups[2][6] = {{1, 2, 3}, {3, 2, 1}};
	uint16_t table[SLUICE_RSS_TABLE];
	uint8_t key[SLUICE_RSS_KEY], frame[FRAME_MAX];

	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DELIVERED);
	for (unsigned i = 0; i < 3; i++)
		scenario_rx_cpl(&s->rx[0]);
	assert_int_equal(model_consume(&s->rx[0], false), 0);
	assert_int_equal(model_rx_post(&s->rx[0], 3), 0);
	model_tx_frame(&s->tx[0], frame, (uint32_t)frame_udp(frame, 50, 1));
	assert_int_equal(model_submit(&s->tx[0]), 0);
	assert_int_equal(model_consume(&s->tx[1], true), 0);
	s->rx[1].producer += 99;
	assert_int_equal(model_submit(&s->rx[1]), 0);
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = i % 3 == 1;
	memset(key, 0x5c, sizeof(key));
	assert_int_equal(nic_rss_set(s->g->nic, 0, key, table), 0);
	assert_int_equal(nic_port_set_multicast(s->g->nic, 0, groups, 2), 0);
	assert_int_equal(nic_port_set_mtu(s->g->nic, 0, 2000), 0);
	assert_int_equal(nic_port_set_rx_mode(s->g->nic, 0, SLUICE_RX_MODE_ALLMULTI), 0);
}

static void round_trip(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 2);
	struct blob a, b;

	busy_nic(s);
	a = save(s->g->nic);
	assert_int_equal(nic_load(other, a.bytes, a.size), 0);
	b = save(other);
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.bytes, b.bytes, a.size);
	free(a.bytes);
	free(b.bytes);
	nic_destroy(other);
}

static void the_guest_goes_on(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 2), *old = s->g->nic;
	struct blob b;

	assert_int_equal(model_consume(&s->rx[0], true), 0);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t seq;
		struct sluice_rx_cpl cpl;

		b = save(s->g->nic);
		assert_int_equal(nic_load(other, b.bytes, b.size), 0);
		free(b.bytes);
		s->g->nic = other;
		other = old;
		old = s->g->nic;
		assert_int_equal(scenario_receive_seq(s, i), NIC_RX_DELIVERED);
		assert_int_equal(s->g->interrupts[0], i + 1);
		cpl = scenario_rx_cpl(&s->rx[0]);
		memcpy(&seq, model_rx_data(&s->rx[0], &cpl) + 42, sizeof(seq));
		assert_int_equal(seq, i);
		assert_int_equal(model_rx_post(&s->rx[0], 1), 0);
		assert_int_equal(model_consume(&s->rx[0], true), 0);
	}
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_FRAMES, 20);
	nic_destroy(other);
}

static void transmit_work_goes_on(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 2), *old = s->g->nic;
	struct model_queue q;
	uint8_t frame[FRAME_MAX];
	uint32_t len = (uint32_t)frame_udp(frame, 50, 1);
	struct blob b;

	assert_int_equal(nic_queue_disable(old, SLUICE_QUEUE_TX, 0), 0);
	assert_int_equal(nic_queue_destroy(old, SLUICE_QUEUE_TX, 0), 0);
	model_queue_layout(&q, s->g, SLUICE_QUEUE_TX, 0, 512);
	assert_int_equal(model_queue_open(&q), 0);
	for (unsigned i = 0; i < 500; i++)
		model_tx_frame(&q, frame, len);
	assert_int_equal(model_submit(&q), 0);
	assert_true(s->g->n_wire < 500);
	b = save(old);
	s->g->schedules = 0;
	assert_int_equal(nic_load(other, b.bytes, b.size), 0);
	assert_int_equal(s->g->schedules, 1);
	while (nic_process(other))
		;
	assert_int_equal(s->g->n_wire, 500);
	free(b.bytes);
	nic_destroy(other);
}

static void the_buffer_must_be_large_enough(void **state)
{
	struct scenario *s = *state;
	uint8_t small[16];

	assert_int_equal(nic_save(s->g->nic, small, sizeof(small)), -ENOSPC);
	assert_int_equal(nic_save(s->g->nic, NULL, 0), -ENOSPC);
}

/* Refused: the NIC is as after a reset, and its carrier as before. */
static void expect_refused(struct nic *nic, const uint8_t *bytes, size_t size)
{
	struct sluice_resp_port port;
	struct sluice_resp_queue queue;

	assert_int_equal(nic_load(nic, bytes, size), -EINVAL);
	assert_int_equal(nic_port_query(nic, 0, &port), 0);
	assert_int_equal(port.enabled, 0);
	assert_int_equal(port.link, 1);
	assert_int_equal(port.speed, 10000);
	assert_int_equal(port.mtu, 1500);
	assert_int_equal(nic_queue_query(nic, SLUICE_QUEUE_RX, 0, &queue), -ENOENT);
}

static void every_wrong_length(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 2);
	struct blob b;

	busy_nic(s);
	b = save(s->g->nic);
	for (size_t size = 0; size < b.size; size += 1 + size / 50)
		expect_refused(other, b.bytes, size);
	b.bytes = realloc(b.bytes, b.size + 1);
	assert_non_null(b.bytes);
	b.bytes[b.size] = 0;
	expect_refused(other, b.bytes, b.size + 1);
	free(b.bytes);
	nic_destroy(other);
}

static void another_shape_is_refused(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 3);
	struct blob b = save(s->g->nic);

	expect_refused(other, b.bytes, b.size);
	free(b.bytes);
	nic_destroy(other);
}

/* A queue's record in the place of another's. */
static void misplaced_queue(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 2), *larger = other_nic(s, 3);
	size_t record = (nic_save_size(larger) - nic_save_size(other)) / 2;
	struct blob b = save(s->g->nic);
	uint8_t *rx0 = b.bytes + b.size - 4 * record, *rx1 = rx0 + 2 * record;

	assert_int_equal(nic_load(other, b.bytes, b.size), 0);
	memcpy(rx0, rx1, record);
	expect_refused(other, b.bytes, b.size);
	free(b.bytes);
	nic_destroy(other);
	nic_destroy(larger);
}

/* Push a few frames and doorbells through whatever a blob made of the NIC. */
static void exercise(struct scenario *s, struct nic *nic)
{
	uint8_t frame[FRAME_MAX];
	size_t len = frame_udp(frame, 100, 1);

	nic_port_enable(nic, 0, true);
	for (unsigned i = 0; i < 8; i++) {
		if (nic_can_receive(nic, 0))
			nic_receive(nic, 0, frame, len);
		nic_doorbell(nic, (uint64_t)(i % 2) * SLUICE_DOORBELL_PAGE + i / 2 * 8u, i * 3, 8);
		nic_process(nic);
	}
	nic_queue_disable(nic, SLUICE_QUEUE_TX, 0);
	nic_queue_disable(nic, SLUICE_QUEUE_RX, 1);
}

/* Bytes changed at random: refused, or taken and then harmless. */
static void corrupted_blobs(void **state)
{
	struct scenario *s = *state;
	struct nic *other = other_nic(s, 2);
	unsigned seed = 4711, accepted = 0, refused = 0;
	struct blob good;
	uint8_t *bytes;

	busy_nic(s);
	good = save(s->g->nic);
	bytes = malloc(good.size);
	assert_non_null(bytes);
	srandom(seed);
	for (unsigned round = 0; round < 6000; round++) {
		const char *why;
		uint64_t stats[SLUICE_N_PORT_STATS];
		unsigned changes = 1 + (unsigned)random() % 3;

		memcpy(bytes, good.bytes, good.size);
		for (unsigned i = 0; i < changes; i++)
			bytes[(size_t)random() % good.size] = (uint8_t)random();
		if (nic_load(other, bytes, good.size)) {
			refused++;
			continue;
		}
		accepted++;
		exercise(s, other);
		nic_port_stats(other, 0, stats);
		if (!nic_port_stats_balance(stats, &why))
			fail_msg("seed %u round %u: %s", seed, round, why);
	}
	/* Both kinds must have occurred, else nothing was tried. */
	assert_true(accepted > 300);
	assert_true(refused > 300);
	free(bytes);
	free(good.bytes);
	nic_destroy(other);
}

static const struct CMUnitTest tests[] = {
	SCENARIO(round_trip),
	SCENARIO(the_guest_goes_on),
	SCENARIO(transmit_work_goes_on),
	SCENARIO(the_buffer_must_be_large_enough),
	SCENARIO(every_wrong_length),
	SCENARIO(another_shape_is_refused),
	SCENARIO(misplaced_queue),
	SCENARIO(corrupted_blobs),
};

SCENARIO_MAIN("snapshot", tests)
