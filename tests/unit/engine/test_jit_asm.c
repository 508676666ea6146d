/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * jit/asm_encode.c, asm_move.c: addresses and moves over all registers and sizes, read back by a
 * disassembler and as short as they can be.
 */
#include <stdio.h>
#include "asm_operands.h"

static const int32_t displacements[] = {0, 1, 127, 128, -128, -129, INT32_MAX, INT32_MIN};

/* ---- Addresses ---- */

static void each_mem(void (*check)(struct jit_asm *as, struct jit_mem mem))
{
	struct jit_asm as;
	struct jit_mem mem;

	jit_asm_init(&as);
	for (unsigned n = 0; n < 17 * 17 * COUNT(displacements); n++) {
		mem = base_disp((uint8_t)(n % 17), displacements[n / 289]);
		mem.index = (uint8_t)(n / 17 % 17);
		mem.base = mem.base == 16 ? LIR_NONE : mem.base;
		for (mem.scale = 1; mem.scale <= 8; mem.scale *= 2) {
			struct jit_mem one = mem;

			if (mem.index == 16) {
				one.index = LIR_NONE;
				one.scale = 0;
			}
			if (one.index == LIR_RSP && (one.scale > 1 || one.base == LIR_RSP))
				continue;
			check(&as, one);
		}
	}
	jit_asm_free(&as);
}

static void check_load(struct jit_asm *as, struct jit_mem mem)
{
	jit_load(as, 8, LIR_R9, mem);
	asm_expect(as, 2 + mem_bytes(mem), "mov r9, %s", mem_text(8, mem));
	jit_load(as, 4, LIR_RBP, mem);
	asm_expect(as, mem_extended(mem) + 1 + mem_bytes(mem), "mov ebp, %s", mem_text(4, mem));
}

static void check_store_imm(struct jit_asm *as, struct jit_mem mem)
{
	jit_store_i(as, 8, mem, -77777);
	asm_expect(as, 2 + mem_bytes(mem) + 4, "mov %s, -77777", mem_text(8, mem));
}

static void test_addresses(void **state)
{
	each_mem(check_load);
	each_mem(check_store_imm);
}

/* The corners by their bytes, counted by hand. */
static void test_address_corners(void **state)
{
	static const struct {
		struct jit_mem mem;
		uint8_t bytes[8];
		unsigned n;
	} corners[] = {
		{{LIR_RAX, LIR_NONE, 0, 0}, {0x8b, 0x08}, 2},
		{{LIR_RSP, LIR_NONE, 0, 0}, {0x8b, 0x0c, 0x24}, 3},
		{{LIR_RSP, LIR_NONE, 0, 8}, {0x8b, 0x4c, 0x24, 8}, 4},
		{{LIR_R12, LIR_NONE, 0, 0}, {0x41, 0x8b, 0x0c, 0x24}, 4},
		{{LIR_RBP, LIR_NONE, 0, 0}, {0x8b, 0x4d, 0}, 3},
		{{LIR_R13, LIR_NONE, 0, 0}, {0x41, 0x8b, 0x4d, 0}, 4},
		{{LIR_RBP, LIR_RAX, 1, 0}, {0x8b, 0x0c, 0x28}, 3},
		{{LIR_RBP, LIR_RAX, 2, 0}, {0x8b, 0x4c, 0x45, 0}, 4},
		{{LIR_RAX, LIR_RSP, 1, 0}, {0x8b, 0x0c, 0x04}, 3},
		{{LIR_NONE, LIR_RDX, 2, 0}, {0x8b, 0x0c, 0x12}, 3},
		{{LIR_NONE, LIR_RDX, 1, 5}, {0x8b, 0x4a, 5}, 3},
		{{LIR_NONE, LIR_RDX, 4, 0}, {0x8b, 0x0c, 0x95, 0, 0, 0, 0}, 7},
		{{LIR_NONE, LIR_NONE, 0, 64}, {0x8b, 0x0c, 0x25, 64, 0, 0, 0}, 7},
		{{LIR_RAX, LIR_NONE, 0, -128}, {0x8b, 0x48, 0x80}, 3},
		{{LIR_RAX, LIR_NONE, 0, 128}, {0x8b, 0x88, 0x80, 0, 0, 0}, 6},
		{{LIR_R8, LIR_R13, 8, 0}, {0x43, 0x8b, 0x0c, 0xe8}, 4},
	};
	struct jit_asm as;
	uint8_t code[16];

	for (size_t i = 0; i < COUNT(corners); i++) {
		jit_asm_init(&as);
		jit_load(&as, 4, LIR_RCX, corners[i].mem);
		assert_int_equal(jit_asm_finish(&as, 0, code), corners[i].n);
		assert_memory_equal(code, corners[i].bytes, corners[i].n);
		jit_asm_free(&as);
	}
}

static void test_bad_operands(void **state)
{
	static const struct jit_mem bad[] = {
		{LIR_RAX, LIR_RSP, 2, 0}, {LIR_RSP, LIR_RSP, 1, 0}, {LIR_FP, LIR_NONE, 0, 0},
		{LIR_RAX, LIR_FP, 1, 0},  {LIR_RAX, LIR_RCX, 3, 0}, {LIR_RAX, LIR_RCX, 0, 0},
	};
	struct jit_asm as;
	uint8_t code[16];

	for (size_t i = 0; i < COUNT(bad); i++) {
		jit_asm_init(&as);
		jit_load(&as, 8, LIR_RAX, bad[i]);
		assert_true(as.failed);
		jit_ret(&as);
		assert_int_equal(jit_asm_finish(&as, 0, code), 0);
		jit_asm_free(&as);
	}
	jit_asm_init(&as);
	jit_alu_rr(&as, JIT_ADD, 8, LIR_RAX, LIR_FP);
	assert_true(as.failed);
	jit_asm_free(&as);
}

/* ---- Moves ---- */

static void check_mov(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	jit_mov_rr(as, 4, dst, src);
	asm_expect(as, prefixes_rr(4, dst, src) + 2, "mov %s, %s", reg_name(4, dst),
		   reg_name(4, src));
	jit_mov_rr(as, 8, dst, src);
	asm_expect(as, dst == src ? 0 : 3, "mov %s, %s", reg_name(8, dst), reg_name(8, src));
}

static void check_extend(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	bool both_rax = dst == LIR_RAX && src == LIR_RAX;

	for (unsigned from = 1; from <= 2; from++) {
		unsigned rex = prefixes_rr(4, dst, src) || rex_byte(from, src);

		jit_movzx(as, from, dst, src);
		asm_expect(as, rex + 3, "movzx %s, %s", reg_name(4, dst), reg_name(from, src));
		jit_movsx(as, from, 8, dst, src);
		asm_expect(as, 4, "movsx %s, %s", reg_name(8, dst), reg_name(from, src));
		jit_movsx(as, from, 4, dst, src);
		if (from == 2 && both_rax)
			asm_expect(as, 1, "cwde");
		else
			asm_expect(as, rex + 3, "movsx %s, %s", reg_name(4, dst),
				   reg_name(from, src));
	}
	jit_movzx(as, 4, dst, src);
	asm_expect(as, prefixes_rr(4, dst, src) + 2, "mov %s, %s", reg_name(4, dst),
		   reg_name(4, src));
	jit_movsx(as, 4, 8, dst, src);
	if (both_rax)
		asm_expect(as, 2, "cdqe");
	else
		asm_expect(as, 3, "movsxd %s, %s", reg_name(8, dst), reg_name(4, src));
}

static void check_xchg(struct jit_asm *as, uint8_t a, uint8_t b)
{
	uint8_t other = a == LIR_RAX ? b : a;
	char text[64];

	if (a == b) {
		jit_xchg_rr(as, 8, a, b);
		asm_expect(as, 0, "-");
		jit_xchg_rr(as, 4, a, b);
		asm_expect(as, prefixes_rr(4, a, b) + 2, "xchg %s, %s", reg_name(4, a),
			   reg_name(4, b));
		return;
	}
	for (size_t i = 0; i < COUNT(wide); i++) {
		bool brief = a == LIR_RAX || b == LIR_RAX;

		jit_xchg_rr(as, wide[i], a, b);
		snprintf(text, sizeof(text), "xchg %s, %s", reg_name(wide[i], brief ? LIR_RAX : a),
			 reg_name(wide[i], brief ? other : b));
		asm_expect(as, prefixes_rr(wide[i], a, b) + (brief ? 1 : 2), "%s", text);
	}
}

static const char *const conditions[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
					   "s", "ns", "p", "np", "l", "ge", "le", "g"};

static void check_cmov(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	for (uint8_t cond = 0; cond < 16; cond++) {
		for (size_t i = 0; i < COUNT(wide); i++) {
			jit_cmov(as, wide[i], cond, dst, src);
			asm_expect(as, prefixes_rr(wide[i], dst, src) + 3, "cmov%s %s, %s",
				   conditions[cond], reg_name(wide[i], dst),
				   reg_name(wide[i], src));
		}
	}
	jit_cmov(as, 8, LIR_TESTNZ, dst, src);
	asm_expect(as, 4, "cmovne %s, %s", reg_name(8, dst), reg_name(8, src));
}

static void test_moves(void **state)
{
	each_pair(check_mov);
	each_pair(check_extend);
	each_pair(check_xchg);
	each_pair(check_cmov);
}

static void test_constants(void **state)
{
	struct jit_asm as;

	jit_asm_init(&as);
	EACH_REG(reg)
	{
		unsigned rex = reg >= 8;

		jit_mov_ri(&as, reg, 0);
		asm_expect(&as, 2 + rex, "xor %s, %s", reg_name(4, reg), reg_name(4, reg));
		jit_mov_ri_flags(&as, reg, 0);
		asm_expect(&as, 5 + rex, "mov %s, 0", reg_name(4, reg));
		jit_mov_ri(&as, reg, 1);
		asm_expect(&as, 5 + rex, "mov %s, 1", reg_name(4, reg));
		jit_mov_ri(&as, reg, UINT32_MAX);
		asm_expect(&as, 5 + rex, "mov %s, -1", reg_name(4, reg));
		jit_mov_ri(&as, reg, (uint64_t)-1);
		asm_expect(&as, 7, "mov %s, -1", reg_name(8, reg));
		jit_mov_ri(&as, reg, 0xffffffff80000000u);
		asm_expect(&as, 7, "mov %s, -2147483648", reg_name(8, reg));
		jit_mov_ri(&as, reg, 0xffffffff7fffffffu);
		asm_expect(&as, 10, "movabs %s, -2147483649", reg_name(8, reg));
		jit_mov_ri(&as, reg, 0x100000000u);
		asm_expect(&as, 10, "movabs %s, 4294967296", reg_name(8, reg));
	}
	jit_asm_free(&as);
}

static void check_load_sizes(struct jit_asm *as, uint8_t reg, uint8_t base)
{
	struct jit_mem mem = base_disp(base, 8);
	unsigned rex = prefixes_rm(4, reg, mem), bytes = mem_bytes(mem);

	jit_load(as, 1, reg, mem);
	asm_expect(as, rex + 2 + bytes, "movzx %s, %s", reg_name(4, reg), mem_text(1, mem));
	jit_load(as, 2, reg, mem);
	asm_expect(as, rex + 2 + bytes, "movzx %s, %s", reg_name(4, reg), mem_text(2, mem));
	for (unsigned size = 1; size <= 2; size++) {
		jit_load_sx(as, size, 4, reg, mem);
		asm_expect(as, rex + 2 + bytes, "movsx %s, %s", reg_name(4, reg),
			   mem_text(size, mem));
		jit_load_sx(as, size, 8, reg, mem);
		asm_expect(as, 3 + bytes, "movsx %s, %s", reg_name(8, reg), mem_text(size, mem));
	}
	jit_load_sx(as, 4, 4, reg, mem);
	asm_expect(as, rex + 1 + bytes, "mov %s, %s", reg_name(4, reg), mem_text(4, mem));
	jit_load_sx(as, 4, 8, reg, mem);
	asm_expect(as, 2 + bytes, "movsxd %s, %s", reg_name(8, reg), mem_text(4, mem));
}

static void check_store_sizes(struct jit_asm *as, uint8_t reg, uint8_t base)
{
	struct jit_mem mem = base_disp(base, 200);

	for (size_t i = 0; i < COUNT(all_sizes); i++) {
		unsigned size = all_sizes[i];

		jit_store(as, size, mem, reg);
		asm_expect(as, prefixes_rm(size, reg, mem) + 1 + mem_bytes(mem), "mov %s, %s",
			   mem_text(size, mem), reg_name(size, reg));
		jit_store_i(as, size, mem, -2);
		asm_expect(as, prefixes_m(size, mem) + 1 + mem_bytes(mem) + imm_bytes(size),
			   "mov %s, -2", mem_text(size, mem));
	}
}

static void check_movbe_lea_cmov(struct jit_asm *as, uint8_t reg, uint8_t base)
{
	struct jit_mem mem = base_disp(base, -4);

	for (size_t i = 1; i < COUNT(all_sizes); i++) {
		unsigned size = all_sizes[i];

		jit_movbe_load(as, size, reg, mem);
		asm_expect(as, prefixes_rm(size, reg, mem) + 3 + mem_bytes(mem), "movbe %s, %s",
			   reg_name(size, reg), mem_text(size, mem));
	}
	for (size_t i = 0; i < COUNT(wide); i++) {
		unsigned size = wide[i];

		jit_lea(as, size, reg, mem);
		asm_expect(as, prefixes_rm(size, reg, mem) + 1 + mem_bytes(mem), "lea %s, %s",
			   reg_name(size, reg), mem_text(size, mem));
		jit_cmov_m(as, size, LIR_A, reg, mem);
		asm_expect(as, prefixes_rm(size, reg, mem) + 2 + mem_bytes(mem), "cmova %s, %s",
			   reg_name(size, reg), mem_text(size, mem));
	}
	/* Nothing to add: a move. */
	jit_lea(as, 4, reg, base_disp(base, 0));
	asm_expect(as, prefixes_rr(4, reg, base) + 2, "mov %s, %s", reg_name(4, reg),
		   reg_name(4, base));
}

static void test_memory(void **state)
{
	each_pair(check_load_sizes);
	each_pair(check_store_sizes);
	each_pair(check_movbe_lea_cmov);
}

static void test_one_register(void **state)
{
	struct jit_asm as;

	jit_asm_init(&as);
	EACH_REG(reg)
	{
		jit_push(&as, reg);
		asm_expect(&as, 1 + (reg >= 8), "push %s", reg_name(8, reg));
		jit_pop(&as, reg);
		asm_expect(&as, 1 + (reg >= 8), "pop %s", reg_name(8, reg));
		for (uint8_t cond = 0; cond < 16; cond++) {
			jit_setcc(&as, cond, reg);
			asm_expect(&as, prefixes_r(1, reg) + 3, "set%s %s", conditions[cond],
				   reg_name(1, reg));
		}
		for (size_t i = 0; i < COUNT(wide); i++) {
			jit_bswap(&as, wide[i], reg);
			asm_expect(&as, prefixes_r(wide[i], reg) + 2, "bswap %s",
				   reg_name(wide[i], reg));
		}
	}
	jit_asm_free(&as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),    cmocka_unit_test(test_address_corners),
		cmocka_unit_test(test_bad_operands), cmocka_unit_test(test_moves),
		cmocka_unit_test(test_constants),    cmocka_unit_test(test_memory),
		cmocka_unit_test(test_one_register),
	};

	return cmocka_run_group_tests_name("jit asm", tests, NULL, NULL);
}
