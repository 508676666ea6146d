/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include <netinet/in.h>

#include "frames.h"
#include "tx_internal.h"

/* Put the pseudo header's sum in the field, as Linux does, and compare with the real checksum. */
static void fills_what_the_stack_would(void **state)
{
	for (unsigned payload = 0; payload < 40; payload++) {
		const struct frame_spec spec = {.ip = 4,
						.src = {10, 0, 0, 2},
						.dst_ip = {10, 0, 0, 1},
						.proto = IPPROTO_TCP,
						.sport = 1,
						.dport = 2,
						.payload = payload};
		uint8_t frame[FRAME_MAX], expected[FRAME_MAX];
		size_t len = frame_build(expected, &spec);
		uint8_t pseudo[12] = {0};
		struct tx_chain chain = {
			.len = len, .csum = true, .csum_start = 34, .csum_offset = 16};
		uint16_t sum;

		memcpy(frame, expected, len);
		memcpy(pseudo, frame + 26, 8);
		pseudo[9] = IPPROTO_TCP;
		pseudo[11] = (uint8_t)(20 + payload);
		sum = (uint16_t)~frame_checksum(pseudo, sizeof(pseudo), 0);
		frame[50] = (uint8_t)(sum >> 8);
		frame[51] = (uint8_t)sum;
		tx_csum_fill(frame, &chain);
		assert_memory_equal(frame, expected, len);
	}
}

static void zero_is_written_as_ffff(void **state)
{
	uint8_t frame[20] = {0};
	const struct tx_chain chain = {.len = 20, .csum = true, .csum_start = 14, .csum_offset = 4};

	frame[14] = frame[15] = 0xff; /* sum 0xffff, complement 0 */
	tx_csum_fill(frame, &chain);
	assert_int_equal(frame[18], 0xff);
	assert_int_equal(frame[19], 0xff);
	assert_int_equal(frame[17], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_what_the_stack_would),
		cmocka_unit_test(zero_is_written_as_ffff),
	};

	return cmocka_run_group_tests_name("tx_csum", tests, NULL, NULL);
}
