/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Arithmetic of RFC 9669 section 4.1-4.2 against literals worked out by hand. Operands come from
 * the frame, so that the verifier knows nothing of them, and the result goes back there.
 */
#include "harness.h"

#define MAX64 UINT64_MAX
#define MIN64 0x8000000000000000ull
#define MIN32 0x80000000ull
#define A     0x123456789abcdef0ull
#define B     0x0fedcba987654321ull

/* r6 = first, r7 = second operand; the row's instruction; r6 is the result. */
struct row {
	struct bpf_insn insn;
	uint64_t a, b, expected;
};

#define K64(op, imm)      ALU64_K(op, 6, imm)
#define X64(op)           ALU64_X(op, 6, 7)
#define K32(op, imm)      ALU32_K(op, 6, imm)
#define X32(op)           ALU32_X(op, 6, 7)
#define SX64(op)          INSN(BPF_ALU64 | BPF_X | (op), 6, 7, 1, 0)
#define SX32(op)          INSN(BPF_ALU | BPF_X | (op), 6, 7, 1, 0)
#define SK64(op, imm)     INSN(BPF_ALU64 | BPF_K | (op), 6, 0, 1, imm)
#define SK32(op, imm)     INSN(BPF_ALU | BPF_K | (op), 6, 0, 1, imm)
#define EXTEND(class, n)  INSN((class) | BPF_MOV | BPF_X, 6, 7, n, 0)
#define SWAP(code, width) INSN((code) | BPF_END, 6, 0, 0, width)

/* clang-format off */
static const struct row rows[] = {
	{K64(BPF_ADD, 1), MAX64, 0, 0},
	{K64(BPF_ADD, -1), 0, 0, MAX64},
	{X64(BPF_ADD), A, B, 0x2222222222222211},
	{K32(BPF_ADD, 1), 0x1ffffffff, 0, 0},
	{K32(BPF_ADD, -1), 0xaaaaaaaa00000000, 0, 0xffffffff},
	{X32(BPF_ADD), A, B, 0x22222211},
	{K64(BPF_SUB, 1), 0, 0, MAX64},
	{K64(BPF_SUB, -1), MAX64, 0, 0},
	{X64(BPF_SUB), B, A, 0xfdb97530eca86431},
	{K32(BPF_SUB, 1), MIN64, 0, 0xffffffff},
	{X32(BPF_SUB), B, A, 0xeca86431},
	{K64(BPF_MUL, -1), 1, 0, MAX64},
	{K64(BPF_MUL, 16), A, 0, 0x23456789abcdef00},
	{X64(BPF_MUL), 0xffffffff, 0xffffffff, 0xfffffffe00000001},
	{X64(BPF_MUL), MAX64, MAX64, 1},
	{K32(BPF_MUL, -1), 2, 0, 0xfffffffe},
	{X32(BPF_MUL), 0x1ffffffff, 0xffffffff, 1},
	{K64(BPF_DIV, 2), MAX64, 0, 0x7fffffffffffffff},
	{K64(BPF_DIV, -1), MAX64, 0, 1},
	{K64(BPF_DIV, -1), MAX64 - 1, 0, 0},
	{X64(BPF_DIV), A, 0, 0},
	{X64(BPF_DIV), MIN64, MAX64, 0},
	{X64(BPF_DIV), A, 0x10, 0x0123456789abcdef},
	{K32(BPF_DIV, 2), MAX64, 0, 0x7fffffff},
	{X32(BPF_DIV), A, 0xffffffff00000000, 0},
	{X32(BPF_DIV), A, 0x10, 0x09abcdef},
	{SX64(BPF_DIV), (uint64_t)-7, 2, (uint64_t)-3},
	{SX64(BPF_DIV), 7, (uint64_t)-2, (uint64_t)-3},
	{SX64(BPF_DIV), MIN64, MAX64, MIN64},
	{SX64(BPF_DIV), 5, MAX64, (uint64_t)-5},
	{SX64(BPF_DIV), 5, 0, 0},
	{SK64(BPF_DIV, -3), (uint64_t)-9, 0, 3},
	{SX32(BPF_DIV), 0xfffffff9, 2, 0xfffffffd},
	{SX32(BPF_DIV), 0xaaaaaaaa80000000, 0xffffffff, 0x80000000},
	{SX32(BPF_DIV), 0x1234, 0xffffffff00000000, 0},
	{SK32(BPF_DIV, -2), 0xfffffff8, 0, 4},
	{K64(BPF_MOD, 10), 12345, 0, 5},
	{X64(BPF_MOD), A, 0, A},
	{X64(BPF_MOD), MAX64, 0x100000000, 0xffffffff},
	{K32(BPF_MOD, 10), 0xffffffff00000019, 0, 5},
	{X32(BPF_MOD), A, 0xffffffff00000000, 0x9abcdef0},
	{SX64(BPF_MOD), (uint64_t)-7, 2, MAX64},
	{SX64(BPF_MOD), 7, (uint64_t)-2, 1},
	{SX64(BPF_MOD), MIN64, MAX64, 0},
	{SX64(BPF_MOD), A, 0, A},
	{SK64(BPF_MOD, -4), (uint64_t)-7, 0, (uint64_t)-3},
	{SX32(BPF_MOD), 0xfffffff9, 2, 0xffffffff},
	{SX32(BPF_MOD), 0x80000000, 0xffffffff, 0},
	{SX32(BPF_MOD), A, 0, 0x9abcdef0},
	{SK32(BPF_MOD, 4), 0xfffffff9, 0, 0xfffffffd},
	{K64(BPF_OR, -256), 0x0f, 0, 0xffffffffffffff0f},
	{X64(BPF_OR), A, B, 0x1ffddff99ffddff1},
	{K32(BPF_OR, -256), 0xff0000000f, 0, 0xffffff0f},
	{X32(BPF_OR), A, B, 0x9ffddff1},
	{K64(BPF_AND, -16), MAX64, 0, 0xfffffffffffffff0},
	{X64(BPF_AND), A, B, 0x0224422882244220},
	{K32(BPF_AND, -16), MAX64, 0, 0xfffffff0},
	{X32(BPF_AND), A, B, 0x82244220},
	{K64(BPF_XOR, -1), 0, 0, MAX64},
	{X64(BPF_XOR), A, B, 0x1dd99dd11dd99dd1},
	{K32(BPF_XOR, -1), MAX64, 0, 0},
	{X32(BPF_XOR), A, B, 0x1dd99dd1},
	{K64(BPF_LSH, 63), 1, 0, MIN64},
	{K64(BPF_LSH, 32), A, 0, 0x9abcdef000000000},
	{X64(BPF_LSH), 1, 64, 1},
	{X64(BPF_LSH), 1, 65, 2},
	{X64(BPF_LSH), 1, MAX64, MIN64},
	{K32(BPF_LSH, 31), 3, 0, 0x80000000},
	{X32(BPF_LSH), 3, 33, 6},
	{X32(BPF_LSH), 0xffffffff80000001, 1, 2},
	{K64(BPF_RSH, 63), MIN64, 0, 1},
	{X64(BPF_RSH), MIN64, 64, MIN64},
	{X64(BPF_RSH), A, 4, 0x0123456789abcdef},
	{K32(BPF_RSH, 31), MAX64, 0, 1},
	{X32(BPF_RSH), 0xffffffff80000000, 36, 0x08000000},
	{K64(BPF_ARSH, 63), MIN64, 0, MAX64},
	{X64(BPF_ARSH), MIN64, 65, 0xc000000000000000},
	{X64(BPF_ARSH), 0x4000000000000000, 62, 1},
	{K32(BPF_ARSH, 31), MIN32, 0, 0xffffffff},
	{X32(BPF_ARSH), 0x00000001f0000000, 36, 0xff000000},
	{X32(BPF_ARSH), 0xffffffff70000000, 4, 0x07000000},
	{K64(BPF_MOV, -1), A, 0, MAX64},
	{X64(BPF_MOV), A, B, B},
	{K32(BPF_MOV, -1), A, 0, 0xffffffff},
	{X32(BPF_MOV), A, B, 0x87654321},
	{EXTEND(BPF_ALU64, 8), 0, 0x1280, 0xffffffffffffff80},
	{EXTEND(BPF_ALU64, 8), 0, 0xff7f, 0x7f},
	{EXTEND(BPF_ALU64, 16), 0, 0x128000, 0xffffffffffff8000},
	{EXTEND(BPF_ALU64, 32), 0, 0x1280000000, 0xffffffff80000000},
	{EXTEND(BPF_ALU64, 32), 0, 0xffffffff7fffffff, 0x7fffffff},
	{EXTEND(BPF_ALU, 8), A, 0x1280, 0xffffff80},
	{EXTEND(BPF_ALU, 16), A, 0x128000, 0xffff8000},
	{EXTEND(BPF_ALU, 16), A, 0x127fff, 0x7fff},
	{INSN(BPF_ALU64 | BPF_NEG, 6, 0, 0, 0), 1, 0, MAX64},
	{INSN(BPF_ALU64 | BPF_NEG, 6, 0, 0, 0), MIN64, 0, MIN64},
	{INSN(BPF_ALU | BPF_NEG, 6, 0, 0, 0), 0xffffffff00000001, 0, 0xffffffff},
	{INSN(BPF_ALU | BPF_NEG, 6, 0, 0, 0), MIN32, 0, MIN32},
	{SWAP(BPF_ALU | BPF_TO_LE, 16), A, 0, 0xdef0},
	{SWAP(BPF_ALU | BPF_TO_LE, 32), A, 0, 0x9abcdef0},
	{SWAP(BPF_ALU | BPF_TO_LE, 64), A, 0, A},
	{SWAP(BPF_ALU | BPF_TO_BE, 16), A, 0, 0xf0de},
	{SWAP(BPF_ALU | BPF_TO_BE, 32), A, 0, 0xf0debc9a},
	{SWAP(BPF_ALU | BPF_TO_BE, 64), A, 0, 0xf0debc9a78563412},
	{SWAP(BPF_ALU64, 16), A, 0, 0xf0de},
	{SWAP(BPF_ALU64, 32), A, 0, 0xf0debc9a},
	{SWAP(BPF_ALU64, 64), A, 0, 0xf0debc9a78563412},
};
/* clang-format on */

static uint64_t compute(const struct row *row, uint32_t flags)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(24, 5),
		LDX(BPF_DW, 6, 2, 0),
		LDX(BPF_DW, 7, 2, 8),
		row->insn,
		STX(BPF_DW, 2, 16, 6),
		MOV_K(0, 1),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, flags);
	struct bpfe_result result;
	struct frame f;
	uint64_t value;

	frame_init(&f);
	memcpy(f.xdp.data, &row->a, 8);
	memcpy(f.xdp.data + 8, &row->b, 8);
	result = run(prog, &f);
	assert_int_equal(result.retval, 1);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.insns, 12);
	memcpy(&value, f.xdp.data + 16, 8);
	bpfe_program_put(prog);
	return value;
}

static void check_rows(uint32_t flags)
{
	char text[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = compute(&rows[i], flags);

		if (value == rows[i].expected)
			continue;
		bpfe_disasm(&rows[i].insn, 1, text, sizeof(text));
		fail_msg("row %zu, %s of %#llx, %#llx: %#llx, expected %#llx", i, text,
			 (unsigned long long)rows[i].a, (unsigned long long)rows[i].b,
			 (unsigned long long)value, (unsigned long long)rows[i].expected);
	}
}

static void test_rows(void **state)
{
	check_rows(0);
}

static void test_rows_checked(void **state)
{
	check_rows(BPFE_LOAD_CHECKED);
}

static void test_ld_imm64(void **state)
{
	const struct bpf_insn insns[] = {
		LD64(0, A),
		ALU64_K(BPF_RSH, 0, 36),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	result = run(prog, &f);
	assert_int_equal(result.retval, 0x1234567);
	/* Two slots, one instruction. */
	assert_int_equal(result.insns, 3);
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_checked),
		cmocka_unit_test(test_ld_imm64),
	};

	return cmocka_run_group_tests_name("alu", tests, group_setup, group_teardown);
}
