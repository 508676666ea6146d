/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A map as its types see it. */
#ifndef BPFE_MAP_H
#define BPFE_MAP_H

#include <pthread.h>
#include "internal.h"
#include "rcu.h"

/*
 * The part with host pointers. What the map holds lies in @data, which links by index only, so that
 * it can be copied, moved or tracked as plain bytes.
 */
struct bpfe_map {
	const struct bpfe_map_ops *ops;
	struct bpfe_map_attr attr;
	struct bpfe_allocator alloc;
	size_t data_size;
	void *data;
	atomic_bool frozen; /* the control plane no longer changes it */
	atomic_uint refs;
	atomic_uint users;    /* references from outside, which together hold one of refs */
	pthread_mutex_t lock; /* writers; readers never take it */
	struct bpfe_rcu_head free_rcu;
	struct bpfe_rcu_head recycle_rcu; /* for the map type */
};

extern const struct bpfe_map_ops bpfe_array_ops;
extern const struct bpfe_map_ops bpfe_hash_ops;
extern const struct bpfe_map_ops bpfe_prog_array_ops;
extern const struct bpfe_map_ops bpfe_array_of_maps_ops;
extern const struct bpfe_map_ops bpfe_hash_of_maps_ops;

/* bpfe_map_ops.get_next_key of any map whose keys are the numbers below max_entries. */
int bpfe_array_get_next_key(struct bpfe_map *map, const void *key, void *next);

/* May a map have @attr? Logged. -EINVAL, -EOPNOTSUPP. */
int bpfe_map_check(const struct bpfe_map_attr *attr, struct bpfe_log *log);

/* The bounds on any key, value, number of entries and flags, logged. -EINVAL. */
int bpfe_map_check_common(const struct bpfe_map_attr *attr, struct bpfe_log *log);

/* Refuse flags other than @allowed, and a pair of them that exclude each other. -EINVAL. */
int bpfe_map_check_flags(const struct bpfe_map_attr *attr, uint32_t allowed, struct bpfe_log *log);

/* Refuse a @value of attribute @what outside @min to @max. -EINVAL. */
int bpfe_map_check_range(struct bpfe_log *log, const char *what, uint32_t value, uint32_t min,
			 uint32_t max);

/* Bytes one value takes, so that all are 8-byte aligned. */
static inline size_t bpfe_value_stride(const struct bpfe_map_attr *attr)
{
	return ((size_t)attr->value_size + 7) & ~(size_t)7;
}

/*
 * Copy a value in or out while programs may access it: whole 8-byte words each at once. @dst and
 * @src need no alignment, but the one in the map (@in_map) has it.
 */
void bpfe_value_store(void *in_map, const void *src, size_t size);
void bpfe_value_load(void *dst, const void *in_map, size_t size);

#endif
