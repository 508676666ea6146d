/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What lies where in a hash map's storage. All of it is there from the start, but nothing beyond
 * the header and the first buckets is touched before it is needed: a map with room for millions
 * costs what its keys take.
 */
#include <errno.h>
#include <sys/random.h>
#include "maps/hash.h"

#define MIN_SPARE 64u
#define MAX_SPARE 65536u /* on top: bounds what eviction may have to pass over */

static uint64_t round_up(uint64_t size, uint64_t to)
{
	return (size + to - 1) / to * to;
}

/* Elements of each pool. */
static void count_elements(const struct bpfe_map_attr *attr, struct hash_header *h)
{
	uint32_t eighth = attr->max_entries / 8;

	h->n_pools = attr->flags & BPF_F_NO_COMMON_LRU ? bpfe_attr_cpus(attr) : 1;
	h->pool_max = (attr->max_entries + h->n_pools - 1) / h->n_pools;
	h->pool_spare = MIN_SPARE + (eighth < MAX_SPARE ? eighth : MAX_SPARE) / h->n_pools;
	h->pool_elements = h->pool_max + h->pool_spare;
}

static void lay_out(const struct bpfe_map_attr *attr, struct hash_header *h)
{
	const bool per_cpu = bpfe_map_ops(attr->type)->per_cpu;
	uint64_t n, end;

	count_elements(attr, h);
	h->max_buckets = bpfe_hash_max_buckets(attr->max_entries);
	/* As many as the keys fill that do not fit a bucket, were they all of one. */
	h->n_overflow = h->pool_max * h->n_pools / HASH_SLOTS + 1;
	h->value_offset = (uint32_t)(sizeof(struct hash_element) + round_up(attr->key_size, 8));
	h->stride = h->value_offset + (per_cpu ? 0 : (uint32_t)bpfe_value_stride(attr));

	n = (uint64_t)h->n_pools * h->pool_elements;
	h->pools_offset = sizeof(*h) +
			  ((uint64_t)h->max_buckets + h->n_overflow) * sizeof(struct hash_bucket);
	end = h->pools_offset + h->n_pools * sizeof(struct hash_pool);
	/* Elements are numbered from 1. */
	h->elements_offset = end - h->stride;
	end += n * h->stride;
	/* Whole lines of a processor's own, at a distance that does not map all to one cache set.
	 */
	h->values_offset = round_up(end, BPFE_CACHE_LINE);
	if (per_cpu) {
		h->cpu_stride = round_up((n + 1) * bpfe_value_stride(attr), BPFE_CACHE_LINE) +
				BPFE_CACHE_LINE;
		end = h->values_offset + h->cpu_stride * bpfe_attr_cpus(attr);
	}
	h->size = end;
}

size_t bpfe_hash_data_size(const struct bpfe_map_attr *attr)
{
	struct hash_header h = {0};

	lay_out(attr, &h);
	return h.size;
}

size_t bpfe_hash_private_size(const struct bpfe_map_attr *attr)
{
	struct hash_header h = {0};

	count_elements(attr, &h);
	return sizeof(struct hash_private) + h.n_pools * sizeof(struct hash_recycler);
}

/* getrandom() gives 256 bytes at a time for certain. */
static int draw_secret(struct hash_secret *secret)
{
	uint8_t *bytes = (uint8_t *)secret;

	for (size_t done = 0, part; done < sizeof(*secret); done += part) {
		part = sizeof(*secret) - done < 256 ? sizeof(*secret) - done : 256;
		if (getrandom(bytes + done, part, 0) != (ssize_t)part)
			return -EIO;
	}
	return 0;
}

int bpfe_hash_init(struct bpfe_map *map)
{
	struct hash_private *private = hash_private(map);
	struct hash_header *h = map->data;

	lay_out(&map->attr, h);
	h->aes = bpfe_hash_has_aes();
	h->shape = hash_shape(bpfe_hash_first_buckets(h->max_buckets));
	private->look_up = bpfe_hash_direct_lookup(map);
	for (uint32_t i = 0; i < h->n_pools; i++) {
		private->recyclers[i].map = map;
		private->recyclers[i].pool = hash_pool(h, i);
	}
	return draw_secret(&h->secret);
}

void bpfe_hash_destroy(struct bpfe_map *map)
{
	struct hash_header *h = map->data;

	explicit_bzero(&h->secret, sizeof(h->secret));
}
