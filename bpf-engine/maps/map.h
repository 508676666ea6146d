/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A map as its types see it. */
#ifndef BPFE_MAP_H
#define BPFE_MAP_H

#include <pthread.h>
#include <string.h>
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
	size_t struct_size; /* with the @private bytes that ops->private_size() asked for */
	size_t data_size;
	void *data;
	atomic_bool frozen; /* the control plane no longer changes it */
	atomic_uint refs;
	atomic_uint users;    /* references from outside, which together hold one of refs */
	pthread_mutex_t lock; /* writers; readers never take it */
	_Atomic(bpfe_data_fn) on_data; /* bpfe_map_on_data() */
	void *on_data_opaque;
	struct bpfe_rcu_head free_rcu;
	struct bpfe_rcu_head recycle_rcu;        /* for the map type */
	_Alignas(max_align_t) uint8_t private[]; /* locks and the like, which are no data; zeroed */
};

extern const struct bpfe_map_ops bpfe_array_ops;
extern const struct bpfe_map_ops bpfe_hash_ops;
extern const struct bpfe_map_ops bpfe_percpu_hash_ops;
extern const struct bpfe_map_ops bpfe_lpm_trie_ops;
extern const struct bpfe_map_ops bpfe_lru_hash_ops;
extern const struct bpfe_map_ops bpfe_lru_percpu_hash_ops;
extern const struct bpfe_map_ops bpfe_percpu_array_ops;
extern const struct bpfe_map_ops bpfe_queue_ops;
extern const struct bpfe_map_ops bpfe_stack_ops;
extern const struct bpfe_map_ops bpfe_bloom_ops;
extern const struct bpfe_map_ops bpfe_prog_array_ops;
extern const struct bpfe_map_ops bpfe_array_of_maps_ops;
extern const struct bpfe_map_ops bpfe_hash_of_maps_ops;
extern const struct bpfe_map_ops bpfe_ringbuf_ops;
extern const struct bpfe_map_ops bpfe_perf_event_array_ops;
extern const struct bpfe_map_ops bpfe_devmap_ops;
extern const struct bpfe_map_ops bpfe_devmap_hash_ops;
extern const struct bpfe_map_ops bpfe_cpumap_ops;
extern const struct bpfe_map_ops bpfe_xskmap_ops;

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

/* Refuse a map of @type, which is not built in, and name those that are. -EOPNOTSUPP. */
int bpfe_map_refuse_type(uint32_t type, struct bpfe_log *log);

/* What the attributes of a type may be, beyond what all types have in common. */
struct bpfe_map_rules {
	const char *what; /* "an array" */
	uint32_t min_key;
	uint32_t max_key; /* the same: that size and no other */
	uint32_t max_value;
	uint32_t flags;            /* accepted */
	uint32_t needs;            /* without which it is refused */
	uint64_t extra;            /* bits map_extra may have */
	bool spin_lock;            /* its values may have a lock */
	bool too_large_is_invalid; /* key and value above the limit are -EINVAL, not -E2BIG */
};

/*
 * Hold @attr against @rules. -EINVAL: a size of 0 or none that fits, a flag or map_extra that does
 * not apply; -E2BIG: larger than we take; -EACCES, -EOPNOTSUPP: a lock where none may be.
 */
int bpfe_map_check_rules(const struct bpfe_map_attr *attr, const struct bpfe_map_rules *rules,
			 struct bpfe_log *log);

#define BPFE_MAP_ACCESS_FLAGS (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)

/* Flags of maps whose elements programs do not write. */
#define BPFE_MAP_OBJECT_FLAGS (BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)

/* Linux's bound on what one processor has of a value (PCPU_MIN_UNIT_SIZE). */
#define BPFE_MAP_MAX_CPU_VALUE 32768u

/* Processors a per-CPU map of @attr has values for. */
static inline uint32_t bpfe_attr_cpus(const struct bpfe_map_attr *attr)
{
	return attr->cpus ? attr->cpus : BPFE_DEFAULT_CPUS;
}

/* May the control plane change the map: 0, or -EPERM if it is frozen or BPF_F_RDONLY. */
int bpfe_map_may_write(const struct bpfe_map *map);

/* Tell who consumes the map, if bpfe_map_on_data() said how. Inside a read section. */
void bpfe_map_data_ready(struct bpfe_map *map);

/*
 * 8 bytes of a key, in halves. Programs mostly store keys in pieces of 4 bytes just before. A load
 * of more than a piece waits until all pieces are in the cache, and so for all that was to be done
 * before they were stored, other look-ups too.
 */
static inline uint64_t bpfe_key_word(const void *key)
{
	uint32_t low, high;

	memcpy(&low, key, sizeof(low));
	memcpy(&high, (const uint8_t *)key + sizeof(low), sizeof(high));
	__asm__("" : "+r"(low), "+r"(high)); /* not to be made one load */
	return (uint64_t)high << 32 | low;
}

/* Bytes one value takes, so that all are 8-byte aligned. */
static inline size_t bpfe_value_stride(const struct bpfe_map_attr *attr)
{
	return ((size_t)attr->value_size + 7) & ~(size_t)7;
}

/* Of a processor's cache, and more than any has: what two write to lies in two of them. */
#define BPFE_CACHE_LINE 64u

/*
 * Bytes from a per-CPU array's value for one processor to the same for the next: each has an array
 * of its own, which shares no cache line with another's.
 */
static inline size_t bpfe_array_cpu_stride(const struct bpfe_map_attr *attr)
{
	return (bpfe_value_stride(attr) * attr->max_entries + BPFE_CACHE_LINE - 1) &
	       ~(size_t)(BPFE_CACHE_LINE - 1);
}

/*
 * Copy a value in or out while programs may access it: whole aligned words each at once, of 8 bytes
 * where there are as many. @dst and @src need no alignment, but the one in the map (@in_map) is
 * aligned to 8.
 */
void bpfe_value_store(void *in_map, const void *src, size_t size);
void bpfe_value_load(void *dst, const void *in_map, size_t size);
void bpfe_value_zero(void *in_map, size_t size);

/*
 * The same for a whole value of @map: its struct bpf_spin_lock, if it has one, is neither written
 * nor shown (it reads as 0). The _locked ones hold it meanwhile.
 */
void bpfe_map_value_store(const struct bpfe_map *map, void *in_map, const void *src);
void bpfe_map_value_load(const struct bpfe_map *map, void *dst, const void *in_map);
void bpfe_map_value_store_locked(const struct bpfe_map *map, void *in_map, const void *src);
void bpfe_map_value_load_locked(const struct bpfe_map *map, void *dst, void *in_map);

/*
 * Take and release the lock in a value: its struct bpf_spin_lock, 0 when free. Taking it waits for
 * whoever has it, which is for the rest of a run's budget at most.
 */
void bpfe_spin_lock(uint32_t *lock);
void bpfe_spin_unlock(uint32_t *lock);

#endif
