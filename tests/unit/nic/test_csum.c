/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "csum.h"
#include "frames.h"

/* The example of RFC 1071, section 3: the sum is ddf2 in network order. */
static void rfc1071_example(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t sum = csum_fold(csum_add(0, data, sizeof(data)));
	uint8_t bytes[2];

	memcpy(bytes, &sum, sizeof(bytes));
	assert_int_equal(bytes[0], 0xdd);
	assert_int_equal(bytes[1], 0xf2);
}

static void odd_length_pads_with_zero(void **state)
{
	static const uint8_t data[] = {0x12, 0x34, 0x56};
	uint16_t sum = csum_fold(csum_add(0, data, sizeof(data)));
	uint8_t bytes[2];

	memcpy(bytes, &sum, sizeof(bytes));
	assert_int_equal(bytes[0], 0x68);
	assert_int_equal(bytes[1], 0x34);
}

static void carries_fold_to_ffff(void **state)
{
	uint8_t data[9000];

	memset(data, 0xff, sizeof(data));
	assert_int_equal(csum_fold(csum_add(0, data, sizeof(data))), 0xffff);
	assert_int_equal(csum_fold(UINT64_MAX), 0xffff);
	assert_int_equal(csum_fold(0), 0);
}

/* Every length and alignment against the plain way of adding. */
static void agrees_with_plain_sum(void **state)
{
	uint8_t data[160];

	srandom(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)random();
	for (size_t at = 0; at < 8; at++) {
		for (size_t len = 0; len <= sizeof(data) - at; len++) {
			uint16_t sum = csum_fold(csum_add(0, data + at, len));
			uint8_t bytes[2];

			memcpy(bytes, &sum, sizeof(bytes));
			assert_int_equal((uint16_t)~(bytes[0] << 8 | bytes[1]),
					 frame_checksum(data + at, len, 0));
		}
	}
}

static void parts_add_up(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	assert_int_equal(csum_fold(csum_add(csum_add(0, data, 4), data + 4, 5)),
			 csum_fold(csum_add(0, data, 9)));
	assert_int_equal(csum_fold(csum_add_u16(0, 0x0102)), csum_fold(csum_add(0, data, 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_example),      cmocka_unit_test(odd_length_pads_with_zero),
		cmocka_unit_test(carries_fold_to_ffff), cmocka_unit_test(agrees_with_plain_sum),
		cmocka_unit_test(parts_add_up),
	};

	return cmocka_run_group_tests_name("csum", tests, NULL, NULL);
}
