// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Functions of their own: stack pointers, packet pointers and map values passed and returned. */
#include "common.h"

struct bounds {
	void *pos, *end;
};

static noinline int take(struct bounds *b, __u32 bytes, __u64 *first)
{
	if (bytes > 64)
		return -1;
	if (b->pos + 8 > b->end)
		return -1;
	*first = *(__u64 *)b->pos;
	b->pos += bytes;
	return 0;
}

static noinline __u64 *counter_at(__u32 index)
{
	return bpf_map_lookup_elem(&counters, &index);
}

static noinline __u32 mix(__u32 a, __u32 b)
{
	a ^= b;
	a *= 0x9e3779b1;
	return a ^ (a >> 15);
}

static noinline __u32 hash(struct flow *key)
{
	__u32 h = 0;

	for (int i = 0; i < 4; i++)
		h = mix(h, mix(key->saddr[i], key->daddr[i]));
	return mix(h, key->protocol);
}

SEC("xdp")
int spread(struct xdp_md *ctx)
{
	struct bounds b = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	struct flow key = {};
	__u64 first = 0, *counter;

	if (take(&b, 14, &first))
		return XDP_DROP;
	key.saddr[0] = (__u32)first;
	if (take(&b, 20, &first))
		return XDP_PASS;
	key.daddr[0] = (__u32)(first >> 32);
	counter = counter_at(hash(&key) & 15);
	if (counter)
		*counter += 1;
	return XDP_PASS;
}
