/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* helpers/time.c, metadata.c, route.c (MTU): what the NIC knows of time, frames and ports. */
#include "helper_call.h"
#include "helpers/kfuncs.h"

static uint64_t boot_time(void *opaque)
{
	return 77;
}

static uint32_t mtu_of(void *opaque, uint32_t ifindex)
{
	return ifindex == 1 ? 1500 : ifindex == 2 ? 100 : 0;
}

static void test_clocks(void **state)
{
	const struct bpfe_host host = {.boot_ns = boot_time};
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);

	frame_init(&f);
	f.xdp.now_ns = 5000123456789;
	assert_int_equal(call(&env, BPF_FUNC_ktime_get_ns, 0, 0, 0, 0, 0), 5000123456789);
	assert_int_equal(call(&env, BPF_FUNC_ktime_get_coarse_ns, 0, 0, 0, 0, 0), 5000123000000);
	assert_int_equal(call(&env, BPF_FUNC_jiffies64, 0, 0, 0, 0, 0), 4294667296 + 5000123);
	assert_int_equal(call(&env, BPF_FUNC_ktime_get_boot_ns, 0, 0, 0, 0, 0), 5000123456789);
	f.xdp.host = &host;
	assert_int_equal(call(&env, BPF_FUNC_ktime_get_boot_ns, 0, 0, 0, 0, 0), 77);
}

static void test_metadata(void **state)
{
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);
	uint64_t timestamp = 1;
	uint32_t hash = 1, type = 1;
	uint16_t proto = 1, tci = 1;

	frame_init(&f);
	f.xdp.rx_timestamp = 123456789012;
	f.xdp.rx_hash = 0xcafe;
	f.xdp.rx_hash_type = 9;
	f.xdp.vlan_proto = 0x0081;
	f.xdp.vlan_tci = 42;
	assert_int_equal(
		call(&env, BPFE_KFUNC_XDP_METADATA_RX_TIMESTAMP, 0, P(&timestamp), 0, 0, 0),
		-ENODATA);
	assert_int_equal(call(&env, BPFE_KFUNC_XDP_METADATA_RX_HASH, 0, P(&hash), P(&type), 0, 0),
			 -ENODATA);
	assert_int_equal(
		call(&env, BPFE_KFUNC_XDP_METADATA_RX_VLAN_TAG, 0, P(&proto), P(&tci), 0, 0),
		-ENODATA);
	assert_int_equal(timestamp | hash | type | proto | tci, 0);
	f.xdp.have = BPFE_HAVE_TIMESTAMP | BPFE_HAVE_HASH | BPFE_HAVE_VLAN;
	assert_int_equal(
		call(&env, BPFE_KFUNC_XDP_METADATA_RX_TIMESTAMP, 0, P(&timestamp), 0, 0, 0), 0);
	assert_int_equal(timestamp, 123456789012);
	assert_int_equal(call(&env, BPFE_KFUNC_XDP_METADATA_RX_HASH, 0, P(&hash), P(&type), 0, 0),
			 0);
	assert_int_equal(hash, 0xcafe);
	assert_int_equal(type, 9);
	assert_int_equal(
		call(&env, BPFE_KFUNC_XDP_METADATA_RX_VLAN_TAG, 0, P(&proto), P(&tci), 0, 0), 0);
	assert_int_equal(proto, 0x0081);
	assert_int_equal(tci, 42);
}

static void test_check_mtu(void **state)
{
	static const struct {
		uint32_t ifindex, length;
		int32_t longer;
		int64_t result;
		uint32_t mtu;
	} cases[] = {
		{1, 0, 0, 0, 1500},    /* the frame's own 256 bytes */
		{0, 0, 0, 0, 1500},    /* its own port */
		{1, 0, 1258, 0, 1500}, /* 1514 with the Ethernet header */
		{1, 0, 1259, 1, 1500}, /* one more */
		{2, 0, 0, 1, 100},     {2, 100, 0, 0, 100},   {2, 101, 0, 1, 100},
		{2, 101, -1, 0, 100},  {3, 9, 0, -ENODEV, 9},
	};
	const struct bpfe_host host = {.mtu = mtu_of};
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);
	uint32_t mtu;

	frame_init(&f);
	f.xdp.host = &host;
	f.xdp.ingress_ifindex = 1;
	for (size_t i = 0; i < COUNT(cases); i++) {
		mtu = cases[i].length;
		assert_int_equal(call(&env, BPF_FUNC_check_mtu, 0, cases[i].ifindex, P(&mtu),
				      (uint64_t)(int64_t)cases[i].longer, 0),
				 cases[i].result);
		assert_int_equal(mtu, cases[i].mtu);
	}
	assert_int_equal(call(&env, BPF_FUNC_check_mtu, 0, 1, P(&mtu), 0, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_check_mtu),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
