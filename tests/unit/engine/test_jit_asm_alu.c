/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * jit/asm_alu.c, asm_shift.c, asm_atomic.c: every instruction over all registers, sizes and kinds
 * of immediate, read back by a disassembler and as short as it can be.
 */
#include "asm_operands.h"

static const int32_t immediates[] = {0,   1,    -1,     127,     128,       -128,
				     255, -129, 0x7fff, 0x12345, INT32_MAX, INT32_MIN};

static const struct {
	enum jit_alu op;
	const char *name;
} alu_ops[] = {{JIT_ADD, "add"}, {JIT_OR, "or"},   {JIT_AND, "and"},
	       {JIT_SUB, "sub"}, {JIT_XOR, "xor"}, {JIT_CMP, "cmp"}};

static void check_alu_rr(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	for (size_t n = 0; n < COUNT(alu_ops) * COUNT(all_sizes); n++) {
		enum jit_alu op = alu_ops[n / 4].op;
		unsigned size = all_sizes[n % 4];
		/* What clears eight bytes clears four. */
		unsigned as_if =
			dst == src && size == 8 && (op == JIT_XOR || op == JIT_SUB) ? 4 : size;

		jit_alu_rr(as, op, size, dst, src);
		asm_expect(as, prefixes_rr(as_if, dst, src) + 2, "%s %s, %s", alu_ops[n / 4].name,
			   reg_name(as_if, dst), reg_name(as_if, src));
	}
}

static void check_alu_ri(struct jit_asm *as, const char *name, enum jit_alu op, unsigned size,
			 uint8_t dst, int32_t imm)
{
	unsigned as_if = op == JIT_AND && size == 8 && imm >= 0 ? 4 : size;
	int64_t value = as_size(imm, as_if);
	bool brief = as_if == 1 || fits8(value);
	bool no_modrm = dst == LIR_RAX && (as_if == 1 || !brief);

	jit_alu_ri(as, op, size, dst, imm);
	asm_expect(as, prefixes_r(as_if, dst) + (no_modrm ? 1 : 2) + (brief ? 1 : imm_bytes(as_if)),
		   "%s %s, %lld", name, reg_name(as_if, dst), (long long)value);
}

static void check_alu_memory(struct jit_asm *as, uint8_t reg, uint8_t base)
{
	struct jit_mem mem = base_disp(base, 0);

	for (size_t n = 0; n < COUNT(alu_ops) * COUNT(all_sizes); n++) {
		const char *name = alu_ops[n / 4].name;
		enum jit_alu op = alu_ops[n / 4].op;
		unsigned size = all_sizes[n % 4];
		unsigned bytes = prefixes_rm(size, reg, mem) + 1 + mem_bytes(mem);

		jit_alu_rm(as, op, size, reg, mem);
		asm_expect(as, bytes, "%s %s, %s", name, reg_name(size, reg), mem_text(size, mem));
		jit_alu_mr(as, op, size, mem, reg);
		asm_expect(as, bytes, "%s %s, %s", name, mem_text(size, mem), reg_name(size, reg));
	}
}

static void check_alu_mi(struct jit_asm *as, const char *name, enum jit_alu op, unsigned size,
			 uint8_t base, int32_t imm)
{
	struct jit_mem mem = base_disp(base, 24);
	int64_t value = as_size(imm, size);

	jit_alu_mi(as, op, size, mem, imm);
	asm_expect(as,
		   prefixes_m(size, mem) + 1 + mem_bytes(mem) +
			   (fits8(value) ? 1 : imm_bytes(size)),
		   "%s %s, %lld", name, mem_text(size, mem), (long long)value);
}

static void test_alu_immediates(void **state)
{
	struct jit_asm as;

	jit_asm_init(&as);
	EACH_REG(reg)
	{
		for (size_t n = 0; n < COUNT(alu_ops) * COUNT(all_sizes) * COUNT(immediates); n++) {
			const char *name = alu_ops[n % 6].name;
			enum jit_alu op = alu_ops[n % 6].op;
			unsigned size = all_sizes[n / 6 % 4];

			check_alu_ri(&as, name, op, size, reg, immediates[n / 24]);
			check_alu_mi(&as, name, op, size, reg, immediates[n / 24]);
		}
	}
	jit_asm_free(&as);
}

static void test_alu(void **state)
{
	each_pair(check_alu_rr);
	each_pair(check_alu_memory);
}

static void check_test_rr(struct jit_asm *as, uint8_t a, uint8_t b)
{
	for (size_t i = 0; i < COUNT(all_sizes); i++) {
		unsigned size = all_sizes[i];

		jit_test_rr(as, size, a, b);
		asm_expect(as, prefixes_rr(size, a, b) + 2, "test %s, %s", reg_name(size, a),
			   reg_name(size, b));
	}
}

/* The operand that tells the same of @imm with fewer bytes. */
static unsigned test_size(unsigned size, int32_t imm)
{
	if (imm >= 0 && imm <= 255)
		return 1;
	return size == 8 && imm >= 0 ? 4 : size;
}

static void check_test_imm(struct jit_asm *as, unsigned size, uint8_t reg, int32_t imm)
{
	struct jit_mem mem = base_disp(reg, 1);
	unsigned as_if = test_size(size, imm);
	long long value = as_size(imm, as_if);

	jit_test_mi(as, size, mem, imm);
	asm_expect(as, prefixes_m(as_if, mem) + 1 + mem_bytes(mem) + imm_bytes(as_if),
		   "test %s, %lld", mem_text(as_if, mem), value);
	jit_test_ri(as, size, reg, imm);
	if (imm == -1)
		asm_expect(as, prefixes_r(size, reg) + 2, "test %s, %s", reg_name(size, reg),
			   reg_name(size, reg));
	else
		asm_expect(as, prefixes_r(as_if, reg) + (reg ? 2 : 1) + imm_bytes(as_if),
			   "test %s, %lld", reg_name(as_if, reg), value);
}

static void test_tests(void **state)
{
	struct jit_asm as;

	each_pair(check_test_rr);
	jit_asm_init(&as);
	EACH_REG(reg)
	{
		for (size_t n = 0; n < COUNT(all_sizes) * COUNT(immediates); n++)
			check_test_imm(&as, all_sizes[n % 4], reg, immediates[n / 4]);
	}
	jit_asm_free(&as);
}

static void test_unary(void **state)
{
	static const struct {
		void (*emit)(struct jit_asm *as, unsigned size, uint8_t reg);
		const char *name;
	} ops[] = {{jit_inc, "inc"}, {jit_dec, "dec"}, {jit_neg, "neg"},  {jit_not, "not"},
		   {jit_mul, "mul"}, {jit_div, "div"}, {jit_idiv, "idiv"}};
	struct jit_asm as;

	jit_asm_init(&as);
	EACH_REG(reg)
	{
		for (size_t n = 0; n < COUNT(ops) * COUNT(all_sizes); n++) {
			unsigned size = all_sizes[n % 4];

			ops[n / 4].emit(&as, size, reg);
			asm_expect(&as, prefixes_r(size, reg) + 2, "%s %s", ops[n / 4].name,
				   reg_name(size, reg));
		}
	}
	jit_cdq(&as, 4);
	asm_expect(&as, 1, "cdq");
	jit_cdq(&as, 8);
	asm_expect(&as, 2, "cqo");
	jit_asm_free(&as);
}

static void check_imul(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	struct jit_mem mem = base_disp(src, 0);

	for (size_t i = 0; i < COUNT(wide); i++) {
		unsigned size = wide[i], prefixes = prefixes_rr(size, dst, src);

		jit_imul_rr(as, size, dst, src);
		asm_expect(as, prefixes + 3, "imul %s, %s", reg_name(size, dst),
			   reg_name(size, src));
		jit_imul_rm(as, size, dst, mem);
		asm_expect(as, prefixes + 2 + mem_bytes(mem), "imul %s, %s", reg_name(size, dst),
			   mem_text(size, mem));
		for (size_t n = 0; n < COUNT(immediates); n++) {
			jit_imul_rri(as, size, dst, src, immediates[n]);
			asm_expect(as, prefixes + 2 + (fits8(immediates[n]) ? 1 : 4),
				   "imul %s, %s, %d", reg_name(size, dst), reg_name(size, src),
				   immediates[n]);
		}
	}
}

static void test_imul(void **state)
{
	each_pair(check_imul);
}

/* ---- Shifts ---- */

static const struct {
	enum jit_shift op;
	const char *name;
} shift_ops[] = {
	{JIT_ROL, "rol"}, {JIT_ROR, "ror"}, {JIT_SHL, "shl"}, {JIT_SHR, "shr"}, {JIT_SAR, "sar"}};

static void check_shifts(struct jit_asm *as, unsigned size, uint8_t reg)
{
	for (size_t n = 0; n < COUNT(shift_ops); n++) {
		unsigned bytes = prefixes_r(size, reg) + 2;

		jit_shift_i(as, shift_ops[n].op, size, reg, 1);
		asm_expect(as, bytes, "%s %s, 1", shift_ops[n].name, reg_name(size, reg));
		jit_shift_i(as, shift_ops[n].op, size, reg, (uint8_t)(8 * size - 1));
		asm_expect(as, bytes + 1, "%s %s, %u", shift_ops[n].name, reg_name(size, reg),
			   8 * size - 1);
		jit_shift_cl(as, shift_ops[n].op, size, reg);
		asm_expect(as, bytes, "%s %s, cl", shift_ops[n].name, reg_name(size, reg));
	}
}

static void check_shift_pairs(struct jit_asm *as, uint8_t dst, uint8_t src)
{
	for (size_t i = 0; i < COUNT(wide); i++) {
		unsigned size = wide[i];
		const char *to = reg_name(size, dst), *from = reg_name(size, src);

		jit_shld(as, size, dst, src, 13);
		asm_expect(as, prefixes_rr(size, dst, src) + 4, "shld %s, %s, 13", to, from);
		jit_rorx(as, size, dst, src, 19);
		asm_expect(as, 6, "rorx %s, %s, 19", to, from);
		EACH_REG(third)
		{
			const char *by = reg_name(size, third);

			jit_shiftx(as, JIT_SHL, size, dst, src, third);
			asm_expect(as, 5, "shlx %s, %s, %s", to, from, by);
			jit_shiftx(as, JIT_SHR, size, dst, src, third);
			asm_expect(as, 5, "shrx %s, %s, %s", to, from, by);
			jit_shiftx(as, JIT_SAR, size, dst, src, third);
			asm_expect(as, 5, "sarx %s, %s, %s", to, from, by);
			jit_andn(as, size, dst, third, src);
			asm_expect(as, 5, "andn %s, %s, %s", to, by, from);
		}
	}
}

static void test_shifts(void **state)
{
	struct jit_asm as;

	jit_asm_init(&as);
	EACH_REG(reg)
	{
		for (size_t i = 0; i < COUNT(all_sizes); i++)
			check_shifts(&as, all_sizes[i], reg);
	}
	jit_asm_free(&as);
	each_pair(check_shift_pairs);
	jit_asm_init(&as);
	jit_shiftx(&as, JIT_ROL, 8, LIR_RAX, LIR_RAX, LIR_RAX);
	assert_true(as.failed);
	jit_asm_free(&as);
}

/* ---- Atomics ---- */

static void check_atomics(struct jit_asm *as, uint8_t reg, uint8_t base)
{
	struct jit_mem mem = base_disp(base, 0);

	for (size_t i = 0; i < COUNT(all_sizes); i++) {
		unsigned size = all_sizes[i];
		unsigned bytes = prefixes_rm(size, reg, mem) + 1 + mem_bytes(mem);
		const char *from = reg_name(size, reg), *to = mem_text(size, mem);

		for (size_t n = 0; n < COUNT(alu_ops) - 1; n++) {
			jit_lock_alu_mr(as, alu_ops[n].op, size, mem, reg);
			asm_expect(as, 1 + bytes, "lock %s %s, %s", alu_ops[n].name, to, from);
		}
		jit_lock_xadd(as, size, mem, reg);
		asm_expect(as, 2 + bytes, "lock xadd %s, %s", to, from);
		jit_lock_cmpxchg(as, size, mem, reg);
		asm_expect(as, 2 + bytes, "lock cmpxchg %s, %s", to, from);
		jit_xchg_mr(as, size, mem, reg);
		asm_expect(as, bytes, "xchg %s, %s", to, from);
	}
}

static void test_atomics(void **state)
{
	struct jit_asm as;

	each_pair(check_atomics);
	jit_asm_init(&as);
	jit_lock_alu_mr(&as, JIT_CMP, 8, base_disp(LIR_RAX, 0), LIR_RAX);
	assert_true(as.failed);
	jit_asm_free(&as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alu_immediates), cmocka_unit_test(test_alu),
		cmocka_unit_test(test_tests),          cmocka_unit_test(test_unary),
		cmocka_unit_test(test_imul),           cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_atomics),
	};

	return cmocka_run_group_tests_name("jit asm alu", tests, NULL, NULL);
}
