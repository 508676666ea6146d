/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* helpers/bytes.c: the frame by offset, and checksums. */
#include <linux/if_ether.h>
#include "helper_call.h"

static void test_buff_len(void **state)
{
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);

	frame_init(&f);
	assert_int_equal(call(&env, BPF_FUNC_xdp_get_buff_len, 0, 0, 0, 0, 0), 256);
	f.xdp.data_end -= 100;
	assert_int_equal(call(&env, BPF_FUNC_xdp_get_buff_len, 0, 0, 0, 0, 0), 156);
}

static void test_load_and_store(void **state)
{
	static const uint8_t bytes[5] = {1, 2, 3, 4, 5};
	uint8_t got[5] = {0};
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);

	frame_init(&f);
	assert_int_equal(call(&env, BPF_FUNC_xdp_store_bytes, 0, 251, P(bytes), 5, 0), 0);
	assert_memory_equal(f.xdp.data + 251, bytes, 5);
	assert_int_equal(f.xdp.data_end[0], 0xee);
	assert_int_equal(call(&env, BPF_FUNC_xdp_load_bytes, 0, 251, P(got), 5, 0), 0);
	assert_memory_equal(got, bytes, 5);
}

/* Beyond the frame nothing is read or written, and the program's buffer holds nothing old. */
static void test_load_and_store_limits(void **state)
{
	static const struct {
		uint64_t offset, len;
		int64_t result;
	} cases[] = {
		{252, 5, -EINVAL},        {256, 1, -EINVAL},     {0, 257, -EINVAL},
		{0xffff, 1, -EINVAL},     {0x10000, 1, -EFAULT}, {0, 0x10000, -EFAULT},
		{UINT32_MAX, 1, -EFAULT},
	};
	static uint8_t buffer[0x10000], zeros[0x10000];
	struct frame f, untouched;
	struct bpfe_run_env env = env_over(&f, 0);

	for (size_t i = 0; i < COUNT(cases); i++) {
		frame_init(&f);
		frame_init(&untouched);
		memset(buffer, 0x5a, sizeof(buffer));
		assert_int_equal(call(&env, BPF_FUNC_xdp_store_bytes, 0, cases[i].offset, P(buffer),
				      cases[i].len, 0),
				 cases[i].result);
		assert_memory_equal(f.memory, untouched.memory, sizeof(f.memory));
		assert_int_equal(call(&env, BPF_FUNC_xdp_load_bytes, 0, cases[i].offset, P(buffer),
				      cases[i].len, 0),
				 cases[i].result);
		assert_memory_equal(buffer, zeros, cases[i].len);
	}
}

/* Copying costs: the budget bounds what a program copies, not how often it calls. */
static void test_copies_cost(void **state)
{
	uint8_t buffer[200];
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);

	frame_init(&f);
	call(&env, BPF_FUNC_xdp_load_bytes, 0, 0, P(buffer), 200, 0);
	assert_int_equal(env.cost, 25);
	call(&env, BPF_FUNC_csum_diff, P(buffer), 80, P(buffer), 80, 0);
	assert_int_equal(env.cost, 45);
}

/* The one's complement sum of 16-bit words, straight from RFC 1071. */
static uint32_t sum16(const uint8_t *bytes, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(bytes[i] | bytes[i + 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_csum_diff_adds(void **state)
{
	uint8_t bytes[60];
	struct bpfe_run_env env = {0};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 200);
	for (uint64_t n = 4; n <= sizeof(bytes); n += 4) {
		assert_int_equal(call(&env, BPF_FUNC_csum_diff, 0, 0, P(bytes), n, 0),
				 sum16(bytes, n, 0));
		assert_int_equal(call(&env, BPF_FUNC_csum_diff, 0, 0, P(bytes), n, 0x1fffe),
				 sum16(bytes, n, 0x1fffe));
	}
}

/* What the helper is for: a checksum kept right while a field changes. */
static void test_csum_diff_updates(void **state)
{
	uint8_t before[20] = {0x45, 0, 0,  84, 0x1c, 0x46, 0x40, 0, 64, 1,
			      0,    0, 10, 0,  0,    1,    10,   0, 0,  2};
	uint8_t after[20];
	struct bpfe_run_env env = {0};
	int64_t sum;

	memcpy(after, before, sizeof(after));
	memcpy(after + 16, (uint8_t[]){192, 168, 7, 9}, 4);
	sum = call(&env, BPF_FUNC_csum_diff, P(before + 16), 4, P(after + 16), 4,
		   sum16(before, 20, 0));
	assert_int_equal(sum, sum16(after, 20, 0));
	sum = call(&env, BPF_FUNC_csum_diff, P(before + 16), 4, 0, 0, sum16(before, 20, 0));
	memset(after + 16, 0, 4);
	assert_int_equal(sum, sum16(after, 20, 0));
}

static void test_csum_diff_sizes(void **state)
{
	uint8_t bytes[8] = {0};
	struct bpfe_run_env env = {0};

	assert_int_equal(call(&env, BPF_FUNC_csum_diff, P(bytes), 3, 0, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_csum_diff, P(bytes), 4, P(bytes), 6, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_csum_diff, 0, 0, 0, 0, 0x12345), 0x2346);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buff_len),
		cmocka_unit_test(test_load_and_store),
		cmocka_unit_test(test_load_and_store_limits),
		cmocka_unit_test(test_copies_cost),
		cmocka_unit_test(test_csum_diff_adds),
		cmocka_unit_test(test_csum_diff_updates),
		cmocka_unit_test(test_csum_diff_sizes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
