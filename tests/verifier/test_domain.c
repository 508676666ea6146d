// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The value domains against arithmetic itself: every pair of small abstract values, every concrete
 * pair within them, every operator. The concrete result must lie inside the abstract one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "verifier/domain.h"

/* ---- tnums of 6 bits ----------------------------------------------------------------------- */

#define TNUM_BITS 6
#define TNUMS     729 /* 3^6 */

typedef struct bpfe_tnum (*tnum_fn)(struct bpfe_tnum a, struct bpfe_tnum b);
typedef uint64_t (*concrete_fn)(uint64_t a, uint64_t b);

static uint64_t c_add(uint64_t a, uint64_t b)
{
	return a + b;
}

static uint64_t c_sub(uint64_t a, uint64_t b)
{
	return a - b;
}

static uint64_t c_mul(uint64_t a, uint64_t b)
{
	return a * b;
}

static uint64_t c_and(uint64_t a, uint64_t b)
{
	return a & b;
}

static uint64_t c_or(uint64_t a, uint64_t b)
{
	return a | b;
}

static uint64_t c_xor(uint64_t a, uint64_t b)
{
	return a ^ b;
}

static const struct {
	const char *name;
	tnum_fn abstract;
	concrete_fn concrete;
} tnum_ops[] = {
	{"add", bpfe_tnum_add, c_add}, {"sub", bpfe_tnum_sub, c_sub}, {"mul", bpfe_tnum_mul, c_mul},
	{"and", bpfe_tnum_and, c_and}, {"or", bpfe_tnum_or, c_or},    {"xor", bpfe_tnum_xor, c_xor},
};

/* The @i-th tnum: digits of @i in base 3 are 0, 1, unknown. */
static struct bpfe_tnum nth_tnum(unsigned i)
{
	struct bpfe_tnum t = {0, 0};

	for (unsigned bit = 0; bit < TNUM_BITS; bit++, i /= 3) {
		if (i % 3 == 1)
			t.value |= UINT64_C(1) << bit;
		else if (i % 3 == 2)
			t.mask |= UINT64_C(1) << bit;
	}
	return t;
}

/* The value of @t after @x when counting through them; @t.value comes first. */
static bool next_value(struct bpfe_tnum t, uint64_t *x)
{
	uint64_t free_bits = ((*x & t.mask) - t.mask) & t.mask;

	*x = t.value | free_bits;
	return free_bits != 0;
}

static void check_tnum_pair(unsigned op, struct bpfe_tnum a, struct bpfe_tnum b)
{
	struct bpfe_tnum r = tnum_ops[op].abstract(a, b);
	uint64_t x = a.value;

	assert_int_equal(r.value & r.mask, 0);
	do {
		uint64_t y = b.value;

		do {
			if (!bpfe_tnum_contains(r, tnum_ops[op].concrete(x, y)))
				fail_msg("%s: 0x%llx, 0x%llx not in the result", tnum_ops[op].name,
					 (unsigned long long)x, (unsigned long long)y);
		} while (next_value(b, &y));
	} while (next_value(a, &x));
}

/* At the bottom of 64 bits, across the middle, and at the top, where results wrap. */
static void test_tnum_binary(void **state)
{
	static const unsigned shifts[] = {0, 30, 64 - TNUM_BITS};

	for (unsigned op = 0; op < sizeof(tnum_ops) / sizeof(tnum_ops[0]); op++) {
		for (unsigned i = 0; i < TNUMS * TNUMS; i++) {
			struct bpfe_tnum a = nth_tnum(i / TNUMS), b = nth_tnum(i % TNUMS);

			for (unsigned s = 0; s < 3; s++)
				check_tnum_pair(op, bpfe_tnum_lsh(a, shifts[s]),
						bpfe_tnum_lsh(b, shifts[s]));
		}
	}
}

static void test_tnum_lattice(void **state)
{
	for (unsigned i = 0; i < TNUMS * TNUMS; i++) {
		struct bpfe_tnum a = nth_tnum(i / TNUMS), b = nth_tnum(i % TNUMS), meet = a;
		struct bpfe_tnum join = bpfe_tnum_union(a, b);
		bool some = bpfe_tnum_intersect(&meet, b), common = false, inside = true;

		for (uint64_t x = 0; x < 1u << TNUM_BITS; x++) {
			bool in_a = bpfe_tnum_contains(a, x), in_b = bpfe_tnum_contains(b, x);

			assert_true(!(in_a || in_b) || bpfe_tnum_contains(join, x));
			if (some)
				assert_int_equal(bpfe_tnum_contains(meet, x), in_a && in_b);
			common = common || (in_a && in_b);
			inside = inside && (!in_b || in_a);
		}
		assert_int_equal(some, common);
		assert_int_equal(bpfe_tnum_in(a, b), inside);
	}
}

static void test_tnum_unary(void **state)
{
	for (unsigned i = 0; i < TNUMS; i++) {
		struct bpfe_tnum a = nth_tnum(i);

		for (uint64_t x = 0; x < 1u << TNUM_BITS; x++) {
			uint64_t high = x << (64 - TNUM_BITS);

			if (!bpfe_tnum_contains(a, x))
				continue;
			for (unsigned n = 0; n < TNUM_BITS; n++) {
				uint64_t arsh = (uint64_t)(bpfe_sext(x, TNUM_BITS) >> n) & 63;

				assert_true(bpfe_tnum_contains(bpfe_tnum_rsh(a, n), x >> n));
				assert_true(
					bpfe_tnum_contains(bpfe_tnum_arsh(a, n, TNUM_BITS), arsh));
			}
			assert_true(bpfe_tnum_contains(bpfe_tnum_trunc(a, 3), x & 7));
			assert_true(bpfe_tnum_contains(bpfe_tnum_sext(a, 3, 64),
						       (uint64_t)bpfe_sext(x & 7, 3)));
			assert_true(bpfe_tnum_contains(
				bpfe_tnum_bswap(bpfe_tnum_lsh(a, 64 - TNUM_BITS), 64),
				__builtin_bswap64(high)));
			assert_true(bpfe_tnum_contains(bpfe_tnum_bswap(a, 16), x << 8));
		}
	}
}

/* Rounding is exact, and finds nothing only where there is nothing. */
static void test_tnum_round(void **state)
{
	for (unsigned i = 0; i < TNUMS; i++) {
		struct bpfe_tnum t = nth_tnum(i);

		for (uint64_t bound = 0; bound < 1u << TNUM_BITS; bound++) {
			uint64_t up = bound, down = bound, least = bound, greatest = bound;
			bool some_up = bpfe_tnum_round_up(t, &up);
			bool some_down = bpfe_tnum_round_down(t, &down, TNUM_BITS);

			while (least < 1u << TNUM_BITS && !bpfe_tnum_contains(t, least))
				least++;
			while (greatest != UINT64_MAX && !bpfe_tnum_contains(t, greatest))
				greatest--;
			assert_int_equal(some_up, least < 1u << TNUM_BITS);
			assert_int_equal(some_down, greatest != UINT64_MAX);
			assert_true(!some_up || up == least);
			assert_true(!some_down || down == greatest);
		}
	}
}

/* ---- words of 4 bits ----------------------------------------------------------------------- */

#define W         4
#define VALUES    16
#define MAX_WORDS 1000

static struct {
	struct bpfe_word word;
	uint16_t values; /* as a set */
} words[MAX_WORDS];
static unsigned n_words;

static uint16_t values_of(const struct bpfe_word *word)
{
	uint16_t set = 0;

	for (uint64_t v = 0; v < VALUES; v++) {
		if (bpfe_word_contains(word, v, W))
			set |= (uint16_t)(1u << v);
	}
	return set;
}

/* Add @word, if it has values and is new. Deduction must not lose any of them. */
static void add_word(struct bpfe_word word)
{
	uint16_t set = values_of(&word);
	bool some = bpfe_word_deduce(&word, W);

	if (!some)
		assert_int_equal(set, 0);
	if (!set)
		return;
	assert_int_equal(values_of(&word), set);
	for (unsigned i = 0; i < n_words; i++) {
		if (bpfe_word_equal(&words[i].word, &word))
			return;
	}
	assert_true(n_words < MAX_WORDS);
	words[n_words].word = word;
	words[n_words++].values = set;
}

/* All ranges of both kinds, all tnums, and unsigned ranges met with signed ones. */
static int make_words(void **state)
{
	n_words = 0;
	for (unsigned i = 0; i < 81; i++) {
		struct bpfe_word word = bpfe_word_unknown(W);

		word.bits = nth_tnum(i);
		add_word(word);
	}
	for (int lo = 0; lo < VALUES; lo++) {
		for (int hi = lo; hi < VALUES; hi++) {
			struct bpfe_word u = bpfe_word_unknown(W), s = u, both;

			u.umin = (uint64_t)lo;
			u.umax = (uint64_t)hi;
			add_word(u);
			s.smin = lo - VALUES / 2;
			s.smax = hi - VALUES / 2;
			add_word(s);
			both = s;
			both.umin = (uint64_t)lo / 2;
			add_word(both);
			both.bits.mask = 14;
			add_word(both);
		}
	}
	return 0;
}

static uint64_t concrete_word(enum bpfe_word_op op, uint64_t a, uint64_t b)
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

static uint16_t concrete_set(enum bpfe_word_op op, unsigned i, unsigned j)
{
	static uint8_t table[VALUES][VALUES];
	static int table_op = -1;
	uint16_t set = 0;

	if (table_op != (int)op) {
		for (unsigned v = 0; v < VALUES * VALUES; v++)
			table[v / VALUES][v % VALUES] =
				(uint8_t)(concrete_word(op, v / VALUES, v % VALUES) % VALUES);
		table_op = (int)op;
	}
	for (unsigned x = 0; x < VALUES; x++) {
		for (unsigned y = 0; y < VALUES; y++) {
			if ((words[i].values >> x & 1) && (words[j].values >> y & 1))
				set |= (uint16_t)(1u << table[x][y]);
		}
	}
	return set;
}

static void test_word_alu(void **state)
{
	for (int op = 0; op < BPFE_W_OPS; op++) {
		for (unsigned i = 0; i < n_words; i++) {
			for (unsigned j = 0; j < n_words; j++) {
				struct bpfe_word r = bpfe_word_alu(
					(enum bpfe_word_op)op, &words[i].word, &words[j].word, W);
				uint16_t want = concrete_set((enum bpfe_word_op)op, i, j);

				if (want & ~values_of(&r))
					fail_msg("op %d, words %u and %u", op, i, j);
				assert_true(bpfe_word_deduce(&r, W));
				if (want & ~values_of(&r))
					fail_msg("op %d, words %u and %u, deduced", op, i, j);
			}
		}
	}
}

static bool concrete_cond(enum bpfe_cond cond, uint64_t a, uint64_t b)
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

static void check_assume(enum bpfe_cond cond, unsigned i, unsigned j)
{
	struct bpfe_word a = words[i].word, b = words[j].word;
	bool possible = bpfe_word_assume(cond, &a, &b, W);

	for (unsigned x = 0; x < VALUES; x++) {
		for (unsigned y = 0; y < VALUES; y++) {
			if (!(words[i].values >> x & 1) || !(words[j].values >> y & 1) ||
			    !concrete_cond(cond, x, y))
				continue;
			if (!possible || !bpfe_word_contains(&a, x, W) ||
			    !bpfe_word_contains(&b, y, W))
				fail_msg("cond %d loses %u, %u of words %u and %u", cond, x, y, i,
					 j);
		}
	}
	if (possible) {
		assert_true(bpfe_word_in(&words[i].word, &a));
		assert_true(bpfe_word_in(&words[j].word, &b));
	}
}

static void test_word_assume(void **state)
{
	for (int cond = 0; cond < BPFE_CONDS; cond++) {
		for (unsigned i = 0; i < n_words; i++) {
			for (unsigned j = 0; j < n_words; j++)
				check_assume((enum bpfe_cond)cond, i, j);
		}
	}
}

static void test_word_sext_and_lattice(void **state)
{
	for (unsigned i = 0; i < n_words; i++) {
		for (unsigned from = 1; from <= W; from++) {
			struct bpfe_word r = bpfe_word_sext(&words[i].word, from, W);

			assert_true(bpfe_word_deduce(&r, W));
			for (uint64_t x = 0; x < VALUES; x++) {
				uint64_t want = (uint64_t)bpfe_sext(x, from) % VALUES;

				if (words[i].values >> x & 1)
					assert_true(bpfe_word_contains(&r, want, W));
			}
		}
		for (unsigned j = 0; j < n_words; j++) {
			struct bpfe_word join = bpfe_word_union(words[i].word, words[j].word);
			struct bpfe_word meet = words[i].word;
			uint16_t both = words[i].values & words[j].values;
			bool some = bpfe_word_intersect(&meet, &words[j].word, W);

			assert_int_equal((words[i].values | words[j].values) & ~values_of(&join),
					 0);
			if (both)
				assert_true(some && !(both & ~values_of(&meet)));
			if (bpfe_word_in(&words[i].word, &words[j].word))
				assert_int_equal(words[j].values & ~words[i].values, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tnum_binary),
		cmocka_unit_test(test_tnum_lattice),
		cmocka_unit_test(test_tnum_unary),
		cmocka_unit_test(test_tnum_round),
		cmocka_unit_test(test_word_alu),
		cmocka_unit_test(test_word_assume),
		cmocka_unit_test(test_word_sext_and_lattice),
	};

	return cmocka_run_group_tests(tests, make_words, NULL);
}
