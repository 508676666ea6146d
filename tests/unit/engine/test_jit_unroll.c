/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_unroll.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_eval.h"
#include "lir_random.h"
#include "lir_text.h"

static void unroll(const char *before, const char *after)
{
	lir_assert_pass(jit_opt_unroll, before, after);
}

/* Leaves in the middle; the counter is an index, and is added to once in two rounds. */
static void test_bytes(void **state)
{
	unroll("b0:\n"
	       "\trax = mov4 0\n"
	       "\trdx = mov4 0\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tr9 = lea8 [rcx + rdx*1 + 35]\n"
	       "\tbranch8 r9 u> rsi -> b4\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tr8 = load1 packet[rcx + rdx*1 + 34]\n"
	       "\trax = add4 rax, r8\n"
	       "\trdx = add8 rdx, 1\n"
	       "\tbranch4 rdx == 6 -> b4\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\tjump -> b1\n"
	       "b4:\n"
	       "\texit\n",
	       "b0:\n"
	       "\trax = mov4 0\n"
	       "\trdx = mov4 0\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tr9 = lea8 [rcx + rdx*1 + 35]\n"
	       "\tbranch8 r9 u> rsi -> b4\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tr8 = load1 packet[rcx + rdx*1 + 34]\n"
	       "\trax = add4 rax, r8\n"
	       "\t-> b5\n"
	       "b3:\n"
	       "\tjump -> b1\n"
	       "b4:\n"
	       "\texit\n"
	       "b5:\n"
	       "\tr9 = lea8 [rcx + rdx*1 + 36]\n"
	       "\tbranch8 r9 u> rsi -> b4\n"
	       "\t-> b6\n"
	       "b6:\n"
	       "\tr8 = load1 packet[rcx + rdx*1 + 35]\n"
	       "\trax = add4 rax, r8\n"
	       "\t-> b7\n"
	       "b7:\n"
	       "\tr9 = lea8 [rcx + rdx*1 + 37]\n"
	       "\tbranch8 r9 u> rsi -> b4\n"
	       "\t-> b8\n"
	       "b8:\n"
	       "\tr8 = load1 packet[rcx + rdx*1 + 36]\n"
	       "\trax = add4 rax, r8\n"
	       "\trdx = add8 rdx, 3\n"
	       "\tbranch4 rdx == 6 -> b4\n"
	       "\t-> b1\n");
}

/* What is read behind the loop, and where it is left, has to be there. */
static void test_wanted(void **state)
{
	unroll("b0:\n"
	       "\trdx = mov4 4\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tcharge 5, check\n"
	       "\trcx = add8 rcx, 2\n"
	       "\tr8 = add8 rcx, rsi\n"
	       "\trax = xor8 rax, r8\n"
	       "\trdx = add4 rdx, -1\n"
	       "\tbranch4 rdx != 0 -> b1\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\trax = xor8 rax, rcx\n"
	       "\trax = xor8 rax, rdx\n"
	       "\texit\n",
	       "b0:\n"
	       "\trdx = mov4 4\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tcharge 10, check\n"
	       "\tr8 = lea8 [rcx + rsi*1 + 2]\n"
	       "\trax = xor8 rax, r8\n"
	       "\t-> b3\n"
	       "b2:\n"
	       "\trax = xor8 rax, rcx\n"
	       "\trax = xor8 rax, rdx\n"
	       "\texit\n"
	       "b3:\n"
	       "\tr8 = lea8 [rcx + rsi*1 + 4]\n"
	       "\trax = xor8 rax, r8\n"
	       "\trcx = add8 rcx, 4\n"
	       "\trdx = add4 rdx, -2\n"
	       "\tbranch4 rdx != 0 -> b1\n"
	       "\t-> b2\n");
}

/* A prime number of rounds, a start that is not known, a call. */
static void test_kept(void **state)
{
	static const char *const texts[] = {
		"b0:\n\trdx = mov4 0\n\t-> b1\nb1:\n\trax = add8 rax, rdx\n\trdx = add8 rdx, 1\n"
		"\tbranch8 rdx != 11 -> b1\n\t-> b2\nb2:\n\texit\n",
		"b0:\n\t-> b1\nb1:\n\trax = add8 rax, rdx\n\trdx = add8 rdx, 1\n"
		"\tbranch8 rdx != 12 -> b1\n\t-> b2\nb2:\n\texit\n",
		"b0:\n\trbx = mov4 0\n\t-> b1\nb1:\n\tcall helper 0x20000\n\trbx = add8 rbx, 1\n"
		"\tbranch8 rbx != 12 -> b1\n\t-> b2\nb2:\n\texit\n",
		"b0:\n\trdx = mov4 0\n\t-> b1\nb1:\n\trax = add8 rax, rdx\n"
		"\tbranch8 rax == 0 -> b2\n\t-> b2\n"
		"b2:\n\trdx = mov4 rdx\n\trdx = add8 rdx, 1\n"
		"\tbranch8 rdx != 12 -> b1\n\t-> b3\nb3:\n\texit\n",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		unroll(texts[i], texts[i]);
}

/* ---- Random loops that end ------------------------------------------------------------------- */

static struct lir_op op_of(uint8_t code, uint8_t size, uint8_t dst, uint8_t a, int64_t imm)
{
	return (struct lir_op){
		.code = code,
		.size = size,
		.dst = dst,
		.a = a,
		.b = LIR_IMM,
		.base = LIR_NONE,
		.index = LIR_NONE,
		.imm = imm,
	};
}

static void append(struct lir *lir, uint32_t block, struct lir_op op)
{
	assert_non_null(lir_append(lir, block, &op));
}

/* Whatever reads the counter r15 and the pointer r9, which rounds add to. */
static void random_body(struct lir *lir, uint32_t block, uint64_t *seed)
{
	uint8_t x = lir_random_reg(seed), y = lir_random_reg(seed);
	uint8_t moving = lir_random(seed) % 2 ? LIR_R15 : LIR_R9;
	struct lir_op op = op_of(LIR_ADD, 8, x, moving, (int64_t)(lir_random(seed) % 100));

	switch (lir_random(seed) % 6) {
	case 0:
		op.b = y;
		break;
	case 1:
		break;
	case 2:
		op.code = LIR_LOAD;
		op.size = 4;
		op.a = LIR_NONE;
		op.base = moving;
		op.index = y;
		op.scale = 2;
		op.disp = 8;
		op.mem_kind = BPFE_MEM_PACKET;
		break;
	case 3:
		op.code = LIR_STORE;
		op.b = y;
		op.a = LIR_NONE;
		op.base = y;
		op.index = moving;
		op.scale = 4;
		op.mem_kind = BPFE_MEM_PACKET;
		break;
	case 4:
		op.code = lir_random(seed) % 4 ? LIR_XOR : LIR_CHARGE;
		op.a = x;
		op.b = lir_random(seed) % 4 ? y : moving;
		break;
	default:
		op = op_of(LIR_ADD, lir_random(seed) % 4 ? 8 : 4, LIR_R9, LIR_R9, 4);
		break;
	}
	append(lir, block, op);
}

static void branch(struct lir *lir, uint32_t block, uint8_t a, uint8_t cond, int32_t imm,
		   uint32_t target)
{
	struct lir_op op = op_of(LIR_BRANCH, 8, LIR_NONE, a, 0);

	op.cond = cond;
	op.imm32 = imm;
	op.target = target;
	append(lir, block, op);
	lir->blocks[block].next = block + 1;
}

/* b0: counter; b1, b2: the loop, left early from b1 perhaps; b3: all registers count. */
static void random_loop(struct lir *lir, uint64_t *seed)
{
	uint32_t rounds = 2 + (uint32_t)(lir_random(seed) % 30);
	int step = lir_random(seed) % 2 ? 3 : -1;
	uint32_t ops = 1 + (uint32_t)(lir_random(seed) % 5);
	bool first = lir_random(seed) % 2;
	struct lir_op count = op_of(LIR_ADD, lir_random(seed) % 2 ? 8 : 4, LIR_R15, LIR_R15, step);

	lir_from_text(lir, "b0:\n\t-> b1\nb1:\n\t-> b2\nb2:\n\t-> b3\nb3:\n");
	append(lir, 0, op_of(LIR_MOV, 4, LIR_R15, LIR_NONE, step > 0 ? 5 : rounds));
	for (uint32_t i = 0; i < ops; i++)
		random_body(lir, 1, seed);
	if (first)
		append(lir, 1, count);
	if (lir_random(seed) % 2)
		branch(lir, 1, LIR_RAX, LIR_TESTZ, 3, 3);
	for (uint32_t i = 0; i < ops; i++)
		random_body(lir, 2, seed);
	if (!first)
		append(lir, 2, count);
	branch(lir, 2, LIR_R15, LIR_NE, step > 0 ? (int32_t)(5 + 3 * rounds) : 0, 1);
	for (uint8_t reg = 1; reg < LIR_FP; reg++) {
		struct lir_op add = op_of(LIR_MUL, 8, LIR_RAX, LIR_RAX, 31);

		if ((LIR_BIT(reg) & (LIR_BIT(LIR_RSP) | LIR_SCRATCH)) || lir_random(seed) % 8 == 0)
			continue;
		append(lir, 3, add);
		add.code = LIR_ADD;
		add.b = reg;
		append(lir, 3, add);
	}
	append(lir, 3, op_of(LIR_EXIT, 0, LIR_NONE, LIR_NONE, 0));
}

static void test_random(void **state)
{
	uint64_t seed = 11;
	uint32_t unrolled = 0;

	for (uint32_t round = 0; round < 3000; round++) {
		uint64_t again = seed;
		struct lir before, after;

		random_loop(&before, &seed);
		random_loop(&after, &again);
		jit_opt_unroll(&after);
		unrolled += after.n_blocks > before.n_blocks;
		for (unsigned i = 0; i < 3; i++)
			lir_assert_same_run(&before, &after, &seed);
		lir_free(&before);
		lir_free(&after);
	}
	assert_in_range(unrolled, 1000, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
