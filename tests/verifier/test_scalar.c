// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Scalars (64-bit words with their low halves): random abstract values around random concrete ones
 * must contain every concrete result; and some values are known exactly, so that the domain is not
 * sound merely by knowing nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "verifier/domain.h"

#define ROUNDS 60000

static uint64_t seed;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* Numbers near the seams are where mistakes are. */
static uint64_t random_value(void)
{
	static const uint64_t seams[] = {0,
					 0x80,
					 0x8000,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 UINT64_C(0x100000000),
					 INT64_MAX,
					 (uint64_t)INT64_MIN,
					 UINT64_MAX};
	uint64_t r = random64();

	switch (r % 4) {
	case 0:
		return random64() >> (r >> 8) % 64;
	case 1:
		return (uint64_t)((int64_t)random64() >> (r >> 8) % 64);
	default:
		return seams[(r >> 8) % 10] + (r >> 16) % 5 - 2;
	}
}

static void bound_word(struct bpfe_word *w, uint64_t v, unsigned width)
{
	struct bpfe_word any = bpfe_word_unknown(width);
	uint64_t below = random_value() & any.umax, above = random_value() & any.umax;
	int64_t s = bpfe_sext(v, width);

	if (random64() % 2 && below <= v)
		w->umin = below;
	if (random64() % 2 && above >= v)
		w->umax = above;
	if (random64() % 2 && bpfe_sext(below, width) <= s)
		w->smin = bpfe_sext(below, width);
	if (random64() % 2 && bpfe_sext(above, width) >= s)
		w->smax = bpfe_sext(above, width);
	if (random64() % 2) {
		w->bits.mask = random64() & random64() & any.umax;
		w->bits.value = v & ~w->bits.mask;
	}
}

/* A scalar of which @v is a value. */
static struct bpfe_scalar around(uint64_t v)
{
	struct bpfe_scalar s = bpfe_scalar_unknown();

	if (random64() % 8 == 0)
		return bpfe_scalar_const(v);
	bound_word(&s.x, v, 64);
	bound_word(&s.lo, v & UINT32_MAX, 32);
	assert_true(bpfe_scalar_deduce(&s));
	assert_true(bpfe_scalar_contains(&s, v));
	return s;
}

static uint64_t concrete64(enum bpfe_word_op op, uint64_t a, uint64_t b)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

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
		return a << (b & 63);
	case BPFE_W_RSH:
		return a >> (b & 63);
	case BPFE_W_ARSH:
		return (uint64_t)(sa >> (b & 63));
	case BPFE_W_DIV:
		return b ? a / b : 0;
	case BPFE_W_MOD:
		return b ? a % b : a;
	case BPFE_W_SDIV:
		return !b ? 0 : sb == -1 ? 0 - a : (uint64_t)(sa / sb);
	default:
		return !b ? a : sb == -1 ? 0 : (uint64_t)(sa % sb);
	}
}

static uint64_t concrete32(enum bpfe_word_op op, uint32_t a, uint32_t b)
{
	int32_t sa = (int32_t)a, sb = (int32_t)b;

	switch (op) {
	case BPFE_W_LSH:
		return a << (b & 31);
	case BPFE_W_RSH:
		return a >> (b & 31);
	case BPFE_W_ARSH:
		return (uint32_t)(sa >> (b & 31));
	case BPFE_W_SDIV:
		return !b ? 0 : sb == -1 ? 0 - a : (uint32_t)(sa / sb);
	case BPFE_W_SMOD:
		return !b ? a : sb == -1 ? 0 : (uint32_t)(sa % sb);
	default:
		return (uint32_t)concrete64(op, a, b);
	}
}

static void test_alu(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = random_value(), b = random_value();
		struct bpfe_scalar sa = around(a), sb = around(b), r;

		for (int op = 0; op < BPFE_W_OPS; op++) {
			r = bpfe_scalar_alu((enum bpfe_word_op)op, &sa, &sb, true);
			if (!bpfe_scalar_contains(&r, concrete64((enum bpfe_word_op)op, a, b)))
				fail_msg("64-bit op %d of 0x%llx, 0x%llx", op,
					 (unsigned long long)a, (unsigned long long)b);
			r = bpfe_scalar_alu((enum bpfe_word_op)op, &sa, &sb, false);
			if (!bpfe_scalar_contains(&r, concrete32((enum bpfe_word_op)op, (uint32_t)a,
								 (uint32_t)b)))
				fail_msg("32-bit op %d of 0x%llx, 0x%llx", op,
					 (unsigned long long)a, (unsigned long long)b);
		}
	}
}

static void test_unary(void **state)
{
	static const unsigned widths[] = {8, 16, 32};

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = random_value();
		struct bpfe_scalar s = around(a), r;

		for (unsigned k = 0; k < 3; k++) {
			uint64_t sext = (uint64_t)bpfe_sext(a, widths[k]);

			r = bpfe_scalar_zext(&s, widths[k]);
			assert_true(bpfe_scalar_contains(&r, a & bpfe_width_mask(widths[k])));
			r = bpfe_scalar_sext(&s, widths[k], true);
			assert_true(bpfe_scalar_contains(&r, sext));
			r = bpfe_scalar_sext(&s, widths[k], false);
			assert_true(bpfe_scalar_contains(&r, sext & UINT32_MAX));
		}
		r = bpfe_scalar_bswap(&s, 64);
		assert_true(bpfe_scalar_contains(&r, __builtin_bswap64(a)));
		r = bpfe_scalar_bswap(&s, 32);
		assert_true(bpfe_scalar_contains(&r, __builtin_bswap32((uint32_t)a)));
		r = bpfe_scalar_bswap(&s, 16);
		assert_true(bpfe_scalar_contains(&r, __builtin_bswap16((uint16_t)a)));
	}
}

static bool concrete_cond(enum bpfe_cond cond, uint64_t a, uint64_t b, bool is64)
{
	int64_t sa = is64 ? (int64_t)a : (int32_t)a, sb = is64 ? (int64_t)b : (int32_t)b;

	if (!is64) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
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

static void test_assume(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = random_value(), b = random64() % 4 ? random_value() : a;
		struct bpfe_scalar sa = around(a), sb = around(b);

		for (int c = 0; c < 2 * BPFE_CONDS; c++) {
			enum bpfe_cond cond = (enum bpfe_cond)(c / 2);
			struct bpfe_scalar na = sa, nb = sb;

			if (!concrete_cond(cond, a, b, c % 2))
				cond = bpfe_cond_not(cond);
			if (!bpfe_scalar_assume(cond, &na, &nb, c % 2) ||
			    !bpfe_scalar_contains(&na, a) || !bpfe_scalar_contains(&nb, b))
				fail_msg("cond %d (%d bits) of 0x%llx, 0x%llx", cond,
					 c % 2 ? 64 : 32, (unsigned long long)a,
					 (unsigned long long)b);
		}
	}
}

static void test_union_and_inclusion(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = random_value(), b = random_value();
		struct bpfe_scalar sa = around(a), sb = around(b), u = bpfe_scalar_union(&sa, &sb);

		assert_true(bpfe_scalar_contains(&u, a) && bpfe_scalar_contains(&u, b));
		assert_true(bpfe_scalar_in(&u, &sa) && bpfe_scalar_in(&u, &sb));
		if (bpfe_scalar_in(&sa, &sb))
			assert_true(bpfe_scalar_contains(&sa, b));
	}
}

/* ---- Exact values -------------------------------------------------------------------------- */

static void assert_urange(const struct bpfe_scalar *s, uint64_t min, uint64_t max)
{
	assert_int_equal(s->x.umin, min);
	assert_int_equal(s->x.umax, max);
}

static void test_exact_mask_and_shift(void **state)
{
	struct bpfe_scalar any = bpfe_scalar_unknown(), c = bpfe_scalar_const(15), r;

	r = bpfe_scalar_alu(BPFE_W_AND, &any, &c, true);
	assert_urange(&r, 0, 15);
	c = bpfe_scalar_const(2);
	r = bpfe_scalar_alu(BPFE_W_LSH, &r, &c, true);
	assert_urange(&r, 0, 60);
	assert_int_equal(r.x.bits.mask, 60);
	r = bpfe_scalar_alu(BPFE_W_RSH, &any, &c, false);
	assert_urange(&r, 0, UINT32_MAX >> 2);
	r = bpfe_scalar_alu(BPFE_W_ARSH, &any, &c, true);
	assert_int_equal(r.x.smin, INT64_MIN >> 2);
	assert_int_equal(r.x.smax, INT64_MAX >> 2);
}

static void test_exact_32bit_bound_reaches_64(void **state)
{
	struct bpfe_scalar byte = bpfe_scalar_loaded(4, false), c = bpfe_scalar_const(64);

	/* if w1 < 64, of a zero-extended load */
	assert_true(bpfe_scalar_assume(BPFE_C_LT, &byte, &c, false));
	assert_urange(&byte, 0, 63);
	/* if w1 s>= 0 and w1 s< 10, sign-extended */
	byte = bpfe_scalar_unknown();
	c = bpfe_scalar_const(10);
	assert_true(bpfe_scalar_assume(BPFE_C_SLT, &byte, &c, false));
	c = bpfe_scalar_const(0);
	assert_true(bpfe_scalar_assume(BPFE_C_SGE, &byte, &c, false));
	byte = bpfe_scalar_sext(&byte, 32, true);
	assert_urange(&byte, 0, 9);
}

static void test_exact_division(void **state)
{
	struct bpfe_scalar a = bpfe_scalar_loaded(1, false), c = bpfe_scalar_const(10), r;

	r = bpfe_scalar_alu(BPFE_W_DIV, &a, &c, true);
	assert_urange(&r, 0, 25);
	r = bpfe_scalar_alu(BPFE_W_MOD, &a, &c, true);
	assert_urange(&r, 0, 9);
	c = bpfe_scalar_const(0);
	r = bpfe_scalar_alu(BPFE_W_DIV, &a, &c, false);
	assert_urange(&r, 0, 0);
	r = bpfe_scalar_alu(BPFE_W_MOD, &a, &c, true);
	assert_urange(&r, 0, 255);
	c = bpfe_scalar_const((uint64_t)-3);
	r = bpfe_scalar_alu(BPFE_W_SDIV, &a, &c, true);
	assert_int_equal(r.x.smin, -85);
	assert_int_equal(r.x.smax, 0);
}

static void test_exact_dead_branch(void **state)
{
	static const enum bpfe_cond never[] = {BPFE_C_GE, BPFE_C_SET, BPFE_C_EQ};
	const struct bpfe_scalar byte = bpfe_scalar_loaded(1, false);
	struct bpfe_scalar a, c;

	for (unsigned i = 0; i < 3; i++) {
		for (int is64 = 0; is64 < 2; is64++) {
			a = byte;
			c = bpfe_scalar_const(256);
			assert_false(bpfe_scalar_assume(never[i], &a, &c, is64));
			a = byte;
			c = bpfe_scalar_const(256);
			assert_true(bpfe_scalar_assume(bpfe_cond_not(never[i]), &a, &c, is64));
			assert_true(bpfe_scalar_equal(&a, &byte));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alu),
		cmocka_unit_test(test_unary),
		cmocka_unit_test(test_assume),
		cmocka_unit_test(test_union_and_inclusion),
		cmocka_unit_test(test_exact_mask_and_shift),
		cmocka_unit_test(test_exact_32bit_bound_reaches_64),
		cmocka_unit_test(test_exact_division),
		cmocka_unit_test(test_exact_dead_branch),
	};
	const char *given = getenv("SLUICE_TEST_SEED");

	seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x51c1ce);
	if (!seed)
		seed = 1;
	print_message("# SLUICE_TEST_SEED=0x%llx\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
