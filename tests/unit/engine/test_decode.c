/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* isa/decode.c and isa/decode_flow.c: one refusal per rule, with its whole message. */
#include "harness.h"

struct refusal {
	const char *text;
	enum bpfe_reason reason;
	uint32_t insn;
	struct bpf_insn insns[8];
	unsigned n;
};

#define ENCODING BPFE_BAD_ENCODING
#define CONTROL  BPFE_BAD_CONTROL

/* clang-format off */
static const struct refusal encodings[] = {
	{"insn 0: opcode 0xff is not a BPF instruction\n", ENCODING, 0,
	 {INSN(0xff, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0x00 is not a BPF instruction\n", ENCODING, 0,
	 {INSN(0, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0x86 is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_JMP32 | BPF_CALL, 0, 0, 0, 1), EXIT()}, 2},
	{"insn 0: opcode 0x0d is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_JA | BPF_X, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0x99 is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_LDX | BPF_DW | 0x80, 0, 1, 0, 0), EXIT()}, 2},
	{"insn 1: opcode 0x37 has no variant with off 2\n", ENCODING, 1,
	 {MOV_K(0, 1), INSN(BPF_ALU64 | BPF_DIV | BPF_K, 0, 0, 2, 1), EXIT()}, 3},
	{"insn 0: opcode 0x07 has no variant with off 1\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 1, 1), EXIT()}, 2},
	{"insn 0: opcode 0xbc has no variant with off 32\n", ENCODING, 0,
	 {INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 32, 0), EXIT()}, 2},
	{"insn 0: opcode 0xb7 has no variant with off 8\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 8, 0), EXIT()}, 2},
	{"insn 0: opcode 0xd4 has no variant with imm 24\n", ENCODING, 0,
	 {INSN(BPF_ALU | BPF_END | BPF_TO_LE, 0, 0, 0, 24), EXIT()}, 2},
	{"insn 0: opcode 0xdb has no variant with imm 2\n", ENCODING, 0,
	 {INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -8, 2), EXIT()}, 2},
	{"insn 0: opcode 0x85 has no variant with src_reg 3\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL, 0, 3, 0, 1), EXIT()}, 2},
	{"insn 0: opcode 0x18 has no variant with src_reg 9\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 9, 0, 1), INSN(0, 0, 0, 0, 0), EXIT()}, 3},
	{"insn 0: reserved field src_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 1, 0, 1), EXIT()}, 2},
	{"insn 0: reserved field imm is 5, must be 0\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 5), EXIT()}, 2},
	{"insn 0: reserved field src_reg is 2, must be 0\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_NEG, 0, 2, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field off is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_ALU | BPF_NEG, 0, 0, 1, 0), EXIT()}, 2},
	{"insn 0: reserved field imm is -1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 1, 0, -1), EXIT()}, 2},
	{"insn 0: reserved field src_reg is 4, must be 0\n", ENCODING, 0,
	 {INSN(BPF_ST | BPF_MEM | BPF_W, 10, 4, -4, 1), EXIT()}, 2},
	{"insn 0: reserved field imm is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_STX | BPF_MEM | BPF_W, 10, 1, -4, 1), EXIT()}, 2},
	{"insn 0: reserved field src_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0, 1), EXIT()}, 2},
	{"insn 0: reserved field imm is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0, 1), EXIT()}, 2},
	{"insn 0: reserved field imm is 3, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_JA, 0, 0, 0, 3), EXIT()}, 2},
	{"insn 0: reserved field off is 3, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP32 | BPF_JA, 0, 0, 3, 0), EXIT()}, 2},
	{"insn 0: reserved field dst_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL, 1, 0, 0, 1), EXIT()}, 2},
	{"insn 0: reserved field off is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL, 0, 1, 1, 1), EXIT()}, 2},
	{"insn 0: reserved field imm is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 1)}, 1},
	{"insn 0: register r11 does not exist\n", ENCODING, 0,
	 {MOV_K(11, 0), EXIT()}, 2},
	{"insn 0: register r15 does not exist\n", ENCODING, 0,
	 {MOV_X(0, 15), EXIT()}, 2},
	{"insn 1: second slot of ld_imm64 is missing\n", ENCODING, 1,
	 {MOV_K(0, 0), INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0)}, 2},
	{"insn 0: second slot of ld_imm64 has more than an immediate\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0), MOV_K(0, 0), EXIT()}, 3},
	{"insn 0: second slot of ld_imm64 has more than an immediate\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0), INSN(0, 0, 0, 1, 0), EXIT()}, 3},
};

static const struct refusal unsupported[] = {
	{"insn 0: legacy packet access (BPF_ABS) is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: legacy packet access (BPF_IND) is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IND | BPF_B, 0, 1, 0, 0), EXIT()}, 2},
	{"insn 0: may_goto is not supported\n", ENCODING, 0,
	 {INSN(BPF_JMP | 0xe0, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: call by BTF id (kfunc) is not supported\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 1), EXIT()}, 2},
	{"insn 0: call through a register (callx) is not supported\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL | BPF_X, 1, 0, 0, 0), EXIT()}, 2},
	{"insn 0: load-acquire is not supported\n", ENCODING, 0,
	 {ATOMIC(BPF_DW, 0x100, 0, 0, 1), EXIT()}, 2},
	{"insn 0: load-acquire is not supported\n", ENCODING, 0,
	 {ATOMIC(BPF_B, 0x100, 0, 0, 1), EXIT()}, 2},
	{"insn 0: store-release is not supported\n", ENCODING, 0,
	 {ATOMIC(BPF_W, 0x110, 0, 0, 1), EXIT()}, 2},
	{"insn 0: address of a map value by fd is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_MAP_VALUE, 0, 1), INSN(0, 0, 0, 0, 0),
	  EXIT()}, 3},
	{"insn 0: address of a map value by index is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_MAP_IDX_VALUE, 0, 1), INSN(0, 0, 0, 0, 0),
	  EXIT()}, 3},
	{"insn 0: address of a kernel variable is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_BTF_ID, 0, 1), INSN(0, 0, 0, 0, 0), EXIT()},
	 3},
	{"insn 0: address of a program's function is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_FUNC, 0, 1), INSN(0, 0, 0, 0, 0), EXIT()},
	 3},
	{"insn 0: address space cast is not supported\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 1, 1), EXIT()}, 2},
};

static const struct refusal flows[] = {
	{"insn 1: jump to 5 is outside its function, slots 0 to 2\n", CONTROL, 1,
	 {MOV_K(0, 0), JA(3), EXIT()}, 3},
	{"insn 1: jump to -1 is outside its function, slots 0 to 2\n", CONTROL, 1,
	 {MOV_K(0, 0), JMP_K(BPF_JEQ, 0, 0, -3), EXIT()}, 3},
	{"insn 1: jump to 3 is outside its function, slots 0 to 2\n", CONTROL, 1,
	 {MOV_K(0, 0), JMP_X(BPF_JEQ, 0, 0, 1), EXIT()}, 3},
	{"insn 0: jump to 2147483648 is outside its function, slots 0 to 1\n", CONTROL, 0,
	 {GOTOL(0x7fffffff), EXIT()}, 2},
	{"insn 0: jump to -2147483647 is outside its function, slots 0 to 1\n", CONTROL, 0,
	 {GOTOL(INT32_MIN), EXIT()}, 2},
	{"insn 0: jump to 2, the second slot of a ld_imm64\n", CONTROL, 0,
	 {JA(1), LD64(0, 1), EXIT()}, 4},
	{"insn 0: call to 9 is outside the program of 2 slots\n", CONTROL, 0,
	 {CALL_LOCAL(8), EXIT()}, 2},
	{"insn 0: call to -1 is outside the program of 2 slots\n", CONTROL, 0,
	 {CALL_LOCAL(-2), EXIT()}, 2},
	{"insn 0: call to 3, the second slot of a ld_imm64\n", CONTROL, 0,
	 {CALL_LOCAL(2), EXIT(), LD64(0, 1), EXIT()}, 5},
	{"insn 1: jump to 3 is outside its function, slots 0 to 2\n", CONTROL, 1,
	 {CALL_LOCAL(2), JA(1), EXIT(), MOV_K(0, 0), EXIT()}, 5},
	{"insn 0: last instruction of the function at 0 is neither exit nor a jump\n", CONTROL, 0,
	 {MOV_K(0, 0)}, 1},
	{"insn 0: last instruction of the function at 0 is neither exit nor a jump\n", CONTROL, 0,
	 {LD64(0, 1)}, 2},
	{"insn 1: last instruction of the function at 0 is neither exit nor a jump\n", CONTROL, 1,
	 {CALL_LOCAL(1), MOV_K(0, 0), MOV_K(0, 1), EXIT()}, 4},
	{"insn 3: last instruction of the function at 3 is neither exit nor a jump\n", CONTROL, 3,
	 {CALL_LOCAL(2), MOV_K(0, 0), EXIT(), JMP_K(BPF_JEQ, 1, 0, -1)}, 4},
};
/* clang-format on */

static void refuse_all(const struct refusal *cases, size_t n)
{
	struct load l;

	for (size_t i = 0; i < n; i++) {
		load_init(&l, cases[i].insns, cases[i].n);
		load_refused(&l, -EINVAL, cases[i].reason, cases[i].insn, cases[i].text);
	}
}

static void test_encodings(void **state)
{
	refuse_all(encodings, COUNT(encodings));
}

static void test_unsupported(void **state)
{
	refuse_all(unsupported, COUNT(unsupported));
}

static void test_flow(void **state)
{
	refuse_all(flows, COUNT(flows));
}

static void test_maps(void **state)
{
	const struct bpf_insn by_index[] = {MOV_K(0, 0), LD_MAP_IDX(1, 1), EXIT()};
	const struct bpf_insn by_id[] = {MOV_K(0, 0), LD_MAP_FD(1, 8), EXIT()};
	struct bpf_insn offset[] = {MOV_K(0, 0), LD_MAP_FD(1, 7), EXIT()};
	struct bpfe_map_binding binding = {.id = 7,
					   .map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, NULL)};
	struct load l;

	load_init(&l, by_index, COUNT(by_index));
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MAP, 1,
		     "insn 1: map index 1 is out of range, 1 maps given\n");
	load_init(&l, by_id, COUNT(by_id));
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MAP, 1, "insn 1: no map has id 8\n");
	offset[2].imm = 4;
	load_init(&l, offset, COUNT(offset));
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MAP, 1,
		     "insn 1: map reference has an offset (4), must be 0\n");
	bpfe_map_put(binding.map);
}

static void test_map_references(void **state)
{
	const struct bpf_insn insns[] = {LD_MAP_FD(1, 100), LD_MAP_IDX(2, 0), LD_MAP_IDX(3, 1),
					 MOV_K(0, 0), EXIT()};
	struct bpfe_map_binding bindings[] = {
		{.id = 99, .map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, NULL)},
		{.id = 100, .map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 1, NULL)},
	};
	struct bpfe_program *prog;
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.maps = bindings;
	l.attr.n_maps = 2;
	prog = load_ok(&l);
	/* In the order of first use, each once. */
	assert_ptr_equal(bpfe_program_map(prog, 0), bindings[1].map);
	assert_ptr_equal(bpfe_program_map(prog, 1), bindings[0].map);
	assert_null(bpfe_program_map(prog, 2));
	bpfe_program_put(prog);
	bpfe_map_put(bindings[0].map);
	bpfe_map_put(bindings[1].map);
}

static const char *source_line(void *opaque, uint32_t insn)
{
	return insn == 1 ? "prog.bpf.c:12: return x;" : NULL;
}

static void test_source_line(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 0), MOV_K(12, 0), EXIT()};
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.source_line = source_line;
	load_refused(&l, -EINVAL, BPFE_BAD_ENCODING, 1,
		     "; prog.bpf.c:12: return x;\n"
		     "insn 1: register r12 does not exist\n");
}

static void test_sizes(void **state)
{
	static struct bpf_insn many[BPFE_MAX_INSNS + 1];
	const struct bpf_insn three[] = {MOV_K(0, 0), MOV_K(0, 1), EXIT()};
	struct load l;

	load_init(&l, three, 0);
	load_refused(&l, -EINVAL, BPFE_BAD_ENCODING, 0, "the program has no instructions\n");
	load_init(&l, three, 3);
	l.attr.max_insns = 2;
	load_refused(&l, -E2BIG, BPFE_TOO_LARGE, 0,
		     "the program has 3 instruction slots, at most 2 are allowed\n");
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = i + 1 < COUNT(many) ? MOV_K(0, 1) : EXIT();
	load_init(&l, many, COUNT(many));
	l.attr.max_insns = UINT32_MAX;
	load_refused(&l, -E2BIG, BPFE_TOO_LARGE, 0,
		     "the program has 65537 instruction slots, at most 65536 are allowed\n");
	load_init(&l, many + 1, BPFE_MAX_INSNS);
	bpfe_program_put(load_ok(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings),      cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_flow),           cmocka_unit_test(test_maps),
		cmocka_unit_test(test_map_references), cmocka_unit_test(test_source_line),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests_name("decode", tests, group_setup, group_teardown);
}
