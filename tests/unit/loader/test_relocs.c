// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>

#define LD_IMM64 (BPF_LD | BPF_IMM | BPF_DW)

static Elf64_Rel *first_reloc(struct image *image)
{
	return image_data(image, ".relxdp");
}

static void maps_by_index(void **state)
{
	struct image image = image_load("maps");
	struct bpfe_object *obj = image_open(&image);
	const struct bpf_insn *insns;
	uint32_t n, next = 0;

	assert_int_equal(bpfe_object_program(obj, 0, &insns, &n), 0);
	/* The program looks into the maps in the order they are defined in. */
	for (uint32_t i = 0; i < n; i++) {
		if (insns[i].code != LD_IMM64)
			continue;
		assert_int_equal(insns[i].src_reg, BPF_PSEUDO_MAP_IDX);
		assert_int_equal(insns[i].imm, next++);
		assert_int_equal(insns[i + 1].imm, 0);
		i++;
	}
	assert_int_equal(next, 3);
	bpfe_object_close(obj);
	image_free(&image);
}

static void symbol_out_of_range(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);

	rel->r_info = ELF64_R_INFO(0x123456, R_BPF_64_64);
	image_expect_refused(&image,
			     "section xdp, offset %#llx: relocation names symbol 1193046, the file "
			     "has %llu",
			     (unsigned long long)rel->r_offset,
			     (unsigned long long)image_section(&image, ".symtab")->sh_size / 24);
}

static void between_instructions(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);

	rel->r_offset += 4;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: relocation of symbol 'flows' is not at an "
			     "instruction of the section",
			     (unsigned long long)rel->r_offset);
}

static void beyond_the_section(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);

	rel->r_offset = image_section(&image, "xdp")->sh_size;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: relocation of symbol 'flows' is not at an "
			     "instruction of the section",
			     (unsigned long long)rel->r_offset);
}

static void twice(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);

	rel[1].r_offset = rel[0].r_offset;
	image_expect_refused(&image, "section xdp, offset %#llx: relocated twice",
			     (unsigned long long)rel->r_offset);
}

static void second_half(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);

	rel[1].r_offset = rel[0].r_offset + 8;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: relocation of the second half of ld_imm64",
			     (unsigned long long)rel->r_offset + 8);
}

static void other_instruction(void **state)
{
	struct image image = image_load("maps");

	first_reloc(&image)->r_offset = 0;
	image_expect_refused(&image, "section xdp, offset 0: relocation of symbol 'flows' on an "
				     "instruction that takes none");
}

static void other_type(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);

	rel->r_info = ELF64_R_INFO(ELF64_R_SYM(rel->r_info), R_BPF_64_32);
	image_expect_refused(&image,
			     "section xdp, offset %#llx: relocation type 10 of symbol 'flows' on "
			     "ld_imm64, expected 1 (R_BPF_64_64)",
			     (unsigned long long)rel->r_offset);
}

static void other_symbol(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);
	size_t license =
		image_symbol(&image, "_license") - (Elf64_Sym *)image_data(&image, ".symtab");

	rel->r_info = ELF64_R_INFO(license, R_BPF_64_64);
	image_expect_blocked(&image, "use_maps", "xdp", "use_maps",
			     "'_license' in section license: neither a map nor global data; "
			     "nothing else has an address");
}

static void middle_of_a_map(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);
	uint8_t *code = image_data(&image, "xdp");

	((struct bpf_insn *)(code + rel->r_offset))->imm = 4;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: symbol 'flows' in section .maps is "
			     "not where a map begins",
			     (unsigned long long)rel->r_offset);
}

static void with_addends(void **state)
{
	struct image image = image_load("maps");

	image_section(&image, ".relxdp")->sh_type = SHT_RELA;
	image_expect_refused(&image, "section .relxdp: relocations with addends (SHT_RELA) are not "
				     "for BPF");
}

static void table_of_odd_size(void **state)
{
	struct image image = image_load("maps");

	image_section(&image, ".relxdp")->sh_size = 40;
	image_expect_refused(&image, "section .relxdp: size 0x28 is not a multiple of 16");
}

static void no_second_half(void **state)
{
	struct image image = image_load("maps");
	Elf64_Rel *rel = first_reloc(&image);
	uint64_t last = image_section(&image, "xdp")->sh_size - sizeof(struct bpf_insn);
	uint8_t *code = image_data(&image, "xdp");

	/* The last instruction, exit, becomes half a map reference. */
	((struct bpf_insn *)(code + last))->code = LD_IMM64;
	rel[2].r_offset = last;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: ld_imm64 of symbol "
			     "'a_name_longer_than_fifteen' has no second half",
			     (unsigned long long)last);
}

static void address_in_the_middle_of_a_function(void **state)
{
	struct image image = image_load("functions");
	const Elf64_Rel *rel = first_reloc(&image);
	uint8_t *code = image_data(&image, "xdp");
	struct bpf_insn *insn = (struct bpf_insn *)(code + rel->r_offset);

	insn->imm += 8;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: address of '.text': no function begins at "
			     "offset %#x of it",
			     (unsigned long long)rel->r_offset, insn->imm);
}

static void common_symbol(void **state)
{
	struct image image = image_load("maps");
	const Elf64_Rel *rel = first_reloc(&image);

	image_symbol(&image, "flows")->st_shndx = SHN_COMMON;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: symbol 'flows' is in no section of the "
			     "object (index 0xfff2); build with -fno-common",
			     (unsigned long long)rel->r_offset);
}

static void map_by_number(void **state)
{
	struct image image = image_load("maps");
	const Elf64_Rel *rel = first_reloc(&image);
	unsigned long long offset = rel->r_offset;
	uint8_t *code = image_data(&image, "xdp");

	((struct bpf_insn *)(code + offset))->src_reg = BPF_PSEUDO_MAP_IDX;
	image_section(&image, ".relxdp")->sh_info = image_section_index(&image, ".strtab");
	image_expect_blocked(&image, "use_maps", "xdp", "use_maps",
			     "'ld_imm64': the instruction refers to something by number, objects "
			     "do so by relocation");
}

/* Where the first relocated call of section xdp is. */
static struct bpf_insn *first_call(struct image *image)
{
	uint8_t *code = image_data(image, "xdp");

	return (struct bpf_insn *)(code + first_reloc(image)->r_offset);
}

static void call_into_the_middle(void **state)
{
	struct image image = image_load("calls");
	struct bpf_insn *call = first_call(&image);
	long long offset;

	call->imm++;
	offset = (call->imm + 1) * 8;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: call of '.text': no function begins at "
			     "offset %#llx of it",
			     (unsigned long long)first_reloc(&image)->r_offset, offset);
}

static void call_without_relocation_elsewhere(void **state)
{
	struct image image = image_load("calls");
	struct bpf_insn *call = first_call(&image);
	unsigned long long offset = first_reloc(&image)->r_offset;

	/* The table now belongs to a section that does not matter. */
	image_section(&image, ".relxdp")->sh_info = image_section_index(&image, ".strtab");
	call->imm = -100;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: call of its own section: no function "
			     "begins at offset %#llx of it",
			     offset, (long long)offset + 8 * (-100 + 1));
}

static void call_that_is_none(void **state)
{
	struct image image = image_load("calls");

	first_call(&image)->src_reg = 0;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: relocation type 10 of symbol '.text' on "
			     "this kind of call is not supported",
			     (unsigned long long)first_reloc(&image)->r_offset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_by_index),
		cmocka_unit_test(symbol_out_of_range),
		cmocka_unit_test(between_instructions),
		cmocka_unit_test(beyond_the_section),
		cmocka_unit_test(twice),
		cmocka_unit_test(second_half),
		cmocka_unit_test(other_instruction),
		cmocka_unit_test(other_type),
		cmocka_unit_test(other_symbol),
		cmocka_unit_test(middle_of_a_map),
		cmocka_unit_test(with_addends),
		cmocka_unit_test(table_of_odd_size),
		cmocka_unit_test(no_second_half),
		cmocka_unit_test(address_in_the_middle_of_a_function),
		cmocka_unit_test(common_symbol),
		cmocka_unit_test(map_by_number),
		cmocka_unit_test(call_into_the_middle),
		cmocka_unit_test(call_without_relocation_elsewhere),
		cmocka_unit_test(call_that_is_none),
	};

	return run_tests_on_objects(tests);
}
