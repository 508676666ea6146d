/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include "model_guest.h"

static int set_up(void **state)
{
	struct model_guest *g = model_guest_new();

	model_guest_start(g, 2, 2, false);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	model_guest_free(*state);
	return 0;
}

static void life_of_a_queue(void **state)
{
	struct model_guest *g = *state;

	for (uint8_t type = SLUICE_QUEUE_RX; type <= SLUICE_QUEUE_TX; type++) {
		struct model_queue q;
		struct sluice_resp_queue resp;

		model_queue_layout(&q, g, type, 1, 16);
		assert_int_equal(nic_queue_query(g->nic, type, 1, &resp), -ENOENT);
		assert_int_equal(nic_queue_enable(g->nic, type, 1), -ENOENT);
		assert_int_equal(nic_queue_destroy(g->nic, type, 1), -ENOENT);
		assert_int_equal(nic_queue_create(g->nic, type, &q.config), 0);
		assert_int_equal(nic_queue_create(g->nic, type, &q.config), -EEXIST);
		assert_int_equal(model_query(&q).state, SLUICE_QSTATE_DISABLED);
		assert_int_equal(model_query(&q).type, type);
		assert_int_equal(nic_queue_disable(g->nic, type, 1), -EBUSY);
		assert_int_equal(nic_queue_enable(g->nic, type, 1), 0);
		assert_int_equal(model_query(&q).state, SLUICE_QSTATE_ENABLED);
		assert_int_equal(nic_queue_enable(g->nic, type, 1), -EBUSY);
		assert_int_equal(nic_queue_reset(g->nic, type, 1), -EBUSY);
		assert_int_equal(nic_queue_destroy(g->nic, type, 1), -EBUSY);
		assert_int_equal(nic_queue_disable(g->nic, type, 1), 0);
		assert_int_equal(nic_queue_reset(g->nic, type, 1), 0);
		assert_int_equal(nic_queue_destroy(g->nic, type, 1), 0);
		assert_int_equal(nic_queue_query(g->nic, type, 1, &resp), -ENOENT);
		assert_int_equal(nic_queue_query(g->nic, type, 2, &resp), -EINVAL);
	}
	assert_int_equal(nic_queue_enable(g->nic, 0, 0), -EINVAL);
	assert_int_equal(nic_queue_enable(g->nic, 3, 0), -EINVAL);
}

/* Each field at and beyond its limits; what is refused leaves no queue. */
static void expect_create(struct model_guest *g, uint8_t type,
			  const struct sluice_queue_config *config, int expected)
{
	int ret = nic_queue_create(g->nic, type, config);

	assert_int_equal(ret, expected);
	if (!ret)
		assert_int_equal(nic_queue_destroy(g->nic, type, config->queue), 0);
}

static void receive_limits(void **state)
{
	static const struct {
		size_t offset, size;
		uint64_t value;
		int expected;
	} cases[] = {
#define FIELD(f) \
	offsetof(struct sluice_queue_config, f), sizeof(((struct sluice_queue_config *)0)->f)
		{FIELD(queue), 2, -EINVAL},
		{FIELD(queue), 0xffff, -EINVAL},
		{FIELD(queue), 0, 0},
		{FIELD(vector), 2, -EINVAL},
		{FIELD(vector), 0, 0},
		{FIELD(flags), 1, -EINVAL},
		{FIELD(ring_base), 32, -EINVAL},
		{FIELD(ring_base), UINT64_MAX - 63, -EINVAL},
		{FIELD(ring_base), 64, 0},
		{FIELD(cpl_base), 1, -EINVAL},
		{FIELD(cpl_base), UINT64_MAX - 63, -EINVAL},
		{FIELD(ring_size), 0, -EINVAL},
		{FIELD(ring_size), 4, -EINVAL},
		{FIELD(ring_size), 8, 0},
		{FIELD(ring_size), 12, -EINVAL},
		{FIELD(ring_size), 32, -EINVAL}, /* larger than the completion ring */
		{FIELD(ring_size), 0x80000000u, -EINVAL},
		{FIELD(cpl_size), 8, -EINVAL},
		{FIELD(cpl_size), 24, -EINVAL},
		{FIELD(cpl_size), NIC_MAX_CPL, 0},
		{FIELD(cpl_size), NIC_MAX_CPL * 2, -EINVAL},
		{FIELD(buffer_size), NIC_MIN_BUFFER - 1, -EINVAL},
		{FIELD(buffer_size), NIC_MIN_BUFFER, 0},
		{FIELD(buffer_size), NIC_MAX_BUFFER, 0},
		{FIELD(buffer_size), NIC_MAX_BUFFER + 1, -EINVAL},
		{FIELD(headroom), NIC_MAX_HEADROOM, 0},
		{FIELD(headroom), NIC_MAX_HEADROOM + 1, -EINVAL},
		{FIELD(ring2_base), 64, -EINVAL},
		{FIELD(ring2_size), 8, -EINVAL},
		{FIELD(buffer2_size), 256, -EINVAL},
		{FIELD(coalesce_usecs), 1, -EINVAL},
		{FIELD(coalesce_frames), 1, -EINVAL},
#undef FIELD
	};
	struct model_guest *g = *state;
	struct model_queue q;

	model_queue_layout(&q, g, SLUICE_QUEUE_RX, 1, 16);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sluice_queue_config config = q.config;

		memcpy((uint8_t *)&config + cases[i].offset, &cases[i].value, cases[i].size);
		expect_create(g, SLUICE_QUEUE_RX, &config, cases[i].expected);
	}
	q.config.buffer_size = NIC_MIN_BUFFER;
	q.config.headroom = NIC_MIN_BUFFER;
	expect_create(g, SLUICE_QUEUE_RX, &q.config, -EINVAL);
	q.config.headroom--;
	expect_create(g, SLUICE_QUEUE_RX, &q.config, 0);
	expect_create(g, 0, &q.config, -EINVAL);
}

static void transmit_limits(void **state)
{
	struct model_guest *g = *state;
	struct model_queue q;

	model_queue_layout(&q, g, SLUICE_QUEUE_TX, 0, 16);
	expect_create(g, SLUICE_QUEUE_TX, &q.config, 0);
	q.config.buffer_size = 256;
	expect_create(g, SLUICE_QUEUE_TX, &q.config, -EINVAL);
	q.config.buffer_size = 0;
	q.config.headroom = 1;
	expect_create(g, SLUICE_QUEUE_TX, &q.config, -EINVAL);
}

static void reset_starts_over(void **state)
{
	struct model_guest *g = *state;
	struct model_queue q;
	struct sluice_resp_queue r;

	model_queue_layout(&q, g, SLUICE_QUEUE_RX, 0, 8);
	assert_int_equal(model_queue_open(&q), 0);
	assert_int_equal(model_rx_post(&q, 8), 0);
	q.producer = 100;
	assert_int_equal(model_submit(&q), 0);
	r = model_query(&q);
	assert_int_equal(r.state, SLUICE_QSTATE_ERROR);
	assert_int_equal(r.error, SLUICE_QERR_BAD_INDEX);
	assert_int_equal(r.producer, 8);
	assert_int_equal(nic_queue_enable(g->nic, SLUICE_QUEUE_RX, 0), -EBUSY);
	assert_int_equal(nic_queue_disable(g->nic, SLUICE_QUEUE_RX, 0), -EBUSY);
	assert_int_equal(nic_queue_reset(g->nic, SLUICE_QUEUE_RX, 0), 0);
	r = model_query(&q);
	assert_int_equal(r.state, SLUICE_QSTATE_DISABLED);
	assert_int_equal(r.error, SLUICE_QERR_NONE);
	assert_int_equal(r.producer, 0);
	assert_int_equal(nic_queue_enable(g->nic, SLUICE_QUEUE_RX, 0), 0);
}

static void failed_queue_can_be_destroyed(void **state)
{
	struct model_guest *g = *state;
	struct model_queue q;

	model_queue_layout(&q, g, SLUICE_QUEUE_TX, 0, 8);
	assert_int_equal(model_queue_open(&q), 0);
	q.producer = 9;
	assert_int_equal(model_submit(&q), 0);
	assert_int_equal(model_query(&q).state, SLUICE_QSTATE_ERROR);
	assert_int_equal(nic_queue_destroy(g->nic, SLUICE_QUEUE_TX, 0), 0);
	assert_int_equal(nic_queue_create(g->nic, SLUICE_QUEUE_TX, &q.config), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(life_of_a_queue),
		TEST(receive_limits),
		TEST(transmit_limits),
		TEST(reset_starts_over),
		TEST(failed_queue_can_be_destroyed),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
