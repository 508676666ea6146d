/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_sum.c and jit/loops.c; that machine code adds up the same is test_jit_random_sum()'s. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_eval.h"
#include "lir_text.h"

static void sum(const char *before, const char *after)
{
	struct lir_eval one = {.steps = 100000, .regs = {[LIR_RDX] = 7, [LIR_RSI] = 0xfffffff0}};
	struct lir_eval two;
	struct lir lir;

	for (unsigned i = 0; i < LIR_EVAL_MEMORY; i++)
		one.memory[BPFE_MEM_PACKET][i] = (uint8_t)(i * 7 + (i >> 4));
	two = one;
	lir_from_text(&lir, before);
	assert_int_equal(lir_eval_run(&lir, &one), LIR_EVAL_EXIT);
	lir_free(&lir);
	lir_assert_pass(jit_opt_sum, before, after);
	lir_from_text(&lir, after);
	assert_int_equal(lir_eval_run(&lir, &two), LIR_EVAL_EXIT);
	assert_int_equal(one.regs[LIR_RAX], two.regs[LIR_RAX]);
	lir_free(&lir);
}

/* As clang leaves the sum of an array of shorts: out by the branch, on by a jump. */
static void test_checksum(void **state)
{
	sum("b0:\n"
	    "\trsi = mov4 0\n"
	    "\trcx = mov4 14\n"
	    "\t-> b1\n"
	    "b1:\n"
	    "\tr8 = load2 packet[rdx + rcx*1]\n"
	    "\trsi = add4 rsi, r8\n"
	    "\trcx = add8 rcx, 2\n"
	    "\tbranch4 rcx == 1494 -> b3\n"
	    "\t-> b2\n"
	    "b2:\n"
	    "\tjump -> b1\n"
	    "b3:\n"
	    "\trax = add8 rsi, rcx\n"
	    "\texit\n",
	    "b0:\n"
	    "\trsi = mov4 0\n"
	    "\trcx = mov4 14\n"
	    "\t-> b1\n"
	    "b1:\n"
	    "\trsi = sum4 rsi, 740 of 2 packet[rdx + rcx*1]\n"
	    "\trcx = mov8 1494\n"
	    "\t-> b3\n"
	    "b2:\n"
	    "\tjump -> b1\n"
	    "b3:\n"
	    "\trax = add8 rsi, rcx\n"
	    "\texit\n");
}

/* A pointer that goes along, a counter that goes down; numbers of four bytes, added from memory. */
static void test_pointer(void **state)
{
	sum("b0:\n"
	    "\trcx = mov4 20\n"
	    "\t-> b1\n"
	    "b1:\n"
	    "\trsi = add4 rsi, packet[rdx + 8]\n"
	    "\trdx = add8 rdx, 4\n"
	    "\trcx = add4 rcx, -1\n"
	    "\tbranch4 rcx != 0 -> b1\n"
	    "\t-> b2\n"
	    "b2:\n"
	    "\trax = xor8 rsi, rdx\n"
	    "\texit\n",
	    "b0:\n"
	    "\trcx = mov4 20\n"
	    "\t-> b1\n"
	    "b1:\n"
	    "\trsi = sum4 rsi, 20 of 4 packet[rdx + 8]\n"
	    "\trcx = mov4 0\n"
	    "\trdx = add8 rdx, 80\n"
	    "\t-> b2\n"
	    "b2:\n"
	    "\trax = xor8 rsi, rdx\n"
	    "\texit\n");
}

/* @loop of registers that are 0 to begin with, and what reads them: nothing changes. */
static void kept(const char *loop, const char *behind)
{
	char text[1024];
	size_t n = 0;
	const char *const parts[] = {"b0:\n\trsi = mov4 0\n\trcx = mov4 0\n\t-> b1\nb1:\n", loop,
				     "\t-> b2\nb2:\n", behind, "\texit\n"};

	for (unsigned i = 0; i < 5; i++) {
		memcpy(text + n, parts[i], strlen(parts[i]));
		n += strlen(parts[i]);
	}
	text[n] = '\0';
	lir_assert_pass(jit_opt_sum, text, text);
}

static void test_others(void **state)
{
	/* what was loaded last is read */
	kept("\tr8 = load2 packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n\trcx = add8 rcx, 2\n"
	     "\tbranch8 rcx != 64 -> b1\n",
	     "\trax = add8 rsi, r8\n");
	/* every other one */
	kept("\tr8 = load2 packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n\trcx = add8 rcx, 4\n"
	     "\tbranch8 rcx != 64 -> b1\n",
	     "\trax = mov8 rsi\n");
	/* too few, and too many */
	kept("\tr8 = load2 packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n\trcx = add8 rcx, 2\n"
	     "\tbranch8 rcx != 30 -> b1\n",
	     "\trax = mov8 rsi\n");
	kept("\tr8 = load1 packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n\trcx = add8 rcx, 1\n"
	     "\tbranch8 rcx u< 4097 -> b1\n",
	     "\trax = mov8 rsi\n");
	/* signed, or a sum that four bytes do not hold */
	kept("\tr8 = load2s packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n\trcx = add8 rcx, 2\n"
	     "\tbranch8 rcx != 64 -> b1\n",
	     "\trax = mov8 rsi\n");
	kept("\tr8 = load4 packet[rdx + rcx*1]\n\trsi = add8 rsi, r8\n\trcx = add8 rcx, 4\n"
	     "\tbranch8 rcx != 64 -> b1\n",
	     "\trax = mov8 rsi\n");
	/* the counter moves first; the number of rounds is not known; the sum is the address */
	kept("\trcx = add8 rcx, 2\n\tr8 = load2 packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n"
	     "\tbranch8 rcx != 64 -> b1\n",
	     "\trax = mov8 rsi\n");
	kept("\tr8 = load2 packet[rdx + rcx*1]\n\trsi = add4 rsi, r8\n\trcx = add8 rcx, 2\n"
	     "\tbranch8 rcx != rbx -> b1\n",
	     "\trax = mov8 rsi\n");
	kept("\tr8 = load2 packet[rsi + rcx*1]\n\trsi = add8 rsi, r8\n\trcx = add8 rcx, 2\n"
	     "\tbranch8 rcx != 64 -> b1\n",
	     "\trax = mov8 rsi\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_pointer),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
