// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* validate.c: what is refused, with which words. */
#include "../engine/harness.h"
#include "bpf_classic.h"

#define STMT BPF_STMT
#define JUMP BPF_JUMP
#define RET1 STMT(BPF_RET | BPF_K, 1)

static void expect_refused(const struct sock_filter *insns, uint32_t n, int err,
			   enum bpfe_reason reason, uint32_t insn, const char *text)
{
	char buf[512] = "";
	struct bpfe_log log = {.buf = buf, .size = sizeof(buf)};

	assert_int_equal(bpfe_classic_validate(insns, n, &log), err);
	assert_string_equal(buf, text);
	assert_int_equal(log.reason, reason);
	assert_int_equal(log.insn, insn);
	/* without a log too */
	assert_int_equal(bpfe_classic_validate(insns, n, NULL), err);
}

#define REFUSED(reason, insn, text, ...)                                                 \
	do {                                                                             \
		const struct sock_filter insns_[] = {__VA_ARGS__};                       \
		expect_refused(insns_, COUNT(insns_), -EINVAL, reason, insn, text "\n"); \
	} while (0)

static void test_sizes(void **state)
{
	static struct sock_filter many[BPFE_CLASSIC_MAX_INSNS + 1];

	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = (struct sock_filter)RET1;
	expect_refused(many, 0, -EINVAL, BPFE_BAD_ENCODING, 0, "the filter has no instructions\n");
	expect_refused(many, COUNT(many), -E2BIG, BPFE_TOO_LARGE, 0,
		       "the filter has 4097 instructions, at most 4096 are allowed\n");
	assert_int_equal(bpfe_classic_validate(many, COUNT(many) - 1, NULL), 0);
}

/* All 2^16 codes: those of the set are accepted with harmless operands, no other. */
static void test_opcodes(void **state)
{
	static const uint16_t known[] = {BPF_LD | BPF_W | BPF_ABS,
					 BPF_LD | BPF_H | BPF_ABS,
					 BPF_LD | BPF_B | BPF_ABS,
					 BPF_LD | BPF_W | BPF_IND,
					 BPF_LD | BPF_H | BPF_IND,
					 BPF_LD | BPF_B | BPF_IND,
					 BPF_LD | BPF_W | BPF_LEN,
					 BPF_LDX | BPF_B | BPF_MSH,
					 BPF_LDX | BPF_W | BPF_LEN,
					 BPF_LD | BPF_IMM,
					 BPF_LDX | BPF_IMM,
					 BPF_LD | BPF_MEM,
					 BPF_LDX | BPF_MEM,
					 BPF_ST,
					 BPF_STX,
					 BPF_ALU | BPF_ADD,
					 BPF_ALU | BPF_ADD | BPF_X,
					 BPF_ALU | BPF_SUB,
					 BPF_ALU | BPF_SUB | BPF_X,
					 BPF_ALU | BPF_MUL,
					 BPF_ALU | BPF_MUL | BPF_X,
					 BPF_ALU | BPF_DIV,
					 BPF_ALU | BPF_DIV | BPF_X,
					 BPF_ALU | BPF_MOD,
					 BPF_ALU | BPF_MOD | BPF_X,
					 BPF_ALU | BPF_AND,
					 BPF_ALU | BPF_AND | BPF_X,
					 BPF_ALU | BPF_OR,
					 BPF_ALU | BPF_OR | BPF_X,
					 BPF_ALU | BPF_XOR,
					 BPF_ALU | BPF_XOR | BPF_X,
					 BPF_ALU | BPF_LSH,
					 BPF_ALU | BPF_LSH | BPF_X,
					 BPF_ALU | BPF_RSH,
					 BPF_ALU | BPF_RSH | BPF_X,
					 BPF_ALU | BPF_NEG,
					 BPF_JMP | BPF_JA,
					 BPF_JMP | BPF_JEQ,
					 BPF_JMP | BPF_JEQ | BPF_X,
					 BPF_JMP | BPF_JGT,
					 BPF_JMP | BPF_JGT | BPF_X,
					 BPF_JMP | BPF_JGE,
					 BPF_JMP | BPF_JGE | BPF_X,
					 BPF_JMP | BPF_JSET,
					 BPF_JMP | BPF_JSET | BPF_X,
					 BPF_RET | BPF_K,
					 BPF_RET | BPF_A,
					 BPF_MISC | BPF_TAX,
					 BPF_MISC | BPF_TXA};
	unsigned accepted = 0;

	for (uint32_t code = 0; code <= UINT16_MAX; code++) {
		const struct sock_filter insns[] = {STMT(BPF_ST, 1), STMT((uint16_t)code, 1), RET1,
						    RET1};
		bool wanted = false;

		for (size_t i = 0; i < COUNT(known); i++)
			wanted |= known[i] == code;
		assert_int_equal(bpfe_classic_validate(insns, COUNT(insns), NULL),
				 wanted ? 0 : -EINVAL);
		accepted += wanted;
	}
	assert_int_equal(accepted, COUNT(known));
	REFUSED(BPFE_BAD_ENCODING, 0, "instruction 0: 0xff is no opcode of classic BPF",
		STMT(0xff, 0), RET1);
}

static void test_jumps(void **state)
{
	REFUSED(BPFE_BAD_CONTROL, 0,
		"instruction 0: jump over 1 instructions; the program ends after 1 more",
		STMT(BPF_JMP | BPF_JA, 1), RET1);
	REFUSED(BPFE_BAD_CONTROL, 0,
		"instruction 0: jump over 2147483647 instructions; the program ends after 1 more",
		STMT(BPF_JMP | BPF_JA, 0x7fffffff), RET1);
	REFUSED(BPFE_BAD_CONTROL, 1,
		"instruction 1: jump back by 1; jumps of a filter go forward (libpcap's protochain "
		"makes a loop, and runs in libpcap alone)",
		RET1, STMT(BPF_JMP | BPF_JA, 0xfffffffe), RET1);
	REFUSED(BPFE_BAD_CONTROL, 1,
		"instruction 1: jump over 2 instructions; the program ends after 2 more",
		STMT(BPF_LD | BPF_IMM, 0), JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0), RET1, RET1);
	REFUSED(BPFE_BAD_CONTROL, 0,
		"instruction 0: jump over 255 instructions; the program ends after 1 more",
		JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 255), RET1);
	REFUSED(BPFE_BAD_CONTROL, 0, "instruction 0: the last one must return",
		STMT(BPF_LD | BPF_IMM, 0));
	REFUSED(BPFE_BAD_CONTROL, 1,
		"instruction 1: jump over 0 instructions; the program ends after 0 more", RET1,
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0));
}

static void test_arithmetic(void **state)
{
	REFUSED(BPFE_BAD_ARITHMETIC, 0, "instruction 0: division by 0",
		STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET1);
	REFUSED(BPFE_BAD_ARITHMETIC, 0, "instruction 0: division by 0",
		STMT(BPF_ALU | BPF_MOD | BPF_K, 0), RET1);
	REFUSED(BPFE_BAD_ARITHMETIC, 0, "instruction 0: shift by 32; at most 31 is accepted",
		STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET1);
	REFUSED(BPFE_BAD_ARITHMETIC, 0, "instruction 0: shift by 64; at most 31 is accepted",
		STMT(BPF_ALU | BPF_RSH | BPF_K, 64), RET1);
}

static void test_scratch(void **state)
{
	const struct sock_filter joined[] = {JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
					     STMT(BPF_ST, 3),
					     STMT(BPF_JMP | BPF_JA, 1),
					     STMT(BPF_STX, 3),
					     STMT(BPF_LD | BPF_MEM, 3),
					     RET1};
	/* What follows a return is reached by jumps alone. */
	const struct sock_filter behind[] = {STMT(BPF_ST, 3),
					     JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), RET1,
					     STMT(BPF_LD | BPF_MEM, 3), RET1};

	REFUSED(BPFE_BAD_MEMORY, 0, "instruction 0: M[16]; there are M[0] to M[15]",
		STMT(BPF_ST, 16), RET1);
	REFUSED(BPFE_BAD_MEMORY, 0, "instruction 0: M[4294967295]; there are M[0] to M[15]",
		STMT(BPF_LDX | BPF_MEM, 0xffffffff), RET1);
	REFUSED(BPFE_BAD_MEMORY, 0,
		"instruction 0: M[3] is loaded, and not stored on every way there",
		STMT(BPF_LD | BPF_MEM, 3), RET1);
	REFUSED(BPFE_BAD_MEMORY, 2,
		"instruction 2: M[3] is loaded, and not stored on every way there",
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), STMT(BPF_ST, 3),
		STMT(BPF_LDX | BPF_MEM, 3), RET1);
	assert_int_equal(bpfe_classic_validate(joined, COUNT(joined), NULL), 0);
	assert_int_equal(bpfe_classic_validate(behind, COUNT(behind), NULL), 0);
}

static void test_ancillary(void **state)
{
	REFUSED(BPFE_BAD_CONTEXT, 0,
		"instruction 0: the NIC has no receive hash for a filter; it offers protocol, "
		"interface index, queue, processor, hardware type and VLAN tag",
		STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RXHASH), RET1);
	REFUSED(BPFE_BAD_CONTEXT, 0,
		"instruction 0: the NIC has no packet type for a filter; it offers protocol, "
		"interface index, queue, processor, hardware type and VLAN tag",
		STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE), RET1);
	REFUSED(BPFE_BAD_ENCODING, 0, "instruction 0: no ancillary data at 0xfffff001",
		STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 1), RET1);
	REFUSED(BPFE_BAD_CONTEXT, 0,
		"instruction 0: offset -1048564 is relative to a header; a filter here counts from "
		"the frame's first byte",
		STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + 12), RET1);
}

/* The disassembler knows what the validator knows. */
static void test_disasm_of_nothing(void **state)
{
	const struct sock_filter insn = STMT(0xff, 0);
	char buf[64];

	assert_false(bpfe_classic_disasm(&insn, 0, buf, sizeof(buf)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_scratch),
		cmocka_unit_test(test_ancillary),
		cmocka_unit_test(test_disasm_of_nothing),
	};

	return cmocka_run_group_tests_name("classic validate", tests, NULL, NULL);
}
