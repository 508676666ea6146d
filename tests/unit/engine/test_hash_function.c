/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The hash of the hash maps: one that keys cannot be chosen against (maps/hash_*.c). */
#include "hash_inside.h"

enum {
	LOADS = 1024,
	PER_LOAD = 16
};

/* Keys as people and attackers make them, of @size bytes, all different. */
static void structured_key(uint8_t *key, uint32_t size, unsigned set, uint32_t i)
{
	memset(key, 0, size);
	switch (set) {
	case 0: /* counted up from the first byte */
		memcpy(key, &i, size < 4 ? size : 4);
		break;
	case 1: /* counted in the last bytes, as hosts of a net are */
		for (unsigned b = 0; b < 4 && b < size; b++)
			key[size - 1 - b] = (uint8_t)(i >> 8 * b);
		break;
	case 2: /* strides of a power of two */
		i <<= 10;
		memcpy(key, &i, 4);
		break;
	case 3: /* one bit a byte */
		for (uint32_t b = 0; b < 32; b++)
			key[b % size] |= (uint8_t)((i >> b & 1) << (size == 4 ? b / 4 : 0));
		break;
	default: /* differences that cancel in sums and in exclusive or */
		memcpy(key, &i, 4);
		if (size >= 8)
			memcpy(key + size - 4, &(uint32_t){-i}, 4);
		if (size >= 16)
			memcpy(key + 8, &i, 4);
	}
}

/* Sum of squared deviations from even loads by @loads, in loads' expectation. */
static double chi_square(const uint32_t *loads, uint32_t n, double expected)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (loads[i] - expected) * (loads[i] - expected) / expected;
	return sum;
}

/*
 * Loads of buckets, and tags, are those of chance: chi-square of 1023 degrees of freedom has a
 * deviation of 45 about 1023, and one of 254 has 23 (tag 0 counts as 1); ten of them never happen.
 */
static void assert_random(const struct bpfe_map *map, uint32_t size, unsigned set)
{
	uint32_t low[LOADS] = {0}, high[LOADS] = {0}, tags[256] = {0};
	const uint32_t n = LOADS * PER_LOAD;
	double chi;

	for (uint32_t i = 0; i < n; i++) {
		_Alignas(8) uint8_t key[64];
		uint64_t hash;

		structured_key(key, size, set, i);
		hash = hash_of(map, key);
		low[hash % LOADS]++;
		high[(hash >> 14) % LOADS]++;
		tags[(uint8_t)(hash >> 32)]++;
	}
	chi = chi_square(low, LOADS, PER_LOAD);
	if (chi < 570 || chi > 1480)
		fail_msg("keys of %u bytes, set %u: chi-square %f", size, set, chi);
	chi = chi_square(high, LOADS, PER_LOAD);
	if (chi < 570 || chi > 1480)
		fail_msg("keys of %u bytes, set %u: chi-square %f above", size, set, chi);
	chi = chi_square(tags, 256, n / 256.0);
	if (chi < 80 || chi > 490)
		fail_msg("keys of %u bytes, set %u: chi-square %f of tags", size, set, chi);
}

static void test_structured_keys(void **state)
{
	static const uint32_t sizes[] = {4, 5, 8, 13, 16, 17, 32, 64};

	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, sizes[s], 1);

		for (unsigned set = 0; set < 5; set++) {
			if (set != 3 || sizes[s] >= 16 || sizes[s] == 4)
				assert_random(map, sizes[s], set);
		}
		bpfe_map_put(map);
	}
}

/* Keys that flood one map are any keys to another. */
static void test_flooding(void **state)
{
	struct bpfe_map *victim = create(BPF_MAP_TYPE_HASH, 8, 1000);
	struct bpfe_map *other = create(BPF_MAP_TYPE_HASH, 8, 1000);
	const uint32_t n = header(other)->max_buckets;
	uint64_t keys[1000];
	uint32_t loads[256] = {0}, most = 0;

	assert_int_equal(n, 256);
	assert_memory_not_equal(&header(victim)->secret, &header(other)->secret,
				sizeof(struct hash_secret));
	find_crowd(victim, keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		loads[hash_of(other, &keys[i]) % n]++;
	for (uint32_t i = 0; i < n; i++)
		most = loads[i] > most ? loads[i] : most;
	/* 3.9 expected: more than 29 in one of 256 has a chance of 2^-50. */
	assert_in_range(most, 4, 29);
	bpfe_map_put(victim);
	bpfe_map_put(other);
}

/* Each bit of a key changes about half of the hash's. */
static void test_avalanche(void **state)
{
	static const uint32_t sizes[] = {4, 8, 16, 40};

	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, sizes[s], 1);
		_Alignas(8) uint8_t key[64] = {0};

		for (uint32_t bit = 0; bit < sizes[s] * 8; bit++) {
			unsigned changed = 0;

			for (uint32_t i = 0; i < 256; i++) {
				uint64_t hash;

				memcpy(key, &i, sizeof(i));
				hash = hash_of(map, key);
				key[bit / 8] ^= (uint8_t)(1u << bit % 8);
				changed += (unsigned)__builtin_popcountll(hash ^ hash_of(map, key));
				key[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
			/* 32 of 64 each; the deviation of the sum is 64. */
			assert_in_range(changed, 256 * 32 - 800, 256 * 32 + 800);
		}
		bpfe_map_put(map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_structured_keys),
		BOTH(test_flooding),
		BOTH(test_avalanche),
	};

	return cmocka_run_group_tests_name("hash function", tests, group_setup, group_teardown);
}
