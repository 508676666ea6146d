/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* An ELF file in memory that names one piece of code, for a debugger. */
#ifndef BPFE_GDB_IMAGE_H
#define BPFE_GDB_IMAGE_H

#include <elf.h>
#include <stddef.h>

#define GDB_IMAGE_NAME_LEN 64u /* NUL included; longer names are cut */

enum gdb_image_section {
	GDB_NULL,
	GDB_TEXT,
	GDB_SYMTAB,
	GDB_STRTAB,
	GDB_SHSTRTAB,
	GDB_SECTIONS
};

struct gdb_image {
	Elf64_Ehdr header;
	Elf64_Shdr sections[GDB_SECTIONS];
	Elf64_Sym symbols[2];
	char names[1 + GDB_IMAGE_NAME_LEN];
	char section_names[40];
};

/* Fill @image: @size bytes of code at @code are the function @name. */
void jit_gdb_image(struct gdb_image *image, const char *name, const void *code, size_t size);

#endif
