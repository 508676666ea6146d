/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_values*.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_random.h"
#include "lir_text.h"

static void values(const char *before, const char *after)
{
	lir_assert_pass(jit_opt_values, before, after);
}

static void test_constants(void **state)
{
	values("b0:\n"
	       "\trsi = mov4 7\n"
	       "\trsi = add8 rsi, 5\n"
	       "\trdx = add8 rdx, rsi\n"
	       "\trcx = sub8 rcx, rsi\n"
	       "\tstore2 packet[rbx], rsi\n"
	       "\trax = mov8 rsi\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = mov4 7\n"
	       "\trsi = mov4 12\n"
	       "\trdx = add8 rdx, 12\n"
	       "\trcx = add8 rcx, -12\n"
	       "\tstore2 packet[rbx], 12\n"
	       "\trax = mov4 12\n"
	       "\texit\n");
}

static void test_copies(void **state)
{
	values("b0:\n"
	       "\trcx = mov8 rsi\n"
	       "\trcx = add8 rcx, 42\n"
	       "\trdx = mov8 rbx\n"
	       "\tr8 = load4 packet[rdx + 4]\n"
	       "\trbx = add8 rbx, 1\n"
	       "\tr9 = xor8 r9, rdx\n"
	       "\trdx = mov8 rdx\n"
	       "\trsi = mov8 fp\n"
	       "\trsi = add8 rsi, -8\n"
	       "\tstore8 stack[rsi], r9\n"
	       "\texit\n",
	       "b0:\n"
	       "\trcx = mov8 rsi\n"
	       "\trcx = add8 rsi, 42\n"
	       "\trdx = mov8 rbx\n"
	       "\tr8 = load4 packet[rbx + 4]\n"
	       "\trbx = add8 rbx, 1\n"
	       "\tr9 = xor8 r9, rdx\n"
	       "\trsi = mov8 fp\n"
	       "\trsi = lea8 [fp - 8]\n"
	       "\tstore8 stack[rsi], r9\n"
	       "\texit\n");
}

/* What loads give needs no mask and no extension; 64-bit operations on it become short. */
static void test_extensions(void **state)
{
	values("b0:\n"
	       "\trsi = load1 packet[rbx]\n"
	       "\trsi = and8 rsi, 255\n"
	       "\trsi = zext2 rsi\n"
	       "\trsi = mov4 rsi\n"
	       "\trsi = add8 rsi, 5\n"
	       "\trdx = load8 packet[rbx]\n"
	       "\trdx = and8 rdx, 255\n"
	       "\trcx = load4 packet[rbx]\n"
	       "\trcx = shr8 rcx, 3\n"
	       "\trcx = sext4to8 rcx\n"
	       "\trax = mov8 rcx\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = load1 packet[rbx]\n"
	       "\trsi = add4 rsi, 5\n"
	       "\trdx = load8 packet[rbx]\n"
	       "\trdx = zext1 rdx\n"
	       "\trcx = load4 packet[rbx]\n"
	       "\trcx = shr4 rcx, 3\n"
	       "\trax = mov4 rcx\n"
	       "\texit\n");
}

/* Shifts up and down again; not if somebody reads what is between. */
static void test_pairs(void **state)
{
	values("b0:\n"
	       "\trsi = shl8 rsi, 32\n"
	       "\trsi = shr8 rsi, 32\n"
	       "\trdx = load4 packet[rbx]\n"
	       "\trdx = shl8 rdx, 32\n"
	       "\trcx = shl8 rcx, 48\n"
	       "\trdx = shr8 rdx, 32\n"
	       "\trcx = sar8 rcx, 48\n"
	       "\tr8 = shl8 r8, 32\n"
	       "\tr8 = shr8 r8, 29\n"
	       "\tr9 = shl8 r9, 32\n"
	       "\tr9 = shr8 r9, 35\n"
	       "\tr14 = shl8 r14, 32\n"
	       "\tr14 = sar8 r14, 30\n"
	       "\tr15 = shl8 r15, 32\n"
	       "\trax = mov8 r15\n"
	       "\tr15 = shr8 r15, 32\n"
	       "\trsi = shl8 rsi, 32\n"
	       "\trsi = sar8 rsi, 33\n"
	       "\trcx = shl8 rcx, 40\n"
	       "\trcx = shr8 rcx, 40\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = mov4 rsi\n"
	       "\trdx = load4 packet[rbx]\n"
	       "\trcx = sext2to8 rcx\n"
	       "\tr8 = mov4 r8\n"
	       "\tr8 = shl8 r8, 3\n"
	       "\tr9 = mov4 r9\n"
	       "\tr9 = shr4 r9, 3\n"
	       "\tr14 = sext4to8 r14\n"
	       "\tr14 = shl8 r14, 2\n"
	       "\tr15 = shl8 r15, 32\n"
	       "\trax = mov8 r15\n"
	       "\tr15 = shr8 r15, 32\n"
	       "\trsi = shl8 rsi, 32\n"
	       "\trsi = sar8 rsi, 33\n"
	       "\trcx = shl8 rcx, 40\n"
	       "\trcx = shr8 rcx, 40\n"
	       "\texit\n");
}

static void test_division(void **state)
{
	values("b0:\n"
	       "\trsi = load4 packet[rbx]\n"
	       "\trdx = udiv8 rsi, 16\n"
	       "\trcx = umod8 rcx, 8\n"
	       "\tr8 = sdiv4 r8, 10\n"
	       "\trsi = or8 rsi, 1\n"
	       "\tr9 = umod4 r9, rsi\n"
	       "\tr14 = udiv4 r14, rdx\n"
	       "\tr15 = load1 packet[rbx]\n"
	       "\tr15 = smod8 r15, 300\n"
	       "\trax = load1 packet[rbx]\n"
	       "\trax = sdiv8 rax, rsi\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = load4 packet[rbx]\n"
	       "\trdx = shr4 rsi, 4\n"
	       "\trcx = and4 rcx, 7\n"
	       "\tr8 = sdiv4.safe r8, 10\n"
	       "\trsi = or4 rsi, 1\n"
	       "\tr9 = umod4.safe r9, rsi\n"
	       "\tr14 = udiv4 r14, rdx\n"
	       "\tr15 = load1 packet[rbx]\n"
	       "\trax = load1 packet[rbx]\n"
	       "\trax = udiv4.safe rax, rsi\n"
	       "\texit\n");
}

/* What a branch tells of each side decides the ones behind it. */
static void test_branches(void **state)
{
	values("b0:\n"
	       "\trsi = load4 packet[rbx]\n"
	       "\tbranch8 rsi u> 34 -> b4\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trsi = and8 rsi, 63\n"
	       "\tbranch8 rsi s>= 35 -> b4\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tbranch8 rsi == 0 -> b4\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trdx = udiv8 rdx, rsi\n"
	       "\tbranch8 rsi != 0 -> b5\n"
	       "\t-> b4\n"
	       "b4:\n"
	       "\trax = mov4 1\n"
	       "\texit\n"
	       "b5:\n"
	       "\trax = mov4 2\n"
	       "\texit\n",
	       "b0:\n"
	       "\trsi = load4 packet[rbx]\n"
	       "\tbranch4 rsi u> 34 -> b4\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tbranch4 rsi == 0 -> b4\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trdx = udiv8.safe rdx, rsi\n"
	       "\tjump -> b5\n"
	       "b4:\n"
	       "\trax = mov4 1\n"
	       "\texit\n"
	       "b5:\n"
	       "\trax = mov4 2\n"
	       "\texit\n");
}

/* rsi is 1 or 2 where ways meet, and the same as rdx on one of them only. */
static void test_merge(void **state)
{
	values("b0:\n"
	       "\tr9 = mov8 rbx\n"
	       "\tbranch8 rcx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trsi = mov4 1\n"
	       "\trdx = mov8 rbx\n"
	       "\tjump -> b3\n"
	       "b2:\n"
	       "\trsi = mov4 2\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trax = and8 rsi, 3\n"
	       "\trcx = add8 rdx, r9\n"
	       "\tr8 = udiv8 r8, rsi\n"
	       "\texit\n",
	       "b0:\n"
	       "\tr9 = mov8 rbx\n"
	       "\tbranch8 rcx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trsi = mov4 1\n"
	       "\trdx = mov8 rbx\n"
	       "\tjump -> b3\n"
	       "b2:\n"
	       "\trsi = mov4 2\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trax = mov4 rsi\n"
	       "\trcx = add8 rdx, rbx\n"
	       "\tr8 = udiv8.safe r8, rsi\n"
	       "\texit\n");
}

/* A counter stays a 32-bit number however often the loop goes round; what the loop does not touch
 * keeps its value. */
static void test_loop(void **state)
{
	values("b0:\n"
	       "\trcx = mov4 0\n"
	       "\trdx = mov4 3\n"
	       "\trax = mov4 0\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trcx = add4 rcx, rdx\n"
	       "\trax = add8 rax, 1\n"
	       "\trsi = mov4 rcx\n"
	       "\trsi = shl8 rsi, 4\n"
	       "\tbranch8 rax != 64 -> b1\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\trcx = mov4 rcx\n"
	       "\texit\n",
	       "b0:\n"
	       "\trcx = mov4 0\n"
	       "\trdx = mov4 3\n"
	       "\trax = mov4 0\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trcx = add4 rcx, 3\n"
	       "\trax = add8 rax, 1\n"
	       "\trsi = mov4 rcx\n"
	       "\trsi = shl8 rcx, 4\n"
	       "\tbranch8 rax != 64 -> b1\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n");
}

static void test_calls(void **state)
{
	values("b0:\n"
	       "\trbx = mov4 5\n"
	       "\trsi = mov4 5\n"
	       "\tcall helper 0x20000\n"
	       "\trbx = add8 rbx, rsi\n"
	       "\trax = and8 rax, 1\n"
	       "\trax = and8 rax, 255\n"
	       "\texit\n",
	       "b0:\n"
	       "\trbx = mov4 5\n"
	       "\trsi = mov4 5\n"
	       "\tcall helper 0x20000\n"
	       "\trbx = add8 rsi, 5\n"
	       "\trax = and4 rax, 1\n"
	       "\texit\n");
}

static void test_random(void **state)
{
	const struct lir_random_shape straight = {.blocks = 1, .ops = 24, .two_operands = true};
	const struct lir_random_shape blocks = {.blocks = 8, .ops = 8};

	lir_assert_same(jit_opt_values, &straight, 3000, 1);
	lir_assert_same(jit_opt_values, &blocks, 3000, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constants),  cmocka_unit_test(test_copies),
		cmocka_unit_test(test_extensions), cmocka_unit_test(test_division),
		cmocka_unit_test(test_pairs),      cmocka_unit_test(test_branches),
		cmocka_unit_test(test_merge),      cmocka_unit_test(test_loop),
		cmocka_unit_test(test_calls),      cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
