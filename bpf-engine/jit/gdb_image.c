/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The symbol file of a compiled program: an executable whose .text is where the code lies, with one
 * symbol and no bytes of its own. It has one shape, so it is a structure.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "jit/gdb_image.h"

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";

_Static_assert(sizeof(section_names) <= sizeof(((struct gdb_image *)0)->section_names),
	       "all names fit");

static void image_header(Elf64_Ehdr *header)
{
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	header->e_type = ET_EXEC;
	header->e_machine = EM_X86_64;
	header->e_version = EV_CURRENT;
	header->e_shoff = offsetof(struct gdb_image, sections);
	header->e_ehsize = sizeof(Elf64_Ehdr);
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shnum = GDB_SECTIONS;
	header->e_shstrndx = GDB_SHSTRTAB;
}

/* A section whose contents are @size bytes at @offset of the image. */
static Elf64_Shdr image_section(uint32_t name, uint32_t type, size_t offset, size_t size)
{
	return (Elf64_Shdr){.sh_name = name,
			    .sh_type = type,
			    .sh_offset = offset,
			    .sh_size = size,
			    .sh_addralign = 1};
}

static void image_sections(struct gdb_image *image, const void *code, size_t size)
{
	Elf64_Shdr *sections = image->sections;

	/* Names by their offsets in section_names. */
	sections[GDB_TEXT] = image_section(1, SHT_NOBITS, sizeof(*image), size);
	sections[GDB_TEXT].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	sections[GDB_TEXT].sh_addr = (uintptr_t)code;
	sections[GDB_SYMTAB] = image_section(7, SHT_SYMTAB, offsetof(struct gdb_image, symbols),
					     sizeof(image->symbols));
	sections[GDB_SYMTAB].sh_addralign = 8;
	sections[GDB_SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	sections[GDB_SYMTAB].sh_link = GDB_STRTAB;
	sections[GDB_SYMTAB].sh_info = 1; /* the first symbol that is not local */
	sections[GDB_STRTAB] = image_section(15, SHT_STRTAB, offsetof(struct gdb_image, names),
					     sizeof(image->names));
	sections[GDB_SHSTRTAB] =
		image_section(23, SHT_STRTAB, offsetof(struct gdb_image, section_names),
			      sizeof(image->section_names));
}

void jit_gdb_image(struct gdb_image *image, const char *name, const void *code, size_t size)
{
	memset(image, 0, sizeof(*image));
	image_header(&image->header);
	image_sections(image, code, size);
	memcpy(image->section_names, section_names, sizeof(section_names));
	snprintf(image->names + 1, sizeof(image->names) - 1, "%s", name);
	image->symbols[1] = (Elf64_Sym){.st_name = 1,
					.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					.st_shndx = GDB_TEXT,
					.st_value = (uintptr_t)code,
					.st_size = size};
}
