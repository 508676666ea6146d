/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_promote.c and stack.c: stack slots in registers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_memory_random.h"
#include "lir_text.h"

static void promote(struct lir *lir)
{
	lir->spare = LIR_BIT(LIR_R10) | LIR_BIT(LIR_R12);
	jit_opt_promote(lir);
	lir_compact(lir);
}

/* rcx is set while the slot is live, rdx is free from then on: it stays where it was. */
static void test_stays_in_its_register(void **state)
{
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 8], rdx\n\trcx = load8 packet[rsi]\n"
			"\tr8 = load8 stack[fp - 8]\n\trax = add8 rcx, r8\n\texit\n",
			"b0:\n\trcx = load8 packet[rsi]\n"
			"\tr8 = mov8 rdx\n\trax = add8 rcx, r8\n\texit\n");
}

/* All but r10 and what must be saved is wanted for something else. */
#define USE_ALL                                                                          \
	"\trdx = mov8 1\n\trcx = mov8 2\n\tr8 = mov8 3\n\tr9 = mov8 4\n\trax = mov8 5\n" \
	"\trax = add8 rax, rdx\n\trax = add8 rax, rcx\n\trax = add8 rax, r8\n"           \
	"\trax = add8 rax, r9\n\trax = add8 rax, rsi\n"

static void test_spare_register(void **state)
{
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 8], rdx\n" USE_ALL
			"\tr8 = load8 stack[fp - 8]\n\trax = add8 rax, r8\n\texit\n",
			"b0:\n\tr10 = mov8 rdx\n" USE_ALL
			"\tr8 = mov8 r10\n\trax = add8 rax, r8\n\texit\n");
}

/* Across a call only what it keeps, and only where that pays. */
static void test_across_call(void **state)
{
	static const char *const once =
		"b0:\n\tstore8 stack[fp - 8], rsi\n\tcall helper 0x10\n"
		"\tr8 = load8 stack[fp - 8]\n\trax = add8 rax, r8\n\texit\n";

	lir_assert_pass(promote, once, once);
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 8], rsi\n\tcall helper 0x10\n"
			"\tr8 = load8 stack[fp - 8]\n\tr9 = load8 stack[fp - 8]\n"
			"\trax = add8 r9, r8\n\texit\n",
			"b0:\n\trbx = mov8 rsi\n\tcall helper 0x10\n"
			"\tr8 = mov8 rbx\n\tr9 = mov8 rbx\n"
			"\trax = add8 r9, r8\n\texit\n");
}

static void test_loop(void **state)
{
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 8], rdx\n\tstore4 stack[fp - 16], 7\n\t-> b1\n"
			"b1:\n" USE_ALL "\tr9 = load8 stack[fp - 8]\n\tr9 = add8 r9, -1\n"
			"\tstore8 stack[fp - 8], r9\n\tr8 = load4 stack[fp - 16]\n"
			"\trsi = add8 rsi, r8\n\tbranch8 r9 != 0 -> b1\n\t-> b2\n"
			"b2:\n\texit\n",
			"b0:\n\tr10 = mov8 rdx\n\trbx = mov4 7\n\t-> b1\n"
			"b1:\n" USE_ALL "\tr9 = mov8 r10\n\tr9 = add8 r9, -1\n"
			"\tr10 = mov8 r9\n\tr8 = mov8 rbx\n"
			"\trsi = add8 rsi, r8\n\tbranch8 r9 != 0 -> b1\n\t-> b2\n"
			"b2:\n\texit\n");
}

/* A slot of 4 bytes cuts what is stored, so it cannot be where the rest is still wanted. */
static void test_half(void **state)
{
	lir_assert_pass(promote,
			"b0:\n\tstore4 stack[fp - 4], rdx\n\trcx = load4s stack[fp - 4]\n"
			"\tr8 = load2 stack[fp - 4]\n\trax = add8 rcx, r8\n"
			"\trax = add8 rax, rdx\n\texit\n",
			"b0:\n\trax = mov4 rdx\n\trcx = sext4to8 rax\n"
			"\tr8 = zext2 rax\n\trax = add8 rcx, r8\n"
			"\trax = add8 rax, rdx\n\texit\n");
}

static void test_modified(void **state)
{
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 8], 5\n\tadd8 stack[fp - 8], rdx\n"
			"\trax = mul8 rsi, stack[fp - 8]\n\texit\n",
			"b0:\n\trax = mov8 5\n\trax = add8 rax, rdx\n"
			"\trax = mul8 rsi, rax\n\texit\n");
}

/* Not as a whole, by somebody else, atomically, or with an index. */
static void test_no_slot(void **state)
{
	static const char *const same[] = {
		"b0:\n\tstore8 stack[fp - 8], rsi\n\trax = load4 stack[fp - 4]\n\texit\n",
		"b0:\n\tstore8 stack[fp - 8], rsi\n\tstore1 stack[fp - 8], 0\n"
		"\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\tstore8 stack[fp - 8], rsi\n\tlock add8 stack[fp - 8], rdx\n"
		"\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\tstore8 stack[fp - 8], rsi\n\trax = load8 stack[fp + rdx*1 - 16]\n"
		"\trdx = load8 stack[fp - 8]\n\trax = add8 rax, rdx\n\texit\n",
		"b0:\n\tstore8 stack[fp - 8], rsi\n\trdx = add8 fp, -16\n"
		"\tcall helper 0x10\n\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\tstore8 stack[fp - 24], rsi\n\trsi = lea8 [fp - 16]\n"
		"\tcall f1\n\trax = load8 stack[fp - 24]\n\texit\nf1:\nb1:\n\texit\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		lir_assert_pass(promote, same[i], same[i]);
}

/* What is given a pointer goes upwards from there: below it is the function's own. */
static void test_below_pointers(void **state)
{
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 24], rsi\n\trbx = add8 fp, -16\n\t-> b1\n"
			"b1:\n\trdx = mov8 rbx\n\tcall helper 0x10\n"
			"\tr8 = load8 stack[fp - 24]\n\tr9 = load8 stack[fp - 24]\n"
			"\trax = add8 r8, r9\n\tbranch8 rax != 0 -> b1\n\t-> b2\n"
			"b2:\n\texit\n",
			"b0:\n\trbp = mov8 rsi\n\trbx = add8 fp, -16\n\t-> b1\n"
			"b1:\n\trdx = mov8 rbx\n\tcall helper 0x10\n"
			"\tr8 = mov8 rbp\n\tr9 = mov8 rbp\n"
			"\trax = add8 r8, r9\n\tbranch8 rax != 0 -> b1\n\t-> b2\n"
			"b2:\n\texit\n");
	/* It moves down with every round. */
	lir_assert_pass(promote,
			"b0:\n\tstore8 stack[fp - 24], rsi\n\trbx = mov8 fp\n\t-> b1\n"
			"b1:\n\trbx = add8 rbx, -8\n\tstore8 stack[rbx], 0\n"
			"\tbranch8 rdx != 0 -> b1\n\t-> b2\n"
			"b2:\n\trax = load8 stack[fp - 24]\n\texit\n",
			"b0:\n\tstore8 stack[fp - 24], rsi\n\trbx = mov8 fp\n\t-> b1\n"
			"b1:\n\trbx = add8 rbx, -8\n\tstore8 stack[rbx], 0\n"
			"\tbranch8 rdx != 0 -> b1\n\t-> b2\n"
			"b2:\n\trax = load8 stack[fp - 24]\n\texit\n");
}

static void test_no_stack_left(void **state)
{
	struct lir lir;

	lir_from_text(&lir, "b0:\n\tstore8 stack[fp - 8], rdx\n\trax = load8 stack[fp - 8]\n"
			    "\texit\n");
	lir.functions[0].stack_bytes = 8;
	promote(&lir);
	assert_string_equal(lir_to_text(&lir), "b0:\n\trax = mov8 rdx\n\texit\n");
	assert_int_equal(lir.functions[0].stack_bytes, 0);
	lir_free(&lir);
}

static void test_random(void **state)
{
	for (uint32_t seed = 0; seed < 10000; seed++)
		lir_memory_random(seed, LIR_RANDOM_OWN, promote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays_in_its_register),
		cmocka_unit_test(test_spare_register),
		cmocka_unit_test(test_across_call),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_modified),
		cmocka_unit_test(test_no_slot),
		cmocka_unit_test(test_below_pointers),
		cmocka_unit_test(test_no_stack_left),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("engine jit promote", tests, NULL, NULL);
}
