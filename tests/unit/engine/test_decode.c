/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* isa/decode.c and isa/decode_flow.c: one refusal per rule, with its whole message. */
#include "harness.h"
#include "internal.h"

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
	{"insn 0: opcode 0xed is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_JMP | 0xe0 | BPF_X, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0xe6 is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_JMP32 | 0xe0, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0x38 is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_ABS | BPF_DW, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0x58 is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IND | BPF_DW, 0, 0, 0, 0), EXIT()}, 2},
	{"insn 0: opcode 0x8e is not a BPF instruction\n", ENCODING, 0,
	 {INSN(BPF_JMP32 | BPF_CALL | BPF_X, 1, 0, 0, 0), EXIT()}, 2},
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

/* Reserved fields and registers of what came after the first conformance groups. */
static const struct refusal newer[] = {
	{"insn 0: reserved field dst_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_ABS | BPF_W, 1, 0, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field src_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_ABS | BPF_B, 0, 1, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field off is 4, must be 0\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IND | BPF_H, 0, 1, 4, 0), EXIT()}, 2},
	{"insn 0: register r11 does not exist\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IND | BPF_H, 0, 11, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field dst_reg is 2, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | 0xe0, 2, 0, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field src_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | 0xe0, 0, 1, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field imm is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | 0xe0, 0, 0, 0, 1), EXIT()}, 2},
	{"insn 0: reserved field src_reg is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL | BPF_X, 1, 1, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field imm is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL | BPF_X, 0, 0, 0, 1), EXIT()}, 2},
	{"insn 0: reserved field off is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL | BPF_X, 0, 0, 1, 0), EXIT()}, 2},
	{"insn 0: register r12 does not exist\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL | BPF_X, 12, 0, 0, 0), EXIT()}, 2},
	{"insn 0: reserved field dst_reg is 3, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL, 3, 2, 0, 65536), EXIT()}, 2},
	{"insn 0: reserved field off is 1, must be 0\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_CALL, 0, 2, 1, 65536), EXIT()}, 2},
	{"insn 0: register r13 does not exist\n", ENCODING, 0,
	 {ATOMIC(BPF_W, 0x110, 1, 0, 13), EXIT()}, 2},
	{"insn 0: opcode 0xcb has no variant with imm 0\n", ENCODING, 0,
	 {ATOMIC(BPF_H, BPF_ADD, 1, 0, 2), EXIT()}, 2},
	{"insn 0: opcode 0xdb has no variant with imm 257\n", ENCODING, 0,
	 {ATOMIC(BPF_DW, 0x101, 1, 0, 2), EXIT()}, 2},
	{"insn 0: function reference has an offset (1), must be 0\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_FUNC, 0, 2), INSN(0, 0, 0, 0, 1), EXIT(),
	  EXIT()}, 4},
	{"insn 0: reserved field off is 2, must be 0\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_FUNC, 2, 2), INSN(0, 0, 0, 0, 0), EXIT(),
	  EXIT()}, 4},
	{"insn 0: no helper has id 65536\n", BPFE_BAD_HELPER, 0, {CALL(65536), EXIT()}, 2},
	{"insn 0: no helper has id -1\n", BPFE_BAD_HELPER, 0, {CALL(-1), EXIT()}, 2},
	{"insn 0: no kfunc has id 1\n", BPFE_BAD_HELPER, 0, {CALL_KFUNC(1), EXIT()}, 2},
};

static const struct refusal unsupported[] = {
	{"insn 0: address of a kernel variable is not supported\n", ENCODING, 0,
	 {INSN(BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_BTF_ID, 0, 1), INSN(0, 0, 0, 0, 0), EXIT()},
	 3},
	{"insn 0: address space cast is not supported\n", ENCODING, 0,
	 {INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 1, 1), EXIT()}, 2},
	{"insn 0: indirect jump (gotox) is not supported\n", ENCODING, 0,
	 {INSN(BPF_JMP | BPF_JA | BPF_X, 1, 0, 0, 0), EXIT()}, 2},
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
	{"insn 0: jump to 2 is outside its function, slots 0 to 1\n", CONTROL, 0,
	 {MAY_GOTO(1), EXIT()}, 2},
	{"insn 0: jump to 2, the second slot of a ld_imm64\n", CONTROL, 0,
	 {MAY_GOTO(1), LD64(0, 1), EXIT()}, 4},
	{"insn 0: address of the function at 9 is outside the program of 3 slots\n", CONTROL, 0,
	 {LD_FUNC(1, 8), EXIT()}, 3},
	{"insn 1: address of the function at -1 is outside the program of 4 slots\n", CONTROL, 1,
	 {MOV_K(0, 0), LD_FUNC(1, -3), EXIT()}, 4},
	{"insn 0: address of the function at 1, the second slot of a ld_imm64\n", CONTROL, 0,
	 {LD_FUNC(1, 0), EXIT()}, 3},
	{"insn 1: address of the main program, which nothing may call\n", CONTROL, 1,
	 {MOV_K(0, 0), LD_FUNC(1, -2), EXIT()}, 4},
	{"insn 3: jump to 4 is outside its function, slots 0 to 3\n", CONTROL, 3,
	 {LD_FUNC(1, 3), MOV_K(0, 0), JMP_K(BPF_JEQ, 0, 0, 0), EXIT(), EXIT()}, 6},
	{"insn 3: last instruction of the function at 3 is neither exit nor a jump\n", CONTROL, 3,
	 {LD_FUNC(1, 2), EXIT(), MAY_GOTO(-1)}, 4},
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

static void test_newer(void **state)
{
	refuse_all(newer, COUNT(newer));
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

static void refuse_value(struct bpfe_map *map, uint8_t pseudo, int32_t imm, int32_t offset,
			 const char *text)
{
	const struct bpf_insn insns[] = {MOV_K(0, 0),
					 INSN(BPF_LD | BPF_IMM | BPF_DW, 1, pseudo, 0, imm),
					 INSN(0, 0, 0, 0, offset), EXIT()};
	struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MAP, 1, text);
}

static void test_map_values(void **state)
{
	struct bpfe_map *one = map_new(BPF_MAP_TYPE_ARRAY, 4, 12, 1, NULL);
	struct bpfe_map *two = map_new(BPF_MAP_TYPE_ARRAY, 4, 12, 2, NULL);
	struct bpfe_map *hash = map_new(BPF_MAP_TYPE_HASH, 4, 12, 1, NULL);

	refuse_value(one, BPF_PSEUDO_MAP_VALUE, 8, 0, "insn 1: no map has id 8\n");
	refuse_value(one, BPF_PSEUDO_MAP_IDX_VALUE, 1, 0,
		     "insn 1: map index 1 is out of range, 1 maps given\n");
	refuse_value(one, BPF_PSEUDO_MAP_VALUE, 7, 12,
		     "insn 1: address at offset 12 of the value of map '', which has 12 bytes\n");
	refuse_value(one, BPF_PSEUDO_MAP_VALUE, 7, -4,
		     "insn 1: address at offset 4294967292 of the value of map '', which has 12 "
		     "bytes\n");
	refuse_value(two, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0,
		     "insn 1: address of a value of map '', which is not an array with one "
		     "entry\n");
	refuse_value(hash, BPF_PSEUDO_MAP_VALUE, 7, 0,
		     "insn 1: address of a value of map '', which is not an array with one "
		     "entry\n");
	bpfe_map_put(one);
	bpfe_map_put(two);
	bpfe_map_put(hash);
}

/* What the later passes go by: functions, whose address is taken, which value is meant. */
static void test_image(void **state)
{
	const struct bpf_insn insns[] = {
		/* 0: */ LD_FUNC(1, 8), LD_VALUE_FD(2, 7, 8),
		CALL_LOCAL(3),
		/* 5: */ LD_FUNC(3, 3), EXIT(),
		/* 8: */ EXIT(),        EXIT(),
	};
	const struct bpfe_func_info funcs[] = {{.start = 0, .name = "main", .is_global = true},
					       {.start = 9, .name = "third", .n_args = 2}};
	struct bpfe_map_binding binding = {.id = 7,
					   .map = map_new(BPF_MAP_TYPE_ARRAY, 4, 12, 1, NULL)};
	struct bpfe_image image;
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.funcs = funcs;
	l.attr.n_funcs = 2;
	assert_int_equal(bpfe_image_open(&image, &l.attr, &l.log), 0);
	assert_int_equal(bpfe_decode(&image, &binding, 1, &l.log), 0);
	assert_int_equal(image.n_subprogs, 3);
	assert_int_equal(image.subprogs[1].start, 8);
	assert_false(image.subprogs[0].is_callback);
	assert_false(image.subprogs[1].is_callback);
	assert_true(image.subprogs[2].is_callback);
	assert_int_equal(image.aux[0].callee, 2);
	assert_int_equal(image.aux[2].map_index, 0);
	assert_int_equal(image.insns[2].src_reg, BPF_PSEUDO_MAP_IDX_VALUE);
	assert_int_equal(image.insns[3].imm, 8);
	assert_string_equal(image.subprogs[0].info->name, "main");
	assert_null(image.subprogs[1].info);
	assert_string_equal(image.subprogs[2].info->name, "third");
	bpfe_image_close(&image);
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
		cmocka_unit_test(test_encodings),   cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_newer),       cmocka_unit_test(test_flow),
		cmocka_unit_test(test_maps),        cmocka_unit_test(test_map_references),
		cmocka_unit_test(test_source_line), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_map_values),  cmocka_unit_test(test_image),
	};

	return cmocka_run_group_tests_name("decode", tests, group_setup, group_teardown);
}
