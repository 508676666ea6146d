/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "toeplitz.h"

/* The 32 bits of @key that begin at @bit. */
static uint32_t key_window(const uint8_t key[TOEPLITZ_KEY], unsigned bit)
{
	uint64_t window = 0;

	for (unsigned i = 0; i < 5; i++)
		window = window << 8 | key[bit / 8 + i];
	return (uint32_t)(window >> (8 - bit % 8));
}

void toeplitz_set_key(struct toeplitz *t, const uint8_t key[TOEPLITZ_KEY])
{
	for (unsigned n = 0; n < TOEPLITZ_INPUT * 2; n++) {
		for (unsigned value = 0; value < 16; value++) {
			uint32_t hash = 0;

			for (unsigned bit = 0; bit < 4; bit++) {
				if (value & (8u >> bit))
					hash ^= key_window(key, n * 4 + bit);
			}
			t->nibble[n][value] = hash;
		}
	}
}

uint32_t toeplitz_hash(const struct toeplitz *t, const uint8_t *input, size_t len)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < len; i++)
		hash ^= t->nibble[2 * i][input[i] >> 4] ^ t->nibble[2 * i + 1][input[i] & 15];
	return hash;
}
