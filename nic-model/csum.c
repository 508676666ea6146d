/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "csum.h"

#include <endian.h>
#include <string.h>

uint64_t csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	/* 32-bit words into 64 bits: no carry is lost before 2^32 of them. */
	for (; len >= 16; len -= 16, p += 16) {
		uint32_t w[4];

		memcpy(w, p, sizeof(w));
		sum += (uint64_t)w[0] + w[1] + w[2] + w[3];
	}
	for (; len >= 2; len -= 2, p += 2) {
		uint16_t w;

		memcpy(&w, p, sizeof(w));
		sum += w;
	}
	if (len) {
		uint16_t w = 0;

		memcpy(&w, p, 1);
		sum += w;
	}
	return sum;
}

uint64_t csum_add_u16(uint64_t sum, uint16_t value)
{
	return sum + htobe16(value);
}

uint16_t csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
