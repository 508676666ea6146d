// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Words of 8 bits, too many for all pairs: random abstract values, and of each pair every concrete
 * one, for every operator and every comparison. test_domain.c has all pairs of smaller ones.
 * SLUICE_TEST_SEED chooses the first pair; a long campaign (SLUICE_LONG) tries a hundred times
 * more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "random_program.h"
#include "verifier/domain.h"

#define W          8
#define VALUES     256
#define PAIRS      600u
#define LONG_PAIRS 60000u

static uint64_t seed;
static uint32_t n_pairs;

/* A word that contains @v, with bits, bounds or both. */
static struct bpfe_word random_word(uint64_t *random)
{
	struct bpfe_word word = bpfe_word_unknown(W);
	uint64_t v = next_random(random) % VALUES, kind = next_random(random) % 8;
	int64_t s = bpfe_sext(v, W);

	if (kind & 1) {
		word.bits.mask = next_random(random) & next_random(random) & (VALUES - 1);
		word.bits.value = v & ~word.bits.mask;
	}
	if (kind & 2) {
		word.umin = v - next_random(random) % (v + 1);
		word.umax = v + next_random(random) % (VALUES - v);
	}
	if (kind & 4) {
		word.smin = s - (int64_t)(next_random(random) % (uint64_t)(s + VALUES / 2 + 1));
		word.smax = s + (int64_t)(next_random(random) % (uint64_t)(VALUES / 2 - s));
	}
	assert_true(bpfe_word_contains(&word, v, W));
	return word;
}

/* Deduction keeps every value, and leaves bounds that are values. */
static void check_deduction(const struct bpfe_word *before, const struct bpfe_word *after)
{
	for (uint64_t v = 0; v < VALUES; v++)
		assert_int_equal(bpfe_word_contains(before, v, W), bpfe_word_contains(after, v, W));
	assert_true(bpfe_tnum_contains(after->bits, after->umin));
	assert_true(bpfe_tnum_contains(after->bits, after->umax));
}

static uint64_t concrete(enum bpfe_word_op op, uint64_t a, uint64_t b)
{
	int64_t sa = bpfe_sext(a, W), sb = bpfe_sext(b, W);

	switch (op) {
	case BPFE_W_ADD:
		return a + b;
	case BPFE_W_SUB:
		return a - b;
	case BPFE_W_MUL:
		return a * b;
	case BPFE_W_AND:
		return a & b;
	case BPFE_W_OR:
		return a | b;
	case BPFE_W_XOR:
		return a ^ b;
	case BPFE_W_LSH:
		return a << (b % W);
	case BPFE_W_RSH:
		return a >> (b % W);
	case BPFE_W_ARSH:
		return (uint64_t)(sa >> (b % W));
	case BPFE_W_DIV:
		return b ? a / b : 0;
	case BPFE_W_MOD:
		return b ? a % b : a;
	case BPFE_W_SDIV:
		return b ? (uint64_t)(sa / sb) : 0;
	default:
		return b ? (uint64_t)(sa % sb) : a;
	}
}

static void check_alu(const struct bpfe_word *a, const struct bpfe_word *b, uint64_t number)
{
	for (int op = 0; op < BPFE_W_OPS; op++) {
		struct bpfe_word r = bpfe_word_alu((enum bpfe_word_op)op, a, b, W);

		assert_true(bpfe_word_deduce(&r, W));
		for (uint64_t x = 0; x < VALUES; x++) {
			for (uint64_t y = 0; bpfe_word_contains(a, x, W) && y < VALUES; y++) {
				uint64_t z = concrete((enum bpfe_word_op)op, x, y) % VALUES;

				if (bpfe_word_contains(b, y, W) && !bpfe_word_contains(&r, z, W))
					fail_msg("SLUICE_TEST_SEED=%llu: op %d of %llu and %llu",
						 (unsigned long long)number, op,
						 (unsigned long long)x, (unsigned long long)y);
			}
		}
	}
}

static bool holds(enum bpfe_cond cond, uint64_t a, uint64_t b)
{
	int64_t sa = bpfe_sext(a, W), sb = bpfe_sext(b, W);

	switch (cond) {
	case BPFE_C_EQ:
		return a == b;
	case BPFE_C_NE:
		return a != b;
	case BPFE_C_LT:
		return a < b;
	case BPFE_C_GE:
		return a >= b;
	case BPFE_C_GT:
		return a > b;
	case BPFE_C_LE:
		return a <= b;
	case BPFE_C_SLT:
		return sa < sb;
	case BPFE_C_SGE:
		return sa >= sb;
	case BPFE_C_SGT:
		return sa > sb;
	case BPFE_C_SLE:
		return sa <= sb;
	case BPFE_C_SET:
		return (a & b) != 0;
	default:
		return (a & b) == 0;
	}
}

static void check_assume(const struct bpfe_word *a, const struct bpfe_word *b, uint64_t number)
{
	for (int cond = 0; cond < BPFE_CONDS; cond++) {
		struct bpfe_word p = *a, q = *b;
		bool possible = bpfe_word_assume((enum bpfe_cond)cond, &p, &q, W);

		for (uint64_t x = 0; x < VALUES; x++) {
			for (uint64_t y = 0; bpfe_word_contains(a, x, W) && y < VALUES; y++) {
				if (!bpfe_word_contains(b, y, W) ||
				    !holds((enum bpfe_cond)cond, x, y))
					continue;
				if (!possible || !bpfe_word_contains(&p, x, W) ||
				    !bpfe_word_contains(&q, y, W))
					fail_msg("SLUICE_TEST_SEED=%llu: cond %d loses %llu, %llu",
						 (unsigned long long)number, cond,
						 (unsigned long long)x, (unsigned long long)y);
			}
		}
	}
}

static void test_pairs(void **state)
{
	for (uint32_t i = 0; i < n_pairs; i++) {
		uint64_t random = seed + i;
		struct bpfe_word words[2], deduced[2];

		for (int w = 0; w < 2; w++) {
			words[w] = deduced[w] = random_word(&random);
			assert_true(bpfe_word_deduce(&deduced[w], W));
			check_deduction(&words[w], &deduced[w]);
		}
		check_alu(&deduced[0], &deduced[1], seed + i);
		check_assume(&deduced[0], &deduced[1], seed + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs)};

	random_programs_from_environment(PAIRS, LONG_PAIRS, &seed, &n_pairs);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
