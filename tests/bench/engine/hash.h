/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Hash functions that several programs use. */
#ifndef BENCH_HASH_H
#define BENCH_HASH_H

static __always_inline __u32 rol32(__u32 x, unsigned by)
{
	return x << by | x >> (32 - by);
}

static __always_inline __u64 rol64(__u64 x, unsigned by)
{
	return x << by | x >> (64 - by);
}

/* Bob Jenkins' lookup3 over four words. */
static __always_inline __u32 jhash_4words(__u32 w0, __u32 w1, __u32 w2, __u32 w3, __u32 seed)
{
	__u32 a, b, c;

	a = b = c = 0xdeadbeef + (4u << 2) + seed;
	a += w0;
	b += w1;
	c += w2;

	a -= c, a ^= rol32(c, 4), c += b;
	b -= a, b ^= rol32(a, 6), a += c;
	c -= b, c ^= rol32(b, 8), b += a;
	a -= c, a ^= rol32(c, 16), c += b;
	b -= a, b ^= rol32(a, 19), a += c;
	c -= b, c ^= rol32(b, 4), b += a;

	a += w3;

	c ^= b, c -= rol32(b, 14);
	a ^= c, a -= rol32(c, 11);
	b ^= a, b -= rol32(a, 25);
	c ^= b, c -= rol32(b, 16);
	a ^= c, a -= rol32(c, 4);
	b ^= a, b -= rol32(a, 14);
	c ^= b, c -= rol32(b, 24);
	return c;
}

static __always_inline __u32 jhash_tuple(const struct tuple *t)
{
	return jhash_4words(t->saddr, t->daddr, (__u32)t->source << 16 | t->dest, t->protocol,
			    0x2545f491);
}

#endif
