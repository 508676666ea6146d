// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>

static void first_line_of_each_program(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);

	assert_string_equal(bpfe_object_source_line(obj, object_program(obj, "calls_none"), 0),
			    "calls.bpf.c:36: return XDP_PASS;");
	assert_null(bpfe_object_source_line(obj, object_program(obj, "calls_none"), 2));
	assert_null(bpfe_object_source_line(obj, 3, 0));
	bpfe_object_close(obj);
	image_free(&image);
}

static void line_of_an_appended_function(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);
	uint32_t i = object_program(obj, "calls_one");
	uint32_t own = image_symbol(&image, "calls_one")->st_size / 8;
	const char *line = bpfe_object_source_line(obj, i, own);

	assert_string_equal(line,
			    "calls.bpf.c:6: static __attribute__((noinline)) int add_five(int x)");
	/* Asked again, it is the same text. */
	assert_ptr_equal(bpfe_object_source_line(obj, i, own), line);
	bpfe_object_close(obj);
	image_free(&image);
}

static void without_line_info(void **state)
{
	struct image image = image_load("maps_without_btf");
	struct bpfe_object *obj;

	/* With no maps, no BTF is needed. */
	image_section(&image, ".maps")->sh_type = SHT_NOBITS;
	image_section(&image, ".relxdp")->sh_info = image_section_index(&image, ".strtab");
	obj = image_open(&image);
	assert_null(bpfe_object_source_line(obj, 0, 0));
	bpfe_object_close(obj);
	image_free(&image);
}

/* What clang writes into .BTF.ext: the header, then line information at a known place. */
struct ext {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t hdr_len;
	uint32_t func_info_off;
	uint32_t func_info_len;
	uint32_t line_info_off;
	uint32_t line_info_len;
};

static struct ext *ext_header(struct image *image)
{
	return image_data(image, ".BTF.ext");
}

/* Offset of the line information in the section. */
static uint32_t lines_at(struct image *image)
{
	return ext_header(image)->hdr_len + ext_header(image)->line_info_off;
}

static uint32_t *lines(struct image *image)
{
	return (uint32_t *)((uint8_t *)image_data(image, ".BTF.ext") + lines_at(image));
}

static void bad_magic(void **state)
{
	struct image image = image_load("calls");

	ext_header(&image)->magic = 0;
	image_expect_refused(&image, "section .BTF.ext, offset 0: magic is not that of BTF");
}

static void bad_version(void **state)
{
	struct image image = image_load("calls");

	ext_header(&image)->version = 9;
	image_expect_refused(&image, "section .BTF.ext, offset 0x2: unknown version or flags");
}

static void bad_header_length(void **state)
{
	struct image image = image_load("calls");

	ext_header(&image)->hdr_len = UINT32_MAX;
	image_expect_refused(&image, "section .BTF.ext, offset 0x4: header length is out of range");
}

static void truncated_header(void **state)
{
	struct image image = image_load("calls");

	image_section(&image, ".BTF.ext")->sh_size = 20;
	image_expect_refused(&image, "section .BTF.ext, offset 0: truncated header");
}

static void lines_outside_of_the_section(void **state)
{
	struct image image = image_load("calls");

	ext_header(&image)->line_info_len = UINT32_MAX;
	image_expect_refused(&image, "section .BTF.ext, offset 0x10: line information lies outside "
				     "of the section");
}

static void bad_record_size(void **state)
{
	struct image image = image_load("calls");
	uint32_t at = lines_at(&image);

	lines(&image)[0] = 12;
	image_expect_refused(&image, "section .BTF.ext, offset %#x: record size is out of range",
			     at);
}

static void huge_count(void **state)
{
	struct image image = image_load("calls");
	uint32_t at = lines_at(&image) + 4;

	lines(&image)[2] = UINT32_MAX;
	image_expect_refused(
		&image, "section .BTF.ext, offset %#x: count of lines exceeds the section", at);
}

/* Words of line information: record size, section's name, count, then records of four words. */
#define FIRST_RECORD 3

static void instruction_outside_of_its_section(void **state)
{
	struct image image = image_load("calls");
	uint32_t at = lines_at(&image) + 4 * FIRST_RECORD;

	lines(&image)[FIRST_RECORD] = 0x100000;
	image_expect_refused(&image,
			     "section .BTF.ext, offset %#x: line of an instruction outside of its "
			     "section",
			     at);
}

static void lines_out_of_order(void **state)
{
	struct image image = image_load("calls");
	uint32_t at = lines_at(&image) + 4 * (FIRST_RECORD + 4);

	assert_true(lines(&image)[2] > 1);
	lines(&image)[FIRST_RECORD + 4] = lines(&image)[FIRST_RECORD];
	image_expect_refused(&image,
			     "section .BTF.ext, offset %#x: lines are not in the order of "
			     "instructions",
			     at);
}

static void text_outside_of_the_strings(void **state)
{
	struct image image = image_load("calls");
	uint32_t at = lines_at(&image) + 4 * FIRST_RECORD;

	lines(&image)[FIRST_RECORD + 2] = 0x7fffffff;
	image_expect_refused(
		&image,
		"section .BTF.ext, offset %#x: file name or text lies outside of BTF's "
		"strings",
		at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_line_of_each_program),
		cmocka_unit_test(line_of_an_appended_function),
		cmocka_unit_test(without_line_info),
		cmocka_unit_test(bad_magic),
		cmocka_unit_test(bad_version),
		cmocka_unit_test(bad_header_length),
		cmocka_unit_test(truncated_header),
		cmocka_unit_test(lines_outside_of_the_section),
		cmocka_unit_test(bad_record_size),
		cmocka_unit_test(huge_count),
		cmocka_unit_test(instruction_outside_of_its_section),
		cmocka_unit_test(lines_out_of_order),
		cmocka_unit_test(text_outside_of_the_strings),
	};

	return run_tests_on_objects(tests);
}
