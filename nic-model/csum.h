/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The Internet checksum (RFC 1071): ones' complement sum of 16-bit words. */
#ifndef SLUICE_CSUM_H
#define SLUICE_CSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Add @len bytes at @data, as 16-bit words in memory order, to @sum. Parts of a sum may be added in
 * any order as long as each but the last has even length.
 */
uint64_t csum_add(uint64_t sum, const void *data, size_t len);

/* Add the 16-bit host-order @value as it stands in a packet. */
uint64_t csum_add_u16(uint64_t sum, uint16_t value);

/* The sum in 16 bits, in memory order, not complemented. Over data with a right checksum: 0xffff.
 */
uint16_t csum_fold(uint64_t sum);

#endif
