/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * SipHash-1-3 (Aumasson and Bernstein): keyed, so that who chooses the keys of a hash map cannot
 * make them collide, and short enough for one hash a frame. Host byte order, hence little-endian.
 */
#ifndef BPFE_SIPHASH_H
#define BPFE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bpfe_sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t bpfe_rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void bpfe_sip_round(struct bpfe_sip_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = bpfe_rotl(s->v1, 13) ^ s->v0;
	s->v3 = bpfe_rotl(s->v3, 16) ^ s->v2;
	s->v0 = bpfe_rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = bpfe_rotl(s->v1, 17) ^ s->v2;
	s->v3 = bpfe_rotl(s->v3, 21) ^ s->v0;
	s->v2 = bpfe_rotl(s->v2, 32);
}

static inline void bpfe_sip_word(struct bpfe_sip_state *s, uint64_t word)
{
	s->v3 ^= word;
	bpfe_sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t bpfe_siphash(const uint64_t key[2], const void *data, size_t size)
{
	struct bpfe_sip_state s = {
		key[0] ^ 0x736f6d6570736575ull,
		key[1] ^ 0x646f72616e646f6dull,
		key[0] ^ 0x6c7967656e657261ull,
		key[1] ^ 0x7465646279746573ull,
	};
	uint64_t last = (uint64_t)size << 56;
	const uint8_t *p = data;
	uint64_t word;

	for (; size >= 8; size -= 8, p += 8) {
		memcpy(&word, p, 8);
		bpfe_sip_word(&s, word);
	}
	for (size_t i = 0; i < size; i++)
		last |= (uint64_t)p[i] << (8 * i);
	bpfe_sip_word(&s, last);
	s.v2 ^= 0xff;
	bpfe_sip_round(&s);
	bpfe_sip_round(&s);
	bpfe_sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
