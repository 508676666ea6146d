/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include "frames.h"
#include "model_guest.h"
#include "rx_internal.h"

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t group_a[6] = {0x01, 0x00, 0x5e, 0, 0, 1};
static const uint8_t group_b[6] = {0x33, 0x33, 0, 0, 0, 2};
static const uint8_t other[6] = {0x02, 0x51, 0xc0, 0x00, 0x00, 0x02};

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

static bool accepts_bytes(struct model_guest *g, const uint8_t *frame, size_t len)
{
	struct rx_frame f = {.nic = g->nic, .port = nic_port(g->nic, 0), .data = frame, .len = len};

	return rx_wire_accept(&f);
}

static bool accepts(struct model_guest *g, const uint8_t dst[6])
{
	uint8_t frame[FRAME_MAX];
	const struct frame_spec spec = {.dst = dst, .payload = 50};

	return accepts_bytes(g, frame, frame_build(frame, &spec));
}

static void own_and_broadcast_only(void **state)
{
	struct model_guest *g = *state;

	assert_true(accepts(g, model_mac));
	assert_true(accepts(g, broadcast));
	assert_false(accepts(g, other));
	assert_false(accepts(g, group_a));
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_DROP_FILTER), 2);
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_WIRE_FRAMES), 4);
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_WIRE_BYTES), 4 * 64);
}

static void changed_address(void **state)
{
	struct model_guest *g = *state;

	assert_int_equal(nic_port_set_mac(g->nic, 0, other), 0);
	assert_true(accepts(g, other));
	assert_false(accepts(g, model_mac));
}

static void multicast_list(void **state)
{
	struct model_guest *g = *state;
	uint8_t list[NIC_MAX_MULTICAST + 1][6];

	memset(list, 0x01, sizeof(list));
	memcpy(list[NIC_MAX_MULTICAST - 1], group_a, 6);
	assert_int_equal(
		nic_port_set_multicast(g->nic, 0, (const uint8_t(*)[6])list, NIC_MAX_MULTICAST), 0);
	assert_true(accepts(g, group_a));
	assert_false(accepts(g, group_b));
	assert_int_equal(
		nic_port_set_multicast(g->nic, 0, (const uint8_t(*)[6])list, NIC_MAX_MULTICAST + 1),
		-EINVAL);
	assert_int_equal(nic_port_set_multicast(g->nic, 0, &other, 1), -EINVAL);
	assert_true(accepts(g, group_a));
	assert_int_equal(nic_port_set_multicast(g->nic, 0, NULL, 0), 0);
	assert_false(accepts(g, group_a));
}

static void modes(void **state)
{
	struct model_guest *g = *state;

	assert_int_equal(nic_port_set_rx_mode(g->nic, 0, SLUICE_RX_MODE_ALLMULTI), 0);
	assert_true(accepts(g, group_a));
	assert_true(accepts(g, group_b));
	assert_false(accepts(g, other));
	assert_int_equal(nic_port_set_rx_mode(g->nic, 0, SLUICE_RX_MODE_PROMISC), 0);
	assert_true(accepts(g, other));
	assert_true(accepts(g, group_b));
	assert_int_equal(nic_port_set_rx_mode(g->nic, 0, 4), -EINVAL);
	assert_true(accepts(g, other));
}

static void length_limits(void **state)
{
	struct model_guest *g = *state;
	static uint8_t frame[NIC_MAX_FRAME + 1];

	memcpy(frame, model_mac, 6);
	assert_false(accepts_bytes(g, frame, 0));
	assert_false(accepts_bytes(g, frame, NIC_MIN_FRAME - 1));
	assert_true(accepts_bytes(g, frame, NIC_MIN_FRAME));
	assert_true(accepts_bytes(g, frame, 1500 + 22));
	assert_false(accepts_bytes(g, frame, 1500 + 23));
	assert_int_equal(nic_port_set_mtu(g->nic, 0, NIC_MAX_MTU), 0);
	assert_true(accepts_bytes(g, frame, NIC_MAX_FRAME));
	assert_false(accepts_bytes(g, frame, NIC_MAX_FRAME + 1));
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_DROP_LENGTH), 4);
}

static void link_and_port(void **state)
{
	struct model_guest *g = *state;

	nic_set_link(g->nic, 0, false, 0);
	assert_false(accepts(g, model_mac));
	nic_set_link(g->nic, 0, true, 10000);
	assert_true(accepts(g, model_mac));
	assert_int_equal(nic_port_enable(g->nic, 0, false), 0);
	assert_false(accepts(g, model_mac));
	assert_int_equal(model_stat(g, SLUICE_STAT_RX_DROP_LINK), 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_and_broadcast_only), TEST(changed_address),
		TEST(multicast_list),         TEST(modes),
		TEST(length_limits),          TEST(link_and_port),
	};

	return cmocka_run_group_tests_name("rx_wire", tests, NULL, NULL);
}
