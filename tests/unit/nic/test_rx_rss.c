/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Which fields are hashed, under which type, and where the table sends the frame. The addresses are
 * of Microsoft's verification suite, with the default key. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "frames.h"
#include "model_guest.h"
#include "rx_internal.h"

static const struct frame_spec v4 = {.ip = 4,
				     .src = {66, 9, 149, 187},
				     .dst_ip = {161, 142, 100, 80},
				     .proto = IPPROTO_TCP,
				     .sport = 2794,
				     .dport = 1766,
				     .payload = 8};

static int set_up(void **state)
{
	struct model_guest *g = model_guest_new();

	model_guest_start(g, 4, 1, false);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	model_guest_free(*state);
	return 0;
}

static void expect(struct model_guest *g, const struct frame_spec *spec, uint8_t type,
		   uint32_t hash)
{
	uint8_t frame[FRAME_MAX];
	struct rx_frame f = {.nic = g->nic, .port = nic_port(g->nic, 0), .data = frame};

	f.len = frame_build(frame, spec);
	rx_parse(frame, f.len, &f.headers);
	rx_rss_select(&f);
	assert_int_equal(f.rss_type, type);
	assert_int_equal(f.rss_hash, hash);
	assert_int_equal(f.queue, nic_port(g->nic, 0)->rss_table[hash % SLUICE_RSS_TABLE]);
}

static void ipv4_types(void **state)
{
	struct frame_spec spec = v4;

	expect(*state, &spec, SLUICE_RX_HASH_TCPV4, 0x51ccc178);
	spec.n_vlan = 2;
	spec.ip_options = 12;
	expect(*state, &spec, SLUICE_RX_HASH_TCPV4, 0x51ccc178);
	spec = v4;
	spec.proto = IPPROTO_UDP;
	expect(*state, &spec, SLUICE_RX_HASH_UDPV4, 0x51ccc178);
	spec.proto = IPPROTO_ICMP;
	expect(*state, &spec, SLUICE_RX_HASH_IPV4, 0x323e8fc2);
	/* All fragments of a packet must go one way, the first included. */
	spec.proto = IPPROTO_UDP;
	spec.ip_fragment = 0x2000;
	expect(*state, &spec, SLUICE_RX_HASH_IPV4, 0x323e8fc2);
	spec.ip_fragment = 0x0010;
	expect(*state, &spec, SLUICE_RX_HASH_IPV4, 0x323e8fc2);
}

static void ipv6_types(void **state)
{
	struct frame_spec spec = {
		.ip = 6, .proto = IPPROTO_TCP, .sport = 2794, .dport = 1766, .payload = 8};

	assert_int_equal(inet_pton(AF_INET6, "3ffe:2501:200:1fff::7", spec.src), 1);
	assert_int_equal(inet_pton(AF_INET6, "3ffe:2501:200:3::1", spec.dst_ip), 1);
	expect(*state, &spec, SLUICE_RX_HASH_TCPV6, 0x40207d3d);
	spec.extension = IPPROTO_HOPOPTS;
	spec.n_extension = 2;
	expect(*state, &spec, SLUICE_RX_HASH_TCPV6, 0x40207d3d);
	spec.proto = IPPROTO_UDP;
	expect(*state, &spec, SLUICE_RX_HASH_UDPV6, 0x40207d3d);
	spec.proto = IPPROTO_ICMPV6;
	expect(*state, &spec, SLUICE_RX_HASH_IPV6, 0x2cc18cd5);
}

static void not_ip(void **state)
{
	const struct frame_spec spec = {.payload = 46};

	expect(*state, &spec, SLUICE_RX_HASH_NONE, 0);
}

static void table_and_key(void **state)
{
	struct model_guest *g = *state;
	uint16_t table[SLUICE_RSS_TABLE], seen[SLUICE_RSS_TABLE];
	uint8_t key[SLUICE_RSS_KEY] = {0x80}, read_back[SLUICE_RSS_KEY];

	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = i % 4;
	assert_int_equal(nic_rss_set(g->nic, 0, NULL, table), 0);
	expect(g, &v4, SLUICE_RX_HASH_TCPV4, 0x51ccc178);
	/* A key of one bit: only the first bit of the input matters. */
	assert_int_equal(nic_rss_set(g->nic, 0, key, NULL), 0);
	expect(g, &v4, SLUICE_RX_HASH_TCPV4, 0);
	assert_int_equal(nic_rss_query(g->nic, 0, read_back, seen), 0);
	assert_memory_equal(read_back, key, sizeof(key));
	assert_memory_equal(seen, table, sizeof(table));
	table[127] = 4;
	assert_int_equal(nic_rss_set(g->nic, 0, NULL, table), -EINVAL);
	assert_int_equal(nic_rss_query(g->nic, 0, NULL, seen), 0);
	assert_int_equal(seen[127], 3);
	assert_int_equal(nic_rss_set(g->nic, 1, key, NULL), -EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ipv4_types),
		TEST(ipv6_types),
		TEST(not_ip),
		TEST(table_and_key),
	};

	return cmocka_run_group_tests_name("rx_rss", tests, NULL, NULL);
}
