/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <netinet/in.h>

#include "frames.h"
#include "rx_internal.h"

static const struct frame_spec udp4 = {.ip = 4,
				       .src = {10, 0, 0, 2},
				       .dst_ip = {10, 0, 0, 1},
				       .proto = IPPROTO_UDP,
				       .sport = 1,
				       .dport = 2,
				       .payload = 10};

static const struct frame_spec tcp6 = {.ip = 6,
				       .src = {0xfd, 1},
				       .dst_ip = {0xfd, 2},
				       .proto = IPPROTO_TCP,
				       .sport = 1,
				       .dport = 2,
				       .payload = 10};

static struct rx_headers parse_spec(const struct frame_spec *spec)
{
	struct rx_headers h;
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, spec);

	rx_parse(frame, len, &h);
	return h;
}

static void offsets_behind_vlan_tags(void **state)
{
	for (unsigned tags = 0; tags <= 3; tags++) {
		struct frame_spec spec = udp4;
		struct rx_headers h;

		spec.n_vlan = tags;
		h = parse_spec(&spec);
		if (tags > 2) {
			/* A third tag is not looked through. */
			assert_int_equal(h.n_vlan, 2);
			assert_int_equal(h.l3_proto, 0);
			continue;
		}
		assert_int_equal(h.n_vlan, tags);
		assert_int_equal(h.l3, 14 + 4 * tags);
		assert_int_equal(h.l3_proto, 4);
		assert_int_equal(h.l3_len, 20);
		assert_int_equal(h.l4, 34 + 4 * tags);
		assert_int_equal(h.l4_proto, IPPROTO_UDP);
		assert_int_equal(h.l4_len, 18);
	}
}

static void ipv4_options_and_padding(void **state)
{
	struct frame_spec spec = udp4;
	struct rx_headers h;

	spec.ip_options = 40;
	spec.pad = 30;
	h = parse_spec(&spec);
	assert_int_equal(h.l3_len, 60);
	assert_int_equal(h.l4, 74);
	assert_int_equal(h.l4_len, 18);
}

static void ipv4_fragments_have_no_transport(void **state)
{
	static const uint16_t fields[] = {0x2000, 0x0001, 0x3fff, 0x1fff};
	struct frame_spec spec = udp4;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct rx_headers h;

		spec.ip_fragment = fields[i];
		h = parse_spec(&spec);
		assert_int_equal(h.l3_proto, 4);
		assert_true(h.fragment);
		assert_int_equal(h.l4_proto, 0);
	}
	spec.ip_fragment = 0x4000; /* don't fragment */
	assert_int_equal(parse_spec(&spec).l4_proto, IPPROTO_UDP);
}

static void ipv6_extension_headers(void **state)
{
	static const uint8_t kinds[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS};

	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct frame_spec spec = tcp6;
		struct rx_headers h;

		spec.extension = kinds[i];
		spec.n_extension = 3;
		h = parse_spec(&spec);
		assert_int_equal(h.l3_proto, 6);
		assert_int_equal(h.l4_proto, IPPROTO_TCP);
		assert_int_equal(h.l4, 14 + 40 + 24);
		assert_int_equal(h.l4_len, 30);
		assert_int_equal(h.pseudo_hidden, kinds[i] != IPPROTO_HOPOPTS);
	}
}

static void ipv6_chain_of_extensions_is_bounded(void **state)
{
	struct frame_spec spec = tcp6;

	spec.extension = IPPROTO_HOPOPTS;
	spec.n_extension = 8;
	assert_int_equal(parse_spec(&spec).l4_proto, IPPROTO_TCP);
	spec.n_extension = 9;
	assert_int_equal(parse_spec(&spec).l3_proto, 6);
	assert_int_equal(parse_spec(&spec).l4_proto, 0);
}

static void ipv6_fragments(void **state)
{
	struct frame_spec spec = tcp6;
	struct rx_headers h;

	spec.ip_fragment = 1; /* more fragments */
	h = parse_spec(&spec);
	assert_true(h.fragment);
	assert_int_equal(h.l4_proto, 0);
	spec.ip_fragment = 8; /* offset 1 */
	assert_true(parse_spec(&spec).fragment);
	spec.ip_fragment = 2; /* reserved bits only: a fragment that is the whole packet */
	h = parse_spec(&spec);
	assert_false(h.fragment);
	assert_int_equal(h.l4_proto, IPPROTO_TCP);
}

/* Overwrite the byte at @at of @spec's frame and parse. */
static struct rx_headers parse_with(const struct frame_spec *spec, size_t at, uint8_t value)
{
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, spec);
	struct rx_headers h;

	frame[at] = value;
	rx_parse(frame, len, &h);
	return h;
}

static void malformed_network_headers(void **state)
{
	assert_int_equal(parse_with(&udp4, 14, 0x65).l3_proto, 0); /* version */
	assert_int_equal(parse_with(&udp4, 14, 0x44).l3_proto, 0); /* header shorter than 20 */
	assert_int_equal(parse_with(&udp4, 14, 0x4f).l3_proto, 0); /* header beyond total length */
	assert_int_equal(parse_with(&udp4, 16, 0x01).l3_proto, 0); /* longer than the frame */
	assert_int_equal(parse_with(&udp4, 17, 19).l3_proto, 0);   /* shorter than its header */
	assert_int_equal(parse_with(&tcp6, 14, 0x45).l3_proto, 0);
	assert_int_equal(parse_with(&tcp6, 18, 0x01).l3_proto, 0); /* payload beyond the frame */
}

static void malformed_transport_headers(void **state)
{
	struct frame_spec tcp4 = udp4;
	struct frame_spec ext = tcp6;
	struct rx_headers h;

	tcp4.proto = IPPROTO_TCP;
	assert_int_equal(parse_spec(&tcp4).l4_proto, IPPROTO_TCP);
	h = parse_with(&tcp4, 34 + 12, 0x40); /* data offset 16 */
	assert_int_equal(h.l3_proto, 4);
	assert_int_equal(h.l4_proto, 0);
	assert_int_equal(parse_with(&tcp4, 34 + 12, 0xf0).l4_proto, 0); /* beyond the packet */
	assert_int_equal(parse_with(&udp4, 34 + 5, 7).l4_proto, 0);     /* length below 8 */
	assert_int_equal(parse_with(&udp4, 34 + 5, 19).l4_proto, 0);    /* beyond the packet */
	assert_int_equal(parse_with(&udp4, 23, IPPROTO_ICMP).l4_proto, 0);
	ext.extension = IPPROTO_HOPOPTS;
	ext.n_extension = 1;
	assert_int_equal(parse_with(&ext, 14 + 41, 0xff).l4_proto, 0); /* option beyond it */
}

/* Each header kind cut at every length, in a buffer of exactly that length: the sanitizer sees a
 * read beyond it, and nothing beyond it may be claimed. */
static void truncated_at_every_length(void **state)
{
	struct frame_spec specs[] = {udp4, tcp6, udp4, tcp6};

	specs[0].n_vlan = 2;
	specs[0].ip_options = 8;
	specs[1].extension = IPPROTO_DSTOPTS;
	specs[1].n_extension = 2;
	specs[2].proto = IPPROTO_TCP;
	specs[3].ip_fragment = 2;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		uint8_t whole[FRAME_MAX];
		size_t len = frame_build(whole, &specs[i]);

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *frame = malloc(cut ? cut : 1);
			struct rx_headers h;

			memcpy(frame, whole, cut);
			rx_parse(frame, cut, &h);
			/* The packet's own length says that it is not whole. */
			assert_int_equal(h.l3_proto, 0);
			assert_int_equal(h.l4_proto, 0);
			free(frame);
		}
	}
}

/* Random bytes behind each EtherType: whatever is claimed lies within the frame. */
static void claims_stay_within_the_frame(void **state)
{
	static const uint8_t types[][2] = {{0x08, 0x00}, {0x86, 0xdd}, {0x81, 0x00}, {0x88, 0xa8}};

	srandom(7);
	for (unsigned round = 0; round < 200000; round++) {
		size_t len = 14 + (size_t)random() % 90;
		uint8_t *frame = malloc(len);
		struct rx_headers h;

		for (size_t i = 0; i < len; i++)
			frame[i] = (uint8_t)random();
		memcpy(frame + 12, types[round % 4], 2);
		if (len > 18)
			frame[14] = round % 4 ? 0x60 : (uint8_t)(0x45 + round % 3);
		if (len > 20)
			frame[16] = frame[18] = 0;
		rx_parse(frame, len, &h);
		if (h.l3_proto)
			assert_true((size_t)h.l3 + h.l3_len <= len);
		if (h.l4_proto)
			assert_true((size_t)h.l4 + h.l4_len <= len);
		rx_csum_verify(frame, &h);
		free(frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_behind_vlan_tags),
		cmocka_unit_test(ipv4_options_and_padding),
		cmocka_unit_test(ipv4_fragments_have_no_transport),
		cmocka_unit_test(ipv6_extension_headers),
		cmocka_unit_test(ipv6_chain_of_extensions_is_bounded),
		cmocka_unit_test(ipv6_fragments),
		cmocka_unit_test(malformed_network_headers),
		cmocka_unit_test(malformed_transport_headers),
		cmocka_unit_test(truncated_at_every_length),
		cmocka_unit_test(claims_stay_within_the_frame),
	};

	return cmocka_run_group_tests_name("rx_parse", tests, NULL, NULL);
}
