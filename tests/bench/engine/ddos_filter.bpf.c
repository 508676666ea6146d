// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * A filter against floods: sources in a list of prefixes, fragments and answers of services that
 * amplify are dropped, and each other source has a rate. Each eighth source has used it up.
 */
#include "bench.h"

#define LISTED  20000
#define SOURCES 16384
#define COST    1000

struct prefix {
	__u32 bits;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct prefix);
	__type(value, __u32);
	__uint(max_entries, LISTED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} listed SEC(".maps");

struct bucket {
	__u64 tokens;
	__u64 filled; /* when, ns */
	__u64 rate;   /* tokens in 1024 ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32);
	__type(value, struct bucket);
	__uint(max_entries, 65536);
} sources SEC(".maps");

enum reason {
	REASON_PASSED,
	REASON_LISTED,
	REASON_FRAGMENT,
	REASON_AMPLIFIED,
	REASON_RATE,
	REASON_MALFORMED,
	REASON_OTHER,
	REASONS
};

struct counters {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(max_entries, REASONS);
} reasons SEC(".maps");

#define BURST     4000000000ull
#define FULL_RATE (1u << 20)

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	struct headers h;

	if (!udp_headers(ctx, &h))
		return 0;
	h.ip->saddr = routed_address(pick(seq, SOURCES));
	h.ip->frag_off = zero_choose(seq & 63, bpf_htons(0x2001), 0);
	h.udp->source =
		zero_choose((seq & 31) ^ 7, bpf_htons(11211), bpf_htons(1024 + (seq & 1023)));
	return 1;
}

/* ---- The program ---------------------------------------------------------------------------- */

static __always_inline _Bool amplifies(__u16 port)
{
	switch (port) {
	case 17:
	case 19:
	case 53:
	case 111:
	case 123:
	case 137:
	case 161:
	case 389:
	case 520:
	case 1900:
	case 3702:
	case 5353:
	case 11211:
		return 1;
	default:
		return 0;
	}
}

/* May @source send now? */
static __always_inline _Bool has_tokens(__u32 source)
{
	struct bucket *bucket = bpf_map_lookup_elem(&sources, &source);
	__u64 now = bpf_ktime_get_ns(), tokens;

	if (!bucket) {
		struct bucket fresh = {.tokens = BURST, .filled = now, .rate = FULL_RATE};

		bpf_map_update_elem(&sources, &source, &fresh, BPF_ANY);
		return 1;
	}
	tokens = bucket->tokens + ((now - bucket->filled) * bucket->rate >> 10);
	if (tokens > BURST)
		tokens = BURST;
	bucket->filled = now;
	bucket->tokens = tokens < COST ? tokens : tokens - COST;
	return tokens >= COST;
}

static __always_inline enum reason look_at(struct xdp_md *ctx)
{
	struct prefix key = {.bits = 32};
	struct headers h;

	if (!udp_headers(ctx, &h))
		return REASON_MALFORMED;
	if (h.eth->h_proto != bpf_htons(ETH_P_IP))
		return REASON_OTHER;
	if (h.ip->version != 4 || h.ip->ihl < 5 ||
	    bpf_ntohs(h.ip->tot_len) > ctx->data_end - ctx->data - sizeof(struct ethhdr))
		return REASON_MALFORMED;
	key.address = h.ip->saddr;
	if (bpf_map_lookup_elem(&listed, &key))
		return REASON_LISTED;
	if (h.ip->frag_off & bpf_htons(0x3fff))
		return REASON_FRAGMENT;
	if (h.ip->protocol == IPPROTO_UDP && h.ip->ihl == 5 && amplifies(bpf_ntohs(h.udp->source)))
		return REASON_AMPLIFIED;
	return has_tokens(key.address) ? REASON_PASSED : REASON_RATE;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u32 reason = look_at(ctx);
	struct counters *counters = bpf_map_lookup_elem(&reasons, &reason);

	if (counters) {
		counters->frames++;
		counters->bytes += (__u32)(ctx->data_end - ctx->data);
	}
	return reason == REASON_PASSED || reason == REASON_OTHER ? XDP_PASS : XDP_DROP;
}

#ifdef BENCH_NATIVE
static int fill(bench_update_fn update, void *opaque)
{
	const struct bench_prefix *prefixes = bench_prefixes(LISTED);
	const __u32 one = 1;
	int ret = 0;

	/* Long ones only, so that not everybody is listed. */
	for (__u32 i = 0; !ret && i < LISTED; i++) {
		if (prefixes[i].bits >= 24)
			ret = update(opaque, "listed", &prefixes[i], &one);
	}
	for (__u32 i = 0; !ret && i < SOURCES; i += 8) {
		const __u32 source = routed_address(i);
		const struct bucket empty = {0};

		ret = update(opaque, "sources", &source, &empty);
	}
	return ret;
}

const struct bench_info bench_info = {
	.class = "real",
	.what = "DDoS filter: listed prefixes, amplifiers, rate of each source",
	.iterations = 512,
	.own = "sources",
	.fill = fill,
	.frame = bench_frame,
};
#endif
