/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* XDP_REDIRECT on the receive path: to the wire, on to another queue, to nowhere. */
#include <stdio.h>

#include "scenario.h"

static struct bpfe_map *map_new(uint32_t type)
{
	const struct bpfe_map_attr attr = {
		.type = type, .key_size = 4, .value_size = 4, .max_entries = 64};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

static void set(struct bpfe_map *map, uint32_t key, uint32_t value)
{
	assert_int_equal(bpfe_map_update(map, &key, &value, BPF_ANY), 0);
}

/* Attach a program that redirects by the map, which becomes its own. */
static void attach_map(struct scenario *s, struct bpfe_map *map, uint32_t key, uint32_t flags)
{
	scenario_attach(s, program_redirect_map(map, key, flags), 7);
	bpfe_map_put(map);
}

static void expect_target(struct scenario *s, enum nic_redirect_kind kind, uint32_t index,
			  uint32_t missing)
{
	const struct nic_redirect *redirect = nic_last_redirect(s->g->nic);

	assert_int_equal(redirect->kind, kind);
	assert_int_equal(redirect->index, index);
	assert_int_equal(redirect->missing, missing);
}

/* Of @n frames: what went on to a queue, to ports, and to nowhere. */
static void expect_stats(struct scenario *s, uint64_t queue, uint64_t port, uint64_t error)
{
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_REDIRECT, queue + port + error);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_QUEUE, queue);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_PORT, port);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_ERROR, error);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_ABORTED, 0);
}

static void expect_untouched(struct scenario *s)
{
	assert_int_equal(s->g->dma_writes, 0);
	assert_int_equal(s->g->interrupts[0], 0);
	assert_int_equal(s->g->n_events, 0);
	scenario_no_cpl(&s->rx[0]);
}

static void to_the_own_port(void **state)
{
	struct scenario *s = *state;
	uint8_t frame[FRAME_MAX];
	size_t len = frame_udp(frame, 30, 5);

	scenario_attach(s, program_redirect(NIC_IFINDEX(0)), 7);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_REDIRECTED);
	expect_target(s, NIC_REDIRECT_TO_PORT, 1, 0);
	assert_int_equal(s->g->n_wire, 1);
	assert_int_equal(s->g->wire[0].port, 0);
	assert_int_equal(s->g->wire[0].len, len);
	assert_memory_equal(s->g->wire[0].bytes, frame, len);
	expect_stats(s, 0, 1, 0);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_SENT, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_FRAMES, 1);
	scenario_expect_stat(s, SLUICE_STAT_TX_WIRE_BYTES, len);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_TX, 0);

	s->g->wire_broken = true;
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_REDIRECTED);
	expect_stats(s, 0, 2, 0);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_SENT, 1);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_DROPPED, 1);
	expect_untouched(s);
}

static void to_interfaces_that_do_not_exist(void **state)
{
	static const uint32_t interfaces[] = {0, 2, 0x7fffffff};
	struct scenario *s = *state;

	for (uint32_t i = 0; i < 3; i++) {
		char text[MODEL_LOG_TEXT];

		scenario_attach(s, program_redirect(interfaces[i]), 7);
		for (uint32_t n = 0; n < 4; n++)
			assert_int_equal(scenario_receive_seq(s, n), NIC_RX_REDIRECT_ERROR);
		expect_target(s, NIC_REDIRECT_TO_PORT, interfaces[i], 1);
		/* Said at the 1st, 2nd and 4th frame of each program. */
		assert_int_equal(s->g->n_log, 3 * (i + 1));
		snprintf(text, sizeof(text),
			 "program 7 redirects to interface %u; there are 1 to 1", interfaces[i]);
		assert_string_equal(s->g->log, text);
	}
	expect_stats(s, 0, 0, 12);
	assert_int_equal(s->g->n_wire, 0);
	expect_untouched(s);
}

static void without_a_target(void **state)
{
	struct scenario *s = *state;

	scenario_attach(s, program_verdict(XDP_REDIRECT), 7);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_REDIRECT_ERROR);
	expect_target(s, NIC_REDIRECT_TO_NONE, 0, 0);
	expect_stats(s, 0, 0, 1);
	assert_string_equal(s->g->log, "program 7 returns XDP_REDIRECT without a target; "
				       "bpf_redirect() or bpf_redirect_map() gives one");
	expect_untouched(s);
	/* What was noted of one frame is not there for the next. */
	scenario_attach(s, program_verdict(XDP_DROP), 8);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DROPPED_XDP);
	expect_target(s, NIC_REDIRECT_NOT, 0, 0);
}

/* RSS chose queue 0; the program chooses queue 1. */
static void on_to_a_queue(struct scenario *s, uint32_t type, enum nic_redirect_kind kind)
{
	uint8_t frame[FRAME_MAX];
	size_t len = frame_udp(frame, 30, 5);
	struct bpfe_map *map = map_new(type);
	struct sluice_rx_cpl cpl;

	set(map, 1, 192);
	set(map, 2, 192);
	bpfe_map_get(map);
	attach_map(s, map, 1, 0);
	assert_int_equal(scenario_receive(s, frame, len), NIC_RX_DELIVERED);
	expect_target(s, kind, 1, 0);
	scenario_no_cpl(&s->rx[0]);
	cpl = scenario_rx_cpl(&s->rx[1]);
	assert_int_equal(cpl.length, len);
	assert_int_equal(cpl.flags, SLUICE_RX_FIRST | SLUICE_RX_LAST | SLUICE_RX_XDP_RAN);
	assert_memory_equal(model_rx_data(&s->rx[1], &cpl), frame, len);
	expect_stats(s, 1, 0, 0);
	scenario_expect_stat(s, SLUICE_STAT_RX_DELIVERED_FRAMES, 1);

	/* In the map and not in the NIC. */
	attach_map(s, map, 2, 0);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_REDIRECT_ERROR);
	expect_target(s, kind, 2, 1);
	assert_string_equal(s->g->log, "program 7 redirects to queue 2; there are 0 to 1");
	expect_stats(s, 1, 0, 1);

	/* A queue that is off drops what it is given, like one that RSS chose. */
	assert_int_equal(nic_queue_disable(s->g->nic, SLUICE_QUEUE_RX, 1), 0);
	map = map_new(type);
	set(map, 1, 192);
	attach_map(s, map, 1, 0);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED);
	expect_stats(s, 2, 0, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_DROP_NO_QUEUE, 1);
}

static void to_a_queue(void **state)
{
	on_to_a_queue(*state, BPF_MAP_TYPE_CPUMAP, NIC_REDIRECT_TO_QUEUE);
}

static void to_a_socket(void **state)
{
	on_to_a_queue(*state, BPF_MAP_TYPE_XSKMAP, NIC_REDIRECT_TO_SOCKET);
}

/* A key with nothing behind it: the verdict of the flags, and no redirection. */
static void to_an_empty_entry(void **state)
{
	struct scenario *s = *state;

	attach_map(s, map_new(BPF_MAP_TYPE_DEVMAP), 1, XDP_DROP);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DROPPED_XDP);
	attach_map(s, map_new(BPF_MAP_TYPE_XSKMAP), 1, XDP_PASS);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DELIVERED);
	scenario_rx_cpl(&s->rx[0]);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_REDIRECT, 0);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_DROP, 1);
	scenario_expect_stat(s, SLUICE_STAT_RX_XDP_PASS, 1);
}

static void to_several_ports(void **state)
{
	struct scenario *s = *state;
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_DEVMAP);

	set(map, 0, 9);
	bpfe_map_get(map);
	attach_map(s, map, 0, BPF_F_BROADCAST);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_REDIRECT_ERROR);
	expect_target(s, NIC_REDIRECT_TO_PORTS, 0, 1);
	assert_string_equal(s->g->log, "program 7 redirects to interfaces none of which exists; "
				       "there are 1 to 1");

	set(map, 5, NIC_IFINDEX(0));
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_REDIRECTED);
	expect_target(s, NIC_REDIRECT_TO_PORTS, 0, 1);
	assert_int_equal(s->g->n_wire, 1);
	expect_stats(s, 0, 1, 1);

	/* The only port is the one the frame came from: nobody is left, which is no error. */
	assert_int_equal(bpfe_map_delete(map, &(uint32_t){0}), 0);
	attach_map(s, map, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	assert_int_equal(scenario_receive_seq(s, 2), NIC_RX_REDIRECTED);
	expect_target(s, NIC_REDIRECT_TO_PORTS, 0, 0);
	expect_stats(s, 0, 2, 1);
	scenario_expect_stat(s, SLUICE_STAT_XDP_REDIRECT_SENT, 1);
	assert_int_equal(s->g->n_wire, 1);
	expect_untouched(s);
}

/* Programs know interfaces by the numbers they are redirected to. */
static void the_host_answers(void **state)
{
	struct scenario *s = *state;

	assert_int_equal(nic_port_set_mtu(s->g->nic, 0, 1234), 0);
	scenario_attach(s, program_check_mtu(0, 1234), 1);
	assert_int_equal(scenario_receive_seq(s, 0), NIC_RX_DELIVERED);
	scenario_attach(s, program_check_mtu(NIC_IFINDEX(0), 1234), 2);
	assert_int_equal(scenario_receive_seq(s, 1), NIC_RX_DELIVERED);
	scenario_attach(s, program_check_mtu(NIC_IFINDEX(1), 1234), 3);
	assert_int_equal(scenario_receive_seq(s, 2), NIC_RX_ABORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENARIO(to_the_own_port),  SCENARIO(to_interfaces_that_do_not_exist),
		SCENARIO(without_a_target), SCENARIO(to_a_queue),
		SCENARIO(to_a_socket),      SCENARIO(to_an_empty_entry),
		SCENARIO(to_several_ports), SCENARIO(the_host_answers),
	};

	return cmocka_run_group_tests_name("redirect", tests, NULL, NULL);
}
