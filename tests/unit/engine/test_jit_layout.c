/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/layout.c: where blocks lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_eval.h"
#include "lir_text.h"

static void layout(struct lir *lir)
{
	jit_layout(lir, true);
}

static void by_number(struct lir *lir)
{
	jit_layout(lir, false);
}

#define BODY "b4:\n\trax = add8 rax, rdx\n\trax = add8 rax, rcx\n\trax = add8 rax, r8\n\texit\n"

/* A block waits for all that lead to it: both arms lie between the branch and where they meet. */
static void test_arms_meet(void **state)
{
	static const char *const text = "b0:\n\tbranch8 rsi == 0 -> b3\n\t-> b1\n"
					"b1:\n\trdx = mov8 1\n\t-> b4\n"
					"b3:\n\trdx = mov8 2\n\t-> b4\n" BODY;

	lir_assert_pass(layout, text, text);
	lir_assert_pass(by_number, text, text);
}

/* What a way goes to first may have been numbered last. */
static void test_falls_through(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\tbranch8 rsi == 0 -> b1\n\t-> b3\n"
			"b1:\n\trdx = mov8 1\n\t-> b4\n"
			"b3:\n\trdx = mov8 2\n\t-> b4\n" BODY,
			"b0:\n\tbranch8 rsi == 0 -> b1\n\t-> b3\n"
			"b3:\n\trdx = mov8 2\n\t-> b4\n"
			"b1:\n\trdx = mov8 1\n\t-> b4\n" BODY);
}

static void test_cold_is_last(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\tbranch8 rsi == 0 -> b4\n\t-> b1\n"
			"b1:\n\trax = mov4 3\n\t-> b2\n"
			"b2:\n\ttrap\n" BODY,
			"b0:\n\tbranch8 rsi == 0 -> b4\n\t-> b1\n" BODY
			"b1:\n\trax = mov4 3\n\t-> b2\n"
			"b2:\n\ttrap\n");
}

static void test_jumps_to_jumps(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\trdx = mov8 1\n\tjump -> b2\n"
			"b2:\n\tjump -> b3\n"
			"b3:\n\t-> b4\n" BODY,
			"b0:\n\tbranch8 rsi == 0 -> b4\n\t-> b1\n"
			"b1:\n\trdx = mov8 1\n\t-> b4\n" BODY);
	/* Both ways lead to one place. */
	lir_assert_pass(layout,
			"b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b4\n"
			"b2:\n\tjump -> b4\n" BODY,
			"b0:\n\t-> b4\n" BODY);
}

/* One conditional jump a round, at the bottom. */
static void test_loop_is_rotated(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\trdx = mov8 0\n\t-> b1\n"
			"b1:\n\tbranch8 rdx u>= rsi -> b4\n\t-> b2\n"
			"b2:\n\trcx = add8 rcx, rdx\n\trdx = add8 rdx, 1\n\tjump -> b1\n" BODY,
			"b0:\n\trdx = mov8 0\n\t-> b1\n"
			"b1:\n\tbranch8 rdx u>= rsi -> b4\n\t-> b2\n"
			"b2:\n\trcx = add8 rcx, rdx\n\trdx = add8 rdx, 1\n"
			"\tbranch8 rdx u>= rsi -> b4\n\t-> b2\n" BODY);
}

/* What leaves a loop does not lie in it, whichever way of the branch it is. */
static void test_loop_is_together(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\t-> b1\n"
			"b1:\n\trdx = add8 rdx, 1\n\tbranch8 rdx u< rsi -> b3\n\t-> b2\n"
			"b2:\n\trcx = mov8 7\n\tjump -> b4\n"
			"b3:\n\trcx = add8 rcx, rdx\n\tbranch8 rcx u< r8 -> b1\n\t-> b4\n" BODY,
			"b0:\n\t-> b1\n"
			"b1:\n\trdx = add8 rdx, 1\n\tbranch8 rdx u< rsi -> b3\n\t-> b2\n"
			"b3:\n\trcx = add8 rcx, rdx\n\tbranch8 rcx u< r8 -> b1\n\t-> b4\n"
			"b2:\n\trcx = mov8 7\n\t-> b4\n" BODY);
}

static void test_exit_is_copied(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\trax = mov4 1\n\tjump -> b3\n"
			"b2:\n\trax = mov4 2\n\tjump -> b3\n"
			"b3:\n\texit\n",
			"b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			"b1:\n\trax = mov4 1\n\texit\n"
			"b2:\n\trax = mov4 2\n\t-> b3\n"
			"b3:\n\texit\n");
}

static void test_functions_stay_together(void **state)
{
	lir_assert_pass(layout,
			"b0:\n\tcall f1\n\t-> b1\n"
			"b1:\n\texit\n"
			"f1:\n"
			"b2:\n\trax = mov8 rsi\n\texit\n",
			"b0:\n\tcall f1\n\t-> b1\n"
			"b1:\n\texit\n"
			"f1:\n"
			"b2:\n\trax = mov8 rsi\n\texit\n");
}

/* ---- At random ------------------------------------------------------------------------------ */

#define BLOCKS 10u

static uint32_t below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % n;
}

static void random_text(uint64_t *r, char *text, size_t size)
{
	static const char *const ends[] = {"\tjump -> b%u\n", "\tbranch8 rdx u< %u -> b%u\n",
					   "\tbranch8 rdx testz %u -> b%u\n"};
	size_t n = 0;

	for (uint32_t b = 0; b + 1 < BLOCKS; b++) {
		uint32_t kind = below(r, 6), value = below(r, 40);

		n += (size_t)snprintf(text + n, size - n, "b%u:\n", b);
		for (uint32_t i = below(r, 4); i > 0; i--)
			n += (size_t)snprintf(text + n, size - n,
					      "\trdx = add8 rdx, 1\n\trax = mul8 rax, 33\n"
					      "\trax = xor8 rax, %u\n",
					      b);
		if (kind == 0)
			n += (size_t)snprintf(text + n, size - n, ends[0], below(r, BLOCKS));
		else if (kind < 5)
			n += (size_t)snprintf(text + n, size - n, ends[1 + kind % 2], value,
					      below(r, BLOCKS));
		if (kind)
			n += (size_t)snprintf(text + n, size - n, "\t-> b%u\n", below(r, BLOCKS));
	}
	snprintf(text + n, size - n, "b%u:\n\texit\n", BLOCKS - 1);
}

/* Compiled code falls through to what comes next; the evaluator does not mind the order. So that is
 * looked at too: all that is gone to is laid out, once. */
static void check_order(const struct lir *lir)
{
	uint8_t times[BLOCKS] = {0};

	for (uint32_t i = 0; i < lir->n_order; i++)
		times[lir->order[i]]++;
	for (uint32_t i = 0; i < lir->n_order; i++) {
		const struct lir_block *block = &lir->blocks[lir->order[i]];
		const struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;

		assert_int_equal(times[lir->order[i]], 1);
		if (block->next != LIR_NO_BLOCK)
			assert_int_equal(times[block->next], 1);
		if (end && (end->code == LIR_JUMP || end->code == LIR_BRANCH))
			assert_int_equal(times[end->target], 1);
	}
	assert_int_equal(lir->order[0], 0);
}

static void test_random(void **state)
{
	uint32_t ended = 0;

	for (uint32_t seed = 0; seed < 5000; seed++) {
		uint64_t r = seed * UINT64_C(0x9e3779b97f4a7c15) + 7;
		struct lir_eval before = {.steps = 2000}, after = {.steps = 4000};
		enum lir_eval_end end;
		char text[8192];
		struct lir lir;

		random_text(&r, text, sizeof(text));
		lir_from_text(&lir, text);
		end = lir_eval_run(&lir, &before);
		jit_layout(&lir, true);
		assert_false(lir.failed);
		check_order(&lir);
		if (end == LIR_EVAL_EXIT) {
			ended++;
			assert_int_equal(lir_eval_run(&lir, &after), LIR_EVAL_EXIT);
			if (before.regs[LIR_RAX] != after.regs[LIR_RAX])
				fail_msg("seed %u:\n%s", seed, text);
		}
		lir_free(&lir);
	}
	assert_true(ended > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arms_meet),
		cmocka_unit_test(test_falls_through),
		cmocka_unit_test(test_cold_is_last),
		cmocka_unit_test(test_jumps_to_jumps),
		cmocka_unit_test(test_loop_is_rotated),
		cmocka_unit_test(test_loop_is_together),
		cmocka_unit_test(test_exit_is_copied),
		cmocka_unit_test(test_functions_stay_together),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("engine jit layout", tests, NULL, NULL);
}
