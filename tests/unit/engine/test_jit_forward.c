/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_forward.c: the stack's bytes that a register still has, and those nobody reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_memory_random.h"
#include "lir_text.h"

static void forward(struct lir *lir)
{
	jit_opt_forward(lir);
	lir_compact(lir);
}

static void test_load_of_store(void **state)
{
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], rdx\n\tcall helper 0x10\n"
			"\trax = load8 stack[fp - 8]\n\texit\n",
			"b0:\n\tstore8 stack[fp - 8], rdx\n\tcall helper 0x10\n"
			"\trax = load8 stack[fp - 8]\n\texit\n");
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], rbx\n\tcall helper 0x10\n"
			"\trax = load8 stack[fp - 8]\n\texit\n",
			"b0:\n\tcall helper 0x10\n\trax = mov8 rbx\n\texit\n");
}

/* The low bytes of what was stored, as the load extends them. */
static void test_narrower(void **state)
{
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], rdx\n\trax = load4 stack[fp - 8]\n"
			"\trcx = load2 stack[fp - 8]\n\tr8 = load1s stack[fp - 8]\n"
			"\tr9 = load4 stack[fp - 4]\n\texit\n",
			"b0:\n\tstore8 stack[fp - 8], rdx\n\trax = mov4 rdx\n"
			"\trcx = zext2 rdx\n\tr8 = sext1to8 rdx\n"
			"\tr9 = load4 stack[fp - 4]\n\texit\n");
	lir_assert_pass(forward,
			"b0:\n\tstore4 stack[fp - 8], -2\n\trax = load4 stack[fp - 8]\n"
			"\trcx = load2s stack[fp - 8]\n\tr8 = load8 stack[fp - 8]\n\texit\n",
			"b0:\n\tstore4 stack[fp - 8], -2\n\trax = mov8 0xfffffffe\n"
			"\trcx = mov8 -2\n\tr8 = load8 stack[fp - 8]\n\texit\n");
}

static void test_load_of_load(void **state)
{
	lir_assert_pass(forward,
			"b0:\n\trax = load4 stack[fp - 8]\n\trcx = load4 stack[fp - 8]\n"
			"\trax = add8 rax, 1\n\trdx = load4 stack[fp - 8]\n\texit\n",
			"b0:\n\trax = load4 stack[fp - 8]\n\trcx = load4 stack[fp - 8]\n"
			"\trax = add8 rax, 1\n\trdx = load4 stack[fp - 8]\n\texit\n");
	lir_assert_pass(forward,
			"b0:\n\tstore4 stack[fp - 4], rsi\n\trcx = load8 stack[fp - 16]\n"
			"\trdx = load8 stack[fp - 16]\n\trcx = mov8 0\n"
			"\trdx = load8 stack[fp - 16]\n\texit\n",
			"b0:\n\trcx = load8 stack[fp - 16]\n"
			"\trdx = mov8 rcx\n\trcx = mov8 0\n"
			"\trdx = load8 stack[fp - 16]\n\texit\n");
}

/* Written to by somebody else, or in part. */
static void test_changed(void **state)
{
	static const char *const same[] = {
		"b0:\n\tstore8 stack[fp - 8], rbx\n\tstore1 stack[fp - 4], 0\n"
		"\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\trsi = add8 fp, -8\n\tstore8 stack[fp - 8], rbx\n\tcall helper 0x10\n"
		"\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\trsi = add8 fp, -8\n\tstore8 stack[fp - 8], rbx\n"
		"\tstore8 stack[rsi], 7\n\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\tstore8 stack[fp - 8], rbx\n\trbx = mov8 0\n"
		"\trax = load8 stack[fp - 8]\n\texit\n",
		"b0:\n\tstore8 stack[fp - 8], rbx\n\t-> b1\n"
		"b1:\n\trax = load8 stack[fp - 8]\n\texit\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		lir_assert_pass(forward, same[i], same[i]);
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], rbx\n\tstore8 packet[rdx], 1\n"
			"\trax = load8 stack[fp - 8]\n\texit\n",
			"b0:\n\tstore8 packet[rdx], 1\n\trax = mov8 rbx\n\texit\n");
}

/* A store on one way is wanted if any other way reads; one that is overwritten on all is not. */
static void test_dead_stores(void **state)
{
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], rbx\n\tstore4 stack[fp - 16], rbx\n"
			"\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\tstore8 stack[fp - 8], 1\n\t-> b2\n"
			"b2:\n\trax = load8 stack[fp - 8]\n\texit\n",
			"b0:\n\tstore8 stack[fp - 8], rbx\n"
			"\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\tstore8 stack[fp - 8], 1\n\t-> b2\n"
			"b2:\n\trax = load8 stack[fp - 8]\n\texit\n");
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], rbx\n"
			"\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\tstore8 stack[fp - 8], 1\n\t-> b3\n"
			"b2:\n\tstore8 stack[fp - 8], 2\n\t-> b3\n"
			"b3:\n\trax = load8 stack[fp - 8]\n\texit\n",
			"b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\tstore8 stack[fp - 8], 1\n\t-> b3\n"
			"b2:\n\tstore8 stack[fp - 8], 2\n\t-> b3\n"
			"b3:\n\trax = load8 stack[fp - 8]\n\texit\n");
}

static void test_pointed_to_is_wanted(void **state)
{
	lir_assert_pass(forward,
			"b0:\n\tstore8 stack[fp - 8], 1\n\tstore8 stack[fp - 16], 2\n"
			"\tstore8 stack[fp - 24], 3\n\trdx = add8 fp, -16\n\tcall helper 0x10\n"
			"\texit\n",
			"b0:\n\tstore8 stack[fp - 8], 1\n\tstore8 stack[fp - 16], 2\n"
			"\trdx = add8 fp, -16\n\tcall helper 0x10\n\texit\n");
}

static void test_random(void **state)
{
	for (uint32_t seed = 0; seed < 10000; seed++)
		lir_memory_random(seed, LIR_RANDOM_OWN, forward);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load_of_store), cmocka_unit_test(test_narrower),
		cmocka_unit_test(test_load_of_load),  cmocka_unit_test(test_changed),
		cmocka_unit_test(test_dead_stores),   cmocka_unit_test(test_pointed_to_is_wanted),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("engine jit forward", tests, NULL, NULL);
}
