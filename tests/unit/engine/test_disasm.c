/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* isa/disasm.c: each form as the kernel's log writes it. */
#include "harness.h"

struct line {
	const char *text;
	unsigned slots;
	struct bpf_insn insns[2];
};

/* clang-format off */
static const struct line lines[] = {
	{"r1 += 5", 1, {ALU64_K(BPF_ADD, 1, 5)}},
	{"w1 -= w2", 1, {ALU32_X(BPF_SUB, 1, 2)}},
	{"r3 *= -7", 1, {ALU64_K(BPF_MUL, 3, -7)}},
	{"r3 s/= r4", 1, {INSN(BPF_ALU64 | BPF_DIV | BPF_X, 3, 4, 1, 0)}},
	{"w3 s%= 9", 1, {INSN(BPF_ALU | BPF_MOD | BPF_K, 3, 0, 1, 9)}},
	{"r3 %= r4", 1, {ALU64_X(BPF_MOD, 3, 4)}},
	{"r0 s>>= 63", 1, {ALU64_K(BPF_ARSH, 0, 63)}},
	{"w0 <<= 3", 1, {ALU32_K(BPF_LSH, 0, 3)}},
	{"r9 = r10", 1, {MOV_X(9, 10)}},
	{"w9 = 1", 1, {ALU32_K(BPF_MOV, 9, 1)}},
	{"r2 = (s8)r3", 1, {INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 3, 8, 0)}},
	{"w2 = (s16)w3", 1, {INSN(BPF_ALU | BPF_MOV | BPF_X, 2, 3, 16, 0)}},
	{"r2 = -r2", 1, {INSN(BPF_ALU64 | BPF_NEG, 2, 0, 0, 0)}},
	{"w2 = -w2", 1, {INSN(BPF_ALU | BPF_NEG, 2, 0, 0, 0)}},
	{"r2 = be16 r2", 1, {INSN(BPF_ALU | BPF_END | BPF_TO_BE, 2, 0, 0, 16)}},
	{"r2 = le64 r2", 1, {INSN(BPF_ALU | BPF_END | BPF_TO_LE, 2, 0, 0, 64)}},
	{"r2 = bswap32 r2", 1, {INSN(BPF_ALU64 | BPF_END, 2, 0, 0, 32)}},
	{"r0 = *(u32 *)(r1 +4)", 1, {LDX(BPF_W, 0, 1, 4)}},
	{"r0 = *(s8 *)(r1 -1)", 1, {LDSX(BPF_B, 0, 1, -1)}},
	{"*(u64 *)(r10 -8) = r1", 1, {STX(BPF_DW, 10, -8, 1)}},
	{"*(u16 *)(r10 +0) = 77", 1, {ST(BPF_H, 10, 0, 77)}},
	{"lock *(u64 *)(r1 +0) += r2", 1, {ATOMIC(BPF_DW, BPF_ADD, 1, 0, 2)}},
	{"lock *(u32 *)(r1 +0) |= r2", 1, {ATOMIC(BPF_W, BPF_OR, 1, 0, 2)}},
	{"lock *(u32 *)(r1 +0) &= r2", 1, {ATOMIC(BPF_W, BPF_AND, 1, 0, 2)}},
	{"lock *(u32 *)(r1 +0) ^= r2", 1, {ATOMIC(BPF_W, BPF_XOR, 1, 0, 2)}},
	{"r2 = atomic64_fetch_xor((u64 *)(r1 +8), r2)", 1,
	 {ATOMIC(BPF_DW, BPF_XOR | BPF_FETCH, 1, 8, 2)}},
	{"r2 = atomic_fetch_add((u32 *)(r1 -8), r2)", 1,
	 {ATOMIC(BPF_W, BPF_ADD | BPF_FETCH, 1, -8, 2)}},
	{"r2 = atomic_xchg((u32 *)(r1 +0), r2)", 1, {ATOMIC(BPF_W, BPF_XCHG, 1, 0, 2)}},
	{"r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)", 1, {ATOMIC(BPF_DW, BPF_CMPXCHG, 1, 0, 2)}},
	{"if r1 == 0x5 goto pc+2", 1, {JMP_K(BPF_JEQ, 1, 5, 2)}},
	{"if w1 s<= 0xffffffff goto pc-2", 1, {JMP32_K(BPF_JSLE, 1, -1, -2)}},
	{"if r1 & r2 goto pc+0", 1, {JMP_X(BPF_JSET, 1, 2, 0)}},
	{"if w1 != w2 goto pc+1", 1, {JMP32_X(BPF_JNE, 1, 2, 1)}},
	{"goto pc-1", 1, {JA(-1)}},
	{"gotol pc+70000", 1, {GOTOL(70000)}},
	{"call bpf_map_lookup_elem#1", 1, {CALL(1)}},
	{"call unknown#9999", 1, {CALL(9999)}},
	{"call pc+3", 1, {CALL_LOCAL(3)}},
	{"exit", 1, {EXIT()}},
	{"r1 = 0x123456789abcdef0", 2, {LD64(1, 0x123456789abcdef0)}},
	{"r1 = map[fd:5]", 2, {LD_MAP_FD(1, 5)}},
	{"r1 = map[idx:2]", 2, {LD_MAP_IDX(1, 2)}},
	{"", 0, {INSN(0xff, 0, 0, 0, 0)}},
	{"", 0, {INSN(BPF_JMP | BPF_JA | BPF_X, 1, 0, 0, 0)}},
	{"r0 = *(u16 *)skb[12]", 1, {LD_ABS(BPF_H, 12)}},
	{"r0 = *(u32 *)skb[-1048576]", 1, {LD_ABS(BPF_W, -0x100000)}},
	{"r0 = *(u8 *)skb[r7 + 14]", 1, {LD_IND(BPF_B, 7, 14)}},
	{"may_goto pc-3", 1, {MAY_GOTO(-3)}},
	{"callx r7", 1, {CALLX(7)}},
	{"call kernel-function#131071", 1, {CALL_KFUNC(131071)}},
	{"w2 = load_acquire((u8 *)(r3 +1))", 1, {LOAD_ACQ(BPF_B, 2, 3, 1)}},
	{"r2 = load_acquire((u64 *)(r3 -8))", 1, {LOAD_ACQ(BPF_DW, 2, 3, -8)}},
	{"store_release((u16 *)(r3 +2), w4)", 1, {STORE_REL(BPF_H, 3, 2, 4)}},
	{"store_release((u64 *)(r3 +0), r4)", 1, {STORE_REL(BPF_DW, 3, 0, 4)}},
	{"r1 = subprog[+5]", 2, {LD_FUNC(1, 5)}},
	{"r1 = map[fd:5][0]+8", 2, {LD_VALUE_FD(1, 5, 8)}},
	{"r1 = map[idx:2][0]+0", 2, {LD_VALUE_IDX(1, 2, 0)}},
};
/* clang-format on */

static void test_lines(void **state)
{
	char text[64];

	for (size_t i = 0; i < COUNT(lines); i++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(bpfe_disasm(lines[i].insns, 2, text, sizeof(text)),
				 lines[i].slots);
		assert_string_equal(text, lines[i].text);
	}
}

static void test_short(void **state)
{
	const struct bpf_insn wide[] = {LD64(1, 1)};
	const struct bpf_insn add = ALU64_K(BPF_ADD, 1, 123456);
	char text[6] = "abcde";

	assert_int_equal(bpfe_disasm(wide, 1, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(bpfe_disasm(&add, 0, text, sizeof(text)), 0);
	assert_int_equal(bpfe_disasm(&add, 1, text, sizeof(text)), 1);
	assert_string_equal(text, "r1 +=");
	assert_int_equal(bpfe_disasm(&add, 1, NULL, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests_name("disasm", tests, NULL, NULL);
}
