/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The Toeplitz hash of receive-side scaling ("RSS hashing functions", Microsoft's Windows driver
 * documentation, which has the vectors the tests use).
 */
#ifndef SLUICE_TOEPLITZ_H
#define SLUICE_TOEPLITZ_H

#include <stddef.h>
#include <stdint.h>

#define TOEPLITZ_KEY   40u /* bytes */
#define TOEPLITZ_INPUT 36u /* bytes hashed at most: two IPv6 addresses and two ports */

/* A key, spread so that hashing looks up half a byte at a time instead of a bit. */
struct toeplitz {
	uint32_t nibble[TOEPLITZ_INPUT * 2][16];
};

void toeplitz_set_key(struct toeplitz *t, const uint8_t key[TOEPLITZ_KEY]);

/* Hash @len bytes, at most TOEPLITZ_INPUT, in network order. */
uint32_t toeplitz_hash(const struct toeplitz *t, const uint8_t *input, size_t len);

#endif
