/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The hash against Microsoft's verification suite for RSS. */
#include "unit.h"

#include <arpa/inet.h>

#include "toeplitz.h"

static const uint8_t key[TOEPLITZ_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct vector {
	int family;
	const char *dst, *src;
	uint16_t dport, sport;
	uint32_t hash_addresses, hash_ports;
} vectors[] = {
	{AF_INET, "161.142.100.80", "66.9.149.187", 1766, 2794, 0x323e8fc2, 0x51ccc178},
	{AF_INET, "65.69.140.83", "199.92.111.2", 4739, 14230, 0xd718262a, 0xc626b0ea},
	{AF_INET, "12.22.207.184", "24.19.198.95", 38024, 12898, 0xd2d0a5de, 0x5c2b394a},
	{AF_INET, "209.142.163.6", "38.27.205.30", 2217, 48228, 0x82989176, 0xafc7327f},
	{AF_INET, "202.188.127.2", "153.39.163.191", 1303, 44251, 0x5d1809c5, 0x10e828a2},
	{AF_INET6, "3ffe:2501:200:3::1", "3ffe:2501:200:1fff::7", 1766, 2794, 0x2cc18cd5,
	 0x40207d3d},
	{AF_INET6, "ff02::1", "3ffe:501:8::260:97ff:fe40:efab", 4739, 14230, 0x0f0c461c,
	 0xdde51bbf},
	{AF_INET6, "fe80::200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 38024, 44251,
	 0x4b61e985, 0x02d1feef},
};

static void published_vectors(void **state)
{
	struct toeplitz t;

	toeplitz_set_key(&t, key);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		size_t len = v->family == AF_INET ? 4 : 16;
		uint8_t input[TOEPLITZ_INPUT];
		uint16_t ports[2] = {htons(v->sport), htons(v->dport)};

		assert_int_equal(inet_pton(v->family, v->src, input), 1);
		assert_int_equal(inet_pton(v->family, v->dst, input + len), 1);
		memcpy(input + 2 * len, ports, sizeof(ports));
		assert_int_equal(toeplitz_hash(&t, input, 2 * len), v->hash_addresses);
		assert_int_equal(toeplitz_hash(&t, input, 2 * len + 4), v->hash_ports);
	}
}

/* The definition: for every set bit of the input, the 32 key bits from there on. */
static void last_bit_of_longest_input(void **state)
{
	struct toeplitz t;
	uint8_t input[TOEPLITZ_INPUT] = {0};

	toeplitz_set_key(&t, key);
	assert_int_equal(toeplitz_hash(&t, input, sizeof(input)), 0);
	input[TOEPLITZ_INPUT - 1] = 1;
	/* Key bits 287..318: the low bit of byte 35 and the upper 31 of bytes 36..39. */
	assert_int_equal(toeplitz_hash(&t, input, sizeof(input)),
			 (uint32_t)(key[35] & 1) << 31 | 0xbeac01fau >> 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(last_bit_of_longest_input),
	};

	return cmocka_run_group_tests_name("toeplitz", tests, NULL, NULL);
}
