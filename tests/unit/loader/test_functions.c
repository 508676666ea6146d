// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>

static void programs_and_sections(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);

	assert_int_equal(bpfe_object_n_programs(obj), 3);
	assert_string_equal(bpfe_object_program_section(obj, object_program(obj, "calls_both")),
			    "xdp");
	assert_string_equal(bpfe_object_program_section(obj, object_program(obj, "calls_one")),
			    "xdp/second");
	assert_string_equal(bpfe_object_program_section(obj, object_program(obj, "calls_none")),
			    "xdp/second");
	assert_null(bpfe_object_program_name(obj, 3));
	assert_null(bpfe_object_program_section(obj, 3));
	bpfe_object_close(obj);
	image_free(&image);
}

static void section_of_part_instructions(void **state)
{
	struct image image = image_load("maps");
	Elf64_Shdr *section = image_section(&image, "xdp");

	section->sh_size -= 1;
	image_symbol(&image, "use_maps")->st_size -= 8;
	image_expect_refused(
		&image, "section xdp: size %#llx is not a multiple of an instruction's 8 bytes",
		(unsigned long long)section->sh_size);
}

static void function_of_part_instructions(void **state)
{
	struct image image = image_load("maps");

	image_symbol(&image, "use_maps")->st_value = 4;
	image_symbol(&image, "use_maps")->st_size = 8;
	image_expect_refused(&image, "section xdp, symbol 'use_maps': 0x8 bytes at offset 0x4 are "
				     "not whole instructions");
}

static void function_of_no_instructions(void **state)
{
	struct image image = image_load("maps");

	image_symbol(&image, "use_maps")->st_size = 0;
	image_expect_refused(&image, "section xdp, symbol 'use_maps': 0 bytes at offset 0 are not "
				     "whole instructions");
}

/* What is static is no program, wherever it is. */
static void static_function_beside_programs(void **state)
{
	struct image image = image_load("functions");
	struct bpfe_object *obj = image_open(&image);

	assert_int_equal(bpfe_object_n_programs(obj), 2);
	assert_string_equal(bpfe_object_program_name(obj, 0), "passes_callbacks");
	assert_string_equal(bpfe_object_program_name(obj, 1), "calls_beside");
	bpfe_object_close(obj);
	image_free(&image);
}

static void function_outside_of_code(void **state)
{
	struct image image = image_load("maps");

	image_symbol(&image, "flows")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	image_expect_refused(&image, "section .maps, symbol 'flows': a function in a section that "
				     "holds no code");
}

static void functions_overlap(void **state)
{
	struct image image = image_load("calls");
	Elf64_Sym *first = image_symbol(&image, "calls_one");

	first->st_size += 8;
	image_expect_refused(
		&image,
		"section xdp/second: functions 'calls_one' and 'calls_none' overlap at "
		"offset %#llx",
		(unsigned long long)first->st_size - 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_and_sections),
		cmocka_unit_test(section_of_part_instructions),
		cmocka_unit_test(function_of_part_instructions),
		cmocka_unit_test(function_of_no_instructions),
		cmocka_unit_test(static_function_beside_programs),
		cmocka_unit_test(function_outside_of_code),
		cmocka_unit_test(functions_overlap),
	};

	return run_tests_on_objects(tests);
}
