/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include "model_guest.h"
#include "nic_internal.h"
#include "programs.h"

static int set_up(void **state)
{
	struct model_guest *g = model_guest_new();

	model_guest_start(g, 1, 1, false);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	model_guest_free(*state);
	return 0;
}

static struct sluice_resp_port query(struct model_guest *g)
{
	struct sluice_resp_port resp;

	assert_int_equal(nic_port_query(g->nic, 0, &resp), 0);
	return resp;
}

static void settings_are_reported(void **state)
{
	struct model_guest *g = *state;
	static const uint8_t mac[6] = {0x06, 1, 2, 3, 4, 5};

	assert_memory_equal(query(g).mac, model_mac, 6);
	assert_int_equal(query(g).mtu, 1500);
	assert_int_equal(query(g).enabled, 1);
	assert_int_equal(nic_port_set_mac(g->nic, 0, mac), 0);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, 9000), 0);
	assert_int_equal(nic_port_set_rx_mode(g->nic, 0, SLUICE_RX_MODE_PROMISC), 0);
	assert_int_equal(nic_port_enable(g->nic, 0, false), 0);
	assert_memory_equal(query(g).mac, mac, 6);
	assert_int_equal(query(g).mtu, 9000);
	assert_int_equal(query(g).rx_mode, SLUICE_RX_MODE_PROMISC);
	assert_int_equal(query(g).enabled, 0);
	assert_int_equal(query(g).link, 1);
	assert_int_equal(query(g).speed, 10000);
}

static void limits(void **state)
{
	struct model_guest *g = *state;
	static const uint8_t group[6] = {1}, zero[6];
	struct sluice_resp_port resp;

	assert_int_equal(nic_port_set_mac(g->nic, 0, group), -EINVAL);
	assert_int_equal(nic_port_set_mac(g->nic, 0, zero), -EINVAL);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, 67), -EINVAL);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, 68), 0);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_MTU), 0);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_MTU + 1), -EINVAL);
	assert_int_equal(query(g).mtu, NIC_MAX_MTU);
	assert_int_equal(nic_port_enable(g->nic, 1, true), -EINVAL);
	assert_int_equal(nic_port_set_mtu(g->nic, 1, 1500), -EINVAL);
	assert_int_equal(nic_port_set_mac(g->nic, 1, model_mac), -EINVAL);
	assert_int_equal(nic_port_set_rx_mode(g->nic, 1, 0), -EINVAL);
	assert_int_equal(nic_port_set_multicast(g->nic, 1, NULL, 0), -EINVAL);
	assert_int_equal(nic_port_query(g->nic, 1, &resp), -EINVAL);
	assert_int_equal(nic_set_program(g->nic, 1, NULL, 0), -EINVAL);
}

static void link_events_on_change_only(void **state)
{
	struct model_guest *g = *state;

	nic_set_link(g->nic, 0, true, 10000);
	assert_int_equal(g->n_events, 0);
	nic_set_link(g->nic, 0, false, 0);
	nic_set_link(g->nic, 0, true, 25000);
	nic_set_link(g->nic, 1, true, 1);
	assert_int_equal(g->n_events, 2);
	assert_int_equal(g->events[0].type, SLUICE_EVENT_LINK);
	assert_int_equal(g->events[0].arg, 0);
	assert_int_equal(g->events[1].arg, 25000 << 1 | 1);
	assert_int_equal(query(g).speed, 25000);
}

static void program_and_mtu_bound_each_other(void **state)
{
	struct model_guest *g = *state;
	struct bpfe_program *prog = program_verdict(XDP_PASS);

	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_XDP_MTU + 1), 0);
	assert_int_equal(nic_set_program(g->nic, 0, prog, 5), -EBUSY);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_XDP_MTU), 0);
	assert_int_equal(nic_set_program(g->nic, 0, prog, 5), 0);
	/* The NIC has its own reference. */
	bpfe_program_put(prog);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_XDP_MTU + 1), -EBUSY);
	assert_int_equal(query(g).mtu, NIC_MAX_XDP_MTU);
	assert_int_equal(nic_set_program(g->nic, 0, NULL, 0), 0);
	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_XDP_MTU + 1), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(settings_are_reported),
		TEST(limits),
		TEST(link_events_on_change_only),
		TEST(program_and_mtu_bound_each_other),
	};
	int failed;

	bpfe_thread_register();
	failed = cmocka_run_group_tests_name("port", tests, NULL, NULL);
	bpfe_rcu_barrier();
	bpfe_thread_unregister();
	return failed;
}
