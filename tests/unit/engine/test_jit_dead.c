/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_dead.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_random.h"
#include "lir_text.h"

static void dead(const char *before, const char *after)
{
	lir_assert_pass(jit_opt_dead, before, after);
}

static void test_unread(void **state)
{
	dead("b0:\n"
	     "\trcx = mov8 rsi\n"
	     "\trcx = add8 rsi, 42\n"
	     "\tr8 = load4 packet[rdx + 4]\n"
	     "\trax = mov8 rcx\n"
	     "\tbranch8 rax == 0 -> b2\n"
	     "\t-> b1\n"
	     "b1:\n"
	     "\trdx = mov4 1\n"
	     "\tstore4 packet[rbx], rbp\n"
	     "\t-> b2\n"
	     "b2:\n"
	     "\trsi = mov4 1\n"
	     "\texit\n",
	     "b0:\n"
	     "\trcx = add8 rsi, 42\n"
	     "\trax = mov8 rcx\n"
	     "\tbranch8 rax == 0 -> b2\n"
	     "\t-> b1\n"
	     "b1:\n"
	     "\tstore4 packet[rbx], rbp\n"
	     "\t-> b2\n"
	     "b2:\n"
	     "\texit\n");
}

/* Effects stay, whatever becomes of their results. */
static void test_effects(void **state)
{
	static const char text[] = "b0:\n"
				   "\trcx = fetch add8 map[rdx], rcx\n"
				   "\trcx = load8.acquire map[rdx]\n"
				   "\tcall helper 0x20000\n"
				   "\trax = mov4 0\n"
				   "\texit\n";

	dead(text, text);
}

/* Of what is stored, compared or masked behind, only some bits count. */
static void test_bits(void **state)
{
	dead("b0:\n"
	     "\trsi = and4 rsi, 255\n"
	     "\tstore1 packet[rbx], rsi\n"
	     "\trdx = mov4 rdx\n"
	     "\trdx = add8 rdx, 1\n"
	     "\tstore4 packet[rbx], rdx\n"
	     "\trcx = zext2 rdx\n"
	     "\trcx = shl4 rcx, 16\n"
	     "\trcx = or4 rcx, 0x12340000\n"
	     "\tstore4 packet[rbx + 4], rcx\n"
	     "\tr8 = or4 r8, 0x70000000\n"
	     "\tr8 = bswap4 r8\n"
	     "\tr8 = shr4 r8, 8\n"
	     "\tr9 = and8 r9, 0xffff\n"
	     "\tr9 = sext4to8 r9\n"
	     "\tr9 = and4 r9, 15\n"
	     "\trax = add8 r8, r9\n"
	     "\texit\n",
	     "b0:\n"
	     "\tstore1 packet[rbx], rsi\n"
	     "\trdx = add4 rdx, 1\n"
	     "\tstore4 packet[rbx], rdx\n"
	     "\trcx = mov4 rdx\n"
	     "\trcx = shl4 rcx, 16\n"
	     "\trcx = or4 rcx, 0x12340000\n"
	     "\tstore4 packet[rbx + 4], rcx\n"
	     "\tr8 = bswap4 r8\n"
	     "\tr8 = shr4 r8, 8\n"
	     "\tr9 = and4 r9, 15\n"
	     "\trax = add8 r8, r9\n"
	     "\texit\n");
}

/* What arithmetic carries upward is wanted from below, and signs from the top. */
static void test_carries(void **state)
{
	static const char text[] = "b0:\n"
				   "\trsi = and4 rsi, 15\n"
				   "\trsi = mul4 rsi, rdx\n"
				   "\trsi = and4 rsi, 240\n"
				   "\trcx = or4 rcx, 0xffffffff80000000\n"
				   "\trcx = sar4 rcx, 4\n"
				   "\trax = shr4 rcx, 28\n"
				   "\trax = add8 rax, rsi\n"
				   "\texit\n";

	dead(text, text);
}

static void values_and_dead(struct lir *lir)
{
	jit_opt_values(lir);
	jit_opt_dead(lir);
}

static void test_random(void **state)
{
	const struct lir_random_shape straight = {.blocks = 1, .ops = 24, .two_operands = true};
	const struct lir_random_shape blocks = {.blocks = 8, .ops = 8};

	lir_assert_same(jit_opt_dead, &straight, 2000, 3);
	lir_assert_same(jit_opt_dead, &blocks, 2000, 4);
	lir_assert_same(values_and_dead, &blocks, 2000, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unread), cmocka_unit_test(test_effects),
		cmocka_unit_test(test_bits),   cmocka_unit_test(test_carries),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
