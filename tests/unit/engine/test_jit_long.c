/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/build.c: straight code longer than a block may be. */
#include "both_engines.h"

#define LENGTH 12000

/*
 * @n instructions: r6 from rx_queue_index, mixed by multiplications and rotations, with values
 * that are put on the stack and taken from it far later. What it comes to is returned.
 */
static uint64_t make(struct bpf_insn *insns, unsigned n, uint64_t x)
{
	uint64_t slots[8] = {0};
	unsigned i = 0;

	insns[i++] = (struct bpf_insn)LDX(BPF_W, 6, 1, 16);
	for (unsigned s = 0; s < 8; s++)
		insns[i++] = (struct bpf_insn)ST(BPF_DW, 10, (int16_t)(-8 * (int)s - 8), 0);
	while (i + 6 < n) {
		unsigned s = i / 5 % 7 % 8;
		int16_t at = (int16_t)(-8 * (int)s - 8);

		insns[i++] = (struct bpf_insn)ALU64_K(BPF_MUL, 6, 0x01234567);
		insns[i++] = (struct bpf_insn)ALU64_K(BPF_XOR, 6, (int)i);
		insns[i++] = (struct bpf_insn)LDX(BPF_DW, 7, 10, at);
		insns[i++] = (struct bpf_insn)ALU64_X(BPF_ADD, 6, 7);
		insns[i++] = (struct bpf_insn)STX(BPF_DW, 10, at, 6);
		x = (x * 0x01234567) ^ (i - 3);
		x += slots[s];
		slots[s] = x;
	}
	while (i + 2 < n)
		insns[i++] = (struct bpf_insn)ALU64_K(BPF_ADD, 6, 0);
	insns[i++] = (struct bpf_insn)MOV_X(0, 6);
	insns[i++] = (struct bpf_insn)EXIT();
	assert_int_equal(i, n);
	return x;
}

static void test_long(void **state)
{
	struct bpf_insn *insns = test_calloc(LENGTH, sizeof(*insns));
	uint64_t expected;

	/* Around where a block is full, and far beyond. */
	for (unsigned n = 490; n < 540; n += 7) {
		expected = make(insns, n, 0x80000022);
		assert_int_equal(
			both(&(struct both){.insns = insns, .n = n, .calls = CALLS_NOTHING}),
			expected);
	}
	expected = make(insns, LENGTH, 0x80000022);
	assert_int_equal(both(&(struct both){.insns = insns, .n = LENGTH, .calls = CALLS_ANY}),
			 expected);
	test_free(insns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("jit long", tests, NULL, NULL);
}
