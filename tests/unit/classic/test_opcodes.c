// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* convert.c: every opcode, its operands' edges, against values worked out by hand. */
#include "../engine/harness.h"
#include "compare.h"
#include <stdlib.h>

#define STMT BPF_STMT
#define JUMP BPF_JUMP

/* 32 bytes, all different. */
static const uint8_t frame32[32] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				    0x88, 0x99, 0xaa, 0xbb, 0x08, 0x00, 0x46, 0xcc,
				    0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
				    0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};

/* Converted, accepted, run in the checked interpreter and in the other, and by libpcap. */
static uint32_t value_over(const struct sock_filter *insns, uint32_t n, const void *frame,
			   uint32_t len)
{
	uint32_t value = 0;

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags += BPFE_LOAD_CHECKED) {
		struct compare c;
		enum compare_outcome outcome = compare_begin(&c, insns, n, flags);

		if (outcome == COMPARE_SAME)
			outcome = compare_run(&c, frame, len, &value);
		if (outcome != COMPARE_SAME)
			fail_msg("outcome %d: %s", outcome, c.why);
		compare_end(&c);
	}
	return value;
}

#define EXPECT(expected, ...)                                                                 \
	do {                                                                                  \
		const struct sock_filter insns_[] = {__VA_ARGS__};                            \
		assert_int_equal(value_over(insns_, COUNT(insns_), frame32, sizeof(frame32)), \
				 expected);                                                   \
	} while (0)

#define LDI(k)  STMT(BPF_LD | BPF_IMM, k)
#define LDXI(k) STMT(BPF_LDX | BPF_IMM, k)
#define RETA    STMT(BPF_RET | BPF_A, 0)
#define TXA     STMT(BPF_MISC | BPF_TXA, 0)
#define TAX     STMT(BPF_MISC | BPF_TAX, 0)

static void test_return(void **state)
{
	EXPECT(0, STMT(BPF_RET | BPF_K, 0));
	EXPECT(0xffffffff, STMT(BPF_RET | BPF_K, 0xffffffff));
	EXPECT(0, RETA);
	EXPECT(77, LDI(77), RETA);
}

static void test_immediate(void **state)
{
	EXPECT(0xfedcba98, LDI(0xfedcba98), RETA);
	EXPECT(0xfedcba98, LDXI(0xfedcba98), TXA, RETA);
	EXPECT(0, TXA, RETA); /* X begins as 0 */
	EXPECT(5, LDI(5), TAX, LDI(9), TXA, RETA);
}

static void test_absolute(void **state)
{
	EXPECT(0x11223344, STMT(BPF_LD | BPF_W | BPF_ABS, 1), RETA);
	EXPECT(0x88 << 8 | 0x99, STMT(BPF_LD | BPF_H | BPF_ABS, 8), RETA);
	EXPECT(0xbb, STMT(BPF_LD | BPF_B | BPF_ABS, 11), RETA);
}

/* The last that is inside, the first that is not, and offsets that no frame reaches. */
static void test_absolute_bounds(void **state)
{
	const struct {
		uint16_t size;
		uint32_t last;
		uint32_t value;
	} rows[] = {{BPF_W, 28, 0xfcfdfeff}, {BPF_H, 30, 0xfeff}, {BPF_B, 31, 0xff}};
	const uint32_t beyond[] = {0x7fff,     0x8000,     0xfffb,     0xfffe,
				   0xffff,     0x10000,    0x1fffffff, 0x20000000,
				   0x7fffffff, 0x80000000, 0xffdfffff};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint16_t code = BPF_LD | BPF_ABS | rows[i].size;

		EXPECT(rows[i].value, STMT(code, rows[i].last), RETA);
		EXPECT(0, STMT(code, rows[i].last + 1), STMT(BPF_RET | BPF_K, 1));
		for (size_t j = 0; j < COUNT(beyond); j++)
			EXPECT(0, STMT(code, beyond[j]), STMT(BPF_RET | BPF_K, 1));
	}
}

static void test_indexed(void **state)
{
	EXPECT(0x11223344, LDXI(1), STMT(BPF_LD | BPF_W | BPF_IND, 0), RETA);
	EXPECT(0x8899, LDXI(3), STMT(BPF_LD | BPF_H | BPF_IND, 5), RETA);
	EXPECT(0xbb, LDXI(0), STMT(BPF_LD | BPF_B | BPF_IND, 11), RETA);
	EXPECT(0xff, LDXI(31), STMT(BPF_LD | BPF_B | BPF_IND, 0), RETA);
	EXPECT(0xfcfdfeff, LDXI(14), STMT(BPF_LD | BPF_W | BPF_IND, 14), RETA);
}

static void test_indexed_bounds(void **state)
{
	const uint32_t far[] = {32,      0x7fff,     0xfffe,     0xffff,
				0x10000, 0x7fffffff, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < COUNT(far); i++) {
		EXPECT(0, LDXI(far[i]), STMT(BPF_LD | BPF_B | BPF_IND, 0),
		       STMT(BPF_RET | BPF_K, 1));
		EXPECT(0, LDXI(1), STMT(BPF_LD | BPF_B | BPF_IND, far[i]),
		       STMT(BPF_RET | BPF_K, 1));
		EXPECT(0, LDXI(far[i]), STMT(BPF_LD | BPF_W | BPF_IND, far[i]),
		       STMT(BPF_RET | BPF_K, 1));
	}
	/* 4 + (2^32 - 2) does not come round to 2. */
	EXPECT(0, LDXI(4), STMT(BPF_LD | BPF_B | BPF_IND, 0xfffffffe), STMT(BPF_RET | BPF_K, 1));
	EXPECT(0, LDXI(15), STMT(BPF_LD | BPF_W | BPF_IND, 14), STMT(BPF_RET | BPF_K, 1));
	EXPECT(0, LDXI(17), STMT(BPF_LD | BPF_H | BPF_IND, 14), STMT(BPF_RET | BPF_K, 1));
}

static void test_header_length(void **state)
{
	EXPECT(24, STMT(BPF_LDX | BPF_B | BPF_MSH, 14), TXA, RETA); /* 0x46 */
	EXPECT(60, STMT(BPF_LDX | BPF_B | BPF_MSH, 31), TXA, RETA); /* 0xff */
	EXPECT(0, STMT(BPF_LDX | BPF_B | BPF_MSH, 32), STMT(BPF_RET | BPF_K, 1));
	EXPECT(0, STMT(BPF_LDX | BPF_B | BPF_MSH, 0xffffffff), STMT(BPF_RET | BPF_K, 1));
	/* A stays as it was */
	EXPECT(9, LDI(9), STMT(BPF_LDX | BPF_B | BPF_MSH, 14), RETA);
}

static void test_length(void **state)
{
	EXPECT(32, STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETA);
	EXPECT(32, STMT(BPF_LDX | BPF_W | BPF_LEN, 0), TXA, RETA);
}

static void test_scratch(void **state)
{
	for (uint32_t k = 0; k < BPF_MEMWORDS; k++) {
		EXPECT(0xdead0000 + k, LDI(0xdead0000 + k), STMT(BPF_ST, k), LDI(1),
		       STMT(BPF_LD | BPF_MEM, k), RETA);
		EXPECT(0xbeef0000 + k, LDXI(0xbeef0000 + k), STMT(BPF_STX, k), LDXI(1),
		       STMT(BPF_LDX | BPF_MEM, k), TXA, RETA);
	}
	/* Words do not overlap. */
	EXPECT(3, LDI(3), STMT(BPF_ST, 7), LDI(4), STMT(BPF_ST, 8), STMT(BPF_ST, 6),
	       STMT(BPF_LD | BPF_MEM, 7), RETA);
}

/* Both forms, by k and by X. */
static void expect_alu(uint16_t op, uint32_t a, uint32_t b, uint32_t expected)
{
	EXPECT(expected, LDI(a), STMT(BPF_ALU | BPF_K | op, b), RETA);
	EXPECT(expected, LDI(a), LDXI(b), STMT(BPF_ALU | BPF_X | op, 0), RETA);
}

static void test_arithmetic(void **state)
{
	expect_alu(BPF_ADD, 0xffffffff, 2, 1);
	expect_alu(BPF_SUB, 1, 2, 0xffffffff);
	expect_alu(BPF_MUL, 0x10001, 0x10001, 0x20001);
	expect_alu(BPF_DIV, 0xffffffff, 2, 0x7fffffff); /* unsigned */
	expect_alu(BPF_DIV, 7, 0x80000000, 0);
	expect_alu(BPF_MOD, 0xffffffff, 10, 5);
	expect_alu(BPF_AND, 0xff00ff00, 0x0ff00ff0, 0x0f000f00);
	expect_alu(BPF_OR, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0);
	expect_alu(BPF_XOR, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0);
	expect_alu(BPF_LSH, 3, 31, 0x80000000);
	expect_alu(BPF_LSH, 3, 0, 3);
	expect_alu(BPF_RSH, 0x80000001, 31, 1);
	EXPECT(0xffffffff, LDI(1), STMT(BPF_ALU | BPF_NEG, 0), RETA);
	EXPECT(0x80000000, LDI(0x80000000), STMT(BPF_ALU | BPF_NEG, 0), RETA);
}

static void test_division_by_zero(void **state)
{
	EXPECT(0, LDI(5), STMT(BPF_ALU | BPF_X | BPF_DIV, 0), STMT(BPF_RET | BPF_K, 1));
	EXPECT(0, LDI(5), STMT(BPF_ALU | BPF_X | BPF_MOD, 0), STMT(BPF_RET | BPF_K, 1));
}

static void test_long_shift(void **state)
{
	const uint32_t by[] = {32, 33, 63, 64, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < COUNT(by); i++) {
		EXPECT(0, LDI(0xffffffff), LDXI(by[i]), STMT(BPF_ALU | BPF_X | BPF_LSH, 0), RETA);
		EXPECT(0, LDI(0xffffffff), LDXI(by[i]), STMT(BPF_ALU | BPF_X | BPF_RSH, 0), RETA);
	}
}

/* 1 if taken, 2 if not; by k and by X, and with the targets the other way round. */
static void expect_jump(uint16_t op, uint32_t a, uint32_t b, bool taken)
{
	EXPECT(taken ? 1 : 2, LDI(a), JUMP(BPF_JMP | BPF_K | op, b, 0, 1), STMT(BPF_RET | BPF_K, 1),
	       STMT(BPF_RET | BPF_K, 2));
	EXPECT(taken ? 1 : 2, LDI(a), LDXI(b), JUMP(BPF_JMP | BPF_X | op, 0, 0, 1),
	       STMT(BPF_RET | BPF_K, 1), STMT(BPF_RET | BPF_K, 2));
	EXPECT(taken ? 1 : 2, LDI(a), JUMP(BPF_JMP | BPF_K | op, b, 1, 0), STMT(BPF_RET | BPF_K, 2),
	       STMT(BPF_RET | BPF_K, 1));
	EXPECT(taken ? 1 : 2, LDI(a), JUMP(BPF_JMP | BPF_K | op, b, 2, 1), STMT(BPF_RET | BPF_K, 3),
	       STMT(BPF_RET | BPF_K, 2), STMT(BPF_RET | BPF_K, 1));
	EXPECT(4, LDI(a), JUMP(BPF_JMP | BPF_K | op, b, 1, 1), STMT(BPF_RET | BPF_K, 3),
	       STMT(BPF_RET | BPF_K, 4));
}

static void test_jumps(void **state)
{
	expect_jump(BPF_JEQ, 0xffffffff, 0xffffffff, true);
	expect_jump(BPF_JEQ, 5, 6, false);
	expect_jump(BPF_JGT, 0x80000000, 0x7fffffff, true); /* unsigned */
	expect_jump(BPF_JGT, 5, 5, false);
	expect_jump(BPF_JGE, 5, 5, true);
	expect_jump(BPF_JGE, 5, 0xffffffff, false);
	expect_jump(BPF_JSET, 0x80000001, 0x80000000, true);
	expect_jump(BPF_JSET, 0x7fffffff, 0x80000000, false);
	EXPECT(4, JUMP(BPF_JMP | BPF_JA, 1, 0, 0), STMT(BPF_RET | BPF_K, 3),
	       STMT(BPF_RET | BPF_K, 4));
}

/* The longest program with the widest instructions: a ja over more than 16 bits of slots. */
static void test_longest(void **state)
{
	static struct sock_filter insns[BPFE_CLASSIC_MAX_INSNS];
	const uint32_t n = COUNT(insns);
	static uint8_t frame[64];

	insns[0] = (struct sock_filter)JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1);
	insns[1] = (struct sock_filter)JUMP(BPF_JMP | BPF_JA, n - 4, 0, 0);
	for (uint32_t i = 2; i < n - 2; i++)
		insns[i] = (struct sock_filter)STMT(BPF_LD | BPF_H | BPF_IND, 1 + i % 32);
	insns[n - 2] = (struct sock_filter)STMT(BPF_ALU | BPF_ADD | BPF_K, 8);
	insns[n - 1] = (struct sock_filter)RETA;
	assert_int_equal(value_over(insns, n, frame, sizeof(frame)), 8);
	insns[0] = (struct sock_filter)JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 1, 0);
	assert_int_equal(value_over(insns, n, frame, sizeof(frame)), 8);
	assert_int_equal(value_over(insns, n, frame, 20), 8);
}

/* ---- Ancillary data, which libpcap's interpreter has not --------------------------------------
 */

static uint32_t ancillary(uint32_t what, uint32_t len)
{
	const struct sock_filter insns[] = {
		LDI(0xf0), LDXI(0x3c), STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + what), RETA};
	struct bpfe_result result;
	struct compare c;

	if (compare_begin(&c, insns, COUNT(insns), BPFE_LOAD_CHECKED) != COMPARE_SAME)
		fail_msg("%s", c.why);
	result = compare_run_alone(c.prog, frame32, len, 7, 3);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	compare_end(&c);
	return result.retval;
}

static void test_ancillary(void **state)
{
	assert_int_equal(ancillary(SKF_AD_PROTOCOL, 32), 0x0800);
	assert_int_equal(ancillary(SKF_AD_PROTOCOL, 13), 0);
	assert_int_equal(ancillary(SKF_AD_IFINDEX, 32), 7);
	assert_int_equal(ancillary(SKF_AD_QUEUE, 32), 3);
	assert_int_equal(ancillary(SKF_AD_CPU, 32), 3);
	assert_int_equal(ancillary(SKF_AD_HATYPE, 32), 1);
	assert_int_equal(ancillary(SKF_AD_ALU_XOR_X, 32), 0xf0 ^ 0x3c);
	assert_int_equal(ancillary(SKF_AD_VLAN_TAG, 32), 0);
	assert_int_equal(ancillary(SKF_AD_VLAN_TAG_PRESENT, 32), 0);
	assert_int_equal(ancillary(SKF_AD_VLAN_TPID, 32), 0);
}

/* ---- Verdicts ---------------------------------------------------------------------------------
 */

static uint32_t verdict(const struct sock_filter *insns, uint32_t n, uint32_t match,
			uint32_t no_match)
{
	const struct bpfe_classic_attr attr = {
		.insns = insns, .n_insns = n, .match = match, .no_match = no_match};
	struct bpf_insn *converted;
	struct bpfe_result result;
	struct bpfe_program *prog;
	uint32_t n_converted;
	struct load l;

	assert_int_equal(bpfe_classic_convert(&attr, &converted, &n_converted, NULL), 0);
	load_init(&l, converted, n_converted);
	prog = load_ok(&l);
	free(converted);
	result = compare_run_alone(prog, frame32, sizeof(frame32), 1, 0);
	bpfe_program_put(prog);
	return result.retval;
}

static void test_verdicts(void **state)
{
	const struct sock_filter zero[] = {STMT(BPF_RET | BPF_K, 0)};
	const struct sock_filter some[] = {STMT(BPF_RET | BPF_K, 0x80000000)};
	const struct sock_filter a[] = {LDI(1), RETA};
	const struct sock_filter a_zero[] = {RETA};
	const struct sock_filter outside[] = {STMT(BPF_LD | BPF_B | BPF_ABS, 32),
					      STMT(BPF_RET | BPF_K, 1)};

	assert_int_equal(verdict(zero, COUNT(zero), XDP_PASS, XDP_DROP), XDP_DROP);
	assert_int_equal(verdict(some, COUNT(some), XDP_PASS, XDP_DROP), XDP_PASS);
	assert_int_equal(verdict(a, COUNT(a), XDP_PASS, XDP_DROP), XDP_PASS);
	assert_int_equal(verdict(a_zero, COUNT(a_zero), XDP_PASS, XDP_DROP), XDP_DROP);
	assert_int_equal(verdict(outside, COUNT(outside), XDP_PASS, XDP_DROP), XDP_DROP);
	assert_int_equal(verdict(a, COUNT(a), XDP_TX, XDP_PASS), XDP_TX);
	assert_int_equal(verdict(outside, COUNT(outside), XDP_TX, XDP_PASS), XDP_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_return),
		cmocka_unit_test(test_immediate),
		cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_absolute_bounds),
		cmocka_unit_test(test_indexed),
		cmocka_unit_test(test_indexed_bounds),
		cmocka_unit_test(test_header_length),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_scratch),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_division_by_zero),
		cmocka_unit_test(test_long_shift),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_ancillary),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests_name("classic opcodes", tests, group_setup, group_teardown);
}
