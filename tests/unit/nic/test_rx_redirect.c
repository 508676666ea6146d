/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* rx_redirect.c between two ports, and host.c: what programs are offered. */
#include "unit.h"

#include "frames.h"
#include "model_guest.h"
#include "rx_internal.h"

static int set_up(void **state)
{
	struct model_guest *g = model_guest_new();

	model_guest_start(g, 2, 1, false);
	/* A second port, which nic_create() does not give yet: it has no queues, but a wire. */
	g->nic->config.n_ports = 2;
	g->nic->ports[1].id = 1;
	g->nic->ports[1].link = true;
	g->nic->ports[1].enabled = true;
	g->nic->ports[1].mtu = 1000;
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct model_guest *g = *state;

	g->nic->config.n_ports = 1;
	model_guest_free(g);
	return 0;
}

static uint8_t bytes[FRAME_MAX];

/* A frame of @len bytes at port 0 is redirected to what @to says. */
static enum nic_outcome redirect(struct model_guest *g, const struct bpfe_redirect *to, size_t len)
{
	struct rx_frame f = {.nic = g->nic, .port = nic_port(g->nic, 0), .data = bytes, .len = len};

	rx_redirect_resolve(&f, to);
	assert_false(rx_redirect_queue(&f));
	return rx_redirect_send(&f);
}

static uint64_t stat(struct model_guest *g, unsigned port, enum sluice_port_stat stat)
{
	return g->nic->ports[port].stats[stat];
}

static void to_the_other_port(void **state)
{
	const struct bpfe_redirect to = {.kind = BPFE_REDIRECT_PORT, .index = NIC_IFINDEX(1)};
	struct model_guest *g = *state;

	assert_int_equal(redirect(g, &to, 100), NIC_RX_REDIRECTED);
	assert_int_equal(g->n_wire, 1);
	assert_int_equal(g->wire[0].port, 1);
	assert_int_equal(stat(g, 0, SLUICE_STAT_XDP_REDIRECT_PORT), 1);
	assert_int_equal(stat(g, 0, SLUICE_STAT_XDP_REDIRECT_SENT), 0);
	assert_int_equal(stat(g, 1, SLUICE_STAT_XDP_REDIRECT_PORT), 0);
	assert_int_equal(stat(g, 1, SLUICE_STAT_XDP_REDIRECT_SENT), 1);
	assert_int_equal(stat(g, 1, SLUICE_STAT_TX_WIRE_FRAMES), 1);
	assert_int_equal(stat(g, 1, SLUICE_STAT_TX_WIRE_BYTES), 100);
}

static void a_port_sends_what_it_could_receive(void **state)
{
	const struct bpfe_redirect to = {.kind = BPFE_REDIRECT_PORT, .index = NIC_IFINDEX(1)};
	struct model_guest *g = *state;

	assert_int_equal(redirect(g, &to, 1022), NIC_RX_REDIRECTED);
	assert_int_equal(redirect(g, &to, 1023), NIC_RX_REDIRECTED);
	g->nic->ports[1].link = false;
	assert_int_equal(redirect(g, &to, 100), NIC_RX_REDIRECTED);
	g->nic->ports[1].link = true;
	g->nic->ports[1].enabled = false;
	assert_int_equal(redirect(g, &to, 100), NIC_RX_REDIRECTED);
	assert_int_equal(g->n_wire, 1);
	assert_int_equal(stat(g, 1, SLUICE_STAT_XDP_REDIRECT_SENT), 1);
	assert_int_equal(stat(g, 1, SLUICE_STAT_XDP_REDIRECT_DROPPED), 3);
	assert_int_equal(stat(g, 0, SLUICE_STAT_XDP_REDIRECT_PORT), 4);
}

static void to_all(void **state)
{
	const struct bpfe_map_attr attr = {
		.type = BPF_MAP_TYPE_DEVMAP_HASH, .key_size = 4, .value_size = 4, .max_entries = 8};
	struct bpfe_redirect to = {.kind = BPFE_REDIRECT_BROADCAST};
	struct model_guest *g = *state;

	assert_int_equal(bpfe_map_create(&attr, NULL, &to.map, NULL), 0);
	for (uint32_t key = 0; key < 4; key++)
		assert_int_equal(bpfe_map_update(to.map, &key, &(uint32_t){key + 1}, BPF_ANY), 0);
	bpfe_rcu_read_lock();
	assert_int_equal(redirect(g, &to, 100), NIC_RX_REDIRECTED);
	assert_int_equal(nic_last_redirect(g->nic)->missing, 2);
	assert_int_equal(g->n_wire, 2);
	to.flags = BPF_F_EXCLUDE_INGRESS;
	assert_int_equal(redirect(g, &to, 100), NIC_RX_REDIRECTED);
	bpfe_rcu_read_unlock();
	assert_int_equal(g->n_wire, 3);
	assert_int_equal(g->wire[2].port, 1);
	/* Twice in the map, twice on the wire, as in Linux. */
	assert_int_equal(bpfe_map_update(to.map, &(uint32_t){3}, &(uint32_t){2}, BPF_ANY), 0);
	bpfe_rcu_read_lock();
	assert_int_equal(redirect(g, &to, 100), NIC_RX_REDIRECTED);
	bpfe_rcu_read_unlock();
	assert_int_equal(g->n_wire, 5);
	assert_int_equal(stat(g, 0, SLUICE_STAT_XDP_REDIRECT_SENT), 1);
	assert_int_equal(stat(g, 1, SLUICE_STAT_XDP_REDIRECT_SENT), 4);
	bpfe_map_put(to.map);
	bpfe_rcu_barrier();
}

static void mtu_of_ports(void **state)
{
	struct model_guest *g = *state;
	const struct bpfe_host *host = &g->nic->host;

	assert_int_equal(host->mtu(host->opaque, NIC_IFINDEX(0)), 1500);
	assert_int_equal(host->mtu(host->opaque, NIC_IFINDEX(1)), 1000);
	assert_int_equal(host->mtu(host->opaque, NIC_IFINDEX(2)), 0);
	assert_int_equal(host->mtu(host->opaque, 0), 0);
	assert_int_equal(host->mtu(host->opaque, UINT32_MAX), 0);
}

/* The guest's text cannot play with the host's terminal. */
static void traced_lines(void **state)
{
	struct model_guest *g = *state;
	const struct bpfe_host *host = &g->nic->host;

	host->trace(host->opaque, 1, "a\033[2J\nb\xff", 8);
	assert_string_equal(g->log, "bpf_trace_printk, queue 1: a?[2J?b?");
	for (unsigned i = 0; i < 100; i++)
		host->trace(host->opaque, 0, "x", 1);
	assert_int_equal(g->n_log, 10);
	g->nic->config.log_all = true;
	host->trace(host->opaque, 0, "x", 1);
	host->trace(host->opaque, 0, "y", 1);
	assert_int_equal(g->n_log, 12);
	assert_string_equal(g->log, "bpf_trace_printk, queue 0: y");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(to_the_other_port),
		CASE(a_port_sends_what_it_could_receive),
		CASE(to_all),
		CASE(mtu_of_ports),
		CASE(traced_lines),
	};
	int failed;

	bpfe_thread_register();
	failed = cmocka_run_group_tests_name("rx_redirect", tests, NULL, NULL);
	bpfe_thread_unregister();
	return failed;
}
