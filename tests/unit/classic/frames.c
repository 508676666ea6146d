// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "frames.h"

#include <string.h>

/* Choices fall out of one number, the least significant first. */
struct chooser {
	uint64_t left;
};

static uint32_t choose(struct chooser *c, uint32_t n)
{
	uint32_t choice = (uint32_t)(c->left % n);

	c->left /= n;
	return choice;
}

struct writer {
	uint8_t *at;
	struct chooser choices;
};

static void put8(struct writer *w, uint32_t value)
{
	*w->at++ = (uint8_t)value;
}

static void put16(struct writer *w, uint32_t value)
{
	put8(w, value >> 8);
	put8(w, value);
}

static void put32(struct writer *w, uint32_t value)
{
	put16(w, value >> 16);
	put16(w, value);
}

static const uint16_t ports[] = {53, 80, 443, 1024, 4789, 12345};

static void put_ports(struct writer *w)
{
	put16(w, ports[choose(&w->choices, 6)]);
	put16(w, ports[choose(&w->choices, 6)]);
}

static void put_transport(struct writer *w, uint32_t protocol)
{
	static const uint8_t flags[] = {0x02, 0x10, 0x12, 0x04, 0x11, 0x18};

	if (protocol == 6) {
		put_ports(w);
		put32(w, 1);
		put32(w, 2);
		put8(w, 0x50 + (choose(&w->choices, 2) << 5)); /* 20 or 28 bytes */
		put8(w, flags[choose(&w->choices, 6)]);
		put16(w, 1000);
		put32(w, 0);
	} else if (protocol == 17) {
		put_ports(w);
		put16(w, 8 + choose(&w->choices, 40));
		put16(w, 0);
	} else {
		put8(w, 8 * choose(&w->choices, 2)); /* echo, reply */
		put8(w, 0);
		put16(w, 0);
		put32(w, 0x12340001);
	}
	for (int i = 0; i < 40; i++)
		put8(w, 0xa0 + (unsigned)i);
}

static void put_ipv4(struct writer *w)
{
	static const uint32_t hosts[] = {0x0a000001, 0x0a000002, 0xc0a80105, 0xe0000001,
					 0xffffffff};
	static const uint16_t fragments[] = {0, 0, 0x4000, 0x2000, 0x00b9};
	static const uint8_t protocols[] = {6, 17, 1, 6, 17, 2};
	uint32_t options = choose(&w->choices, 3);
	uint32_t protocol = protocols[choose(&w->choices, 6)];

	put8(w, 0x45 + options);
	put8(w, choose(&w->choices, 2) * 0xb8);
	put16(w, 20 + 4 * options + 60);
	put16(w, 1);
	put16(w, fragments[choose(&w->choices, 5)]);
	put8(w, 64);
	put8(w, protocol);
	put16(w, 0);
	put32(w, hosts[choose(&w->choices, 5)]);
	put32(w, hosts[choose(&w->choices, 5)]);
	for (uint32_t i = 0; i < options; i++)
		put32(w, 0x01010101);
	put_transport(w, protocol);
}

static void put_ipv6(struct writer *w)
{
	static const uint8_t protocols[] = {6, 17, 58, 0, 44, 60};
	uint32_t protocol = protocols[choose(&w->choices, 6)];

	put32(w, 0x60000000);
	put16(w, 60);
	put8(w, protocol);
	put8(w, 64);
	for (int side = 0; side < 2; side++) {
		put32(w, 0x20010db8);
		put32(w, 0);
		put32(w, 0);
		put32(w, choose(&w->choices, 3));
	}
	if (protocol == 0 || protocol == 44 || protocol == 60) {
		protocol = choose(&w->choices, 2) ? 6 : 17;
		put8(w, protocol);
		put8(w, 0);
		put16(w, choose(&w->choices, 2) * 8);
		put32(w, 0);
	}
	put_transport(w, protocol);
}

static void put_arp(struct writer *w)
{
	put16(w, 1);
	put16(w, 0x0800);
	put16(w, 0x0604);
	put16(w, 1 + choose(&w->choices, 2));
	put32(w, 0x02000000);
	put16(w, 1);
	put32(w, 0x0a000001);
	put32(w, 0);
	put16(w, 0);
	put32(w, 0x0a000002);
}

static void put_ethernet(struct writer *w)
{
	static const uint8_t macs[][6] = {{2, 0, 0, 0, 0, 1},
					  {2, 0, 0, 0, 0, 2},
					  {1, 0, 0x5e, 0, 0, 1},
					  {255, 255, 255, 255, 255, 255}};
	static const uint16_t tags[] = {0, 0, 0, 0x8100, 0x88a8, 0x9100};

	memcpy(w->at, macs[choose(&w->choices, 4)], 6);
	memcpy(w->at + 6, macs[choose(&w->choices, 2)], 6);
	w->at += 12;
	for (int i = 0; i < 2; i++) {
		uint32_t tag = tags[choose(&w->choices, 6)];

		if (tag) {
			put16(w, tag);
			put16(w, 0x2000 + (choose(&w->choices, 3) * 100));
		}
	}
}

static void put_network(struct writer *w)
{
	switch (choose(&w->choices, 8)) {
	case 0:
		put16(w, 0x0806);
		put_arp(w);
		break;
	case 1:
		put16(w, 46); /* a length: 802.3 with LLC */
		put32(w, 0x42420300);
		break;
	case 2:
		put16(w, 0x8847); /* MPLS, one label */
		put32(w, 0x00010140 + (choose(&w->choices, 2) << 12));
		put_ipv4(w);
		break;
	case 3:
	case 4:
		put16(w, 0x86dd);
		put_ipv6(w);
		break;
	default:
		put16(w, 0x0800);
		put_ipv4(w);
		break;
	}
}

uint32_t frame_make(uint32_t number, uint8_t *frame)
{
	/* Multiplying by an odd number keeps numbers apart and mixes their upper bits. */
	struct writer w = {frame, {(number + 1) * UINT64_C(0x9e3779b97f4a7c15)}};
	uint32_t cut, len;

	w.choices.left ^= w.choices.left >> 29;
	cut = choose(&w.choices, 8);
	memset(frame, 0, FRAME_MAX);
	put_ethernet(&w);
	put_network(&w);
	len = (uint32_t)(w.at - frame);
	if (cut == 0)
		len = choose(&w.choices, len + 1);
	else if (cut == 1)
		len = len + choose(&w.choices, FRAME_MAX - len + 1);
	return len;
}
