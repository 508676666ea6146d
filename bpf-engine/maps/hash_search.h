/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * How readers search a hash map, to be inlined for each kind of key: hash_find.c does so for any
 * host, hash_aes.c for processors with AES instructions.
 *
 * Orders. A reader reads a home's version, then tags, then entries, then keys, then the version
 * again, each load acquire. Writers store in the opposite order with release. Vector loads cannot
 * be marked; they are used on x86 only, which keeps loads in order.
 */
#ifndef BPFE_MAPS_HASH_SEARCH_H
#define BPFE_MAPS_HASH_SEARCH_H

#include "maps/hash.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define HASH_INLINE static inline __attribute__((always_inline))

#define HASH_ALL_SLOTS ((1u << HASH_SLOTS) - 1)

/* ---- Tags ----------------------------------------------------------------------------------- */

#ifdef __SSE2__

typedef __m128i hash_tags; /* the same in each byte */

/* 16 bytes that others may be writing to: each is the old or the new one. */
HASH_INLINE __m128i hash_load_16(const void *address)
{
	__m128i value;

	__asm__ volatile("movdqu %1, %0"
			 : "=x"(value)
			 : "m"(*(const __m128i_u *)address)
			 : "memory");
	return value;
}

HASH_INLINE hash_tags hash_tags_of(uint64_t hash)
{
	return _mm_set1_epi8((char)hash_tag(hash));
}

/* What empty slots have. */
HASH_INLINE hash_tags hash_no_tags(void)
{
	return _mm_setzero_si128();
}

/* Bit n: slot n has the tag. */
HASH_INLINE uint32_t hash_match(const struct hash_bucket *b, hash_tags tags)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(hash_load_16(b), tags)) & HASH_ALL_SLOTS;
}

HASH_INLINE bool hash_same_16(const void *in_map, const uint64_t *words)
{
	const __m128i wanted = _mm_set_epi64x((long long)words[1], (long long)words[0]);

	return _mm_movemask_epi8(_mm_cmpeq_epi8(hash_load_16(in_map), wanted)) == 0xffff;
}

#else

typedef uint8_t hash_tags;

HASH_INLINE hash_tags hash_tags_of(uint64_t hash)
{
	return hash_tag(hash);
}

HASH_INLINE hash_tags hash_no_tags(void)
{
	return 0;
}

HASH_INLINE uint32_t hash_match(const struct hash_bucket *b, hash_tags tag)
{
	uint32_t match = 0;

	for (uint32_t slot = 0; slot < HASH_SLOTS; slot++)
		match |= (uint32_t)(atomic_load_explicit(&b->tags[slot], memory_order_acquire) ==
				    tag)
			 << slot;
	return match;
}

HASH_INLINE bool hash_same_16(const void *in_map, const uint64_t *words)
{
	const uint64_t *there = in_map;

	return __atomic_load_n(&there[0], __ATOMIC_ACQUIRE) == words[0] &&
	       __atomic_load_n(&there[1], __ATOMIC_ACQUIRE) == words[1];
}

#endif

/* ---- Search --------------------------------------------------------------------------------- */

/* What a search is inlined for. */
enum hash_key_kind {
	HASH_KEY_WORD, /* of at most 8 bytes */
	HASH_KEY_16,   /* of 9 to 16 */
	HASH_KEY_WORDS,
};

HASH_INLINE bool hash_same_key(const struct hash_element *e, const uint64_t *words,
			       uint32_t n_words, const enum hash_key_kind kind)
{
	if (kind == HASH_KEY_WORD)
		return __atomic_load_n(&e->key[0], __ATOMIC_ACQUIRE) == words[0];
	if (kind == HASH_KEY_16)
		return hash_same_16(e->key, words);
	for (uint32_t i = 0; i < n_words; i++) {
		if (__atomic_load_n(&e->key[i], __ATOMIC_ACQUIRE) != words[i])
			return false;
	}
	return true;
}

/* An element that was found. */
struct hash_found {
	uint32_t number;
	struct hash_element *element;
};

/* Slot of @b with the key, or HASH_SLOTS; *@found: what is there. */
HASH_INLINE uint32_t hash_search_bucket(const struct hash_header *h, const struct hash_bucket *b,
					hash_tags tags, const uint64_t *words, uint32_t n_words,
					const enum hash_key_kind kind, struct hash_found *found)
{
	for (uint32_t match = hash_match(b, tags); match; match &= match - 1) {
		uint32_t slot = (uint32_t)__builtin_ctz(match);

		found->number = atomic_load_explicit(&b->numbers[slot], memory_order_acquire);
		found->element = hash_element(h, found->number);
		if (hash_same_key(found->element, words, n_words, kind))
			return slot;
	}
	return HASH_SLOTS;
}

/* Version of a home bucket. */
HASH_INLINE uint32_t hash_version(const struct hash_bucket *home)
{
	return atomic_load_explicit(&home->version, memory_order_acquire);
}

/* Is the version, but for the lock, still the same? */
HASH_INLINE bool hash_still(const struct hash_bucket *home, uint32_t version)
{
	return (hash_version(home) ^ version) <= HASH_LOCKED;
}

enum hash_outcome {
	HASH_MISSES,
	HASH_FINDS,
	HASH_UNSURE, /* the key may be in an overflow bucket, or a writer came between */
};

/*
 * The first try of a search, which nearly always is the only one. It calls nothing, so that who
 * inlines it saves no registers.
 */
HASH_INLINE enum hash_outcome hash_search_home(const struct hash_header *h, uint64_t hash,
					       hash_tags tags, const uint64_t *words,
					       uint32_t n_words, const enum hash_key_kind kind,
					       struct hash_found *found)
{
	uint64_t shape = atomic_load_explicit(&h->shape, memory_order_acquire);
	const struct hash_bucket *home = hash_bucket(h, hash_home(shape, hash));
	uint32_t version = hash_version(home);

	if (hash_search_bucket(h, home, tags, words, n_words, kind, found) < HASH_SLOTS)
		return hash_still(home, version) ? HASH_FINDS : HASH_UNSURE;
	return !atomic_load_explicit(&home->overflow, memory_order_acquire) &&
			       hash_still(home, version) &&
			       atomic_load_explicit(&h->shape, memory_order_acquire) == shape
		       ? HASH_MISSES
		       : HASH_UNSURE;
}

/* Number of the element with the key in the chain of @home, or 0; of no use if its version changes.
 */
static inline uint32_t hash_search_chain(const struct hash_header *h,
					 const struct hash_bucket *home, uint32_t version,
					 const struct hash_key *k)
{
	const hash_tags tags = hash_tags_of(k->hash);
	const struct hash_bucket *b = home;

	for (;;) {
		struct hash_found found;
		uint32_t next;

		if (hash_search_bucket(h, b, tags, k->words, k->n_words, HASH_KEY_WORDS, &found) <
		    HASH_SLOTS)
			return found.number;
		next = atomic_load_explicit(&b->overflow, memory_order_acquire);
		/* Of another chain, if one was reused meanwhile: not followed then. */
		if (!next || !hash_still(home, version))
			return 0;
		b = hash_bucket(h, next);
	}
}

/* ---- What a look-up returns ----------------------------------------------------------------- */

/* By the map's type. */
enum hash_result_kind {
	HASH_RESULT_VALUE,
	HASH_RESULT_LRU,
	HASH_RESULT_PER_CPU,
	HASH_RESULT_LRU_PER_CPU,
	HASH_RESULTS
};

HASH_INLINE bool hash_result_of_cpu(const enum hash_result_kind kind)
{
	return kind == HASH_RESULT_PER_CPU || kind == HASH_RESULT_LRU_PER_CPU;
}

HASH_INLINE void *hash_result(const struct bpfe_map *map, const struct hash_header *h,
			      const struct hash_found *found, uint32_t cpu,
			      const enum hash_result_kind kind)
{
	struct hash_element *e = found->element;

	/* Written only when it changes: it is in many processors' caches. */
	if ((kind == HASH_RESULT_LRU || kind == HASH_RESULT_LRU_PER_CPU) &&
	    !atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, 1, memory_order_relaxed);
	if (!hash_result_of_cpu(kind))
		return (uint8_t *)e + h->value_offset;
	if (cpu >= map->attr.cpus)
		cpu %= map->attr.cpus;
	return (uint8_t *)(uintptr_t)h + h->values_offset + cpu * h->cpu_stride +
	       found->number * bpfe_value_stride(&map->attr);
}

/* The kind that @map's type needs. */
static inline enum hash_result_kind hash_result_kind(const struct bpfe_map *map)
{
	switch (map->attr.type) {
	case BPF_MAP_TYPE_LRU_HASH:
		return HASH_RESULT_LRU;
	case BPF_MAP_TYPE_PERCPU_HASH:
		return HASH_RESULT_PER_CPU;
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return HASH_RESULT_LRU_PER_CPU;
	default:
		return HASH_RESULT_VALUE;
	}
}

#endif
