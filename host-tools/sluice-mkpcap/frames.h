/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Make Ethernet frames from a seed: the same arguments give the same frames on every machine.
 */
#ifndef SLUICE_MKPCAP_FRAMES_H
#define SLUICE_MKPCAP_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#define FRAME_MAX         1514u
#define FRAME_MAX_SOURCES 65536u

struct frame_config {
	uint64_t seed;
	uint32_t n_sources;          /* 1..FRAME_MAX_SOURCES */
	uint32_t malformed_permille; /* frames with a header cut short, in 1000 */
	uint8_t destination_mac[6];
	struct in_addr destination4;
	struct in6_addr destination6;
};

/*
 * Write frame number @index to @frame (FRAME_MAX bytes) and return its length. Source i sends from
 * 198.18.0.0/16 (RFC 2544) or 2001:db8:51c0::/112 with i in the low 16 bits. Of 1000 frames about
 * 650 carry IPv4, 300 IPv6 and 50 ARP; a quarter of all one VLAN tag, a twelfth two.
 */
size_t frame_make(const struct frame_config *config, uint64_t index, uint8_t *frame);

#endif
