/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_idioms*.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_random.h"
#include "lir_text.h"

static void values_and_idioms(struct lir *lir)
{
	jit_opt_values(lir);
	jit_opt_dead(lir);
	jit_opt_idioms(lir);
	jit_opt_dead(lir);
}

/* Programs as the builder makes them: two operands, with moves. */
static void idioms(const char *before, const char *after)
{
	lir_assert_pass(values_and_idioms, before, after);
}

/* The ways clang writes them: a copy of what is shifted in place, two copies, and with 64 bits. */
static void test_rotations(void **state)
{
	idioms("b0:\n"
	       "\trdx = mov4 rsi\n"
	       "\trdx = shr4 rdx, 19\n"
	       "\trsi = shl4 rsi, 13\n"
	       "\trsi = or4 rsi, rdx\n"
	       "\tr8 = mov8 rcx\n"
	       "\tr8 = shr8 r8, 47\n"
	       "\tr9 = mov8 rcx\n"
	       "\tr9 = shl8 r9, 17\n"
	       "\tr9 = or8 r9, r8\n"
	       "\trbx = load4 map[rbp]\n"
	       "\tr14 = mov8 rbx\n"
	       "\tr14 = shl8 r14, 7\n"
	       "\trbx = shr8 rbx, 25\n"
	       "\trbx = xor8 rbx, r14\n"
	       "\tstore4 map[rbp], rbx\n"
	       "\trax = add8 rsi, r9\n"
	       "\trax = xor8 rax, rcx\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = rol4 rsi, 13\n"
	       "\tr9 = rol8 rcx, 17\n"
	       "\trbx = load4 map[rbp]\n"
	       "\trbx = rol4 rbx, 7\n"
	       "\tstore4 map[rbp], rbx\n"
	       "\trax = add8 rsi, r9\n"
	       "\trax = xor8 rax, rcx\n"
	       "\texit\n");
}

/* Other numbers, other counts, and shifts that somebody else wants too. */
static void test_no_rotations(void **state)
{
	static const char text[] = "b0:\n"
				   "\trdx = shr4 rsi, 19\n"
				   "\trcx = shl4 rcx, 13\n"
				   "\trcx = or4 rcx, rdx\n"
				   "\tr8 = shr8 rsi, 47\n"
				   "\tr9 = shl8 rsi, 18\n"
				   "\tr9 = or8 r9, r8\n"
				   "\tr14 = shr8 rsi, 60\n"
				   "\tr15 = shl8 rsi, 4\n"
				   "\trax = xor8 r15, r14\n"
				   "\trax = add8 rax, r14\n"
				   "\trax = xor8 rax, r15\n"
				   "\trax = add8 rax, rcx\n"
				   "\trax = add8 rax, r9\n"
				   "\texit\n";

	idioms(text, text);
}

/* What a call leaves in registers other than that of its result is not the result: of the number
 * that is shifted to the left no bit counts, so that nothing was moved there. */
static void test_no_rotation_of_what_is_lost(void **state)
{
	static const char text[] = "b0:\n"
				   "\tcall helper plain 0x1000\n"
				   "\tr8 = shl4 r8, 22\n"
				   "\trax = shr4 rax, 10\n"
				   "\tr8 = or4 r8, rax\n"
				   "\tstore1 map[rbx], r8\n"
				   "\texit\n";

	idioms(text, text);
}

static void test_addresses(void **state)
{
	idioms("b0:\n"
	       "\trdx = mov8 rsi\n"
	       "\trdx = shl8 rdx, 3\n"
	       "\trdx = add8 rdx, rbx\n"
	       "\trsi = shl8 rsi, 2\n"
	       "\trcx = add8 rcx, rsi\n"
	       "\tr8 = mul4 r8, 5\n"
	       "\tr9 = add8 r9, 14\n"
	       "\tr9 = add8 r9, 20\n"
	       "\tr14 = shl8 r14, 1\n"
	       "\tr15 = mov8 r14\n"
	       "\tr15 = shl8 r15, 3\n"
	       "\trax = xor8 rdx, rcx\n"
	       "\trax = xor8 rax, r8\n"
	       "\trax = xor8 rax, r9\n"
	       "\trax = xor8 rax, r14\n"
	       "\trax = xor8 rax, r15\n"
	       "\texit\n",
	       "b0:\n"
	       "\trdx = lea8 [rbx + rsi*8]\n"
	       "\trcx = lea8 [rcx + rsi*4]\n"
	       "\tr8 = lea4 [r8 + r8*4]\n"
	       "\tr9 = add8 r9, 34\n"
	       "\tr14 = add8 r14, r14\n"
	       "\tr15 = lea8 [r14*8]\n"
	       "\trax = xor8 rdx, rcx\n"
	       "\trax = xor8 rax, r8\n"
	       "\trax = xor8 rax, r9\n"
	       "\trax = xor8 rax, r14\n"
	       "\trax = xor8 rax, r15\n"
	       "\texit\n");
}

static void test_swapped_parts(void **state)
{
	idioms("b0:\n"
	       "\trsi = bswap8 rsi\n"
	       "\trsi = shr8 rsi, 48\n"
	       "\trdx = bswap8 rdx\n"
	       "\trdx = shr8 rdx, 32\n"
	       "\trcx = bswap8 rcx\n"
	       "\trcx = shr8 rcx, 56\n"
	       "\tr8 = bswap8 r8\n"
	       "\tr8 = shr8 r8, 40\n"
	       "\trax = add8 rsi, rdx\n"
	       "\trax = add8 rax, rcx\n"
	       "\trax = add8 rax, r8\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = bswap2 rsi\n"
	       "\trdx = bswap4 rdx\n"
	       "\trcx = zext1 rcx\n"
	       "\tr8 = bswap8 r8\n"
	       "\tr8 = shr8 r8, 40\n"
	       "\trax = add8 rsi, rdx\n"
	       "\trax = add8 rax, rcx\n"
	       "\trax = add8 rax, r8\n"
	       "\texit\n");
}

static void test_bit_tests(void **state)
{
	idioms("b0:\n"
	       "\trdx = mov8 rsi\n"
	       "\trdx = and8 rdx, 4\n"
	       "\tbranch8 rdx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trcx = and8 rcx, rsi\n"
	       "\tbranch8 rcx != 0 -> b2\n"
	       "\t-> b3\n"
	       "b2:\n"
	       "\trsi = and4 rsi, 3\n"
	       "\tbranch4 rsi == 1 -> b3\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trax = mov4 1\n"
	       "\texit\n",
	       "b0:\n"
	       "\tbranch4 rsi testz 4 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tbranch8 rcx testnz rsi -> b2\n"
	       "\t-> b3\n"
	       "b2:\n"
	       "\trsi = and4 rsi, 3\n"
	       "\tbranch4 rsi == 1 -> b3\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trax = mov4 1\n"
	       "\texit\n");
}

/* ---- Random programs full of what the pass looks for ----------------------------------------- */

static void append(struct lir *lir, uint32_t block, uint8_t code, uint8_t size, uint8_t reg,
		   uint8_t b, int64_t imm)
{
	const struct lir_op op = {
		.code = code,
		.size = size,
		.dst = reg,
		.a = code == LIR_MOV ? (uint8_t)LIR_NONE : reg,
		.b = b,
		.base = LIR_NONE,
		.index = LIR_NONE,
		.imm = imm,
	};

	assert_non_null(lir_append(lir, block, &op));
}

static void random_rotation(struct lir *lir, uint32_t block, uint8_t x, uint8_t y, uint64_t *seed)
{
	uint8_t size = lir_random(seed) % 2 ? 8 : 4;
	int64_t count = (int64_t)(lir_random(seed) % (8 * size));
	int64_t rest = lir_random(seed) % 8 ? 8 * size - count : count;
	bool left = lir_random(seed) % 2;

	append(lir, block, LIR_MOV, size, x, y, 0);
	append(lir, block, left ? LIR_SHL : LIR_SHR, size, x, LIR_IMM, count);
	append(lir, block, left ? LIR_SHR : LIR_SHL, size, y, LIR_IMM, rest);
	append(lir, block, lir_random(seed) % 2 ? LIR_OR : LIR_ADD, lir_random(seed) % 4 ? size : 8,
	       lir_random(seed) % 2 ? x : y, lir_random(seed) % 8 ? y : x, 0);
}

static void random_idiom(struct lir *lir, uint32_t block, uint64_t *seed)
{
	uint8_t x = lir_random_reg(seed), y = lir_random_reg(seed);
	uint8_t size = lir_random(seed) % 2 ? 8 : 4;

	switch (lir_random(seed) % 5) {
	case 0:
		random_rotation(lir, block, x, y, seed);
		break;
	case 1:
		append(lir, block, LIR_MOV, 8, x, y, 0);
		append(lir, block, LIR_SHL, size, x, LIR_IMM, (int64_t)(lir_random(seed) % 5));
		append(lir, block, LIR_ADD, size, x, lir_random_reg(seed), 0);
		break;
	case 2:
		append(lir, block, LIR_ADD, size, x, LIR_IMM, (int32_t)lir_random(seed));
		append(lir, block, LIR_ADD, size, x, LIR_IMM, (int32_t)lir_random(seed));
		append(lir, block, LIR_MUL, size, y, LIR_IMM, (int64_t)(lir_random(seed) % 10));
		break;
	case 3:
		append(lir, block, LIR_BSWAP, 8, x, LIR_NONE, 8);
		append(lir, block, LIR_SHR, 8, x, LIR_IMM, (int64_t)(8 * (lir_random(seed) % 8)));
		break;
	default:
		append(lir, block, LIR_SHL, 8, x, LIR_IMM, 32);
		append(lir, block, lir_random(seed) % 2 ? LIR_SHR : LIR_SAR, 8, x, LIR_IMM,
		       lir_random(seed) % 2 ? 32 : (int64_t)(lir_random(seed) % 64));
		break;
	}
}

static void test_random(void **state)
{
	const struct lir_random_shape straight = {
		.blocks = 1, .ops = 16, .two_operands = true, .idiom = random_idiom};
	const struct lir_random_shape blocks = {.blocks = 6, .ops = 6, .idiom = random_idiom};

	lir_assert_same(jit_opt_idioms, &straight, 3000, 6);
	lir_assert_same(jit_opt_idioms, &blocks, 2000, 7);
	lir_assert_same(values_and_idioms, &straight, 3000, 8);
	lir_assert_same(values_and_idioms, &blocks, 2000, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotations),
		cmocka_unit_test(test_no_rotations),
		cmocka_unit_test(test_no_rotation_of_what_is_lost),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_swapped_parts),
		cmocka_unit_test(test_bit_tests),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
