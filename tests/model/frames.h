/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Frames for tests, with right checksums unless asked otherwise. */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2048u

struct frame_spec {
	const uint8_t *dst;          /* NULL: model_mac */
	unsigned n_vlan;             /* tags, the outer one 802.1ad when there are two or more */
	unsigned ip;                 /* 4, 6; 0: an Ethernet frame of type 0x88b5 */
	uint8_t src[16], dst_ip[16]; /* addresses, the first 4 bytes for IPv4 */
	unsigned ip_options;         /* IPv4: bytes of NOP options, a multiple of 4 */
	uint16_t ip_fragment; /* IPv4: flags and offset field; IPv6: fragment header when not 0 */
	uint8_t proto;        /* transport protocol */
	uint8_t extension;    /* IPv6: one extension header of this kind, 8 bytes; 0: none */
	unsigned n_extension; /* how many of them */
	uint16_t sport, dport;
	unsigned payload; /* bytes behind the transport header */
	unsigned pad;     /* link-layer padding behind the packet */
	bool udp_no_csum;
};

/* Build the frame in @buf; its length. */
size_t frame_build(uint8_t buf[FRAME_MAX], const struct frame_spec *spec);

/* Offsets in what frame_build() made. */
size_t frame_l3(const struct frame_spec *spec);
size_t frame_l4(const struct frame_spec *spec);

/* A UDP/IPv4 frame for the model guest, @payload bytes long, told apart by @seq in its payload. */
size_t frame_udp(uint8_t buf[FRAME_MAX], unsigned payload, uint32_t seq);

/* The Internet checksum, computed the plain way: complement of the sum, as a host-order number. */
uint16_t frame_checksum(const uint8_t *data, size_t len, uint32_t start);

#endif
