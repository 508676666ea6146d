/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Hashing with AES instructions (hash_function.h), and the look-ups of maps that do so, made for
 * the usual sizes of keys. Which functions a map uses is decided when it is made.
 */
#include "maps/hash_search.h"

atomic_bool bpfe_hash_without_aes;

#if defined(__x86_64__) && defined(__SSE2__)

#include <immintrin.h>

#define WITH_AES __attribute__((target("aes,ssse3,sse4.1")))

bool bpfe_hash_has_aes(void)
{
	return !bpfe_hash_without_aes && __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

WITH_AES HASH_INLINE __m128i secret_block(const struct hash_secret_block *block)
{
	return _mm_load_si128((const __m128i *)block->words);
}

/* Block @i of a key, on its way into the sum. */
WITH_AES HASH_INLINE __m128i inner(const struct hash_secret *s, __m128i block, size_t i)
{
	block = _mm_xor_si128(block, secret_block(&s->white[i]));
	for (unsigned r = 0; r < HASH_INNER_ROUNDS; r++)
		block = _mm_aesenc_si128(block, secret_block(&s->inner[r]));
	return block;
}

WITH_AES HASH_INLINE __m128i outer(const struct hash_secret *s, __m128i sum)
{
	for (unsigned r = 0; r < HASH_OUTER_ROUNDS; r++)
		sum = _mm_aesenc_si128(sum, secret_block(&s->outer[r]));
	return sum;
}

WITH_AES HASH_INLINE __m128i hash_blocks(const struct hash_secret *s, const uint64_t *words,
					 size_t n_blocks)
{
	__m128i sum = _mm_setzero_si128();

	for (size_t i = 0; i < n_blocks; i++)
		sum = _mm_xor_si128(sum, inner(s, _mm_load_si128((const __m128i *)words + i), i));
	return outer(s, sum);
}

WITH_AES uint64_t bpfe_hash_aes(const struct hash_secret *secret, const uint64_t *words,
				size_t n_blocks)
{
	return (uint64_t)_mm_cvtsi128_si64(hash_blocks(secret, words, n_blocks));
}

WITH_AES uint64_t bpfe_hash_aes_block(const struct hash_secret *secret, uint64_t first,
				      uint64_t second)
{
	const __m128i block = _mm_set_epi64x((long long)second, (long long)first);

	return (uint64_t)_mm_cvtsi128_si64(outer(secret, inner(secret, block, 0)));
}

/* As hash_tags_of(), without a way through a general register. */
WITH_AES HASH_INLINE __m128i tags_of(__m128i hash)
{
	return _mm_max_epu8(_mm_shuffle_epi8(hash, _mm_set1_epi8(4)), _mm_set1_epi8(1));
}

/* The key of @size bytes, a constant: 4, 8 or 16. */
WITH_AES HASH_INLINE void read_key(uint64_t *words, const void *key, const uint32_t size)
{
	words[0] = words[1] = 0;
	if (size < 8)
		memcpy(words, key, size);
	else
		words[0] = bpfe_key_word(key);
	if (size > 8)
		words[1] = bpfe_key_word((const uint8_t *)key + 8);
}

WITH_AES HASH_INLINE void *look_up_small(struct bpfe_map *map, const void *key, uint32_t cpu,
					 const uint32_t size, const enum hash_result_kind result)
{
	const struct hash_header *h = map->data;
	struct hash_found found;
	uint64_t words[2];
	__m128i hash;

	read_key(words, key, size);
	hash = outer(
		&h->secret,
		inner(&h->secret, _mm_set_epi64x((long long)words[1], (long long)words[0]), 0));
	switch (hash_search_home(h, (uint64_t)_mm_cvtsi128_si64(hash), tags_of(hash), words,
				 size > 8 ? 2 : 1, size > 8 ? HASH_KEY_16 : HASH_KEY_WORD,
				 &found)) {
	case HASH_FINDS:
		return hash_result(map, h, &found, cpu, result);
	case HASH_MISSES:
		return NULL;
	default:
		/* The key is read again: it counts as what it is then. */
		return bpfe_hash_look_up(map, key, hash_result_of_cpu(result) ? cpu : 0);
	}
}

WITH_AES HASH_INLINE void *look_up_any(struct bpfe_map *map, const void *key, uint32_t cpu,
				       const enum hash_result_kind result)
{
	const struct hash_header *h = map->data;
	struct hash_found found;
	struct hash_key k;
	__m128i hash;

	k.n_words = hash_key_words(map);
	k.words[k.n_words - 1] = 0;
	k.words[(k.n_words - 1) | 1] = 0;
	memcpy(k.words, key, map->attr.key_size);
	hash = hash_blocks(&h->secret, k.words, (k.n_words + 1) / 2);
	switch (hash_search_home(h, (uint64_t)_mm_cvtsi128_si64(hash), tags_of(hash), k.words,
				 k.n_words, HASH_KEY_WORDS, &found)) {
	case HASH_FINDS:
		return hash_result(map, h, &found, cpu, result);
	case HASH_MISSES:
		return NULL;
	default:
		return bpfe_hash_look_up(map, key, cpu);
	}
}

/* The look-ups of a map whose elements become @result, by size of key. */
#define LOOK_UPS(name, result)                                                               \
	WITH_AES static void *name##_4(struct bpfe_map *map, const void *key, uint32_t cpu)  \
	{                                                                                    \
		return look_up_small(map, key, cpu, 4, result);                              \
	}                                                                                    \
	WITH_AES static void *name##_8(struct bpfe_map *map, const void *key, uint32_t cpu)  \
	{                                                                                    \
		return look_up_small(map, key, cpu, 8, result);                              \
	}                                                                                    \
	WITH_AES static void *name##_16(struct bpfe_map *map, const void *key, uint32_t cpu) \
	{                                                                                    \
		return look_up_small(map, key, cpu, 16, result);                             \
	}                                                                                    \
	WITH_AES static void *name(struct bpfe_map *map, const void *key, uint32_t cpu)      \
	{                                                                                    \
		return look_up_any(map, key, cpu, result);                                   \
	}                                                                                    \
	static bpfe_direct_lookup_fn choose_##name(uint32_t key_size)                        \
	{                                                                                    \
		switch (key_size) {                                                          \
		case 4:                                                                      \
			return name##_4;                                                     \
		case 8:                                                                      \
			return name##_8;                                                     \
		case 16:                                                                     \
			return name##_16;                                                    \
		default:                                                                     \
			return name;                                                         \
		}                                                                            \
	}

LOOK_UPS(look_up_value, HASH_RESULT_VALUE)
LOOK_UPS(look_up_lru, HASH_RESULT_LRU)
LOOK_UPS(look_up_per_cpu, HASH_RESULT_PER_CPU)
LOOK_UPS(look_up_lru_per_cpu, HASH_RESULT_LRU_PER_CPU)

bpfe_direct_lookup_fn bpfe_hash_aes_lookup(const struct bpfe_map *map)
{
	const uint32_t key_size = map->attr.key_size;

	switch (hash_result_kind(map)) {
	case HASH_RESULT_LRU:
		return choose_look_up_lru(key_size);
	case HASH_RESULT_PER_CPU:
		return choose_look_up_per_cpu(key_size);
	case HASH_RESULT_LRU_PER_CPU:
		return choose_look_up_lru_per_cpu(key_size);
	default:
		return choose_look_up_value(key_size);
	}
}

#else

bool bpfe_hash_has_aes(void)
{
	return false;
}

uint64_t bpfe_hash_aes(const struct hash_secret *secret, const uint64_t *words, size_t n_blocks)
{
	return bpfe_siphash(secret->inner[0].words, words, n_blocks * 16);
}

uint64_t bpfe_hash_aes_block(const struct hash_secret *secret, uint64_t first, uint64_t second)
{
	const uint64_t words[2] = {first, second};

	return bpfe_hash_aes(secret, words, 1);
}

bpfe_direct_lookup_fn bpfe_hash_aes_lookup(const struct bpfe_map *map)
{
	return NULL;
}

#endif
