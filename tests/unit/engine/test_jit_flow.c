/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/flow.c, and that programs read as lir_print() writes them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/flow.h"
#include "jit/jit.h"
#include "lir_text.h"

/* "order: 0 1 2" and for each block "1: from 0 3, loop 1 depth 1, live rax rcx". */
static const char *describe(struct lir *lir)
{
	static char text[4096];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	const struct lir_flow *flow;

	jit_flow(lir);
	assert_false(lir->failed);
	flow = lir->flow;
	bpfe_log(&log, "order:");
	for (uint32_t i = 0; i < flow->n_rpo; i++)
		bpfe_log(&log, " %u", flow->rpo[i]);
	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		const struct lir_block *block = &lir->blocks[b];

		if (flow->place[b] == UINT32_MAX) {
			bpfe_log(&log, "\n%u: unreached", b);
			continue;
		}
		assert_int_equal(flow->rpo[flow->place[b]], b);
		bpfe_log(&log, "\n%u: from", b);
		for (uint32_t i = 0; i < block->n_preds; i++)
			bpfe_log(&log, " %u", flow->preds[flow->first_pred[b] + i]);
		bpfe_log(&log, ", %sdepth %u", block->loop_head ? "head, " : "", block->loop_depth);
		if (flow->loop[b] != LIR_NO_BLOCK)
			bpfe_log(&log, ", in %u", flow->loop[b]);
		bpfe_log(&log, ", live %#x to %#x", block->live_in, block->live_out);
	}
	return text;
}

static void test_diamond(void **state)
{
	struct lir lir;

	lir_from_text(&lir, "b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			    "b1:\n\trax = mov8 rdx\n\tjump -> b3\n"
			    "b2:\n\trax = mov8 rcx\n\t-> b3\n"
			    "b3:\n\texit\n");
	assert_string_equal(describe(&lir), "order: 0 1 2 3\n"
					    "0: from, depth 0, live 0x46 to 0x6\n"
					    "1: from 0, depth 0, live 0x4 to 0x1\n"
					    "2: from 0, depth 0, live 0x2 to 0x1\n"
					    "3: from 1 2, depth 0, live 0x1 to 0");
	lir_free(&lir);
}

/* A loop whose head is entered from above, with another inside that is one block. */
static void test_loops_nest(void **state)
{
	struct lir lir;

	lir_from_text(&lir, "b0:\n\trax = mov4 0\n\t-> b1\n"
			    "b1:\n\trcx = mov4 0\n\t-> b2\n"
			    "b2:\n\trcx = add8 rcx, 1\n\tbranch8 rcx != r8 -> b2\n\t-> b3\n"
			    "b3:\n\trax = add8 rax, rcx\n\tbranch8 rax u< r9 -> b1\n\t-> b4\n"
			    "b4:\n\texit\n");
	assert_string_equal(describe(&lir),
			    "order: 0 1 2 3 4\n"
			    "0: from, depth 0, live 0x300 to 0x301\n"
			    "1: from 0 3, head, depth 1, live 0x301 to 0x303\n"
			    "2: from 1 2, head, depth 2, in 1, live 0x303 to 0x303\n"
			    "3: from 2, depth 1, in 1, live 0x303 to 0x301\n"
			    "4: from 3, depth 0, live 0x1 to 0");
	lir_free(&lir);
}

/* Two ways into the loop of blocks 1 and 2: neither is a head, nor is one around it known. */
static void test_loop_with_two_entries(void **state)
{
	struct lir lir;

	lir_from_text(&lir, "b0:\n\tbranch8 rsi == 0 -> b2\n\t-> b1\n"
			    "b1:\n\tbranch8 rdx == 0 -> b3\n\t-> b2\n"
			    "b2:\n\tbranch8 rcx == 0 -> b3\n\t-> b1\n"
			    "b3:\n\trax = mov4 0\n\texit\n");
	assert_string_equal(describe(&lir), "order: 0 2 1 3\n"
					    "0: from, depth 0, live 0x46 to 0x6\n"
					    "1: from 0 2, depth 1, in 2, live 0x6 to 0x6\n"
					    "2: from 0 1, depth 1, live 0x6 to 0x6\n"
					    "3: from 2 1, depth 0, live 0 to 0");
	lir_free(&lir);
}

/* What a branch that is gone led to becomes empty, with what only that led to. */
static void test_unreached(void **state)
{
	struct lir lir;

	lir_from_text(&lir, "b0:\n\trax = mov4 1\n\tjump -> b3\n"
			    "b1:\n\trax = mov4 2\n\t-> b2\n"
			    "b2:\n\tjump -> b1\n"
			    "b3:\n\texit\n");
	assert_string_equal(describe(&lir), "order: 0 3\n"
					    "0: from, depth 0, live 0 to 0x1\n"
					    "1: unreached\n"
					    "2: unreached\n"
					    "3: from 0, depth 0, live 0x1 to 0");
	assert_string_equal(lir_to_text(&lir), "b0:\n\trax = mov4 1\n\tjump -> b3\nb3:\n\texit\n");
	lir_free(&lir);
}

/* A branch to where it falls through is one edge; blocks of a function come together. */
static void test_functions(void **state)
{
	struct lir lir;

	lir_from_text(&lir, "b0:\n\tcall f1\n\tbranch8 rax == 0 -> b1\n\t-> b1\n"
			    "b1:\n\texit\n"
			    "f1:\n"
			    "b2:\n\trax = mov8 rsi\n\texit\n");
	assert_string_equal(describe(&lir), "order: 0 1 2\n"
					    "0: from, depth 0, live 0x346 to 0x1\n"
					    "1: from 0, depth 0, live 0x1 to 0\n"
					    "2: from, depth 0, live 0x40 to 0");
	lir_free(&lir);
}

/* Room grows with the program; loops may nest as deep as there are blocks. */
static void test_deep(void **state)
{
	enum {
		DEPTH = 3000
	};
	struct lir lir;
	struct lir_op exit = {.code = LIR_EXIT};
	struct lir_op back = {.code = LIR_BRANCH, .a = LIR_RSI, .b = LIR_IMM, .cond = LIR_E};

	lir_from_text(&lir, "b0:\n\t-> b1\n");
	for (uint32_t n = 1; n < 2 * DEPTH; n++) {
		assert_int_equal(lir_block_new(&lir, 0, 0), n);
		lir.blocks[n].next = n + 1;
	}
	assert_int_equal(lir_block_new(&lir, 0, 0), 2 * DEPTH);
	assert_non_null(lir_append(&lir, 2 * DEPTH, &exit));
	for (uint32_t n = 0; n < DEPTH - 1; n++) {
		back.target = DEPTH - 1 - n;
		back.size = 8;
		assert_non_null(lir_append(&lir, DEPTH + n, &back));
	}
	jit_flow(&lir);
	assert_false(lir.failed);
	for (uint32_t n = 1; n < DEPTH; n++) {
		assert_int_equal(lir.blocks[n].loop_depth, n);
		assert_true(lir.blocks[n].loop_head);
	}
	assert_int_equal(lir.blocks[2 * DEPTH].loop_depth, 0);
	lir_free(&lir);
}

static void same(struct lir *lir)
{
	assert_false(lir->failed);
}

/* Every kind of operation, as it is written. */
static void test_text(void **state)
{
	static const char text[] = "b0:\n"
				   "\trsi = mov8 0x123456789abcdef0\n"
				   "\trsi = mov4 rdx\n"
				   "\trcx = add8 rsi, rdx\n"
				   "\trcx = sub4 rsi, -1\n"
				   "\trcx = xor8 rsi, packet[rbx + rcx*4 + 12]\n"
				   "\tr8 = umod8.safe r8, r9\n"
				   "\tr8 = rol4 r8, 7\n"
				   "\tr8 = shld8 r8, r9, 32\n"
				   "\tr8 = neg4 r8\n"
				   "\tr8 = bswap2 r9\n"
				   "\tr8 = zext1 r9\n"
				   "\tr8 = sext2to4 r9\n"
				   "\tr8 = sext4to8 map[rsi]\n"
				   "\tr8 = lea8 [rsi + rdx*8 - 5]\n"
				   "\tr8 = load2 ctx[rsi + 2]\n"
				   "\tr8 = load1s stack[fp - 1]\n"
				   "\tr8 = load8.acquire other[r9]\n"
				   "\tstore4 [64], 5\n"
				   "\tstore8.release map[rsi + rdx*1], rcx\n"
				   "\tadd8 stack[fp - 16], 1\n"
				   "\tlock xor4 map[rax], rcx\n"
				   "\trcx = fetch add8 map[rax], rcx\n"
				   "\trcx = xchg4 map[rax + 4], rcx\n"
				   "\trax = cmpxchg8 map[rsi], rax, rcx\n"
				   "\trax = rax if4 rsi s< 3 else rdx\n"
				   "\trax = setcc8 rsi testnz rdx\n"
				   "\tfence\n"
				   "\tcall helper plain 0x1000\n"
				   "\tcall direct 0x20000\n"
				   "\ttail call\n"
				   "\tcharge 12, check\n"
				   "\tbranch8 rsi u>= rdx -> b1\n"
				   "\t-> b2\n"
				   "b1:\n"
				   "\tbranch1 packet[rbx + 3] == 17 -> b3\n"
				   "\t-> b2\n"
				   "b2:\n"
				   "\ttrap\n"
				   "b3:\n"
				   "\tjump -> b2\n";

	lir_assert_pass(same, text, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),       cmocka_unit_test(test_diamond),
		cmocka_unit_test(test_loops_nest), cmocka_unit_test(test_loop_with_two_entries),
		cmocka_unit_test(test_unreached),  cmocka_unit_test(test_functions),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
