/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Pseudo-random numbers that are the same for the same seed everywhere. */
#ifndef WORKLOADS_RANDOM_H
#define WORKLOADS_RANDOM_H

#include <stdint.h>

/* A counter, scrambled (Steele, Lea and Flood 2014). @state is the seed to begin with. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* @mean, give or take @spread percent of it, evenly. */
static inline uint64_t random_around(uint64_t *state, uint64_t mean, unsigned spread)
{
	uint64_t reach = mean * spread / 100;

	return mean - reach + (reach ? random_next(state) % (2 * reach + 1) : 0);
}

#endif
