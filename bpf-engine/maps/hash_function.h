/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The hash of a hash map's keys. Each map has a secret of its own, so that who chooses keys cannot
 * choose buckets.
 *
 * With AES instructions: each block of 16 bytes of the key is whitened with a secret of its place
 * and goes through four AES rounds, the blocks are added, and the sum goes through two more. Four
 * rounds under independent keys map two different blocks to any one difference with a probability
 * of at most 2^-113 (L. Keliher, J. Sui, Exact maximum expected differential and linear probability
 * for two-round AES, IET Information Security 1(2), 2007; K. Minematsu, Y. Tsunoo, Provably secure
 * MACs from differentially-uniform permutations and AES-based implementations, FSE 2006, for such
 * sums), so that keys chosen without knowledge of the secret collide as random ones do: two sums
 * are the same with that probability, and never if there is only one block. The rounds after it
 * are for who watches: a program sees the order in which it walks over keys, and how long it takes,
 * thus some of the low bits of the hash, and there the sum's bits must not be linear in anything.
 * Attacks on six rounds of AES need millions of whole output blocks; nobody sees one here.
 *
 * Without them: SipHash-1-3 (siphash.h), which needs three times as long.
 */
#ifndef BPFE_MAPS_HASH_FUNCTION_H
#define BPFE_MAPS_HASH_FUNCTION_H

#include "bpf_engine.h"
#include "siphash.h"

#define HASH_INNER_ROUNDS 4u
#define HASH_OUTER_ROUNDS 2u

struct hash_secret_block {
	uint64_t words[2];
};

/* Random numbers. The first two cache lines are all that keys of up to 16 bytes need. */
struct hash_secret {
	_Alignas(64) struct hash_secret_block inner[HASH_INNER_ROUNDS];
	struct hash_secret_block outer[HASH_OUTER_ROUNDS];
	struct hash_secret_block white[BPFE_MAP_MAX_KEY / 16];
};

/* Has this processor what bpfe_hash_aes() and bpfe_hash_aes_lookup() need? */
bool bpfe_hash_has_aes(void);

/* For tests: maps that are made from now on do without. */
extern atomic_bool bpfe_hash_without_aes;

/* Hash @n_blocks times 16 bytes at @words. Only if bpfe_hash_has_aes(). */
uint64_t bpfe_hash_aes(const struct hash_secret *secret, const uint64_t *words, size_t n_blocks);

/* The same of one block, from registers: words that were just stored one by one are slow to load as
 * a block. */
uint64_t bpfe_hash_aes_block(const struct hash_secret *secret, uint64_t first, uint64_t second);

/* The hash of the key of @size bytes at @words, which is padded with zeros to 16 bytes. */
static inline uint64_t bpfe_hash_words(const struct hash_secret *secret, bool aes,
				       const uint64_t *words, size_t size)
{
	if (!aes)
		return bpfe_siphash(secret->inner[0].words, words, size);
	if (size <= 16)
		return bpfe_hash_aes_block(secret, words[0], words[1]);
	return bpfe_hash_aes(secret, words, (size + 15) / 16);
}

#endif
