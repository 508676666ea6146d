/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include "nic_model.h"

static void names_follow_the_abi(void **state)
{
	assert_string_equal(nic_port_stat_name(0), "rx_wire_frames");
	assert_string_equal(nic_port_stat_name(SLUICE_STAT_RX_DROP_NO_BUFFER), "rx_drop_no_buffer");
	assert_string_equal(nic_port_stat_name(SLUICE_N_PORT_STATS - 1), "xdp_redirect_dropped");
	assert_null(nic_port_stat_name(SLUICE_N_PORT_STATS));
	assert_string_equal(nic_queue_stat_name(SLUICE_QSTAT_NO_BUFFER), "no_buffer");
	assert_null(nic_queue_stat_name(SLUICE_N_QUEUE_STATS));
}

/* Adding to one counter alone must unbalance exactly the equations that have it. */
static void each_equation_is_checked(void **state)
{
	static const struct {
		enum sluice_port_stat stat;
		const char *begins;
	} cases[] = {
		{SLUICE_STAT_RX_WIRE_FRAMES, "rx_wire_frames = "},
		{SLUICE_STAT_RX_DROP_LINK, "rx_wire_frames = "},
		{SLUICE_STAT_RX_DROP_LENGTH, "rx_wire_frames = "},
		{SLUICE_STAT_RX_DROP_FILTER, "rx_wire_frames = "},
		{SLUICE_STAT_RX_NO_PROGRAM, "rx_wire_frames = "},
		{SLUICE_STAT_RX_XDP_RUN, "rx_wire_frames = "},
		{SLUICE_STAT_RX_XDP_PASS, "rx_xdp_run = "},
		{SLUICE_STAT_RX_XDP_DROP, "rx_xdp_run = "},
		{SLUICE_STAT_RX_XDP_TX, "rx_xdp_run = "},
		{SLUICE_STAT_RX_XDP_ABORTED, "rx_xdp_run = "},
		{SLUICE_STAT_RX_XDP_REDIRECT, "rx_xdp_run = "},
		{SLUICE_STAT_XDP_REDIRECT_QUEUE,
		 "rx_no_program + rx_xdp_pass + xdp_redirect_queue = "},
		{SLUICE_STAT_XDP_REDIRECT_PORT, "rx_xdp_redirect = "},
		{SLUICE_STAT_XDP_REDIRECT_ERROR, "rx_xdp_redirect = "},
		{SLUICE_STAT_XDP_REDIRECT_SENT, "tx_wire_frames = "},
		{SLUICE_STAT_RX_DELIVERED_FRAMES,
		 "rx_no_program + rx_xdp_pass + xdp_redirect_queue = "},
		{SLUICE_STAT_RX_DROP_NO_QUEUE,
		 "rx_no_program + rx_xdp_pass + xdp_redirect_queue = "},
		{SLUICE_STAT_RX_DROP_NO_BUFFER,
		 "rx_no_program + rx_xdp_pass + xdp_redirect_queue = "},
		{SLUICE_STAT_RX_DROP_TOO_LONG,
		 "rx_no_program + rx_xdp_pass + xdp_redirect_queue = "},
		{SLUICE_STAT_RX_DROP_DMA, "rx_no_program + rx_xdp_pass + xdp_redirect_queue = "},
		{SLUICE_STAT_XDP_TX_SENT, "rx_xdp_tx = "},
		{SLUICE_STAT_XDP_TX_DROPPED, "rx_xdp_tx = "},
		{SLUICE_STAT_TX_GUEST_FRAMES, "tx_guest_frames = "},
		{SLUICE_STAT_TX_GUEST_SENT, "tx_guest_frames = "},
		{SLUICE_STAT_TX_DROP_DESC, "tx_guest_frames = "},
		{SLUICE_STAT_TX_DROP_DMA, "tx_guest_frames = "},
		{SLUICE_STAT_TX_DROP_TOO_LONG, "tx_guest_frames = "},
		{SLUICE_STAT_TX_DROP_LINK, "tx_guest_frames = "},
		{SLUICE_STAT_TX_DROP_WIRE, "tx_guest_frames = "},
		{SLUICE_STAT_TX_WIRE_FRAMES, "tx_wire_frames = "},
	};
	uint64_t stats[SLUICE_N_PORT_STATS] = {0};
	const char *why;

	assert_true(nic_port_stats_balance(stats, &why));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stats[cases[i].stat]++;
		why = "";
		assert_false(nic_port_stats_balance(stats, &why));
		assert_memory_equal(why, cases[i].begins, strlen(cases[i].begins));
		stats[cases[i].stat]--;
	}
}

static void counters_without_equation_are_free(void **state)
{
	uint64_t stats[SLUICE_N_PORT_STATS] = {0};
	const char *why;

	stats[SLUICE_STAT_RX_WIRE_BYTES] = 1;
	stats[SLUICE_STAT_RX_DMA_BYTES] = 2;
	stats[SLUICE_STAT_RX_INTERRUPTS] = 3;
	assert_true(nic_port_stats_balance(stats, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_the_abi),
		cmocka_unit_test(each_equation_is_checked),
		cmocka_unit_test(counters_without_equation_are_free),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
