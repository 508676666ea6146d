// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void not_elf(void **state)
{
	struct image image = image_load("maps");

	image.bytes[0] = '#';
	image_expect_refused(&image,
			     "not an ELF file; build the program with `clang -O2 -g -target "
			     "bpf -c`");
}

static void shorter_than_a_header(void **state)
{
	struct image image = image_load("maps");

	image.size = 63;
	image_expect_refused(&image, "file of 63 bytes, an ELF header alone has 64");
}

static void empty(void **state)
{
	struct image image = image_load("maps");

	image.size = 0;
	image_expect_refused(&image, "file of 0 bytes, an ELF header alone has 64");
}

static void wrong_class(void **state)
{
	struct image image = image_load("maps");

	image.bytes[EI_CLASS] = ELFCLASS32;
	image_expect_refused(&image, "ELF header: class 1, BPF objects have class 2 (64-bit)");
}

static void wrong_endianness(void **state)
{
	struct image image = image_load("maps");

	image.bytes[EI_DATA] = ELFDATA2MSB;
	image_expect_refused(&image, "ELF header: data encoding 2, only 1 (little-endian) is "
				     "accepted; build with -target bpfel");
}

static void wrong_machine(void **state)
{
	struct image image = image_load("maps");

	image_header(&image)->e_machine = EM_X86_64;
	image_expect_refused(&image,
			     "ELF header: machine 62, BPF is 247; build with `clang -target "
			     "bpf`");
}

static void wrong_type(void **state)
{
	struct image image = image_load("maps");

	image_header(&image)->e_type = ET_EXEC;
	image_expect_refused(&image, "ELF header: type 2, an object file has type 1");
}

static void no_sections(void **state)
{
	struct image image = image_load("maps");

	image_header(&image)->e_shnum = 0;
	image_expect_refused(&image, "ELF header: no section table");
}

static void section_headers_of_wrong_size(void **state)
{
	struct image image = image_load("maps");

	image_header(&image)->e_shentsize = 40;
	image_expect_refused(&image, "ELF header: section headers of 40 bytes, they have 64");
}

static void more_sections_than_fit(void **state)
{
	struct image image = image_load("maps");

	image_header(&image)->e_shnum = 0xfeff;
	image_expect_refused(&image,
			     "ELF header: 65279 section headers at offset %#llx do not fit into a "
			     "file of %zu bytes: truncated?",
			     (unsigned long long)image_header(&image)->e_shoff, image.size);
}

static void section_table_beyond_the_end(void **state)
{
	struct image image = image_load("maps");

	image_header(&image)->e_shoff = UINT64_MAX - 7;
	image_expect_refused(
		&image,
		"ELF header: %u section headers at offset 0xfffffffffffffff8 do not fit "
		"into a file of %zu bytes: truncated?",
		image_header(&image)->e_shnum, image.size);
}

static void names_in_no_section(void **state)
{
	struct image image = image_load("maps");
	unsigned n = image_header(&image)->e_shnum;

	image_header(&image)->e_shstrndx = n;
	image_expect_refused(
		&image,
		"ELF header: section %u should hold the section names, the file has %u "
		"sections",
		n, n);
}

/* Every length a copy can stop at is refused, whatever the reason. */
static void every_truncation(void **state)
{
	struct image image = image_load("maps");

	for (size_t size = 0; size < image.size; size++) {
		/* A copy of just that size, so that a sanitizer sees what is read beyond. */
		uint8_t *bytes = malloc(size + !size);
		struct bpfe_object *obj;

		assert_non_null(bytes);
		memcpy(bytes, image.bytes, size);
		assert_int_equal(bpfe_object_open(bytes, size, &obj, NULL), -EINVAL);
		assert_null(obj);
		free(bytes);
	}
	image_free(&image);
}

static void section_name_out_of_range(void **state)
{
	struct image image = image_load("maps");
	uint32_t index = image_section_index(&image, "xdp");

	image_section(&image, "xdp")->sh_name = 0x7fffffff;
	image_expect_refused(&image,
			     "section %u: its name, at offset 0x7fffffff of the section names, is "
			     "not a terminated string",
			     index);
}

static void section_names_unterminated(void **state)
{
	struct image image = image_load("maps");
	const Elf64_Shdr *names = image_section(&image, ".strtab");

	/* The last name runs into the end of the table. */
	image.bytes[names->sh_offset + names->sh_size - 1] = 'x';
	image.bytes[names->sh_offset + names->sh_size - 2] = 'x';
	image_section(&image, "xdp")->sh_name = names->sh_size - 2;
	image_expect_refused(&image,
			     "section %u: its name, at offset %#llx of the section names, is not a "
			     "terminated string",
			     3u, (unsigned long long)names->sh_size - 2);
}

static void section_beyond_the_end(void **state)
{
	struct image image = image_load("maps");
	Elf64_Shdr *section = image_section(&image, "xdp");

	section->sh_size = image.size;
	image_expect_refused(
		&image,
		"section xdp: %#zx bytes at offset %#llx do not fit into a file of %zu "
		"bytes: truncated?",
		image.size, (unsigned long long)section->sh_offset, image.size);
}

static void section_offset_wraps(void **state)
{
	struct image image = image_load("maps");
	Elf64_Shdr *section = image_section(&image, "xdp");

	section->sh_offset = UINT64_MAX - 15;
	section->sh_size = 32;
	image_expect_refused(
		&image,
		"section xdp: 0x20 bytes at offset 0xfffffffffffffff0 do not fit into a "
		"file of %zu bytes: truncated?",
		image.size);
}

static void sections_overlap(void **state)
{
	struct image image = image_load("maps");

	image_section(&image, "license")->sh_offset = image_section(&image, "xdp")->sh_offset + 8;
	image_expect_refused(&image, "sections xdp and license overlap in the file");
}

static void section_compressed(void **state)
{
	struct image image = image_load("maps");

	image_section(&image, "xdp")->sh_flags |= SHF_COMPRESSED;
	image_expect_refused(&image, "section xdp: compressed, which is not supported");
}

static void no_symbol_table(void **state)
{
	struct image image = image_load("maps");

	image_section(&image, ".symtab")->sh_type = SHT_PROGBITS;
	image_expect_refused(&image, "no symbol table: programs cannot be found (do not strip the "
				     "object)");
}

static void two_symbol_tables(void **state)
{
	struct image image = image_load("maps");

	image_section(&image, "license")->sh_type = SHT_SYMTAB;
	image_expect_refused(&image, "sections license and .symtab are both symbol tables");
}

static void symbol_table_of_odd_size(void **state)
{
	struct image image = image_load("maps");
	Elf64_Shdr *table = image_section(&image, ".symtab");

	table->sh_size--;
	image_expect_refused(&image, "section .symtab: size %#llx is not a multiple of 24",
			     (unsigned long long)table->sh_size);
}

static void symbol_name_out_of_range(void **state)
{
	struct image image = image_load("maps");
	Elf64_Sym *symbol = image_symbol(&image, "use_maps");
	size_t index = symbol - (Elf64_Sym *)image_data(&image, ".symtab");

	symbol->st_name = 0x10000;
	image_expect_refused(&image,
			     "section .symtab, symbol %zu: its name, at offset 0x10000 of section "
			     "%u, is not a terminated string",
			     index, image_section(&image, ".symtab")->sh_link);
}

static void symbol_in_no_section(void **state)
{
	struct image image = image_load("maps");
	Elf64_Sym *symbol = image_symbol(&image, "flows");
	size_t index = symbol - (Elf64_Sym *)image_data(&image, ".symtab");

	symbol->st_shndx = 500;
	image_expect_refused(&image,
			     "section .symtab, symbol %zu 'flows': names section 500, the file has "
			     "%u",
			     index, image_header(&image)->e_shnum);
}

static void symbol_beyond_its_section(void **state)
{
	struct image image = image_load("maps");

	image_symbol(&image, "use_maps")->st_size = UINT64_MAX - 7;
	image_expect_refused(
		&image,
		"section xdp, symbol 'use_maps': 0xfffffffffffffff8 bytes at offset 0, "
		"the section has %#llx",
		(unsigned long long)image_section(&image, "xdp")->sh_size);
}

/* One byte changed at a time: whatever happens, it ends with an answer and without a leak. */
static void change_bytes(const char *name, const uint8_t *changes, size_t n)
{
	struct image image = image_load(name);

	for (size_t at = 0; at < image.size; at++) {
		for (size_t i = 0; i < n; i++) {
			char text[256] = "";
			struct bpfe_log log = {.buf = text, .size = sizeof(text)};
			struct bpfe_object *obj;
			int ret;

			image.bytes[at] ^= changes[i];
			ret = bpfe_object_open(image.bytes, image.size, &obj, &log);
			assert_true(ret == 0 || ret == -EINVAL);
			assert_int_equal(ret == 0, obj != NULL);
			assert_int_equal(ret == 0, !text[0]);
			bpfe_object_close(obj);
			image.bytes[at] ^= changes[i];
		}
	}
	image_free(&image);
}

static void every_byte_changed(void **state)
{
	change_bytes("calls", (const uint8_t[]){0x01, 0x80, 0xff}, 3);
	change_bytes("values", (const uint8_t[]){0xff}, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_elf),
		cmocka_unit_test(shorter_than_a_header),
		cmocka_unit_test(empty),
		cmocka_unit_test(wrong_class),
		cmocka_unit_test(wrong_endianness),
		cmocka_unit_test(wrong_machine),
		cmocka_unit_test(wrong_type),
		cmocka_unit_test(no_sections),
		cmocka_unit_test(section_headers_of_wrong_size),
		cmocka_unit_test(more_sections_than_fit),
		cmocka_unit_test(section_table_beyond_the_end),
		cmocka_unit_test(names_in_no_section),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(section_name_out_of_range),
		cmocka_unit_test(section_names_unterminated),
		cmocka_unit_test(section_beyond_the_end),
		cmocka_unit_test(section_offset_wraps),
		cmocka_unit_test(sections_overlap),
		cmocka_unit_test(section_compressed),
		cmocka_unit_test(no_symbol_table),
		cmocka_unit_test(two_symbol_tables),
		cmocka_unit_test(symbol_table_of_odd_size),
		cmocka_unit_test(symbol_name_out_of_range),
		cmocka_unit_test(symbol_in_no_section),
		cmocka_unit_test(symbol_beyond_its_section),
		cmocka_unit_test(every_byte_changed),
	};

	return run_tests_on_objects(tests);
}
