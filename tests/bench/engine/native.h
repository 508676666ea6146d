/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A benchmark program as native code: what <linux/bpf.h> and <bpf/bpf_helpers.h> give a BPF
 * program, over the engine's C interface. Map operations are calls of bpfe_map_*(); the clock is
 * that of the frame, as it is in the NIC.
 */
#ifndef BENCH_NATIVE_H
#define BENCH_NATIVE_H

#define xdp_md xdp_md_of_linux
#include <linux/bpf.h>
#undef xdp_md
#include <string.h>
#include "abi.h"

#define xdp_md bench_ctx

#define SEC(name)         __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) val *name
#define __noinline        __attribute__((noinline))
#define __weak            __attribute__((weak))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

void *bpfe_map_lookup_cpu(struct bpfe_map *map, const void *key, uint32_t cpu);
int bpfe_map_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags);
int bpfe_map_delete(struct bpfe_map *map, const void *key);

uint64_t bench_now = 1; /* ns */

/* The bench leaves a map's address in the first word of its definition. */
static inline struct bpfe_map *map_of(const void *definition)
{
	return *(struct bpfe_map *const *)definition;
}

static inline void *bpf_map_lookup_elem(const void *map, const void *key)
{
	return bpfe_map_lookup_cpu(map_of(map), key, 0);
}

static inline long bpf_map_update_elem(const void *map, const void *key, const void *value,
				       __u64 flags)
{
	return bpfe_map_update(map_of(map), key, value, flags);
}

static inline long bpf_map_delete_elem(const void *map, const void *key)
{
	return bpfe_map_delete(map_of(map), key);
}

static inline __u64 bpf_ktime_get_ns(void)
{
	return *(volatile uint64_t *)&bench_now;
}

static inline __u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

static inline long bpf_redirect(__u32 ifindex, __u64 flags)
{
	return flags ? XDP_ABORTED : XDP_REDIRECT;
}

static inline long bpf_xdp_adjust_head(struct bench_ctx *ctx, int delta)
{
	uintptr_t data = ctx->data + (uintptr_t)(long)delta;

	if (data < ctx->hard_start || data + 14 > ctx->data_end)
		return -22;
	if (delta < 0)
		memset((void *)data, 0, (size_t)-delta); /* as the engine does */
	ctx->data = data;
	ctx->data_meta = data;
	return 0;
}

/* ---- For bench_info ------------------------------------------------------------------------- */

/* A UDP datagram to @port of 198.51.100.7 in a frame of @len bytes; returns @len. */
uint32_t bench_udp(uint8_t *frame, uint32_t len, uint16_t port);

/* The same of TCP. */
uint32_t bench_tcp(uint8_t *frame, uint32_t len, uint16_t port);

/* A frame for programs that do not care: 1514 bytes to port 443. */
uint32_t bench_frame(uint8_t *frame);

/*
 * @n different prefixes of 8.0.0.0/6, as long as those of the internet's routes: six of ten have 24
 * bits. Keys of an LPM trie of IPv4. At most 2^17.
 */
struct bench_prefix {
	uint32_t bits;
	uint8_t address[4];
};

const struct bench_prefix *bench_prefixes(uint32_t n);

#endif
