/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include "frames.h"
#include "model_guest.h"
#include "nic_internal.h"

static void configuration_limits(void **state)
{
	static const struct {
		struct nic_config config;
		int expected;
	} cases[] = {
		{{.n_ports = 1, .n_queue_pairs = 1, .n_vectors = 1}, 0},
		{{.n_ports = 1,
		  .n_queue_pairs = SLUICE_MAX_QUEUES,
		  .n_vectors = SLUICE_MAX_VECTORS},
		 0},
		{{.n_ports = 0, .n_queue_pairs = 1, .n_vectors = 1}, -EINVAL},
		{{.n_ports = 2, .n_queue_pairs = 1, .n_vectors = 1}, -EINVAL},
		{{.n_ports = 1, .n_queue_pairs = 0, .n_vectors = 1}, -EINVAL},
		{{.n_ports = 1, .n_queue_pairs = SLUICE_MAX_QUEUES + 1, .n_vectors = 1}, -EINVAL},
		{{.n_ports = 1, .n_queue_pairs = 1, .n_vectors = 0}, -EINVAL},
		{{.n_ports = 1, .n_queue_pairs = 1, .n_vectors = SLUICE_MAX_VECTORS + 1}, -EINVAL},
		{{.n_ports = 1, .n_queue_pairs = 1, .n_vectors = 1, .mac = {{1}}}, -EINVAL},
	};
	struct model_guest *g = model_guest_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nic *nic = NULL;

		assert_int_equal(nic_create(&cases[i].config, &model_host_ops, g, &nic),
				 cases[i].expected);
		nic_destroy(nic);
	}
	model_guest_free(g);
}

static void reset_forgets_all_but_the_carrier(void **state)
{
	struct model_guest *g = model_guest_new();
	struct model_queue rx;
	struct sluice_resp_port port;
	struct sluice_resp_queue queue;
	uint8_t frame[FRAME_MAX];
	size_t len = frame_udp(frame, 20, 0);

	model_guest_start(g, 1, 1, false);
	model_queue_layout(&rx, g, SLUICE_QUEUE_RX, 0, 8);
	assert_int_equal(model_queue_open(&rx), 0);
	assert_int_equal(model_rx_post(&rx, 8), 0);
	assert_int_equal(nic_receive(g->nic, 0, frame, len), NIC_RX_DELIVERED);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, 9000), 0);
	nic_set_link(g->nic, 0, true, 40000);
	nic_reset(g->nic);
	assert_int_equal(nic_port_query(g->nic, 0, &port), 0);
	assert_int_equal(port.enabled, 0);
	assert_int_equal(port.mtu, 1500);
	assert_int_equal(port.link, 1);
	assert_int_equal(port.speed, 40000);
	assert_int_equal(nic_queue_query(g->nic, SLUICE_QUEUE_RX, 0, &queue), -ENOENT);
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_WIRE_FRAMES), 0);
	assert_int_equal(nic_receive(g->nic, 0, frame, len), NIC_RX_DROPPED);
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_DROP_LINK), 1);
	model_guest_free(g);
}

static void no_such_port(void **state)
{
	struct model_guest *g = model_guest_new();
	uint64_t stats[SLUICE_N_PORT_STATS];
	uint8_t frame[FRAME_MAX];

	model_guest_start(g, 1, 1, false);
	assert_int_equal(nic_receive(g->nic, 1, frame, frame_udp(frame, 20, 0)), NIC_RX_DROPPED);
	assert_true(nic_can_receive(g->nic, 1));
	memset(stats, 0xff, sizeof(stats));
	nic_port_stats(g->nic, 1, stats);
	for (unsigned i = 0; i < SLUICE_N_PORT_STATS; i++)
		assert_int_equal(stats[i], 0);
	model_guest_free(g);
}

/* The guest can provoke lines: ten a second, then a count of those left out. */
static void log_is_limited(void **state)
{
	struct model_guest *g = model_guest_new();

	model_guest_start(g, 1, 1, false);
	for (unsigned i = 0; i < 25; i++)
		nic_log(g->nic, 0, "line %u", i);
	assert_int_equal(g->n_log, 10);
	assert_string_equal(g->log, "line 9");
	g->now_ns += 1000000000;
	nic_log(g->nic, 0, "line %u", 25);
	assert_string_equal(g->log, "(15 lines left out) line 25");
	nic_log(g->nic, 0, "line %u", 26);
	assert_string_equal(g->log, "line 26");
	model_guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_limits),
		cmocka_unit_test(reset_forgets_all_but_the_carrier),
		cmocka_unit_test(no_such_port),
		cmocka_unit_test(log_is_limited),
	};
	int failed;

	bpfe_thread_register();
	failed = cmocka_run_group_tests_name("nic", tests, NULL, NULL);
	bpfe_thread_unregister();
	return failed;
}
