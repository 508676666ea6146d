/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The frame of a benchmark program. A program includes this first and then defines
 *
 *   vary()  makes the frame of iteration @seq: which flow it is of, and whatever the iteration
 *           before changed back as it was. Part of what is timed, in all engines alike. False ends
 *           the run: so verifiers need not follow a short frame through every iteration.
 *   body()  the program as one would load it. A global function, so that verifiers follow it once,
 *           and a weak one, so that no compiler looks into it from the loop around it.
 *
 * and, for the native build, bench_info. The program that is loaded is the loop, bench().
 */
#ifndef BENCH_H
#define BENCH_H

#ifdef BENCH_NATIVE
#include "native.h"
#else
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#endif
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

/* Iterations of one run. */
#ifdef BENCH_NATIVE
volatile __u32 bench_n = 1;
#else
const volatile __u32 bench_n = 1;
#endif

/* Number of the next iteration: a run goes on where the last one ended. */
__u32 bench_seq;

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq);
int body(struct xdp_md *ctx, __u32 seq);

SEC("xdp")
int bench(struct xdp_md *ctx)
{
	__u32 n = bench_n, seq = bench_seq, sum = 0;

	for (__u32 i = 0; i < n; i++) {
		if (!vary(ctx, seq))
			break;
		sum = sum * 31 + (__u32)body(ctx, seq);
		seq++;
	}
	bench_seq = seq;
	return (int)sum;
}

/* ---- Frames --------------------------------------------------------------------------------- */

struct headers {
	struct ethhdr *eth;
	struct iphdr *ip;
	struct udphdr *udp;
};

/* The headers of a frame with UDP over IPv4 without options into *headers; false if it is shorter.
 */
static __always_inline _Bool udp_headers(struct xdp_md *ctx, struct headers *h)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	h->eth = data;
	h->ip = data + sizeof(*h->eth);
	h->udp = data + sizeof(*h->eth) + sizeof(*h->ip);
	return (void *)(h->udp + 1) <= end;
}

/* Spread numbers: neighbours come far apart, no two of 2^32 the same. */
static __always_inline __u32 spread(__u32 x)
{
	x *= 0x9e3779b1;
	return x ^ x >> 15;
}

/* One of @n, chosen by @x. */
static __always_inline __u32 pick(__u32 x, __u32 n)
{
	return (__u32)((__u64)spread(x) * n >> 32);
}

/* @a if @x is 0, else @b. Without a branch, which verifiers would follow both ways in each
 * iteration. */
static __always_inline __u32 zero_choose(__u32 x, __u32 a, __u32 b)
{
	__u32 minus = 0 - x, nonzero;

	/* Else compilers see through it, and branch. */
	asm volatile("" : "+r"(minus));
	nonzero = 0 - ((x | minus) >> 31); /* all bits or none */
	asm volatile("" : "+r"(nonzero));
	return (b & nonzero) | (a & ~nonzero);
}

/* Make the frame one of flow @flow: source address 10.F.F.F and source port. False: it is too
 * short. */
static __always_inline _Bool set_flow(struct xdp_md *ctx, __u32 flow)
{
	struct headers h;

	if (!udp_headers(ctx, &h))
		return 0;
	h.ip->saddr = bpf_htonl(0x0a000000 | (flow & 0xffffff));
	h.udp->source = bpf_htons(1024 + (flow & 0x3fff));
	return 1;
}

/* Five-tuple of a flow, as a key. */
struct tuple {
	__be32 saddr;
	__be32 daddr;
	__be16 source;
	__be16 dest;
	__u8 protocol;
	__u8 pad[3];
};

static __always_inline void get_tuple(const struct headers *h, struct tuple *t)
{
	*t = (struct tuple){.saddr = h->ip->saddr,
			    .daddr = h->ip->daddr,
			    .source = h->udp->source,
			    .dest = h->udp->dest,
			    .protocol = h->ip->protocol};
}

/* An address that has a route, most likely, if bench_prefixes() are the routes. */
static __always_inline __be32 routed_address(__u32 x)
{
	return bpf_htonl(0x08000000 | spread(x) >> 6);
}

#ifdef BENCH_NATIVE
/* The tuple of flow @flow. */
static inline struct tuple flow_tuple(__u32 flow, __u8 protocol)
{
	return (struct tuple){.saddr = bpf_htonl(0x0a000000 | (flow & 0xffffff)),
			      .daddr = bpf_htonl(0xc6336407),
			      .source = bpf_htons(1024 + (flow & 0x3fff)),
			      .dest = bpf_htons(443),
			      .protocol = protocol};
}
#endif

#ifndef BENCH_NATIVE
char _license[] SEC("license") = "Dual BSD/GPL";
#endif

#endif
