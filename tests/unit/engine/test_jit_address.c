/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_address.c, opt_bytes*.c and opt_operand.c: addresses and memory operands. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "jit/jit.h"
#include "lir_memory_random.h"
#include "lir_text.h"

/* What is no longer wanted is the business of another pass, of which this is enough. */
static void drop_dead(struct lir *lir)
{
	jit_flow(lir);
	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		struct lir_block *block = &lir->blocks[b];
		lir_set live = block->live_out;

		for (uint32_t i = block->n_ops; i-- > 0;) {
			struct lir_op *op = &block->ops[i];

			if (lir_is_pure(op) && !(lir_defs(op) & live))
				op->code = LIR_NOP;
			if (op->code != LIR_NOP)
				live = (live & ~lir_defs(op)) | lir_uses(op);
		}
	}
	lir_compact(lir);
}

static void address(struct lir *lir)
{
	jit_opt_address(lir);
	drop_dead(lir);
}

static void test_base_and_index(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trcx = mov8 rsi\n\trcx = add8 rcx, rdx\n"
			"\trax = load1 packet[rcx + 14]\n\texit\n",
			"b0:\n\trax = load1 packet[rsi + rdx*1 + 14]\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\trcx = shl8 rdx, 3\n\trcx = add8 rcx, rsi\n\trcx = add8 rcx, 16\n"
			"\trax = load8 map[rcx - 4]\n\texit\n",
			"b0:\n\trax = load8 map[rsi + rdx*8 + 12]\n\texit\n");
}

static void test_stack_is_the_base(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trcx = mov8 rdx\n\trcx = add8 rcx, fp\n"
			"\tstore1 stack[rcx - 32], 7\n\trax = mov4 0\n\texit\n",
			"b0:\n\tstore1 stack[fp + rdx*1 - 32], 7\n\trax = mov4 0\n\texit\n");
}

/* An addition that others want stays, and is used; a constant is folded all the same. */
static void test_shared_addition(void **state)
{
	lir_assert_pass(address, "b0:\n\trax = add8 rsi, rdx\n\tstore1 packet[rax], 7\n\texit\n",
			"b0:\n\trax = add8 rsi, rdx\n\tstore1 packet[rax], 7\n\texit\n");
	lir_assert_pass(address, "b0:\n\trax = add8 rsi, 14\n\tstore1 packet[rax + 2], 7\n\texit\n",
			"b0:\n\trax = add8 rsi, 14\n\tstore1 packet[rsi + 16], 7\n\texit\n");
}

static void test_address_is_gone(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trcx = add8 rsi, 14\n\trsi = mov4 0\n\trax = load1 packet[rcx]\n"
			"\trax = add8 rax, rsi\n\texit\n",
			"b0:\n\trcx = add8 rsi, 14\n\trsi = mov4 0\n\trax = load1 packet[rcx]\n"
			"\trax = add8 rax, rsi\n\texit\n");
	lir_assert_pass(address, "b0:\n\trsi = add8 rsi, 14\n\trax = load1 packet[rsi]\n\texit\n",
			"b0:\n\trsi = add8 rsi, 14\n\trax = load1 packet[rsi]\n\texit\n");
}

/* Addresses wrap at 64 bits, not at 32; displacements have 32. */
static void test_no_address(void **state)
{
	lir_assert_pass(address, "b0:\n\trcx = add4 rsi, rdx\n\trax = load1 packet[rcx]\n\texit\n",
			"b0:\n\trcx = add4 rsi, rdx\n\trax = load1 packet[rcx]\n\texit\n");
	lir_assert_pass(
		address,
		"b0:\n\trcx = add8 rsi, 0x7fffffff\n\trax = load1 packet[rcx + 1]\n\texit\n",
		"b0:\n\trcx = add8 rsi, 0x7fffffff\n\trax = load1 packet[rcx + 1]\n\texit\n");
}

static void test_operand(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trcx = load4 packet[rsi + 4]\n\trax = add4 rax, rcx\n\texit\n",
			"b0:\n\trax = add4 rax, packet[rsi + 4]\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\trcx = load8 packet[rsi + 4]\n\trcx = xor8 rax, rcx\n"
			"\trax = mov8 rcx\n\texit\n",
			"b0:\n\trcx = xor8 rax, packet[rsi + 4]\n\trax = mov8 rcx\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\trcx = load8 ctx[rsi + 8]\n\tbranch8 rdx u> rcx -> b2\n\t-> b1\n"
			"b1:\n\trax = mov4 1\n\texit\nb2:\n\trax = mov4 2\n\texit\n",
			"b0:\n\tbranch8 rdx u> ctx[rsi + 8] -> b2\n\t-> b1\n"
			"b1:\n\trax = mov4 1\n\texit\nb2:\n\trax = mov4 2\n\texit\n");
}

/* The reader is of another size, not the only one, or behind something that may write. */
static void test_no_operand(void **state)
{
	static const char *const same[] = {
		"b0:\n\trcx = load4 packet[rsi + 4]\n\trax = add8 rax, rcx\n\texit\n",
		"b0:\n\trcx = load4 packet[rsi]\n\trax = add4 rax, rcx\n"
		"\trax = sub4 rax, rcx\n\texit\n",
		"b0:\n\trcx = load4 packet[rsi]\n\tstore1 packet[rdx], 1\n"
		"\trax = add4 rax, rcx\n\texit\n",
		"b0:\n\trcx = load4 packet[rsi]\n\trsi = mov4 0\n\trax = add4 rax, rcx\n"
		"\trax = sub4 rax, rsi\n\texit\n",
		"b0:\n\trcx = load4 packet[rsi]\n\tbranch4 rcx == 3 -> b1\n\t-> b1\n"
		"b1:\n\trax = mov8 rcx\n\texit\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		lir_assert_pass(address, same[i], same[i]);
	lir_assert_pass(address,
			"b0:\n\trcx = load4 packet[rsi]\n\tstore1 stack[fp - 8], 1\n"
			"\tstore4 packet[rsi + 4], 9\n\trax = add4 rax, rcx\n\texit\n",
			"b0:\n\tstore1 stack[fp - 8], 1\n\tstore4 packet[rsi + 4], 9\n"
			"\trax = add4 rax, packet[rsi]\n\texit\n");
}

static void test_read_modify_write(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trcx = load8 map[rsi + 8]\n\trcx = add8 rcx, 1\n"
			"\tstore8 map[rsi + 8], rcx\n\trax = mov4 0\n\texit\n",
			"b0:\n\tadd8 map[rsi + 8], 1\n\trax = mov4 0\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\trcx = load1 packet[rsi + 22]\n\trcx = add4 rcx, 255\n"
			"\tstore1 packet[rsi + 22], rcx\n\trax = mov4 0\n\texit\n",
			"b0:\n\tadd1 packet[rsi + 22], -1\n\trax = mov4 0\n\texit\n");
	/* The sum's register held the other operand. */
	lir_assert_pass(address,
			"b0:\n\trcx = load8 map[rsi]\n\trdx = add8 rdx, rcx\n"
			"\tstore8 map[rsi], rdx\n\trax = mov4 0\n\texit\n",
			"b0:\n\tadd8 map[rsi], rdx\n\trax = mov4 0\n\texit\n");
}

static void test_no_read_modify_write(void **state)
{
	static const char *const same[] = {
		"b0:\n\trcx = load8 map[rsi]\n\tstore8 map[rdx], 1\n\trcx = add8 rcx, 1\n"
		"\tstore8 map[rsi], rcx\n\trax = mov4 0\n\texit\n",
		"b0:\n\trcx = load8 map[rsi]\n\trcx = add8 rcx, 1\n"
		"\tstore8 map[rsi], rcx\n\trax = mov8 rcx\n\texit\n",
		"b0:\n\trcx = load4 map[rsi]\n\trcx = add8 rcx, 1\n"
		"\tstore8 map[rsi], rcx\n\trax = mov4 0\n\texit\n",
		/* the upper half becomes 0 */
		"b0:\n\trcx = load8 map[rsi]\n\trcx = add4 rcx, 1\n"
		"\tstore8 map[rsi], rcx\n\trax = mov4 0\n\texit\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		lir_assert_pass(address, same[i], same[i]);
	/* rdx - memory, not memory - rdx */
	lir_assert_pass(address,
			"b0:\n\trcx = load8 map[rsi]\n\trdx = sub8 rdx, rcx\n"
			"\tstore8 map[rsi], rdx\n\trax = mov4 0\n\texit\n",
			"b0:\n\trdx = sub8 rdx, map[rsi]\n\tstore8 map[rsi], rdx\n"
			"\trax = mov4 0\n\texit\n");
}

static void test_word_of_bytes(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trdx = load1 packet[rsi + 12]\n\trax = load1 packet[rsi + 13]\n"
			"\trax = shl4 rax, 8\n\trax = or4 rax, rdx\n\texit\n",
			"b0:\n\trax = load2 packet[rsi + 12]\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\trax = load1 packet[rsi + 12]\n\trdx = load1 packet[rsi + 13]\n"
			"\trax = shl4 rax, 8\n\trax = or4 rax, rdx\n\texit\n",
			"b0:\n\trax = load2 packet[rsi + 12]\n\trax = bswap2 rax\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\tr8 = load1 packet[rsi + 6]\n\tr9 = load1 packet[rsi + 7]\n"
			"\tr9 = shl4 r9, 8\n\tr9 = or4 r9, r8\n\trcx = load1 packet[rsi + 8]\n"
			"\trcx = shl4 rcx, 16\n\trax = load1 packet[rsi + 9]\n"
			"\trax = shl4 rax, 24\n\trax = or4 rax, rcx\n\trax = or4 rax, r9\n\texit\n",
			"b0:\n\trax = load4 packet[rsi + 6]\n\texit\n");
}

/* The address is in the register that the last byte goes to. */
static void test_word_over_its_address(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trdx = load1 packet[rsi + 12]\n\trsi = load1 packet[rsi + 13]\n"
			"\trsi = shl4 rsi, 8\n\trsi = or4 rsi, rdx\n\trax = mov8 rsi\n\texit\n",
			"b0:\n\trsi = load2 packet[rsi + 12]\n\trax = mov8 rsi\n\texit\n");
}

static void test_no_word(void **state)
{
	static const char *const same[] = {
		/* not neighbours */
		"b0:\n\trdx = load1 packet[rsi + 12]\n\trax = load1 packet[rsi + 14]\n"
		"\trax = shl4 rax, 8\n\trax = or4 rax, rdx\n\texit\n",
		/* not all of it */
		"b0:\n\trdx = load1 packet[rsi + 12]\n\trax = load1 packet[rsi + 13]\n"
		"\trax = shl4 rax, 16\n\trax = or4 rax, rdx\n\texit\n",
		/* written to in between */
		"b0:\n\trdx = load1 packet[rsi + 12]\n\tstore1 packet[rsi + 13], 0\n"
		"\trax = load1 packet[rsi + 13]\n"
		"\trax = shl4 rax, 8\n\trax = or4 rax, rdx\n\texit\n",
		"b0:\n\trdx = load1 packet[rsi + 12]\n\trax = load1 packet[rsi + 13]\n"
		"\tstore1 packet[rcx], 0\n"
		"\trax = shl4 rax, 8\n\trdx = or4 rdx, rax\n\trax = mov8 rdx\n\texit\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		lir_assert_pass(address, same[i], same[i]);
}

static void test_stored_word(void **state)
{
	lir_assert_pass(
		address,
		"b0:\n\trcx = mov4 rdx\n\trcx = shr4 rcx, 8\n\tstore1 packet[rsi + 1], rcx\n"
		"\tstore1 packet[rsi], rdx\n\trax = mov4 0\n\texit\n",
		"b0:\n\tstore2 packet[rsi], rdx\n\trax = mov4 0\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\tstore1 packet[rsi], rdx\n\trdx = shr8 rdx, 8\n"
			"\tstore1 packet[rsi + 1], rdx\n\trdx = shr8 rdx, 8\n"
			"\tstore2 packet[rsi + 2], rdx\n\trax = mov4 0\n\texit\n",
			"b0:\n\tstore4 packet[rsi], rdx\n\trax = mov4 0\n\texit\n");
	lir_assert_pass(address,
			"b0:\n\tstore1 packet[rsi + 1], 7\n\tstore1 packet[rsi], 255\n"
			"\tstore2 packet[rsi + 2], 0\n\trax = mov4 0\n\texit\n",
			"b0:\n\tstore4 packet[rsi], 2047\n\trax = mov4 0\n\texit\n");
	/* A constant of 8 bytes only if it is one of 4. */
	lir_assert_pass(address,
			"b0:\n\tstore4 stack[fp - 8], 5\n\tstore4 stack[fp - 4], 0\n"
			"\tstore4 stack[fp - 16], 5\n\tstore4 stack[fp - 12], 1\n"
			"\trax = load8 stack[fp + rsi*1]\n\texit\n",
			"b0:\n\tstore8 stack[fp - 8], 5\n"
			"\tstore4 stack[fp - 16], 5\n\tstore4 stack[fp - 12], 1\n"
			"\trax = load8 stack[fp + rsi*1]\n\texit\n");
}

/* What is read between two stores keeps them apart, as does a value that ends. */
static void test_no_stored_word(void **state)
{
	static const char *const same[] = {
		"b0:\n\tstore1 packet[rsi], 1\n\trax = load2 packet[rsi]\n"
		"\tstore1 packet[rsi + 1], 1\n\texit\n",
		"b0:\n\tstore1 packet[rsi], 1\n\trax = load2 packet[rdx]\n"
		"\tstore1 packet[rsi + 1], 1\n\texit\n",
		"b0:\n\trcx = shr4 rdx, 24\n\tstore1 packet[rsi + 1], rdx\n"
		"\tstore1 packet[rsi], rcx\n\trax = mov4 0\n\texit\n",
		"b0:\n\tstore1 packet[rbx], 1\n\tcall helper 0x10\n\tstore1 packet[rbx + 1], 1\n"
		"\texit\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		lir_assert_pass(address, same[i], same[i]);
}

/* Each joint is possible only because the other one is. */
static void test_swapped_bytes(void **state)
{
	lir_assert_pass(address,
			"b0:\n\trcx = load1 packet[rsi + 27]\n\tr8 = load1 packet[rsi + 26]\n"
			"\trdx = load1 packet[rsi + 28]\n\tr9 = load1 packet[rsi + 29]\n"
			"\tstore1 packet[rsi + 28], r8\n\tr8 = load1 packet[rsi + 27]\n"
			"\tstore1 packet[rsi + 29], rcx\n\tstore1 packet[rsi + 26], rdx\n"
			"\tstore1 packet[rsi + 27], r9\n\trax = mov4 0\n\texit\n",
			"b0:\n\tr8 = load2 packet[rsi + 26]\n\trdx = load2 packet[rsi + 28]\n"
			"\tstore2 packet[rsi + 28], r8\n\tstore2 packet[rsi + 26], rdx\n"
			"\trax = mov4 0\n\texit\n");
	/* Each byte is what the one before was: no word may be copied at once. */
	lir_assert_pass(address,
			"b0:\n\trcx = load1 packet[rsi]\n\tstore1 packet[rsi + 1], rcx\n"
			"\trcx = load1 packet[rsi + 1]\n\tstore1 packet[rsi + 2], rcx\n"
			"\trax = mov4 0\n\texit\n",
			"b0:\n\trcx = load1 packet[rsi]\n\tstore1 packet[rsi + 1], rcx\n"
			"\trcx = load1 packet[rsi + 1]\n\tstore1 packet[rsi + 2], rcx\n"
			"\trax = mov4 0\n\texit\n");
}

static void test_random(void **state)
{
	for (uint32_t seed = 0; seed < 10000; seed++)
		lir_memory_random(seed, LIR_RANDOM_SHARED, address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base_and_index),
		cmocka_unit_test(test_stack_is_the_base),
		cmocka_unit_test(test_shared_addition),
		cmocka_unit_test(test_address_is_gone),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_operand),
		cmocka_unit_test(test_no_operand),
		cmocka_unit_test(test_read_modify_write),
		cmocka_unit_test(test_no_read_modify_write),
		cmocka_unit_test(test_word_of_bytes),
		cmocka_unit_test(test_word_over_its_address),
		cmocka_unit_test(test_no_word),
		cmocka_unit_test(test_stored_word),
		cmocka_unit_test(test_no_stored_word),
		cmocka_unit_test(test_swapped_bytes),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("engine jit address", tests, NULL, NULL);
}
