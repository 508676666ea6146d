/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "work.h"

void work(uint64_t rounds)
{
	uint64_t x = rounds;

	while (rounds--) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		__asm__ volatile("" : "+r"(x));
	}
}

uint64_t work_rate(void)
{
	const uint64_t rounds = 2000000;
	uint64_t best = ~0ull;

	for (int i = 0; i < 10; i++) {
		uint64_t begin = clock_ns(), taken;

		work(rounds);
		taken = clock_ns() - begin;
		if (taken < best)
			best = taken;
	}
	return best && rounds * 1000 / best ? rounds * 1000 / best : 1;
}

uint64_t tick_rate(struct tick_scale from, struct tick_scale to)
{
	uint64_t ns = to.ns - from.ns;
	__uint128_t scaled = (__uint128_t)(to.ticks - from.ticks) << 20;

	return ns && scaled / ns ? (uint64_t)(scaled / ns) : 1;
}

uint64_t ticks_to_ns(uint64_t count, uint64_t rate)
{
	return (uint64_t)(((__uint128_t)count << 20) / rate);
}
