/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Conditions of RFC 9669 section 4.3, and the three unconditional jumps. */
#include "harness.h"

struct row {
	uint8_t op;
	uint64_t a, b;
	bool wide, narrow; /* is it taken as a 64-bit, as a 32-bit condition? */
};

#define LOW_EQUAL 0x100000005ull, 0x200000005ull
#define NEGATIVE  0xffffffffffffffffull, 1ull
#define NARROW    0x00000000ffffffffull, 1ull

static const struct row rows[] = {
	{BPF_JEQ, 5, 5, true, true},
	{BPF_JEQ, 5, 6, false, false},
	{BPF_JEQ, LOW_EQUAL, false, true},
	{BPF_JNE, 5, 5, false, false},
	{BPF_JNE, 5, 6, true, true},
	{BPF_JNE, LOW_EQUAL, true, false},
	{BPF_JGT, 6, 5, true, true},
	{BPF_JGT, 5, 5, false, false},
	{BPF_JGT, NEGATIVE, true, true},
	{BPF_JGT, LOW_EQUAL, false, false},
	{BPF_JGE, 5, 5, true, true},
	{BPF_JGE, 4, 5, false, false},
	{BPF_JGE, LOW_EQUAL, false, true},
	{BPF_JLT, 5, 6, true, true},
	{BPF_JLT, 6, 6, false, false},
	{BPF_JLT, NEGATIVE, false, false},
	{BPF_JLT, LOW_EQUAL, true, false},
	{BPF_JLE, 6, 6, true, true},
	{BPF_JLE, 7, 6, false, false},
	{BPF_JLE, LOW_EQUAL, true, true},
	{BPF_JSGT, 1, 0, true, true},
	{BPF_JSGT, NEGATIVE, false, false},
	{BPF_JSGT, NARROW, true, false},
	{BPF_JSGE, NEGATIVE, false, false},
	{BPF_JSGE, 1, 1, true, true},
	{BPF_JSGE, NARROW, true, false},
	{BPF_JSLT, NEGATIVE, true, true},
	{BPF_JSLT, 1, 1, false, false},
	{BPF_JSLT, NARROW, false, true},
	{BPF_JSLE, NEGATIVE, true, true},
	{BPF_JSLE, 1, 1, true, true},
	{BPF_JSLE, NARROW, false, true},
	{BPF_JSET, 6, 2, true, true},
	{BPF_JSET, 5, 2, false, false},
	{BPF_JSET, 0xf00000000, 0xf00000000, true, false},
};

static bool taken(const struct bpf_insn *jump, uint64_t a, uint64_t b)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(16, 6),
		LDX(BPF_DW, 6, 2, 0),
		LDX(BPF_DW, 7, 2, 8),
		MOV_K(0, 10),
		*jump,
		EXIT(),
		MOV_K(0, 11),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	memcpy(f.xdp.data, &a, 8);
	memcpy(f.xdp.data + 8, &b, 8);
	result = run(prog, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_in_range(result.retval, 10, 11);
	assert_int_equal(result.insns, result.retval == 11 ? 12 : 11);
	bpfe_program_put(prog);
	return result.retval == 11;
}

static void check(size_t row, const char *form, bool is, bool expected)
{
	if (is != expected)
		fail_msg("row %zu, %s: taken %d", row, form, is);
}

static void test_registers(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const struct bpf_insn wide = JMP_X(row->op, 6, 7, 1);
		const struct bpf_insn narrow = JMP32_X(row->op, 6, 7, 1);

		check(i, "64-bit register", taken(&wide, row->a, row->b), row->wide);
		check(i, "32-bit register", taken(&narrow, row->a, row->b), row->narrow);
	}
}

static void test_immediates(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const struct bpf_insn wide = JMP_K(row->op, 6, row->b, 1);
		const struct bpf_insn narrow = JMP32_K(row->op, 6, row->b, 1);

		if (row->b != (uint64_t)(int32_t)row->b)
			continue;
		check(i, "64-bit immediate", taken(&wide, row->a, 0), row->wide);
		check(i, "32-bit immediate", taken(&narrow, row->a, 0), row->narrow);
	}
}

/* A negative immediate is sign-extended before an unsigned 64-bit comparison. */
static void test_sign_extension(void **state)
{
	const struct bpf_insn wide = JMP_K(BPF_JGE, 6, -2, 1);
	const struct bpf_insn narrow = JMP32_K(BPF_JGE, 6, -2, 1);

	assert_false(taken(&wide, 0xffffffff, 0));
	assert_true(taken(&wide, UINT64_MAX, 0));
	assert_true(taken(&narrow, 0xffffffff, 0));
	assert_false(taken(&narrow, 0x7fffffff, 0));
}

static void test_unconditional(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(0, 1), JA(2),  ALU64_K(BPF_ADD, 0, 2),
		GOTOL(1),    JA(-3), ALU64_K(BPF_ADD, 0, 4),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);

	assert_int_equal(run_value(prog), 7);
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_immediates),
		cmocka_unit_test(test_sign_extension),
		cmocka_unit_test(test_unconditional),
	};

	return cmocka_run_group_tests_name("jump", tests, group_setup, group_teardown);
}
