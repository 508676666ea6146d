/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_BLOOM_FILTER: bits that pushing a value sets and peeking for one finds set. Values
 * are never missed and sometimes found though never pushed. The bits of a value come from one keyed
 * hash, split in two (Kirsch and Mitzenmacher: h1 + i * h2 is as good as i hashes). Lock-free.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "maps/map.h"
#include "siphash.h"

#define DEFAULT_HASHES 5u
#define MAX_HASHES     15u
#define MAX_BITS       (UINT64_C(1) << 32)

/* Start of map->data; the bits follow. */
struct bloom_header {
	uint64_t secret[2];
	uint64_t mask; /* number of bits less 1 */
	_Atomic uint64_t bits[];
};

static const struct bpfe_map_rules bloom_rules = {
	.what = "a bloom filter",
	.max_value = BPFE_MAP_MAX_VALUE,
	.flags = BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | BPFE_MAP_ACCESS_FLAGS,
	.extra = MAX_HASHES,
};

static int bloom_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_map_check_rules(attr, &bloom_rules, log);
}

static uint32_t hash_count(const struct bpfe_map_attr *attr)
{
	return attr->map_extra ? (uint32_t)attr->map_extra : DEFAULT_HASHES;
}

/*
 * With k hashes and n values, n * k / ln(2) bits make half of them set when all are in, where false
 * answers are fewest. As Linux has it: 7/5 for 1/ln(2), and the next power of two.
 */
static uint64_t bit_count(const struct bpfe_map_attr *attr)
{
	uint64_t bits = (uint64_t)attr->max_entries * hash_count(attr) * 7 / 5, n = 64;

	while (n < bits && n < MAX_BITS)
		n *= 2;
	return n;
}

static size_t bloom_data_size(const struct bpfe_map_attr *attr)
{
	return sizeof(struct bloom_header) + bit_count(attr) / 8;
}

static int bloom_init(struct bpfe_map *map)
{
	struct bloom_header *h = map->data;

	if (getrandom(h->secret, sizeof(h->secret), 0) != (ssize_t)sizeof(h->secret))
		return -EIO;
	h->mask = bit_count(&map->attr) - 1;
	return 0;
}

/* Bit number @i of a value with @hash. */
static uint64_t bit_of(const struct bloom_header *h, uint64_t hash, uint32_t i)
{
	return ((hash & UINT32_MAX) + i * (hash >> 32 | 1)) & h->mask;
}

static int bloom_push(struct bpfe_map *map, const void *value, uint64_t flags)
{
	struct bloom_header *h = map->data;
	uint64_t hash;

	if (flags != BPF_ANY)
		return -EINVAL;
	hash = bpfe_siphash(h->secret, value, map->attr.value_size);
	for (uint32_t i = 0; i < hash_count(&map->attr); i++) {
		uint64_t bit = bit_of(h, hash, i);

		atomic_fetch_or_explicit(&h->bits[bit / 64], UINT64_C(1) << bit % 64,
					 memory_order_relaxed);
	}
	return 0;
}

static int bloom_peek(struct bpfe_map *map, void *value)
{
	const struct bloom_header *h = map->data;
	uint64_t hash = bpfe_siphash(h->secret, value, map->attr.value_size);

	for (uint32_t i = 0; i < hash_count(&map->attr); i++) {
		uint64_t bit = bit_of(h, hash, i);

		if (!(atomic_load_explicit(&h->bits[bit / 64], memory_order_relaxed) >> bit % 64 &
		      1))
			return -ENOENT;
	}
	return 0;
}

static int bloom_read(struct bpfe_map *map, const void *key, void *value)
{
	return bloom_peek(map, value);
}

static int bloom_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	return bloom_push(map, value, flags);
}

/* It cannot tell: no elements. */
static uint32_t bloom_count(const struct bpfe_map *map)
{
	return 0;
}

static void bloom_destroy(struct bpfe_map *map)
{
	struct bloom_header *h = map->data;

	explicit_bzero(h->secret, sizeof(h->secret));
}

const struct bpfe_map_ops bpfe_bloom_ops = {
	.type = BPF_MAP_TYPE_BLOOM_FILTER,
	.check = bloom_check,
	.storage_size = bloom_data_size,
	.init = bloom_init,
	.read = bloom_read,
	.write = bloom_write,
	.push = bloom_push,
	.peek = bloom_peek,
	.count = bloom_count,
	.destroy = bloom_destroy,
};
