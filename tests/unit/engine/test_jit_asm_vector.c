/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/asm_vector.c: every instruction over all registers, read back by a disassembler. */
#include "asm_operands.h"

static void check_vectors(struct jit_asm *as, uint8_t reg, uint8_t base)
{
	static const struct {
		unsigned size;
		const char *name;
	} loads[] = {{1, "pmovzxbd"}, {2, "pmovzxwd"}, {4, "movups"}};
	struct jit_mem mem = base_disp(base, 0);
	unsigned rex = reg >= 8 || base >= 8;

	jit_pxor(as, reg, base);
	asm_expect(as, 4 + rex, "pxor xmm%u, xmm%u", reg, base);
	jit_paddd(as, reg, base);
	asm_expect(as, 4 + rex, "paddd xmm%u, xmm%u", reg, base);
	jit_pshufd(as, reg, base, 0x4e);
	asm_expect(as, 5 + rex, "pshufd xmm%u, xmm%u, 78", reg, base);
	jit_movd_to_vector(as, reg, base);
	asm_expect(as, 4 + rex, "movd xmm%u, %s", reg, reg_name(4, base));
	jit_movd_from_vector(as, base, reg);
	asm_expect(as, 4 + rex, "movd %s, xmm%u", reg_name(4, base), reg);
	for (size_t i = 0; i < COUNT(loads); i++) {
		unsigned opcode = loads[i].size == 4 ? 2 : 4;

		jit_load_words(as, loads[i].size, reg, mem);
		asm_expect(as, opcode + prefixes_rm(4, reg, mem) + mem_bytes(mem), "%s xmm%u, %s",
			   loads[i].name, reg, mem_text(4 * loads[i].size, mem));
	}
}

static void test_vectors(void **state)
{
	each_pair(check_vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
