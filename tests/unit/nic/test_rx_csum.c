/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include <netinet/in.h>

#include "frames.h"
#include "rx_internal.h"

static uint8_t frame[FRAME_MAX];

static uint8_t verify(size_t len)
{
	struct rx_headers h;

	rx_parse(frame, len, &h);
	return rx_csum_verify(frame, &h);
}

static struct frame_spec spec_of(unsigned ip, uint8_t proto, unsigned payload)
{
	return (struct frame_spec){.ip = ip,
				   .src = {10, 1, 2, 3, 4, 5, 6, 7, 8, 9},
				   .dst_ip = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
				   .proto = proto,
				   .sport = 1234,
				   .dport = 80,
				   .payload = payload};
}

/* Right, then wrong by one bit anywhere the checksum covers. */
static void right_and_wrong(void **state)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (unsigned i = 0; i < 8; i++) {
		struct frame_spec spec = spec_of(i & 1 ? 6 : 4, protos[i >> 1 & 1], 33 + (i >> 2));
		size_t len = frame_build(frame, &spec), l4 = frame_l4(&spec);

		assert_int_equal(verify(len), SLUICE_RX_CSUM_L4_OK);
		frame[l4]++; /* a port */
		assert_int_equal(verify(len), SLUICE_RX_CSUM_BAD);
		frame[l4]--;
		frame[len - 1] ^= 0x80; /* last byte of payload */
		assert_int_equal(verify(len), SLUICE_RX_CSUM_BAD);
		frame[len - 1] ^= 0x80;
		frame[frame_l3(&spec) + (spec.ip == 4 ? 12 : 8)] ^= 4; /* an address */
		assert_int_equal(verify(len), SLUICE_RX_CSUM_BAD);
	}
}

static void padding_is_not_covered(void **state)
{
	struct frame_spec spec = spec_of(4, IPPROTO_TCP, 0);

	spec.pad = 6;
	assert_int_equal(verify(frame_build(frame, &spec)), SLUICE_RX_CSUM_L4_OK);
}

static void ipv4_header_alone(void **state)
{
	struct frame_spec spec = spec_of(4, IPPROTO_ICMP, 8);
	size_t len = frame_build(frame, &spec);

	assert_int_equal(verify(len), SLUICE_RX_CSUM_NONE);
	frame[14 + 8]--; /* TTL, checksum not adjusted */
	assert_int_equal(verify(len), SLUICE_RX_CSUM_BAD);
}

static void not_checked(void **state)
{
	struct frame_spec spec = spec_of(4, IPPROTO_UDP, 20);

	spec.udp_no_csum = true;
	assert_int_equal(verify(frame_build(frame, &spec)), SLUICE_RX_CSUM_NONE);
	spec = spec_of(4, IPPROTO_UDP, 20);
	spec.ip_fragment = 0x2000;
	assert_int_equal(verify(frame_build(frame, &spec)), SLUICE_RX_CSUM_NONE);
	spec = spec_of(6, IPPROTO_UDP, 20);
	spec.extension = IPPROTO_ROUTING;
	spec.n_extension = 1;
	assert_int_equal(verify(frame_build(frame, &spec)), SLUICE_RX_CSUM_NONE);
	spec = spec_of(0, 0, 40);
	assert_int_equal(verify(frame_build(frame, &spec)), SLUICE_RX_CSUM_NONE);
}

/* A UDP length shorter than the packet's: the checksum covers what UDP says. */
static void udp_length_rules(void **state)
{
	struct frame_spec spec = spec_of(4, IPPROTO_UDP, 20);
	size_t len = frame_build(frame, &spec);
	uint8_t *ip = frame + 14;

	ip[3] += 4;
	ip[11] -= 4; /* the header's checksum, adjusted */
	assert_int_equal(verify(len + 4), SLUICE_RX_CSUM_L4_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_and_wrong),   cmocka_unit_test(padding_is_not_covered),
		cmocka_unit_test(ipv4_header_alone), cmocka_unit_test(not_checked),
		cmocka_unit_test(udp_length_rules),
	};

	return cmocka_run_group_tests_name("rx_csum", tests, NULL, NULL);
}
